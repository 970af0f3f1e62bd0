"""Writes checkpoints and the tiles that they need into a store, and finds them there.

Writing after n new events reads and writes O(n + log N): the right edge of the tree comes from
its tiles and is compared with the root in the last checkpoint, never computed anew.
"""

import dataclasses
import hashlib

from emeritus.errors import IntegrityError
from emeritus.record import checkpoint as heads
from emeritus.record import format as disk
from emeritus.record import note as notes
from emeritus.record.checkpoint import Checkpoint
from emeritus.record.note import NotANote, Note
from emeritus.record.signing import Signer
from emeritus.record.tiles import StoredTree, Tree, end_of, entries_of, place_of
from emeritus.vault import NotStored, Store


@dataclasses.dataclass(frozen=True, slots=True)
class Kept:
    """A checkpoint as it lies in a store."""

    name: str
    data: bytes
    note: Note
    checkpoint: Checkpoint


def newest(store: Store) -> Kept | None:
    """Return the newest checkpoint in `store`, or None. Raises `IntegrityError` (R019)."""
    listed = sorted(name for name in store.list(heads.PREFIX) if heads.size_of(name) is not None)
    if not listed:
        return None
    # Of one size, the name without a suffix sorts behind those with one.
    name = listed[-1]
    return _kept(name, store.get(name))


def write(
    store: Store, archive: str, last: int, signer: Signer, seconds: int, *, again: bool = False
) -> Kept:
    """Write tiles and a checkpoint over every event up to commit `last`; return the checkpoint.

    Where that checkpoint exists it is returned as it is or, with `again`, signed anew in a file of
    its own. The tiles come first, so that a checkpoint names nothing that is not durable.
    Raises `IntegrityError` (R020) when the tiles do not agree with the newest checkpoint.
    """
    before = newest(store)
    tree, number = _edge(store, before)
    for commit in range(number + 1, last + 1):
        for entry in entries_of(commit, store.get(disk.name_of(commit))):
            _put_all(store, tree.add(entry))
    if before is not None and tree.size == before.checkpoint.size and not again:
        return before
    _put_all(store, tree.partial())
    checkpoint = Checkpoint(heads.origin_of(archive), tree.size, tree.root())
    data = notes.render(heads.sign(checkpoint, signer, seconds))
    name = heads.name_of(tree.size)
    if not store.put(name, data) and again:
        name = _beside(tree.size, data)
        store.put(name, data)
    return _kept(name, store.get(name))


def keep(store: Store, data: bytes) -> Kept:
    """Keep a checkpoint, such as one with cosignatures, beside the one that it is of.

    Raises `IntegrityError` (R018) when the archive has another root of that size, and `NotStored`
    when it has no checkpoint of that size.
    """
    note, checkpoint = heads.read(data)
    ours = _kept(heads.name_of(checkpoint.size), store.get(heads.name_of(checkpoint.size)))
    if ours.checkpoint != checkpoint:
        raise IntegrityError(
            f"this checkpoint of {checkpoint.size} events has another root than {ours.name} "
            "(R018): two histories were signed; keep both files, and run emeritus verify"
        )
    name = _beside(checkpoint.size, data)
    store.put(name, data)
    return Kept(name, data, note, checkpoint)


def rebuilt(store: Store, name: str) -> bytes | None:
    """Return what the tile `name` MUST hold by the commits in `store`, or None for no such tile."""
    place = place_of(name)
    if place is None:
        return None
    tree, commit = Tree(), 1
    last = end_of(*place)
    while tree.size < last and store.exists(disk.name_of(commit)):
        for entry in entries_of(commit, store.get(disk.name_of(commit))):
            filled = dict(tree.add(entry))
            if name in filled or (tree.size == last and name in (filled := dict(tree.partial()))):
                return filled[name]
        commit += 1
    return None


def _edge(store: Store, before: Kept | None) -> tuple[Tree, int]:
    """Return the tree of the last checkpoint and the number of the last commit in it."""
    if before is None or before.checkpoint.size == 0:
        return Tree(), 0
    size = before.checkpoint.size
    try:
        tree = Tree.resumed(store, size)
        last = StoredTree(store, size).entry(size - 1)
    except (NotStored, ValueError) as error:
        raise IntegrityError(
            f"the tree cannot go on from {before.name}: {error} (R020); "
            "write its tiles anew with: emeritus verify --repair"
        ) from error
    if tree.root() != before.checkpoint.root:
        raise IntegrityError(
            f"the tiles do not have the root of {before.name} (R020); "
            "run `emeritus verify` to see whether they or the commits were changed"
        )
    return tree, int(last["commit"])


def _put_all(store: Store, tiles: list[tuple[str, bytes]]) -> None:
    for name, data in tiles:
        if not store.put(name, data) and store.get(name) != data:
            raise IntegrityError(
                f"{name} holds another tile than the commits have (R020); "
                "run `emeritus verify` to see whether it or the commits were changed"
            )


def _kept(name: str, data: bytes) -> Kept:
    try:
        note, checkpoint = heads.read(data)
    except NotANote as error:
        raise IntegrityError(f"{name} is no checkpoint: {error} (R019)") from error
    return Kept(name, data, note, checkpoint)


def _beside(size: int, data: bytes) -> str:
    return heads.name_of(size, hashlib.sha256(data).hexdigest()[:8])
