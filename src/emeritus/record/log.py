"""The record: append-only commits in a store, each created once and never changed."""

import secrets
import threading
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Final, TypeVar, cast

from emeritus import canonical, digests
from emeritus.clock import Clock, timestamp
from emeritus.errors import IntegrityError, Unavailable, UserError
from emeritus.record import format as disk
from emeritus.record.authority import KEY_KINDS, Authority
from emeritus.record.entry import Entry, History, K
from emeritus.record.events import EVENTS_PER_COMMIT_MAX, KINDS, Event
from emeritus.record.index import (
    IN_MEMORY,
    TEMPORARY,
    Head,
    Index,
    Judged,
    Placed,
    Remedy,
    Unusable,
    discard,
    end_of,
)
from emeritus.record.signing import Signer, signature_by
from emeritus.record.tiles import require_fit
from emeritus.record.verification import Reader, blocking
from emeritus.vault import NotStored, Store

APPEND_TRIES_MAX: Final = 64  # writers that collide take turns; more means something else is wrong
BATCH_BYTES: Final = 2 * 1024 * 1024  # of commits that are judged before they are added

T = TypeVar("T")


class Record:
    """The commits of one archive in `store`, and an index of them in the file `cache`.

    What is read for the first time is checked as it is read (chain, signature, authority): damage
    raises `IntegrityError`. What was checked before is taken from the index, as long as its newest
    commit is what the store holds. Use `record.verification.check` to read everything again and
    list all that is wrong. Without a cache that can be used, the index lasts as long as the record.
    """

    def __init__(self, store: Store, archive: str, cache: Path | None = None) -> None:
        self._store = store
        self._archive = archive
        self.cache = cache
        self._names = [TEMPORARY, IN_MEMORY]
        if cache is not None:
            self._names = [str(cache), str(cache), *self._names]
        self._lock = threading.RLock()
        self._index: Index | None = None
        self._reader = Reader(archive)
        self._batch: list[Judged] = []  # commits that were judged and are not in the index yet
        self._batch_bytes = 0
        self._damage: IntegrityError | None = None
        self.grew = False  # whether something was added by this object

    @property
    def sequence(self) -> int:
        """The number of the last commit read; 0 when there is none."""
        return self._reader.sequence

    @property
    def authority(self) -> Authority:
        """The keys that are valid after the last commit read: what is appended makes new ones."""
        return self._reader.authority

    def history(self) -> History:
        """Return all events up to the present end of the store, read when they are asked for."""
        self.ask(self._follow)
        return _Recorded(self, self._reader.sequence)

    def entries(self) -> Sequence[Entry[Event | None]]:
        """Return all events in order, in memory."""
        return list(self.history())

    def lost(self) -> tuple[int, str] | None:
        """Return number and link of a commit that was read here and is not in the record any more.

        A cache can tell what it happens to remember: nothing is proven when it has nothing to tell.
        """
        self.ask(self._follow)
        lost = self.ask(Index.lost)
        if lost is None or self._link_of(lost[0]) == lost[1]:
            return None
        return lost

    def append(
        self, events: Sequence[Event], signer: Signer, clock: Clock
    ) -> list[Entry[Event | None]]:
        """Sign `events` and add them as one commit; return them as recorded.

        Durable when it returns. When another writer takes the next number first, the commit is
        signed again behind it. Raises `UserError` when the key may not sign one of the events, or
        one is longer than an entry.
        """
        if not 1 <= len(events) <= EVENTS_PER_COMMIT_MAX:
            raise ValueError(f"a commit holds 1 to {EVENTS_PER_COMMIT_MAX} events")
        with self._lock:
            for attempt in range(APPEND_TRIES_MAX):
                # Who is behind finds the place taken: there is no need to look first.
                if attempt or self._must_follow() or self._refusal(events, signer.key):
                    self.ask(self._follow)
                    refusal = self._refusal(events, signer.key)
                    if refusal is not None:
                        raise UserError(f"not recorded: {refusal}")
                data = self._sign(events, signer, clock)
                reader = self._reader.ahead()
                judged = self._judge_own(reader, data)
                name = disk.name_of(reader.sequence)
                self._store.put(name, data)
                # What stands there decides, whatever the store answered: no two commits are equal.
                if self._store.get(name) == data:
                    self.grew = True
                    self._reader = reader
                    self._keep(judged)
                    return list(judged.entries)
        raise Unavailable("other writers kept taking the next place in the record; try again")

    def commits(self) -> Iterator[bytes]:
        """Yield the bytes of every commit in order, unchecked."""
        sequence = 1
        while self._store.exists(disk.name_of(sequence)):
            yield self._read(disk.name_of(sequence))
            sequence += 1

    def ask(self, question: Callable[[Index], T]) -> T:
        """Return the index's answer; one that cannot be used is replaced by one that can.

        A lock, a full disk or a folder that cannot be written is left as it is, and the work goes
        on beside it. Only what is broken is thrown away.
        """
        with self._lock:
            while True:
                try:
                    if self._index is None:
                        self._open()
                    return question(cast("Index", self._index))
                except Unusable as error:
                    self._give_up(error)

    def _open(self) -> None:
        index = Index(self._names[0], self._archive)
        self._resume(index)
        self._index = index
        self._follow(index)

    def _give_up(self, error: Unusable) -> None:
        index, self._index = self._index, None
        name = self._names.pop(0)
        if not self._names:
            raise Unavailable(f"SQLite holds no table, on disk or in memory: {error}") from error
        if error.remedy is Remedy.LEAVE:
            self._names = [each for each in self._names if each != name]
        elif error.remedy is Remedy.DISCARD and self.cache is not None and name == str(self.cache):
            try:
                if index is None:
                    discard(self.cache)
                else:
                    index.clear(lost=None)
            except Unusable:
                discard(self.cache)

    def _resume(self, index: Index) -> None:
        """Go on where the index ends, if the record still holds the commit that it ends with."""
        self._reader = Reader(self._archive)
        self._batch, self._batch_bytes = [], 0
        head = index.head()
        if head is None:
            return
        if self._file_of(head.sequence) != head.file:
            index.clear(lost=head)
            return
        up_to = end_of(head.sequence)
        found: Placed = {}
        for name in (name for kind in KEY_KINDS for name in _names_of(kind)):
            found |= index.of_kind(name, up_to)
        commits = groupby(_in_order(found), key=lambda entry: entry.place[0])
        self._reader.resume(
            head.sequence,
            head.link,
            head.time,
            (cast("list[Entry[Event]]", list(each)) for _, each in commits),
        )

    def _follow(self, index: Index) -> None:
        """Read and index what is new in the store. A damaged record stays refused."""
        while self._read_batch():
            behind = self._batch[0].head.sequence - 1
            added = index.add(behind, self._batch)
            self._batch, self._batch_bytes = [], 0
            if not added:
                self._resume(index)  # another process was faster: what it added need not be read
        if self._damage is not None:
            raise self._damage
        index.complete()

    def _must_follow(self) -> bool:
        full = self._batch_bytes >= BATCH_BYTES
        return full or self._index is None or self._damage is not None

    def _read_batch(self) -> bool:
        """Judge new commits, as many as are held in memory; tell whether there are any."""
        while self._batch_bytes < BATCH_BYTES and self._damage is None:
            name = disk.name_of(self._reader.sequence + 1)
            try:
                data = self._read(name)
            except NotStored:
                break
            self._judge(name, data)
        return bool(self._batch)

    def _judge(self, name: str, data: bytes) -> None:
        """Judge the next commit, and keep it in memory until it is indexed."""
        entries, findings = self._reader.read(name, data)
        serious = blocking(findings)
        if serious:
            first = serious[0]
            self._damage = IntegrityError(
                f"the record is damaged: {first.where}: {first.detail} ({first.code}); "
                "run `emeritus verify` for the whole list",
                serious,
            )
            return
        self._keep(_judged(self._reader, data, entries))

    def _judge_own(self, reader: Reader, data: bytes) -> Judged:
        """Judge a commit of our own before it is stored: one that is not sound never is."""
        require_fit(reader.sequence + 1, data)
        name = disk.name_of(reader.sequence + 1)
        entries, findings = reader.read(name, data, signed_here=True)
        for finding in blocking(findings):
            raise UserError(f"not recorded: {finding.detail} ({finding.code})")
        return _judged(reader, data, entries)

    def _keep(self, judged: Judged) -> None:
        self._batch.append(judged)
        self._batch_bytes += len(judged.data)

    def _sign(self, events: Sequence[Event], signer: Signer, clock: Clock) -> bytes:
        """Return the file of the next commit."""
        bodies = [canonical.dumps(disk.render_event(event)) for event in events]
        header = disk.Header(
            format=disk.FORMAT,
            archive=self._archive,
            sequence=self._reader.sequence + 1,
            prev=self._reader.link,
            time=timestamp(clock.now()),
            signer=signer.key,
            nonce=secrets.token_hex(8),
            leaves=tuple(map(disk.leaf_of, bodies)),
        )
        message = disk.signed_message(header)
        return disk.file_of(message, bodies, signature_by(signer, message))

    def _refusal(self, events: Sequence[Event], key: str) -> str | None:
        if self._reader.sequence == 0:
            return None  # the first commit proves itself
        for event in events:
            refusal = self._reader.authority.refusal(key, event)
            if refusal is not None:
                return f"{refusal}; choose another key with --as NAME"
        return self._reader.authority.unfit(events)

    def _read(self, name: str) -> bytes:
        return self._store.get(name, 0, disk.COMMIT_BYTES_MAX + 1)

    def _file_of(self, sequence: int) -> str | None:
        try:
            return digests.sha256(self._read(disk.name_of(sequence)))
        except NotStored:
            return None

    def _link_of(self, sequence: int) -> str | None:
        try:
            return disk.parse(self._read(disk.name_of(sequence))).link
        except (NotStored, disk.NotACommit):
            return None


