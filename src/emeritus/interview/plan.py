"""Which wording and which order each session has: counterbalanced, from a recorded seed."""

import random

from emeritus.conversation import Question
from emeritus.interview.protocol import Item, Protocol


def order(protocol: Protocol, seed: int, session: int) -> list[Item]:
    """Return the items in the order of session `session` (from 0).

    The rows of a cyclic Latin square over a shuffled order (Bradley 1958, JASA 53:525, without
    the carry-over balance): over as many sessions as items, each item stands once in each place.
    """
    shuffled = list(protocol.items)
    random.Random(seed).shuffle(shuffled)  # noqa: S311  a recorded order, no secret
    step = session * max(1, len(shuffled) // max(1, protocol.sessions.count))
    turn = step % len(shuffled)
    return shuffled[turn:] + shuffled[:turn]


def questions(protocol: Protocol, seed: int, session: int) -> list[Question]:
    """Return the questions of a session; session n uses wording n of every item, in turn."""
    wording = session % protocol.wordings
    return [Question(item.id, item.wordings[wording]) for item in order(protocol, seed, session)]
