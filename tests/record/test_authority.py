"""Keys: who may sign what, from when until when, and how many people change that."""

import datetime

import msgspec
import pytest

from emeritus import canonical
from emeritus.clock import FixedClock
from emeritus.errors import UserError
from emeritus.record import Ed25519Signer, HybridSigner, Record, check
from emeritus.record import format as disk
from emeritus.record.authority import Authority
from emeritus.record.events import (
    ArchiveCreated,
    Event,
    GateApproved,
    KeyAdded,
    KeyRevoked,
    LegacyDeclared,
    ModelCovered,
    Role,
    ThresholdSet,
)
from emeritus.testing.stores import MemoryStore

ID = "0" * 32
ANNA, BERTA, CLARA, DORA = (Ed25519Signer(bytes([number]) * 32) for number in range(1, 5))
COVERED = ModelCovered(model="acme/aster-1", covered=True, reason="public")
APPROVED = GateApproved(
    model="acme/aster-1", gate="approved", report=1, report_sha256="sha256:" + "0" * 64
)
DORA_ADDED = KeyAdded(key=DORA.key, name="dora", roles=(Role.APPROVER,))


def _founded(threshold: int) -> tuple[MemoryStore, Record, FixedClock]:
    """A record whose root is anna, berta and clara; `threshold` of them change the keys."""
    store, clock = MemoryStore(), FixedClock(datetime.datetime(2027, 1, 1, tzinfo=datetime.UTC))
    record = Record(store, ID)
    people = (("anna", ANNA), ("berta", BERTA), ("clara", CLARA))
    roles = (Role.ROOT, Role.STEWARD)
    record.append(
        [
            ArchiveCreated(archive=ID, software="test", root_threshold=threshold),
            *(KeyAdded(key=signer.key, name=name, roles=roles) for name, signer in people),
        ],
        ANNA,
        clock,
    )
    return store, record, clock


def _tampered(store: MemoryStore, signer: Ed25519Signer, *events: Event) -> set[str]:
    """Write a commit that the program itself would refuse; return the codes that it yields."""
    reader = Record(store, ID)
    reader.entries()
    bodies = tuple(msgspec.to_builtins(event) for event in events)
    header = disk.Header(
        format=disk.FORMAT,
        archive=ID,
        sequence=reader.sequence + 1,
        prev=reader._reader.link,
        time="2027-01-01T00:00:00.000Z",
        signer=signer.key,
        nonce="0" * 16,
        leaves=tuple(disk.leaf_of(canonical.dumps(body)) for body in bodies),
    )
    signature = signer.sign(disk.signed_message(header))
    commit = disk.Commit(header=header, events=bodies, signature=signature)
    store.put(disk.name_of(header.sequence), disk.render(commit))
    return {finding.code for finding in check(store, ID)}


def test_one_of_two_people_changes_nothing() -> None:
    """The event is on record and waits; with the second person's signature it counts."""
    store, record, clock = _founded(2)
    record.append([DORA_ADDED], ANNA, clock)
    assert record.authority.holder(DORA.key) is None
    (waiting,) = record.authority.waiting()
    assert waiting.names == {"anna"}
    with pytest.raises(UserError, match="not valid"):
        record.append([APPROVED], DORA, clock)
    record.append([DORA_ADDED], ANNA, clock)  # the same person twice is one person
    assert record.authority.holder(DORA.key) is None
    record.append([DORA_ADDED], CLARA, clock)
    assert record.authority.waiting() == []
    record.append([APPROVED], DORA, clock)
    assert list(check(store, ID)) == []


def test_another_event_is_not_the_same_change() -> None:
    """Two people who sign different roles for one key have agreed on neither."""
    _, record, clock = _founded(2)
    record.append([DORA_ADDED], ANNA, clock)
    more = KeyAdded(key=DORA.key, name="dora", roles=(Role.APPROVER, Role.STEWARD))
    record.append([more], BERTA, clock)
    assert record.authority.holder(DORA.key) is None
    assert len(record.authority.waiting()) == 2


def test_whoever_lost_the_root_key_does_not_count_any_more() -> None:
    """A signature that waits is worth nothing once its signer is revoked."""
    _, record, clock = _founded(2)
    record.append([DORA_ADDED], CLARA, clock)
    for signer in (ANNA, BERTA):
        record.append([KeyRevoked(key=CLARA.key, reason="left")], signer, clock)
    assert record.authority.holder(CLARA.key) is None
    record.append([DORA_ADDED], ANNA, clock)
    assert record.authority.holder(DORA.key) is None
    record.append([DORA_ADDED], BERTA, clock)
    assert record.authority.holder(DORA.key) is not None


def test_a_rotation_is_one_commit() -> None:
    """The new key is valid after it, the old one is not, and nobody is locked out in between."""
    store, record, clock = _founded(1)
    added = KeyAdded(key=DORA.key, name="anna", roles=(Role.ROOT, Role.STEWARD))
    record.append([added, KeyRevoked(key=ANNA.key, reason="yearly")], ANNA, clock)
    with pytest.raises(UserError, match="not valid"):
        record.append([COVERED], ANNA, clock)
    record.append([COVERED], DORA, clock)
    assert list(check(store, ID)) == []


