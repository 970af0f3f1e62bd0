"""A small record in memory, and the ways in which somebody with all its keys may rewrite it."""

import datetime
from collections.abc import Sequence

import msgspec

from emeritus import canonical
from emeritus.clock import FixedClock
from emeritus.record import HybridSigner, Record
from emeritus.record import format as disk
from emeritus.record.checkpointing import Kept, write
from emeritus.record.events import ArchiveCreated, Event, KeyAdded, ModelCovered, Role
from emeritus.testing.stores import MemoryStore

ID = "0" * 32
ROOT = HybridSigner(b"\1" * 32, b"\2" * 32)
CLOCK = FixedClock(datetime.datetime(2027, 1, 1, tzinfo=datetime.UTC))
SECONDS = int(CLOCK.now().timestamp())


def covered(reason: str) -> ModelCovered:
    """Return an event that is told apart by its reason."""
    return ModelCovered(model="acme/aster-1", covered=True, reason=reason)


def founded() -> tuple[MemoryStore, Record]:
    """Return a record with its first commit: anna is root, steward and service."""
    store = MemoryStore()
    record = Record(store, ID)
    roles = (Role.ROOT, Role.STEWARD, Role.SERVICE)
    added = KeyAdded(key=ROOT.key, mldsa44=ROOT.mldsa44, name="anna", roles=roles)
    record.append([ArchiveCreated(archive=ID, software="test"), added], ROOT, CLOCK)
    return store, record


def recorded(*reasons: str) -> tuple[MemoryStore, Record]:
    """Return a record with a commit for each reason."""
    store, record = founded()
    for reason in reasons:
        record.append([covered(reason)], ROOT, CLOCK)
    return store, record


def checkpointed(store: MemoryStore, record: Record) -> Kept:
    """Write a checkpoint of a record."""
    return write(store, ID, record.sequence, ROOT, SECONDS)


def rewritten(store: MemoryStore, commits: Sequence[Sequence[Event]]) -> MemoryStore:
    """Return the record with other commits behind the first, chained and signed as if true."""
    first = store.files[disk.name_of(1)]
    other, link = MemoryStore(), disk.parse(first).link
    other.files[disk.name_of(1)] = first
    for number, events in enumerate(commits, start=2):
        bodies = tuple(map(disk.render_event, events))
        header = msgspec.structs.replace(
            disk.parse(first).header,
            sequence=number,
            prev=link,
            nonce=f"{number:016x}",
            leaves=tuple(disk.leaf_of(canonical.dumps(body)) for body in bodies),
        )
        signature = ROOT.sign(disk.signed_message(header))
        commit = disk.Commit(header=header, events=bodies, signature=signature)
        other.files[disk.name_of(number)] = disk.render(commit)
        link = commit.link
    return other
