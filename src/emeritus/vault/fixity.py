"""Reads what is stored and says what is wrong with it."""

import dataclasses
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Final

from emeritus.errors import Finding, IntegrityError
from emeritus.vault import format as disk
from emeritus.vault.catalogue import Catalogue
from emeritus.vault.format import Index, ObjectEntry
from emeritus.vault.ingest import Progress
from emeritus.vault.pack import (
    DamagedPack,
    index_inside,
    index_place,
    parse_index,
    require_stored,
)
from emeritus.vault.parallel import ordered
from emeritus.vault.store import NotStored, Store

RUN_BYTES: Final = 4 * 1024 * 1024  # of blocks that follow each other, read at once

Bytes = bytes | memoryview
_Run = tuple[int, int, tuple[tuple[ObjectEntry, int], ...]]
"""Where the bytes of a run begin and end in the pack, and the blocks in them."""


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
        frame = _Frame.read(store, pack)
        yield from frame.findings
        if frame.index is None or not _there(store, pack):
            continue
        look = partial(_check_run, store, catalogue, pack, deep)
        for length, findings in ordered(look, _runs(frame.index), threads):
            for finding in findings:
                # A damaged base is met again by whatever is stored as a difference to it.
                if (finding.code, finding.where) not in told:
                    told.add((finding.code, finding.where))
                    yield finding
            done += length
            if progress is not None:
                progress("checking packs", min(done, total), total, "B")


@dataclasses.dataclass(frozen=True, slots=True)
class _Frame:
    """Header, index and footer of a pack: what is wrong with them, and the index if it is sound."""

    findings: tuple[Finding, ...]
    index: Index | None

    @classmethod
    def read(cls, store: Store, pack: str) -> "_Frame":
        """Read the index in the pack, and its copy."""
        found: list[Finding] = []
        inside = copy = None
        try:
            copy = parse_index(store.get(disk.index_name(pack), 0, disk.INDEX_BYTES_MAX + 1), pack)
        except NotStored:
            pass  # a writer that was killed leaves it out; the pack has its own
        except DamagedPack as error:
            found.append(Finding("V011", disk.index_name(pack), str(error)))
        try:
            inside = index_inside(store, pack)
        except DamagedPack as error:
            affects = tuple(entry.id for entry in copy.objects) if copy else ()
            found.insert(0, Finding(error.code, disk.pack_name(pack), str(error), affects))
            if not _there(store, pack):
                del found[1:]  # nothing is left that the copy could disagree with
        else:
            found += _check_tail(store, pack, inside)
        return cls(tuple(found), inside or copy)


def _check_tail(store: Store, pack: str, index: Index) -> Iterator[Finding]:
    """The bytes behind the last block are zero, but for index and footer."""
    name = disk.pack_name(pack)
    blocks = (block for entry in index.objects for block in entry.blocks)
    end = max((block.offset + block.length for block in blocks), default=len(disk.HEADER))
    offset, length = index_place(store, pack)
    footer = store.size(name) - disk.FOOTER_BYTES
    for start, stop in ((end, offset), (offset + length, footer)):
        yield from _check_gap(store.get(name, start, max(0, stop - start)), name, start)


def _check_gap(gap: Bytes, name: str, start: int) -> Iterator[Finding]:
    """Nothing can hide between blocks, and no flip goes unnoticed there."""
    if len(gap) >= disk.ALIGNMENT or any(gap):
        yield Finding("V003", f"{name}@{start}", "bytes between blocks are not zero")


def _runs(index: Index) -> Iterator[_Run]:
    """Yield the blocks in the order of the pack, several that follow each other at a time."""
    places = [(entry, at) for entry in index.objects for at in range(len(entry.blocks))]
    places.sort(key=lambda place: place[0].blocks[place[1]].offset)
    start = end = len(disk.HEADER)
    run: list[tuple[ObjectEntry, int]] = []
    for entry, at in places:
        block = entry.blocks[at]
        if run and block.offset + block.length - start > RUN_BYTES:
            yield start, end, tuple(run)
            start, run = end, []
        run.append((entry, at))
        end = block.offset + block.length
    if run:
        yield start, end, tuple(run)


def _check_run(
    store: Store, catalogue: Catalogue, pack: str, deep: bool, run: _Run
) -> tuple[int, tuple[Finding, ...]]:
    """Return how many bytes a run has, and what is wrong with its blocks and between them."""
    start, end, places = run
    name = disk.pack_name(pack)
    try:
        data = memoryview(store.get(name, start, end - start))
    except NotStored:
        return 0, (Finding("V001", name, "the pack is missing"),)
    found: list[Finding] = []
    at = start
    for entry, position in places:
        block = entry.blocks[position]
        found += _check_gap(data[at - start : block.offset - start], name, at)
        at = block.offset + block.length
        try:
            require_stored(data[block.offset - start : at - start], pack, entry, position)
            if deep and not entry.encrypted:
                catalogue.block(entry.id, position)
        except IntegrityError as error:
            whole = Finding("V006", entry.id, str(error), (entry.id,))
            found += error.findings or (whole,)
    return end - start, tuple(found)


def _there(store: Store, pack: str) -> bool:
    return store.exists(disk.pack_name(pack))
