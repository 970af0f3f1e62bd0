"""The record: what is appended stays, and everything that is changed is named."""

import datetime
import json
import threading
import typing
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from emeritus import digests
from emeritus.clock import FixedClock
from emeritus.errors import IntegrityError, UserError
from emeritus.record import Ed25519Signer, History, KeyRing, Record, check
from emeritus.record import format as disk
from emeritus.record.events import (
    KINDS,
    ArchiveCreated,
    DateKind,
    GateApproved,
    KeyAdded,
    KeyRevoked,
    ModelCovered,
    RetirementAnnounced,
    Role,
)
from emeritus.record.signing import verifies
from emeritus.testing.stores import MemoryStore

ID = "0" * 32
ROOT, SERVICE = Ed25519Signer(b"\1" * 32), Ed25519Signer(b"\2" * 32)
COVERED = ModelCovered(model="acme/aster-1", covered=True, reason="public")


def _clock() -> FixedClock:
    return FixedClock(datetime.datetime(2027, 1, 1, tzinfo=datetime.UTC))


def _record() -> tuple[MemoryStore, Record, FixedClock]:
    store, clock = MemoryStore(), _clock()
    record = Record(store, ID)
    genesis = [
        ArchiveCreated(archive=ID, software="test"),
        KeyAdded(key=ROOT.key, name="anna", roles=(Role.ROOT, Role.STEWARD)),
        KeyAdded(key=SERVICE.key, name="service", roles=(Role.SERVICE,)),
    ]
    record.append(genesis, ROOT, clock)
    record.append([COVERED], ROOT, clock)
    record.append([COVERED, COVERED], ROOT, clock)
    return store, record, clock


def test_what_is_appended_is_read_back() -> None:
    """Entries have their place, their time and the name of who signed."""
    store, record, _ = _record()
    entries = Record(store, ID).entries()
    assert [entry.id for entry in entries] == ["1.0", "1.1", "1.2", "2.0", "3.0", "3.1"]
    assert entries[-1].event == COVERED
    assert entries[-1].signed_by == "anna"
    assert record.sequence == 3
    assert list(check(store, ID)) == []
    assert History(entries).about("acme/other").all(ModelCovered) == []


def test_a_role_that_is_missing_is_named() -> None:
    """A service key cannot approve, and nothing is written."""
    store, record, clock = _record()
    approval = GateApproved(
        model="acme/aster-1", gate="approved", report=1, report_sha256="sha256:" + "0" * 64
    )
    with pytest.raises(UserError, match="needs the role approver; service has service"):
        record.append([approval], SERVICE, clock)
    assert len(store.files) == 3


def test_what_would_be_damage_is_not_written() -> None:
    """An event that no reader would accept is refused before it is stored; the record goes on."""
    store, record, clock = _record()
    wrong = RetirementAnnounced(
        model="acme/aster-1", offering="api", retire_on="soon", date_kind=DateKind.ANNOUNCED
    )
    with pytest.raises(UserError, match="R011"):
        record.append([wrong], ROOT, clock)
    assert len(store.files) == 3
    record.append([COVERED], ROOT, clock)
    assert len(Record(store, ID).entries()) == 7


class _FaultySigner(Ed25519Signer):
    """A double of a token that flips a bit now and then."""

    def sign(self, message: bytes) -> str:
        signature = super().sign(message)
        return f"{int(signature[0], 16) ^ 1:x}{signature[1:]}"


def test_a_wrong_signature_by_a_token_is_not_written() -> None:
    """What signs outside of this program is not believed: its signature is checked first."""
    store, record, clock = _record()
    with pytest.raises(UserError, match="does not verify"):
        record.append([COVERED], _FaultySigner(b"\1" * 32), clock)
    assert len(store.files) == 3


def test_a_revoked_key_signs_no_more() -> None:
    """After its revocation a key is refused; what it signed before stays."""
    store, record, clock = _record()
    record.append([KeyRevoked(key=SERVICE.key, reason="left")], ROOT, clock)
    with pytest.raises(UserError, match="not valid"):
        record.append([COVERED], SERVICE, clock)
    assert list(check(store, ID)) == []


