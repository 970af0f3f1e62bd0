"""Reads commits and says everything that is wrong with them."""

import datetime
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec

from emeritus import digests
from emeritus.clock import moment_of, timestamp
from emeritus.errors import Finding, IntegrityError
from emeritus.record import checkpoint, signing, tiles
from emeritus.record import format as disk
from emeritus.record.audit import Old, check_tree
from emeritus.record.authority import Authority
from emeritus.record.entry import Entry
from emeritus.record.events import ArchiveCreated, Event, KeyRevoked
from emeritus.vault import Store

NOT_BLOCKING = frozenset({"R008", "R010", "R021", "R022", "A007"})
"""Findings that leave the record usable.

A clock that went back, a kind from a later version, what a key signed while it was in doubt, what a
machine remembers otherwise, a page for people that another version wrote.
"""

BESIDE = frozenset({"R019", "R020"})
"""Damage to checkpoints and tiles, beside the commits: these can be folded all the same."""

REWRITTEN = frozenset({"R014", "R015", "R016", "R017", "R018"})
"""A checkpoint tells of another history than the commits, which can be folded: none may follow."""


def blocking(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return the findings that break evidence; the others are only worth knowing."""
    return tuple(finding for finding in findings if finding.code not in NOT_BLOCKING)


def foldable(findings: Iterable[Finding]) -> bool:
    """Tell whether the commits can be read though these findings were made."""
    return all(finding.code in NOT_BLOCKING | BESIDE | REWRITTEN for finding in findings)


def extendable(findings: Iterable[Finding]) -> bool:
    """Tell whether a commit may be added behind these: one on a record that lost some is a fork."""
    return all(finding.code in NOT_BLOCKING | BESIDE for finding in findings)


class Reader:
    """Judges one commit after another.

    A reader is at a place in the chain: the number and link of the last commit, its time, and the
    keys that are valid after it. Behind a commit that is missing or cannot be read there is no
    link to compare: that damage is found once, and not again in the commit that follows.
    """

    def __init__(self, archive: str, *, excerpt: bool = False) -> None:
        """With `excerpt`, commits may hold their events' digests without the bodies."""
        self._archive = archive
        self._excerpt = excerpt
        self._latest: datetime.datetime | None = None
        self._linked = True
        self._last: dict[str, tuple[str, str]] = {}  # the last commit of each key, and its time
        self.sequence = 0
        self.left_out = 0
        self.link: str | None = None
        self.authority = Authority()

    def resume(
        self, sequence: int, link: str, time: str, commits: Iterable[Sequence[Entry[Event]]]
    ) -> None:
        """Go on behind a commit that was judged before, by this reader or another one.

        `commits` are the entries about keys up to there, those of one commit at a time. What a key
        signed before is not known again (R021): that is for who reads everything.
        """
        self.sequence, self.link, self._latest = sequence, link, moment_of(time)
        for entries in commits:
            events = [entry.event for entry in entries]
            if entries[0].place[0] == 1:
                self.authority.take_genesis(events)
            else:
                leaves = [entry.digest for entry in entries]
                self.authority.take(entries[0].signer, events, leaves)

    def ahead(self) -> "Reader":
        """Return a reader at the same place: what it reads leaves this one where it is."""
        ahead = Reader(self._archive, excerpt=self._excerpt)
        vars(ahead).update(vars(self))
        ahead._last, ahead.authority = dict(self._last), self.authority.copy()
        return ahead

    def skip_to(self, sequence: int) -> None:
        """Go on with commit `sequence`: those before it are not there."""
        self.sequence = sequence - 1
        self.link = None
        self._linked = False

    def read(
        self, name: str, data: bytes, *, signed_here: bool = False
    ) -> tuple[list[Entry[Event | None]], list[Finding]]:
        """Judge the next commit and move behind it; return its events and what is wrong.

        Bytes that are no commit give no events, and the reader moves on without their link. With
        `signed_here` this very process signed these very bytes: the signature alone is not judged.
        """
        self.sequence += 1
        try:
            commit = disk.parse(data, excerpt=self._excerpt)
        except disk.NotACommit as error:
            self.skip_to(self.sequence + 1)
            return [], [Finding("R002", name, str(error))]
        parts = disk.slices(data)
        findings = list(self._judge_header(name, commit.header))
        if not signed_here:
            findings += self._judge_signature(name, commit, parts.message)
        findings += self._judge_bodies(name, commit, parts.events)
        findings += self._judge_lengths(name, data)
        findings += self._judge_time(name, commit.header.time)
        events = []
        for position, body in enumerate(commit.events):
            event, found = self._read_event(f"{name}#{position}", body)
            findings += found
            events.append(event)
        self.left_out += commit.events.count(None)
        if self.sequence == 1:
            self.authority.take_genesis(events)
        findings += self._judge_beginning(name, commit.header, events)
        findings += self._judge_authority(name, commit, events)
        findings += self._judge_doubt(name, events)
        self._last[commit.header.signer] = (name, commit.header.time)
        entries = self._entries(commit, events)
        if self.sequence > 1:
            self.authority.take(commit.header.signer, events, commit.header.leaves)
        self.link = digests.sha256(parts.message)
        self._linked = True
        return entries, findings

    def _judge_header(self, name: str, header: disk.Header) -> Iterator[Finding]:
        if header.archive != self._archive:
            yield Finding("R009", name, f"it belongs to archive {header.archive!r}")
        if header.sequence != self.sequence:
            yield Finding("R003", name, f"it calls itself commit {header.sequence}")
        if self._linked and header.prev != self.link:
            yield Finding("R003", name, "it does not name the commit before it")

    def _judge_signature(self, name: str, commit: disk.Commit, message: bytes) -> Iterator[Finding]:
        signer = commit.header.signer
        if not signing.verifies(signer, commit.signature, message):
            yield Finding("R004", name, f"the signature by {signer[:24]}… does not verify")

    def _judge_bodies(
        self, name: str, commit: disk.Commit, written: Sequence[msgspec.Raw]
    ) -> Iterator[Finding]:
        leaves = commit.header.leaves
        if len(commit.events) != len(leaves):
            yield Finding(
                "R005", name, f"{len(commit.events)} events, {len(leaves)} digests signed"
            )
        signed = zip(commit.events, written, leaves, strict=False)
        for position, (body, text, digest) in enumerate(signed):
            if body is not None and disk.leaf_of(text) != digest:
                kind = str(body.get("kind"))
                yield Finding(
                    "R005",
                    f"{name}#{position}",
                    f"the event {kind} is not the one that was signed",
                    tuple(str(body[key]) for key in ("model",) if key in body),
                )

    def _judge_lengths(self, name: str, data: bytes) -> Iterator[Finding]:
        if len(data) <= tiles.ENTRY_BYTES_MAX:
            return  # a commit holds all that is in its entries, and more
        for position, entry in enumerate(tiles.entries_of(self.sequence, data)):
            if len(entry) > tiles.ENTRY_BYTES_MAX:
                detail = f"its entry has {len(entry)} bytes, and at most {tiles.ENTRY_BYTES_MAX}"
                yield Finding("R002", f"{name}#{position}", detail)

    def _judge_time(self, name: str, time: str) -> Iterator[Finding]:
        try:
            moment = moment_of(time)
        except ValueError as error:
            yield Finding("R002", name, f"its time: {error}")
            return
        if timestamp(moment) != time:
            yield Finding("R002", name, f"its time {time} is not UTC with whole milliseconds")
        if self._latest is not None and moment < self._latest:
            yield Finding("R008", name, f"its time {time} is before {timestamp(self._latest)}")
        self._latest = moment

    def _read_event(
        self, where: str, body: dict[str, Any] | None
    ) -> tuple[Event | None, list[Finding]]:
        if body is None:
            return None, []
        try:
            event = disk.parse_event(body)
        except disk.NotACommit as error:
            return None, [Finding("R011", where, str(error))]
        if event is None:
            return None, [Finding("R010", where, f"unknown kind {str(body.get('kind'))[:64]!r}")]
        return event, []

    def _judge_beginning(
        self, name: str, header: disk.Header, events: list[Event | None]
    ) -> Iterator[Finding]:
        """An archive begins once, with the first event, and under one id."""
        for position, event in enumerate(events):
            if not isinstance(event, ArchiveCreated):
                continue
            if (self.sequence, position) != (1, 0) or event.archive != header.archive:
                detail = "an archive begins with its first event, and under its own id"
                yield Finding("R009", f"{name}#{position}", detail)

    def _judge_authority(
        self, name: str, commit: disk.Commit, events: list[Event | None]
    ) -> Iterator[Finding]:
        key = commit.header.signer
        if self.authority.holder(key) is None:
            yield Finding("R006", name, f"the key {key[:24]}… was not valid then")
            return
        for position, (event, body) in enumerate(zip(events, commit.events, strict=False)):
            kind = str(body["kind"])[:64] if event is None and body and "kind" in body else None
            refusal = self.authority.refusal(key, event, kind)
            if refusal is not None:
                yield Finding("R007", f"{name}#{position}", refusal)
        # The keys of the first commit are pinned already: only whether they are enough is left.
        unfit = self.authority.unfit(events if self.sequence > 1 else ())
        if unfit is not None:
            yield Finding("R007", name, unfit)

    def _judge_doubt(self, name: str, events: list[Event | None]) -> Iterator[Finding]:
        for event in events:
            if isinstance(event, KeyRevoked) and event.since is not None:
                last, time = self._last.get(event.key, (name, ""))
                if time[:10] >= event.since:
                    said = f"{last} is by a key that was revoked from {event.since} on"
                    yield Finding("R021", name, said)

    def _entries(
        self, commit: disk.Commit, events: list[Event | None]
    ) -> list[Entry[Event | None]]:
        header = commit.header
        holder = self.authority.holder(header.signer)
        return [
            Entry(
                id=f"{self.sequence}.{position}",
                time=header.time,
                signer=header.signer,
                signed_by=holder.name if holder else "unknown",
                event=event,
                digest=digest,
            )
            for position, (event, digest) in enumerate(zip(events, header.leaves, strict=False))
            if commit.events[position] is not None
        ]


def genesis_of(store: Store) -> disk.Commit:
    """Return the first commit, which proves itself: its keys are those that it pins.

    Raises `IntegrityError` with the findings when it does not.
    """
    name = disk.name_of(1)
    data = store.get(name, 0, disk.COMMIT_BYTES_MAX + 1)
    try:
        commit = disk.parse(data)
    except disk.NotACommit as error:
        raise IntegrityError(
            f"{name}: {error} (R002)", (Finding("R002", name, str(error)),)
        ) from error
    serious = blocking(Reader(commit.header.archive).read(name, data)[1])
    if serious:
        raise IntegrityError(f"{name}: {serious[0].detail} ({serious[0].code})", serious)
    return commit


def check(
    store: Store, archive: str, trust: str | None = None, against: Sequence[Old] = ()
) -> Iterator[Finding]:
    """Yield everything that is wrong with the record in `store`, its tiles and checkpoints.

    `trust` is the fingerprint known from elsewhere: with it, a record that was made anew with
    other keys is found (R012); without it, only consistency is shown. `against` are checkpoints
    from elsewhere, with which a record that was changed by who has the keys is found (R014 on).
    """
    numbers = {}
    for name in store.list("record/"):
        if name.startswith((checkpoint.PREFIX, tiles.PREFIX)):
            continue
        sequence = disk.sequence_of(name)
        if sequence is None:
            yield Finding("A001", name, "no commit has this name")
        else:
            numbers[sequence] = name
    reader = Reader(archive)
    for sequence, name in sorted(numbers.items()):
        missing = reader.sequence + 1
        if sequence > missing:
            last = f" to {sequence - 1}" if sequence - 1 > missing else ""
            yield Finding("R001", disk.name_of(missing), f"commit {missing}{last} is missing")
            reader.skip_to(sequence)
        _, findings = reader.read(name, store.get(name, 0, disk.COMMIT_BYTES_MAX + 1))
        yield from findings
        if sequence == 1 and trust is not None and reader.link != trust:
            yield Finding("R012", name, f"its fingerprint is {reader.link}, not {trust}")
    if not numbers:
        yield Finding("R001", disk.name_of(1), "there is no commit at all")
    yield from check_tree(store, archive, numbers, against)
