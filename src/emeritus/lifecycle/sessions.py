"""Which interview sessions count, and how the others ended, from events alone. Pure."""

from collections import Counter
from collections.abc import Iterable
from typing import Final

from emeritus.record.events import SessionHeld

COMPLETE: Final = "complete"
HEARD: Final = ("answered", "declined", "premise-rejected")
"""Outcomes of an item by which the model was heard; the others are cut off, looped or failed."""


def counts(session: SessionHeld) -> bool:
    """Tell whether a session is complete, and the model was heard in at least half of its items."""
    heard = sum(session.outcomes.get(name, 0) for name in HEARD)
    return session.ended == COMPLETE and 2 * heard >= sum(session.outcomes.values())


def endings(sessions: Iterable[SessionHeld]) -> dict[str, int]:
    """Return how often sessions ended otherwise than complete, by why, the most frequent first."""
    return dict(Counter(e.ended for e in sessions if e.ended != COMPLETE).most_common())


def unheard(sessions: Iterable[SessionHeld]) -> dict[str, int]:
    """Return how many items had an outcome by which nobody was heard, the most frequent first."""
    lost: Counter[str] = Counter()
    for session in sessions:
        lost.update({k: n for k, n in session.outcomes.items() if k not in HEARD and n})
    return dict(lost.most_common())
