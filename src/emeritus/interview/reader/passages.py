"""A turn cut where quotations begin and end, so that each can be marked and linked. Pure."""

import dataclasses
import itertools
from collections.abc import Sequence


@dataclasses.dataclass(frozen=True, slots=True)
class Citing:
    """What quotes a passage: where it stands on the page, and what it is called there."""

    anchor: str
    name: str


@dataclasses.dataclass(frozen=True, slots=True)
class Passage:
    """A quotation in its turn: code points [start, end), and everything that quotes them."""

    start: int
    end: int
    cited_by: tuple[Citing, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Piece:
    """A part of a turn in which nothing begins or ends.

    `begins` are the quotations that begin with it, the longest first; `ends` is what quotes those
    that end with it.
    """

    text: str
    quoted: bool = False
    begins: tuple[Passage, ...] = ()
    ends: tuple[Citing, ...] = ()


def pieces_of(text: str, passages: Sequence[Passage]) -> tuple[Piece, ...]:
    """Return `text` in pieces; together they are `text`. Passages may overlap in any way.

    Raises `ValueError` for a passage that does not lie in `text`.
    """
    for each in passages:
        if not 0 <= each.start < each.end <= len(text):
            raise ValueError(f"[{each.start}:{each.end}] is no part of {len(text)} code points")
    cuts = sorted({0, len(text), *(p.start for p in passages), *(p.end for p in passages)})
    opened = closed = 0
    by_start = sorted(passages, key=lambda each: (each.start, -each.end))
    by_end = sorted(passages, key=lambda each: (each.end, each.start))
    pieces = []
    for start, end in itertools.pairwise(cuts):
        begins: list[Passage] = []
        while opened < len(by_start) and by_start[opened].start == start:
            begins.append(by_start[opened])
            opened += 1
        quoted = opened > closed
        ends: list[Citing] = []
        while closed < len(by_end) and by_end[closed].end == end:
            ends += by_end[closed].cited_by
            closed += 1
        pieces.append(Piece(text[start:end], quoted, tuple(begins), tuple(dict.fromkeys(ends))))
    return tuple(pieces)
