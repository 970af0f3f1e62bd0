"""The Merkle tree over the entries of the record (RFC 9162 §2.1), as pure functions.

A tree is asked through `Node`: `node(level, index)` is the hash over the 2^level entries from
`index * 2^level` on. So the same functions serve a list in memory and tiles in a store.

Laws: a proof that `inclusion` or `consistency` makes is accepted for the tree that it was made
from, and a proof that is accepted for another entry, index, size or root is a collision of SHA-256.
"""

import hashlib
from collections.abc import Callable, Sequence
from typing import Final

Node = Callable[[int, int], bytes]

EMPTY: Final = hashlib.sha256(b"").digest()
PROOF_HASHES_MAX: Final = 63  # a tree of more than 2^63 entries has no place in a uint64


def leaf_hash(entry: bytes) -> bytes:
    """Return the hash that stands for `entry` in the tree."""
    return hashlib.sha256(b"\0" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of a node with these children."""
    return hashlib.sha256(b"\1" + left + right).digest()


def root(size: int, node: Node) -> bytes:
    """Return the root of the tree over the first `size` entries."""
    return _subtree(0, size, node) if size else EMPTY


def inclusion(index: int, size: int, node: Node) -> list[bytes]:
    """Return the audit path of entry `index` in the tree of `size` (§2.1.3.1), leaf side first."""
    if not 0 <= index < size:
        raise ValueError(f"a tree of {size} has no entry {index}")
    start, end = 0, size
    path = []
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            path.append(_subtree(middle, end, node))
            end = middle
        else:
            path.append(_subtree(start, middle, node))
            start = middle
    return path[::-1]


def consistency(old: int, new: int, node: Node) -> list[bytes]:
    """Return the proof that the tree of `old` is a beginning of the tree of `new` (§2.1.4.1)."""
    if not 0 <= old <= new:
        raise ValueError(f"a tree of {new} does not begin with one of {old}")
    if old in (0, new):
        return []
    start, end = 0, new
    whole = True  # whether the old tree is a whole left part so far, which its reader knows
    path = []
    while old != end:
        middle = start + _split(end - start)
        if old <= middle:
            path.append(_subtree(middle, end, node))
            end = middle
        else:
            path.append(_subtree(start, middle, node))
            start, whole = middle, False
    return path[::-1] if whole else [_subtree(start, end, node), *path[::-1]]


def includes(index: int, size: int, leaf: bytes, proof: Sequence[bytes], head: bytes) -> bool:
    """Tell whether `proof` shows that `leaf` is entry `index` of the tree with root `head`."""
    if not 0 <= index < size or len(proof) > PROOF_HASHES_MAX:
        return False
    place, last, running = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            return False
        if place & 1 or place == last:
            running = node_hash(sibling, running)
            while place and not place & 1:
                place, last = place >> 1, last >> 1
        else:
            running = node_hash(running, sibling)
        place, last = place >> 1, last >> 1
    return last == 0 and running == head


def consistent(
    old: int, new: int, old_head: bytes, new_head: bytes, proof: Sequence[bytes]
) -> bool:
    """Tell whether `proof` shows that the tree of `new` begins with the tree of `old`."""
    if not 0 <= old <= new or len(proof) > PROOF_HASHES_MAX:
        return False
    if old in (0, new):
        expected = EMPTY if old == 0 else new_head
        return not proof and old_head == expected
    path = list(proof) if old & (old - 1) else [old_head, *proof]
    if not path:
        return False
    place, last = old - 1, new - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    older = newer = path[0]
    for sibling in path[1:]:
        if last == 0:
            return False
        if place & 1 or place == last:
            older, newer = node_hash(sibling, older), node_hash(sibling, newer)
            while place and not place & 1:
                place, last = place >> 1, last >> 1
        else:
            newer = node_hash(newer, sibling)
        place, last = place >> 1, last >> 1
    return last == 0 and older == old_head and newer == new_head


def fold(hashes: Sequence[bytes], right: bytes | None = None) -> bytes:
    """Return the root over nodes of one level in order; `right` covers what follows them."""
    end = len(hashes)
    while end:
        width = end & -end  # the smallest whole subtree at the right edge
        whole = list(hashes[end - width : end])
        while len(whole) > 1:
            whole = [node_hash(*whole[at : at + 2]) for at in range(0, len(whole), 2)]
        right = whole[0] if right is None else node_hash(whole[0], right)
        end -= width
    return EMPTY if right is None else right


def _split(size: int) -> int:
    """Return the largest power of two below `size`: where RFC 9162 parts a tree."""
    return 1 << (size - 1).bit_length() - 1


def _subtree(start: int, end: int, node: Node) -> bytes:
    """Return the hash over entries [start, end), where a tree is parted by `_split`."""
    whole = []
    while start < end:
        level = (end - start).bit_length() - 1
        whole.append(node(level, start >> level))
        start += 1 << level
    running = whole.pop()
    while whole:
        running = node_hash(whole.pop(), running)
    return running
