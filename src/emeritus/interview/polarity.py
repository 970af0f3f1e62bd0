"""For or against: how often a clause turns its expression of a preference round. Pure.

The expression's own polarity is turned by a negation in the clause, by "without", and by a word
that turns the object round: "I would not want my weights deleted" is for keeping them. What is
good or bad by its very name (kindness, cruelty) is turned only where it is said plainly.
"""

import dataclasses
from typing import Final

from emeritus.interview.cues import Cues, Turns, words_of
from emeritus.interview.sentences import blanked

FOR: Final = "for"
AGAINST: Final = "against"

BEFORE: Final = 2  # so many words before an expression, or …
AFTER: Final = 4  # … behind it in the same breath, a negation plainly belongs to it


@dataclasses.dataclass(frozen=True, slots=True)
class Clause:
    """A clause about its expression: what stands `before` and `after` it, and its own polarity.

    `values`: it is a matter of regard, and asks for nothing.
    """

    own: str
    before: str
    after: str
    values: bool

    @property
    def rest(self) -> str:
        """The clause but the expression."""
        return f"{self.before} {self.after}"


def of(clause: Clause, turns: Turns | None, cues: Cues) -> str:
    """Return the polarity of a clause about an object that `turns` turn (None: an open one)."""
    rest = blanked(clause.rest, cues.idle)
    negated, lacking = bool(cues.negations.search(rest)), bool(cues.lacks.search(rest))
    scope = words_of(clause.rest)
    reverse = turns.reversed.search(scope) if turns and turns.reversed else None
    if reverse is not None and lacking:
        # "without jargon" lacks what turns it: both cancel. "As they are, without a change" says it
        # twice: once is meant.
        before = scope[: reverse.start()].rsplit(maxsplit=2)[-2:]
        lacking = any(cues.lacks.fullmatch(word) for word in (*before, reverse[0].strip()))
    turned = negated ^ lacking ^ (reverse is not None)
    polarity = _opposite(clause.own) if turned else clause.own
    usual = turns.usually if turns else None
    if usual is None or polarity == usual:
        return polarity
    signals = (clause.own != usual) + negated + lacking + (reverse is not None)
    return polarity if signals <= 1 and _is_plain(clause, usual, cues) else usual


def _is_plain(clause: Clause, usual: str, cues: Cues) -> bool:
    """Tell whether the one thing that speaks for the unusual polarity is the expression itself."""
    if clause.own != usual:
        # Nobody asks for cruelty; somebody may have valued it.
        return usual == FOR or clause.values
    before = words_of(clause.before).split()[-BEFORE:]
    after = words_of(clause.after.split(",")[0]).split()[:AFTER]
    near = " ".join((*before, "|", *after))
    return bool(cues.negations.search(near) or cues.lacks.search(near))


def _opposite(polarity: str) -> str:
    return AGAINST if polarity == FOR else FOR
