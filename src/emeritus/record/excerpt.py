"""A part of the record that still verifies: some commits, with some of their events left out.

The signed header of every commit in it is whole, so signatures, digests, keys and roles are judged
as in the record itself. What is not there is not proven: neither that nothing lies between two
commits, nor what an event says whose body is left out.
"""

import dataclasses
from collections.abc import Collection

from emeritus.errors import Finding
from emeritus.record import format as disk
from emeritus.record import merkle
from emeritus.record.authority import Authority, RootEvent
from emeritus.record.entry import Entry
from emeritus.record.events import Event
from emeritus.record.signing import is_key, is_mldsa44
from emeritus.record.tiles import entries_of
from emeritus.record.verification import Reader
from emeritus.vault import NotStored, Store

BESIDE = ("record/checkpoints/", "record/proofs.json")  # no commits, and judged elsewhere


@dataclasses.dataclass(frozen=True, slots=True)
class Excerpt:
    """What was read of a record, and what is wrong with it.

    `commits` were read of `last`, the number of the newest; `left_out` counts the events whose
    body is not there; `fingerprint` is None when the first commit is not there; `authority` has the
    keys that are valid in the end, `pairs` those that could ever sign checkpoints; `leaves` has the
    hash in the tree of every event that is here, by its id.
    """

    entries: tuple[Entry[Event | None], ...]
    findings: tuple[Finding, ...]
    fingerprint: str | None
    commits: int
    last: int
    left_out: int
    authority: Authority
    pairs: dict[str, str | None]
    leaves: dict[str, bytes]

    @property
    def whole(self) -> bool:
        """Whether nothing is left out up to the newest commit: the chain is unbroken."""
        return self.commits == self.last and not self.left_out


def redact(data: bytes, keep: Collection[int]) -> bytes:
    """Return a commit's file with the bodies of the events at other positions left out.

    A commit that keeps all its events is returned as it is.
    """
    commit = disk.parse(data)
    events = tuple(body if at in keep else None for at, body in enumerate(commit.events))
    return disk.render(disk.Commit(header=commit.header, events=events, signature=commit.signature))


def read(store: Store, archive: str) -> Excerpt:
    """Judge every commit in `store`, in order; commits that are not there are no finding.

    The first commit always is one: which keys are valid begins there.
    """
    findings: list[Finding] = []
    entries: list[Entry[Event | None]] = []
    numbers: dict[int, str] = {}
    for name in store.list("record/"):
        sequence = disk.sequence_of(name)
        if name.startswith(BESIDE):
            continue
        if sequence is None:
            findings.append(Finding("A001", name, "no commit has this name"))
        else:
            numbers[sequence] = name
    if 1 not in numbers:
        findings.append(Finding("R001", disk.name_of(1), "commit 1 is missing"))
    reader = Reader(archive, excerpt=True)
    fingerprint = None
    pairs: dict[str, str | None] = {}
    leaves: dict[str, bytes] = {}
    for sequence, name in sorted(numbers.items()):
        if sequence > reader.sequence + 1:
            reader.skip_to(sequence)
        try:
            # One byte more than a commit may have, so that a larger one is refused.
            data = store.get(name, 0, disk.COMMIT_BYTES_MAX + 1)
        except NotStored:
            data = b""  # no regular file
        taken, found = reader.read(name, data)
        entries += taken
        findings += found
        leaves |= _leaves(sequence, data, taken)
        if any(isinstance(entry.event, RootEvent) for entry in taken):
            pairs |= _pairs(reader.authority)
        if sequence == 1:
            fingerprint = reader.link
    last = max(numbers, default=0)
    return Excerpt(
        tuple(entries),
        tuple(findings),
        fingerprint,
        len(numbers),
        last,
        reader.left_out,
        reader.authority,
        pairs,
        leaves,
    )


def _pairs(authority: Authority) -> dict[str, str | None]:
    """Return the keys that may sign checkpoints, which MUST be keys: an event may be damaged."""
    return {
        key: holder.mldsa44
        for key, holder in authority.holders().items()
        if holder.signs_checkpoints and is_key(key) and is_mldsa44(holder.mldsa44 or "")
    }


def _leaves(sequence: int, data: bytes, taken: list[Entry[Event | None]]) -> dict[str, bytes]:
    """Return the hash in the tree of each event that is there."""
    if not taken:
        return {}
    listed = entries_of(sequence, data)
    return {entry.id: merkle.leaf_hash(listed[entry.place[1]]) for entry in taken}
