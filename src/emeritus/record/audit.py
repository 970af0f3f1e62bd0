"""Checks tiles and checkpoints against the commits, and the commits against old checkpoints."""

import collections
import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from emeritus.errors import EmeritusError, Finding
from emeritus.record import checkpoint as heads
from emeritus.record import format as disk
from emeritus.record import tiles
from emeritus.record.authority import Authority
from emeritus.record.checkpoint import Checkpoint
from emeritus.record.comparison import compare, identity
from emeritus.record.events import Event
from emeritus.record.note import NOTE_BYTES_MAX, NotANote, Note, VerifierKey
from emeritus.record.tiles import StoredTree, Tree
from emeritus.vault import Store


@dataclasses.dataclass(frozen=True, slots=True)
class Old:
    """A checkpoint that the record is held against.

    `source` may hold its tiles, which tell what was changed; `witnesses` MUST have co-signed it.
    """

    where: str
    note: Note
    checkpoint: Checkpoint
    source: Store | None = None
    witnesses: tuple[VerifierKey, ...] = ()


def check_tree(
    store: Store, archive: str, numbers: Mapping[int, str], against: Sequence[Old] = ()
) -> Iterator[Finding]:
    """Yield what is wrong with tiles and checkpoints in `store`, given its commits by number.

    `against` are checkpoints from elsewhere. Each checkpoint MUST be signed by a key that was
    valid then, and its root MUST be that of the commits; where it is not, the finding says what
    was done, as far as tiles that prove the old root can be found.
    """
    kept, findings = _read_kept(store)
    names = list(store.list(tiles.PREFIX))
    yield from findings
    if not (kept or names or against):
        return
    audit = _Audit(store, archive, kept, against)
    for name in names:
        place = tiles.place_of(name)
        if place is None:
            yield Finding("A001", name, "no tile has this name")
        else:
            audit.expect(name, *place)
    audit.read(numbers)
    yield from audit.judge()


def _read_kept(store: Store) -> tuple[list[Old], list[Finding]]:
    kept, findings = [], []
    for name in store.list(heads.PREFIX):
        size = heads.size_of(name)
        if size is None:
            findings.append(Finding("A001", name, "no checkpoint has this name"))
            continue
        data = store.get(name, 0, NOTE_BYTES_MAX + 1)
        try:
            note, checkpoint = heads.read(data)
        except NotANote as error:
            findings.append(Finding("R019", name, str(error)))
            continue
        if not heads.is_named_for(name, data):
            # Lines of witnesses are judged by who knows their keys: here their bytes are.
            findings.append(Finding("R019", name, "it is not the note that it is named for"))
        if checkpoint.size != size:
            findings.append(Finding("R019", name, f"it is over {checkpoint.size} events"))
        kept.append(Old(name, note, checkpoint, store))
    return kept, findings


