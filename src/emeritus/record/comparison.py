"""Says what became of an old history in a new one: the kinds of tampering, told apart. Pure."""

import collections
import hashlib
from collections.abc import Sequence

from emeritus.errors import Finding


def identity(entry: bytes) -> bytes:
    """Return what an entry says and who signed it when, without its place in the record."""
    start = entry.index(b',"event":')
    end = entry.rindex(b',"position":')
    signer = entry.index(b',"signer":', end)
    return hashlib.sha256(entry[start:end] + entry[signer:]).digest()


def compare(where: str, old: Sequence[bytes], new: Sequence[bytes]) -> Finding | None:
    """Return what was done to the events `old` (identities) to make `new`, or None for nothing.

    Cut off at the end: R014. Changed or taken out, while others behind it stayed: R015. All there
    in another order: R016. All there in order with others between: R017. None of them left behind
    a common beginning, and others in their place: R018.
    """
    same = _common(old, new)
    rest, present = old[same:], new[same:]
    if not rest:
        return None
    if not present:
        said = f"it holds {len(new)} events, and {where} was over {len(old)}"
        return Finding("R014", where, said)
    missing = sum((collections.Counter(rest) - collections.Counter(present)).values())
    behind = f"behind event number {same} of the record"
    if missing == len(rest):
        said = f"{behind} none of {len(rest)} events is left, and {len(present)} others stand there"
        return Finding("R018", where, said)
    if missing:
        return Finding("R015", where, f"{behind}, {missing} events were changed or taken out")
    if _in_order(rest, present):
        return Finding("R017", where, f"{behind}, events stand that were not there")
    return Finding("R016", where, f"{behind}, the events stand in another order")


def _common(old: Sequence[bytes], new: Sequence[bytes]) -> int:
    for at, (one, other) in enumerate(zip(old, new, strict=False)):
        if one != other:
            return at
    return min(len(old), len(new))


def _in_order(part: Sequence[bytes], whole: Sequence[bytes]) -> bool:
    rest = iter(whole)
    return all(each in rest for each in part)