class _Recorded(History):
    """The history up to commit `sequence`, asked of the index a kind or a model at a time."""

    def __init__(self, record: Record, sequence: int) -> None:
        self._record = record
        self._up_to = end_of(sequence)
        self._standing: Placed | None = None

    def __iter__(self) -> Iterator[Entry[Event | None]]:
        chunk = self._behind(0)
        while chunk:
            yield from chunk.values()
            chunk = self._behind(max(chunk))

    def __len__(self) -> int:
        return self._record.ask(lambda index: index.count(self._up_to))

    def about(self, model: str) -> History:
        """Return the entries about one model, and how the archive stands."""
        if self._standing is None:
            self._standing = self._record.ask(lambda index: index.standing(self._up_to))
        own = self._record.ask(lambda index: index.of_model(model, self._up_to))
        return History(_in_order(self._standing | own), model)

    def all(self, kind: type[K]) -> list[Entry[K]]:
        """Return the entries of one kind, oldest first."""
        found: Placed = {}
        for name in _names_of(kind):
            found |= self._of_kind(name)
        return cast("list[Entry[K]]", _in_order(found))

    def last(self, kind: type[K]) -> Entry[K] | None:
        """Return the newest entry of one kind, or None."""
        found: Placed = {}
        for name in _names_of(kind):
            found |= self._last_of_kind(name)
        return cast("Entry[K]", found[max(found)]) if found else None

    def _behind(self, place: int) -> Placed:
        return self._record.ask(lambda index: index.after(place, self._up_to))

    def _of_kind(self, name: str) -> Placed:
        return self._record.ask(lambda index: index.of_kind(name, self._up_to))

    def _last_of_kind(self, name: str) -> Placed:
        return self._record.ask(lambda index: index.last_of_kind(name, self._up_to))


def _judged(reader: Reader, data: bytes, entries: Sequence[Entry[Event | None]]) -> Judged:
    """Return a sound commit with the place behind it, where `reader` stands."""
    head = Head(reader.sequence, str(reader.link), entries[0].time, digests.sha256(data))
    return Judged(data, entries, head)


def _in_order(placed: Placed) -> list[Entry[Event | None]]:
    return [placed[place] for place in sorted(placed)]


def _names_of(kind: type[Event]) -> list[str]:
    return [name for name, each in KINDS.items() if issubclass(each, kind)]
