"""A tree in memory, written from the definition, to hold the real one against."""

from collections.abc import Sequence

from emeritus.record import merkle


def definition(leaves: Sequence[bytes]) -> bytes:
    """MTH of RFC 9162 §2.1.1, word for word."""
    if not leaves:
        return merkle.EMPTY
    if len(leaves) == 1:
        return leaves[0]
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return merkle.node_hash(definition(leaves[:split]), definition(leaves[split:]))


def nodes(leaves: Sequence[bytes]) -> merkle.Node:
    """Return the nodes of the tree over `leaves`."""

    def node(level: int, index: int) -> bytes:
        part = leaves[index << level : (index + 1) << level]
        assert len(part) == 1 << level
        return definition(part)

    return node
