"""Reads what is stored and says what is wrong with it."""

from collections.abc import Iterator, Sequence

from blake3 import blake3

from emeritus.errors import Finding, IntegrityError
from emeritus.vault import format as disk
from emeritus.vault.catalogue import Catalogue
from emeritus.vault.format import ObjectEntry
from emeritus.vault.ingest import Progress
from emeritus.vault.pack import DamagedPack, index_inside, parse_index, read_index
from emeritus.vault.store import NotStored, Store


def check(
    store: Store,
    catalogue: Catalogue,
    packs: Sequence[str],
    deep: bool,
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
        for entry in index.objects if _there(store, pack) else ():
            for finding in _check_object(store, catalogue, pack, entry, deep):
                # A damaged base is met again by whatever is stored as a difference to it.
                if (finding.code, finding.where) not in told:
                    told.add((finding.code, finding.where))
                    yield finding
            done += sum(block.length for block in entry.blocks)
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
        parse_index(store.get(disk.index_name(pack)), pack)
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
    blocks = [block for entry in index.objects for block in entry.blocks]
    for block in blocks:
        end = block.offset + block.length
        padding = store.get(name, end, -end % disk.ALIGNMENT)
        if any(padding):
            yield Finding("V003", f"{name}@{end}", "bytes between blocks are not zero")
    size = store.size(name) - disk.FOOTER_BYTES
    footer = store.get(name, size, disk.FOOTER_BYTES)
    end = int.from_bytes(footer[8:16], "little") + int.from_bytes(footer[16:24], "little")
    if any(store.get(name, end, size - end)):
        yield Finding("V003", f"{name}@{end}", "bytes behind the index are not zero")


def _check_object(
    store: Store, catalogue: Catalogue, pack: str, entry: ObjectEntry, deep: bool
) -> Iterator[Finding]:
    for position, block in enumerate(entry.blocks):
        if not deep:
            stored = store.get(disk.pack_name(pack), block.offset, block.length)
            if blake3(stored).hexdigest() != block.stored_hash:
                where = f"{disk.pack_name(pack)}@{block.offset}"
                detail = f"block {position} is not what was stored"
                yield Finding("V005", where, detail, (entry.id,))
            continue
        try:
            for _ in catalogue.blocks(entry.id, position, position + 1):
                pass
        except IntegrityError as error:
            yield from error.findings or (Finding("V006", entry.id, str(error), (entry.id,)),)


def _there(store: Store, pack: str) -> bool:
    return store.exists(disk.pack_name(pack))