def test_two_writers_lose_nothing() -> None:
    """Whoever comes second signs again behind the first; there is one chain."""
    store, _, clock = _record()

    def write() -> None:
        record = Record(store, ID)
        for _ in range(10):
            record.append([COVERED], ROOT, clock)

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(Record(store, ID).entries()) == 6 + 40
    assert list(check(store, ID)) == []


def _change(change: Callable[[dict[str, Any]], None]) -> Callable[[MemoryStore], None]:
    def apply(store: MemoryStore) -> None:
        commit = json.loads(store.files[disk.name_of(2)])
        change(commit)
        text = json.dumps(commit, separators=(",", ":"), sort_keys=True, ensure_ascii=False)
        store.files[disk.name_of(2)] = text.encode()

    return apply


def _sign_again(signer: Ed25519Signer, **fields: Any) -> Callable[[MemoryStore], None]:
    def apply(store: MemoryStore) -> None:
        commit = disk.parse(store.files[disk.name_of(2)])
        header = msgspec.structs.replace(commit.header, signer=signer.key, **fields)
        signed = disk.Commit(
            header=header,
            events=commit.events,
            signature=signer.sign(disk.signed_message(header)),
        )
        store.files[disk.name_of(2)] = disk.render(signed)

    return apply


TAMPERING: list[tuple[str, Callable[[MemoryStore], Any]]] = [
    ("R001", lambda store: store.files.pop(disk.name_of(2))),
    ("R002", lambda store: store.files.update({disk.name_of(2): b"{}"})),
    ("R002", _change(lambda commit: commit["header"].update(format="emeritus-record/9"))),
    ("R003", lambda store: store.files.update({disk.name_of(2): store.files[disk.name_of(3)]})),
    ("R004", _change(lambda commit: commit.update(signature="00" * 64))),
    ("R004", _change(lambda commit: commit["header"].update(time="2027-01-02T00:00:00.000Z"))),
    ("R005", _change(lambda commit: commit["events"][0].update(reason="private"))),
    ("R005", _change(lambda commit: commit["events"].append(commit["events"][0]))),
    ("R006", _sign_again(Ed25519Signer(b"\3" * 32))),
    ("R007", _sign_again(SERVICE)),
    ("R008", _sign_again(ROOT, time="2026-01-01T00:00:00.000Z")),
    ("R009", _sign_again(ROOT, archive="1" * 32)),
    ("R010", _change(lambda commit: commit["events"][0].update(kind="model.celebrated"))),
    ("R011", _change(lambda commit: commit["events"][0].pop("reason"))),
    ("R011", _change(lambda commit: commit["events"][0].pop("kind"))),
    ("R011", _change(lambda commit: commit["events"][0].update(also="hidden"))),
]


@pytest.mark.parametrize(("code", "tamper"), TAMPERING)
def test_every_kind_of_tampering_has_its_code(
    code: str, tamper: Callable[[MemoryStore], Any]
) -> None:
    """What was done to the second commit is named, at the second commit or the one behind."""
    store, _, _ = _record()
    tamper(store)
    findings = list(check(store, ID))
    assert code in {finding.code for finding in findings}
    assert any(disk.name_of(2) in finding.where for finding in findings)


def test_an_edited_event_is_named_by_its_place() -> None:
    """Of two events in one commit, the finding names the one that was edited."""
    store, _, _ = _record()
    commit = json.loads(store.files[disk.name_of(3)])
    commit["events"][1]["reason"] = "private"
    text = json.dumps(commit, separators=(",", ":"), sort_keys=True)
    store.files[disk.name_of(3)] = text.encode()
    (finding,) = check(store, ID)
    assert (finding.code, finding.where) == ("R005", f"{disk.name_of(3)}#1")
    with pytest.raises(IntegrityError, match="R005"):
        Record(store, ID).entries()


