"""The record: append-only commits in a store, each created once and never changed."""

import secrets
from collections.abc import Iterator, Sequence

from emeritus.clock import Clock, timestamp
from emeritus.errors import IntegrityError, Unavailable, UserError
from emeritus.record import format as disk
from emeritus.record.authority import Authority
from emeritus.record.entry import Entry
from emeritus.record.events import EVENTS_PER_COMMIT_MAX, Event
from emeritus.record.signing import Signer
from emeritus.record.tiles import require_fit
from emeritus.record.verification import Reader, blocking
from emeritus.vault import Store

APPEND_TRIES_MAX = 64  # writers that collide take turns; more means something else is wrong


class Record:
    """The commits of one archive in `store`.

    What is read is checked as it is read (chain, signature, authority): damage raises
    `IntegrityError`. Use `record.verification.check` to list everything that is wrong.
    """

    def __init__(self, store: Store, archive: str) -> None:
        self._store = store
        self._archive = archive
        self._entries: list[Entry[Event | None]] = []
        self._reader = Reader(archive)
        self._damage: IntegrityError | None = None
        self.grew = False  # whether something was added by this object

    @property
    def sequence(self) -> int:
        """The number of the last commit read; 0 when there is none."""
        return self._reader.sequence

    @property
    def authority(self) -> Authority:
        """The keys that are valid after the last commit read."""
        return self._reader.authority

    def entries(self) -> Sequence[Entry[Event | None]]:
        """Return all events in order, following the store to its present end."""
        while self._follow():
            pass
        return self._entries

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
        for _ in range(APPEND_TRIES_MAX):
            self.entries()
            self._require_authority(events, signer.key)
            commit = self._sign(events, signer, clock)
            name, data = disk.name_of(commit.header.sequence), disk.render(commit)
            require_fit(commit.header.sequence, data)
            self._store.put(name, data)
            # What stands there decides, whatever the store answered: no two commits are the same.
            if self._store.get(name) == data:
                self.grew = True
                before = len(self._entries)
                self._follow()
                return self._entries[before : before + len(events)]
        raise Unavailable("other writers kept taking the next place in the record; try again")

    def commits(self) -> Iterator[bytes]:
        """Yield the bytes of every commit in order, unchecked."""
        sequence = 1
        while self._store.exists(disk.name_of(sequence)):
            yield self._store.get(disk.name_of(sequence), 0, disk.COMMIT_BYTES_MAX + 1)
            sequence += 1

    def _sign(self, events: Sequence[Event], signer: Signer, clock: Clock) -> disk.Commit:
        bodies = tuple(disk.render_event(event) for event in events)
        header = disk.Header(
            format=disk.FORMAT,
            archive=self._archive,
            sequence=self._reader.sequence + 1,
            prev=self._reader.link,
            time=timestamp(clock.now()),
            signer=signer.key,
            nonce=secrets.token_hex(8),
            leaves=tuple(disk.leaf(body) for body in bodies),
        )
        signature = signer.sign(disk.signed_message(header))
        return disk.Commit(header=header, events=bodies, signature=signature)

    def _require_authority(self, events: Sequence[Event], key: str) -> None:
        if self._reader.sequence == 0:
            return  # the first commit proves itself
        for event in events:
            refusal = self._reader.authority.refusal(key, event)
            if refusal is not None:
                raise UserError(f"not recorded: {refusal}; choose another key with --as NAME")
        unfit = self._reader.authority.unfit(events)
        if unfit is not None:
            raise UserError(f"not recorded: {unfit}")

    def _follow(self) -> bool:
        """Read the next commit, if there is one. A damaged record stays refused."""
        if self._damage is not None:
            raise self._damage
        name = disk.name_of(self._reader.sequence + 1)
        if not self._store.exists(name):
            return False
        data = self._store.get(name, 0, disk.COMMIT_BYTES_MAX + 1)
        entries, findings = self._reader.read(name, data)
        serious = blocking(findings)
        if serious:
            first = serious[0]
            self._damage = IntegrityError(
                f"the record is damaged: {first.where}: {first.detail} ({first.code}); "
                "run `emeritus verify` for the whole list",
                serious,
            )
            raise self._damage
        self._entries += entries
        return True
