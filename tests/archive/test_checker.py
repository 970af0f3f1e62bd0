"""The checker of one file and the whole program say the same about keys, checkpoints and tiles."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from emeritus import canonical, digests
from emeritus.archive import Archive, Founding, create
from emeritus.archive.checkpointing import keep_checkpoint, renew, write_checkpoint
from emeritus.archive.fixity import verify_all
from emeritus.archive.people import add_person, countersign, revoke, rotate
from emeritus.archive.witnessing import Witness, witness
from emeritus.clock import FixedClock
from emeritus.lifecycle.shipped import policy_text
from emeritus.record import check
from emeritus.record import checkpoint as heads
from emeritus.record import format as disk
from emeritus.record import note as notes
from emeritus.record.checkpoint import Checkpoint
from emeritus.record.events import ReplicaAdded
from emeritus.record.verification import blocking
from emeritus.settings import Settings
from tests.record.histories import ROOT, SECONDS

CHECKER = Path(__file__).parents[2] / "src/emeritus/archive/format/check.py"
NOTE = ReplicaAdded(replica="other", place="basel")


def _check(archive: Archive, *words: object, bare: bool = False, code: int = 0) -> str:
    """Run the checker, `bare` without any package from outside the standard library."""
    done = subprocess.run(
        [sys.executable, "-I", *(["-S"] if bare else []), CHECKER, archive.root, *map(str, words)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def lived(settings: Settings, clock: FixedClock) -> Archive:
    """An archive of two people out of three, with rotations, revocations and checkpoints."""
    founding = Founding("demo", policy_text("demo"), "here", root_keys=3, root_threshold=2)
    archive = create(settings.archive, founding, settings, clock)
    add_person(archive, "dora", ["approver"])
    countersign(archive, 2, "root-2")
    archive.append(*[NOTE] * 250, key="steward")
    write_checkpoint(archive)
    rotate(archive, "steward", "yearly")
    countersign(archive, archive.record.sequence, "root-3")
    rotate(archive, "steward", "yearly")
    renew(archive)
    revoke(archive, "dora", "left", since="2027-01-01", by="root-2")
    countersign(archive, archive.record.sequence, "steward")
    archive.append(*[NOTE] * 30, key="steward")
    write_checkpoint(archive, "steward")
    return archive


@pytest.mark.parametrize("bare", [False, True])
def test_a_sound_archive_is_sound_for_both(lived: Archive, bare: bool) -> None:
    """Without the package for ML-DSA-44 the checker says what it did not check, and goes on."""
    assert verify_all(lived).sound
    said = _check(lived, "--trust", lived.genesis, bare=bare)
    assert "3 checkpoints, each over the events" in said
    assert " tiles, each what the commits make of it" in said
    assert ("was not checked" in said) == bare


def _cut(archive: Archive) -> None:
    max((archive.root / "record" / "0000").iterdir()).unlink()


def _first(archive: Archive, pattern: str) -> Path:
    path = min((archive.root / "record").glob(pattern))
    path.chmod(0o644)
    return path


def _flip_tile(archive: Archive) -> None:
    path = _first(archive, "tiles/tile/0/000")
    path.write_bytes(path.read_bytes()[:-1] + b"?")


def _flip_bundle(archive: Archive) -> None:
    path = _first(archive, "tiles/tile/entries/001.p/*")
    path.write_bytes(path.read_bytes().replace(b"basel", b"turin"))


def _drop_signature(archive: Archive) -> None:
    path = _first(archive, "checkpoints/*.note")
    path.write_text("\n".join(path.read_text().split("\n")[:-2]) + "\n")


def _other_root(archive: Archive) -> None:
    path = _first(archive, "checkpoints/*.note")
    _, before = heads.read(path.read_bytes())
    other = Checkpoint(before.origin, before.size, bytes(32))
    path.write_bytes(notes.render(heads.sign(other, archive.signer("service"), SECONDS)))


def _stranger(archive: Archive) -> None:
    path = _first(archive, "checkpoints/*.note")
    _, before = heads.read(path.read_bytes())
    path.write_bytes(notes.render(heads.sign(before, ROOT, SECONDS)))


def _nonsense(archive: Archive) -> None:
    _first(archive, "checkpoints/*.note").write_bytes(b"nothing\n")


@pytest.mark.parametrize(
    ("tamper", "code"),
    [
        (_cut, "R014"),
        (_flip_tile, "R020"),
        (_flip_bundle, "R020"),
        (_drop_signature, "R019"),
        (_other_root, "R018"),
        (_stranger, "R019"),
        (_nonsense, "R019"),
    ],
)
def test_what_one_finds_the_other_finds(
    lived: Archive, tamper: Callable[[Archive], None], code: str
) -> None:
    """A commit cut off, a tile changed, a checkpoint with half its signatures, another or none."""
    tamper(lived)
    assert code in {finding.code for _, finding in verify_all(lived).damage}
    assert "NOT SOUND" in _check(lived, code=3)
    assert "NOT SOUND" in _check(lived, bare=True, code=3)


def test_an_old_checkpoint_with_a_cosignature_shows_which_history_this_is(
    lived: Archive, tmp_path: Path, clock: FixedClock
) -> None:
    """Both take the witness's word for the beginning, and find the history that was cut."""
    home = tmp_path / "elsewhere"
    theirs = Settings(archive=home, config=home / "config", state=home / "state", cache=home / "c")
    path = tmp_path / "head.note"
    path.write_bytes(write_checkpoint(lived).data)
    done = witness(Witness("archive.example", theirs, clock), path, lived.root, lived.genesis)
    keep_checkpoint(lived, path)
    for key, bare in ((done.keys[0], True), (done.keys[0], False), (done.keys[1], False)):
        said = _check(lived, "--against", path, "--witness", key, bare=bare)
        assert "co-signed by the witness that you trust" in said
    said = _check(lived, "--against", path, "--witness", done.keys[1], bare=True)
    assert "authenticity not established" in said
    other = str(done.keys[0]).replace("archive.example", "other.example")
    assert "did not co-sign" in _check(lived, "--against", path, "--witness", other, code=3)
    _cut(lived)
    shutil.rmtree(lived.root / "record" / "checkpoints")
    shutil.rmtree(lived.root / "record" / "tiles")
    assert "SOUND" in _check(lived)
    assert "was cut off" in _check(lived, "--against", path, code=3)