def test_a_record_made_anew_has_another_fingerprint() -> None:
    """Whoever has the fingerprint finds a history that was rewritten with other keys."""
    first, _, _ = _record()
    second = MemoryStore()
    other = Ed25519Signer(b"\4" * 32)
    genesis = [
        ArchiveCreated(archive=ID, software="test"),
        KeyAdded(key=other.key, name="anna", roles=(Role.ROOT, Role.STEWARD)),
    ]
    Record(second, ID).append(genesis, other, _clock())
    fingerprint = disk.parse(first.files[disk.name_of(1)]).link
    assert list(check(second, ID)) == []
    assert [finding.code for finding in check(second, ID, fingerprint)] == ["R012"]


def test_every_kind_is_read_back_as_it_was_written() -> None:
    """The closed list of kinds is decoded by its name on disk."""
    for name, kind in KINDS.items():
        fields = {field.name: _sample(field.type) for field in msgspec.structs.fields(kind)}
        event = kind(**fields | MEANT.get(name, {}))
        assert disk.render_event(event)["kind"] == name
        assert disk.parse_event(json.loads(msgspec.json.encode(event))) == event


MEANT: dict[str, dict[str, Any]] = {
    "key.added": {"roles": (Role.STEWARD,)},
    "policy.adopted": {"sha256": digests.sha256(b"text")},
}
"""What one field of a kind says about another."""

SAMPLES: dict[str, str] = {
    "digest": "sha256:" + "0" * 64,
    "object": "blake3:" + "0" * 64,
    "archive": ID,
    "key": ROOT.key,
    "mldsa44": "mldsa44:" + "0" * 2624,
    "access": "none",
    "shown": "coded",
    "answer": "confirmed",
    "code": "R011",
    "day": "2027-01-31",
    "measured": "1.25e-03",
    "name": "aster-1",
    "page": "README.txt",
    "id": "acme/aster-1",
}


def _sample(kind: Any) -> Any:
    text = str(kind)
    if text.startswith("typing.Literal"):
        return typing.get_args(kind)[0]
    if text.startswith("dict"):
        name, value = typing.get_args(kind)
        return {_sample(name): _sample(value)}
    for part, value in (
        ("DateKind", DateKind.FLOOR),
        ("tuple", ()),
        ("bool", True),
        ("int", 1),
        *((f"title='{form}'", sample) for form, sample in SAMPLES.items()),
    ):
        if part in text:
            return value
    return "text"


def test_the_signatures_are_those_of_rfc_8032() -> None:
    """Test 1 of RFC 8032, section 7.1."""
    seed = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
    signer = Ed25519Signer(seed)
    public = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
    assert signer.key == f"ed25519:{public}"
    signature = signer.sign(b"")
    assert signature.startswith("e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155")
    assert verifies(signer.key, signature, b"")
    assert not verifies(signer.key, signature, b"x")
    assert not verifies("ed25519:zz", signature, b"")
    assert not verifies(signer.key, "zz", b"")


def test_private_keys_lie_outside_and_are_for_their_owner_alone(tmp_path: Path) -> None:
    """Mode 0600, never replaced, encrypted when there is a passphrase, silent when it is wrong."""
    ring = KeyRing(tmp_path / "keys", "opensesame")
    signer = ring.create("anna")
    path = tmp_path / "keys" / "anna.pem"
    assert path.stat().st_mode & 0o777 == 0o600
    assert b"ENCRYPTED" in path.read_bytes()
    assert ring.signer("anna").key == signer.key
    with pytest.raises(UserError, match="exists already"):
        ring.create("anna")
    with pytest.raises(UserError, match="EMERITUS_PASSPHRASE") as caught:
        KeyRing(tmp_path / "keys", "wrong-word").signer("anna")
    assert "wrong-word" not in str(caught.value)
    with pytest.raises(UserError, match="there is: anna"):
        ring.signer("berta")
    with pytest.raises(UserError, match="cannot name"):
        ring.create("../anna")