@pytest.mark.parametrize(
    "events",
    [
        [KeyAdded(key=ANNA.key, name="anna", roles=(Role.APPROVER,))],
        [KeyAdded(key=ANNA.key, name="another", roles=(Role.APPROVER,))],
        [KeyRevoked(key=DORA.key, reason="never here")],
        [DORA_ADDED, DORA_ADDED],
        [ThresholdSet(threshold=4)],
        [KeyRevoked(key=signer.key, reason="all leave") for signer in (ANNA, BERTA, CLARA)],
    ],
)
def test_a_change_that_makes_no_sense_is_refused_and_found(events: list[Event]) -> None:
    """A key added twice, revoked unheard of, or too few root keys left: R007."""
    store, record, clock = _founded(1)
    with pytest.raises(UserError, match="not recorded"):
        record.append(events, ANNA, clock)
    assert _tampered(store, ANNA, *events) == {"R007"}


@pytest.mark.parametrize(
    "event",
    [
        KeyAdded(key="ed25519:0", name="dora", roles=(Role.AUDITOR,)),
        KeyAdded(key=DORA.key, mldsa44="mldsa44:0", name="dora", roles=(Role.AUDITOR,)),
    ],
)
def test_what_is_no_key_is_refused_and_found(event: KeyAdded) -> None:
    """A malformed key is a field of the wrong form, and nobody holds it."""
    store, record, clock = _founded(1)
    with pytest.raises(UserError, match="is no id of"):
        record.append([event], ANNA, clock)
    assert _tampered(store, ANNA, event) == {"R011"}


def test_a_revoked_key_never_comes_back() -> None:
    """Neither under its old name nor under another."""
    _, record, clock = _founded(1)
    record.append([KeyRevoked(key=CLARA.key, reason="left")], ANNA, clock)
    with pytest.raises(UserError, match="on record before"):
        record.append([KeyAdded(key=CLARA.key, name="clara", roles=(Role.AUDITOR,))], ANNA, clock)


def test_a_key_may_be_limited_to_kinds() -> None:
    """A service that only approves does not cover models, and the finding says so."""
    store, record, clock = _founded(1)
    limited = KeyAdded(
        key=DORA.key, name="bot", roles=(Role.STEWARD,), kinds=("model.covered", "gate.waived")
    )
    record.append([limited], ANNA, clock)
    record.append([COVERED], DORA, clock)
    legacy = LegacyDeclared(model="acme/aster-1", offering="api", reason="old")
    with pytest.raises(UserError, match=r"bot is limited to gate\.waived, model\.covered"):
        record.append([legacy], DORA, clock)
    assert _tampered(store, DORA, legacy) == {"R007"}


def test_what_a_key_signed_while_it_was_in_doubt_is_pointed_out() -> None:
    """A revocation with a day before the key's last commit is a finding that breaks nothing."""
    store, record, clock = _founded(1)
    clock.move(datetime.timedelta(days=30))
    record.append([COVERED], BERTA, clock)
    record.append([KeyRevoked(key=BERTA.key, reason="lost", since="2027-01-15")], ANNA, clock)
    (finding,) = check(store, ID)
    assert finding.code == "R021"
    assert disk.name_of(2) in finding.detail
    record.append([COVERED], ANNA, clock)
    quiet, record, clock = _founded(1)
    record.append([COVERED], BERTA, clock)
    record.append([KeyRevoked(key=BERTA.key, reason="lost", since="2027-01-15")], ANNA, clock)
    assert list(check(quiet, ID)) == []


def test_a_threshold_that_nobody_can_reach_is_refused_from_the_start() -> None:
    """A first commit that asks for more root keys than it pins is not written, and is no proof."""
    store, clock = MemoryStore(), FixedClock(datetime.datetime(2027, 1, 1, tzinfo=datetime.UTC))
    events = [
        ArchiveCreated(archive=ID, software="test", root_threshold=2),
        KeyAdded(key=ANNA.key, name="anna", roles=(Role.ROOT,)),
    ]
    with pytest.raises(UserError, match="R007"):
        Record(store, ID).append(events, ANNA, clock)
    assert store.files == {}
    assert _tampered(store, ANNA, *events) == {"R007"}


def test_who_may_sign_checkpoints() -> None:
    """A steward, a service or an auditor with both keys, and nobody who is limited."""
    pair = HybridSigner(b"\1" * 32, b"\2" * 32)
    authority = Authority()

    def may(role: Role, mldsa44: str | None = pair.mldsa44, kinds: tuple[str, ...] = ()) -> bool:
        added = KeyAdded(key=pair.key, mldsa44=mldsa44, name="x", roles=(role,), kinds=kinds)
        authority.take_genesis([ArchiveCreated(archive=ID, software="test"), added])
        holder = authority.holder(pair.key)
        return holder is not None and holder.signs_checkpoints

    assert may(Role.STEWARD)
    assert may(Role.SERVICE)
    assert may(Role.AUDITOR)
    assert not may(Role.REVIEWER)
    assert not may(Role.STEWARD, mldsa44=None)
    assert not may(Role.SERVICE, kinds=("fixity.checked",))