class _Audit:
    """One pass over the commits, with what it met on the way."""

    def __init__(
        self, store: Store, archive: str, kept: Sequence[Old], against: Sequence[Old]
    ) -> None:
        self._store = store
        self._stored: dict[tuple[str, int], dict[int, str]] = collections.defaultdict(dict)
        self._names: set[str] = set()
        self._origin = heads.origin_of(archive)
        self._kept, self._against = kept, against
        self._sizes = {old.checkpoint.size for old in (*kept, *against)}
        self._tiled = {old.checkpoint.size for old in kept}  # the sizes whose tiles MUST be here
        self._roots = {0: Tree().root()}
        self._pairs: dict[int, dict[str, str | None]] = {}  # who may sign, at the end of a commit
        self._ever: dict[str, str | None] = {}
        self._tree = Tree()
        self._authority = Authority()
        self._wrong: list[Finding] = []
        self._missing: dict[str, Finding] = {}
        self._longest = max(self._tiled, default=0)

    def expect(self, name: str, level: str, index: int, width: int) -> None:
        """Take note of a tile that is stored."""
        self._names.add(name)
        self._stored[level, index][width] = name

    def read(self, numbers: Mapping[int, str]) -> None:
        """Read the commits; those that cannot be read are findings of their own elsewhere."""
        for number, name in sorted(numbers.items()):
            data = self._store.get(name)
            try:
                entries = tiles.entries_of(number, data)
            except disk.NotACommit:
                continue
            for entry in entries:
                if len(entry) > tiles.ENTRY_BYTES_MAX:
                    return  # no tree holds it: who reads the commits says so
                self._add(entry)
            self._take_keys(number, data)
            if self._tree.size in self._sizes:
                holders = self._authority.holders()
                may = {key: h.mldsa44 for key, h in holders.items() if h.signs_checkpoints}
                self._pairs[self._tree.size] = may
        for name, data in self._tree.partial():
            self._compare(name, data)

    def judge(self) -> Iterator[Finding]:
        """Yield what is wrong with the checkpoints, here and from elsewhere, and with tiles."""
        changed = False
        for old in self._kept:
            found = list(self._judge(old))
            if not (changed and any(finding.code != "R019" for finding in found)):
                yield from found  # one that differs makes all that follow differ: it is told once
            changed = changed or any(finding.code != "R019" for finding in found)
        for old in self._against:
            yield from self._judge(old)
        if not changed:
            # Otherwise the tiles are what tells what was changed: they are right.
            yield from self._wrong
            yield from self._missing.values()
            yield from self._beyond()

    def _judge(self, old: Old) -> Iterator[Finding]:
        yield from self._judge_signatures(old)
        if self._roots.get(old.checkpoint.size) != old.checkpoint.root:
            yield self._explain(old)

    def _add(self, entry: bytes) -> None:
        for name, data in self._tree.add(entry):
            self._compare(name, data)
        size = self._tree.size
        if size in self._sizes:
            self._roots[size] = self._tree.root()
            for name, data in self._tree.partial() if size in self._tiled else ():
                self._require(name)
                self._compare(name, data)

    def _compare(self, name: str, data: bytes) -> None:
        """Compare every stored width of a tile with what the commits make of it."""
        place = tiles.place_of(name)
        if place is None:
            return
        level, index, width = place
        if width == tiles.WIDTH and tiles.end_of(level, index) <= self._longest:
            self._require(name)
        stored = self._stored[level, index]
        for part in [each for each in stored if each <= width]:
            where, expected = stored.pop(part), _first(level, data, part)
            if self._store.get(where, 0, len(expected) + 1) != expected:
                self._wrong.append(Finding("R020", where, "it does not agree with the commits"))

    def _require(self, name: str) -> None:
        if name not in self._names:
            self._missing[name] = Finding("R020", name, "missing")

    def _beyond(self) -> Iterator[Finding]:
        left = sorted(name for stored in self._stored.values() for name in stored.values())
        if left:
            said = f"it covers more than the {self._tree.size} events of the record"
            yield Finding("R014", left[0], said)

    def _take_keys(self, number: int, data: bytes) -> None:
        if b'"kind":"key.' not in data and b'"kind":"threshold.' not in data and number > 1:
            return
        try:
            commit = disk.parse(data)
            events = [_event(body) for body in commit.events if body is not None]
        except disk.NotACommit:
            return
        if number == 1:
            self._authority.take_genesis(events)
        else:
            self._authority.take(commit.header.signer, events, commit.header.leaves)
        self._ever |= {key: each.mldsa44 for key, each in self._authority.holders().items()}

    def _judge_signatures(self, old: Old) -> Iterator[Finding]:
        checkpoint = old.checkpoint
        if checkpoint.origin != self._origin:
            yield Finding("R019", old.where, f"it is of {checkpoint.origin[:64]!r}")
            return
        same = self._roots.get(checkpoint.size) == checkpoint.root
        may = self._pairs.get(checkpoint.size, {}) if same else self._ever
        if not heads.signers(old.note, checkpoint, may):
            said = "no key that was valid then signed it with both its algorithms"
            yield Finding("R019", old.where, said)
        for witness in old.witnesses:
            if not heads.signed(old.note, checkpoint, witness):
                yield Finding("R019", old.where, f"{witness.name} did not co-sign it")

    def _explain(self, old: Old) -> Finding:
        """Say what became of the events that `old` covers."""
        checkpoint = old.checkpoint
        for source in filter(None, (old.source, self._store)):
            before = _proven(source, checkpoint)
            if before is not None:
                found = compare(old.where, before, self._identities())
                if found is not None:
                    return found
                return Finding("R015", old.where, "events were moved into other commits")
        if checkpoint.size > self._tree.size:
            said = f"it holds {self._tree.size} events, and {old.where} was over {checkpoint.size}"
            return Finding("R014", old.where, said)
        return Finding(
            "R018",
            old.where,
            f"the first {checkpoint.size} events have another root now; what changed could be told "
            "from the tiles of that time, which are not here",
        )

    def _identities(self) -> list[bytes]:
        numbers = sorted(
            (number, name)
            for name in self._store.list("record/")
            if (number := disk.sequence_of(name)) is not None
        )
        found: list[bytes] = []
        for number, name in numbers:
            try:
                found += map(identity, tiles.entries_of(number, self._store.get(name)))
            except disk.NotACommit:
                continue
        return found


def _proven(source: Store, checkpoint: Checkpoint) -> list[bytes] | None:
    """Return the identities of the entries below an old checkpoint, if tiles prove its root."""
    tree, found = Tree(), []
    try:
        for entry in StoredTree(source, checkpoint.size).entries():
            tree.add(entry)
            found.append(identity(entry))
    except (EmeritusError, ValueError):
        return None
    return found if tree.root() == checkpoint.root else None


def _event(body: dict[str, Any]) -> Event | None:
    try:
        return disk.parse_event(body)
    except disk.NotACommit:
        return None


def _first(level: str, data: bytes, width: int) -> bytes:
    """Return what a narrower tile of the same place holds."""
    if level != tiles.ENTRIES:
        return data[: width * tiles.HASH_BYTES]
    return tiles.bundle(tiles.unbundle(data)[:width])
