"""Reads what is stored and says what is wrong with it."""

from collections.abc import Iterator, Sequence
from functools import partial

from emeritus.errors import Finding, IntegrityError
from emeritus.vault import format as disk
from emeritus.vault.catalogue import Catalogue
from emeritus.vault.format import ObjectEntry
from emeritus.vault.ingest import Progress
from emeritus.vault.pack import (
    DamagedPack,
    check_stored,
    index_inside,
    index_place,
    parse_index,
    read_index,
)
from emeritus.vault.parallel import ordered
from emeritus.vault.store import NotStored, Store


def check(
    store: Store,
    catalogue: Catalogue,
    packs: Sequence[str],
    deep: bool,
    threads: int,
    progress: Progress | None = None,
) -> Iterator[Finding]:
    """Yield a finding for everything in `packs` (their ids) that is not what was stored.

    Reads every stored block against its hash; with `deep`, also decodes it and compares the raw
    hash. `affects` holds the ids of the objects that the damage reaches.
    """
    told: set[tuple[str, str]] = set()
    total = sum(store.size(disk.pack_name(pack)) for pack in packs if _there(store, pack))
    done = 0
    for pack in packs:
        yield from _check_frame(store, pack)
        try:
            index = read_index(store, pack)
        except DamagedPack:
            continue
        if not _there(store, pack):
            continue
        look = partial(_check_block, store, catalogue, pack, deep)
        blocks = ((entry, at) for entry in index.objects for at in range(len(entry.blocks)))
        for length, findings in ordered(look, blocks, threads):
            for finding in findings:
                # A damaged base is met again by whatever is stored as a difference to it.
                if (finding.code, finding.where) not in told:
                    told.add((finding.code, finding.where))
                    yield finding
            done += length
            if progress is not None:
                progress("checking packs", min(done, total), total)


def _check_frame(store: Store, pack: str) -> Iterator[Finding]:
    """Check header, index and footer of a pack, and the copy of its index."""
    affects: tuple[str, ...] = ()
    try:
        affects = tuple(entry.id for entry in read_index(store, pack).objects)
        index_inside(store, pack)
    except DamagedPack as error:
        yield Finding(error.code, disk.pack_name(pack), str(error), affects)
    if not _there(store, pack):
        return
    try:
        parse_index(store.get(disk.index_name(pack), 0, disk.INDEX_BYTES_MAX + 1), pack)
    except NotStored:
        pass  # a writer that was killed leaves it out; the pack has its own
    except DamagedPack as error:
        yield Finding("V011", disk.index_name(pack), str(error))
    yield from _check_padding(store, pack)


def _check_padding(store: Store, pack: str) -> Iterator[Finding]:
    """The bytes between blocks are zero: nothing can hide there, and no flip goes unnoticed."""
    try:
        index = index_inside(store, pack)
    except DamagedPack:
        return
    name = disk.pack_name(pack)
    footer = store.size(name) - disk.FOOTER_BYTES
    ranges = [(block.offset, block.length) for entry in index.objects for block in entry.blocks]
    end = len(disk.HEADER)
    for start, length in (*sorted(ranges), index_place(store, pack), (footer, 0)):
        if start - end >= disk.ALIGNMENT or any(store.get(name, end, max(0, start - end))):
            yield Finding("V003", f"{name}@{end}", "bytes between blocks are not zero")
        end = max(end, start + length)


def _check_block(
    store: Store, catalogue: Catalogue, pack: str, deep: bool, place: tuple[ObjectEntry, int]
) -> tuple[int, tuple[Finding, ...]]:
    """Return the stored length of a block, and what is wrong with it."""
    entry, position = place
    length = entry.blocks[position].length
    try:
        check_stored(store, pack, entry, position)
        if deep:
            catalogue.block(entry.id, position)
    except IntegrityError as error:
        return length, error.findings or (Finding("V006", entry.id, str(error), (entry.id,)),)
    return length, ()


def _there(store: Store, pack: str) -> bool:
    return store.exists(disk.pack_name(pack))