@pytest.mark.parametrize(
    "change",
    [
        {"sequence": True},
        {"sequence": 1.0},
        {"time": "2027-01-01"},
        {"time": "2027-01-01T12:00:00Z"},
        {"time": "2027-01-01T12:00:00.000+00:00"},
        {"time": "2027-02-30T12:00:00.000Z"},
        {"time": 5},
        {"nonce": "0" * 15},
        {"nonce": "A" * 16},
        {"leaves": []},
        {"leaves": ["sha256:" + "0" * 64]},
        {"archive": "0" * 32},
        {"format": "emeritus-record/2"},
        {"prev": "sha256:" + "0" * 64},
        {"signer": "ed25519:" + "0" * 64},
        {"also": "hidden"},
    ],
    ids=str,
)
def test_an_odd_header_is_refused_by_both(archive: Archive, change: dict[str, Any]) -> None:
    """Signed by the root key, in a first commit: what one reader refuses, the other does."""
    path = archive.root / disk.name_of(1)
    commit = json.loads(path.read_bytes())
    commit["header"].update(change)
    header = json.dumps(commit["header"], sort_keys=True, separators=(",", ":")).encode()
    message = disk.COMMIT_DOMAIN.encode() + b"\0" + header
    commit["signature"] = archive.signer("steward").sign(message)
    path.chmod(0o644)
    path.write_bytes(json.dumps(commit, sort_keys=True, separators=(",", ":")).encode())
    described = archive.root / "archive.json"
    told = json.loads(described.read_bytes()) | {"genesis": digests.sha256(message)}
    told["created"] = commit["header"]["time"]
    described.chmod(0o644)
    described.write_bytes(canonical.dumps(told))
    assert blocking(check(archive.store, archive.id))
    _check(archive, code=3)


@pytest.mark.parametrize(
    "change",
    [
        {"format": "emeritus-archive/9"},
        {"hashes": ["md5"]},
        {"created": "2026-01-01T00:00:00.000Z"},
        {"also": "hidden"},
    ],
    ids=str,
)
def test_a_description_that_does_not_follow_from_the_first_commit_is_found(
    archive: Archive, change: dict[str, Any]
) -> None:
    """All of archive.json is compared, not only what the checker needs of it."""
    path = archive.root / "archive.json"
    told = json.loads(path.read_bytes()) | change
    path.chmod(0o644)
    path.write_bytes(canonical.dumps(told))
    _check(archive, code=3)
