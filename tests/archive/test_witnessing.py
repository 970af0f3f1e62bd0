"""Witnesses and renewals: somebody else holds the record to what it was."""

import dataclasses
import datetime
import shutil
from pathlib import Path

import pytest

from emeritus.archive import Archive, create, open_archive
from emeritus.archive.checkpointing import (
    keep_checkpoint,
    prove,
    read_olds,
    renew,
    renewal,
    write_checkpoint,
)
from emeritus.archive.creation import Founding
from emeritus.archive.fixity import verify_all
from emeritus.archive.people import add_person, rotate
from emeritus.archive.repair import repair_all
from emeritus.archive.replication import add_replica, replicas, sync
from emeritus.archive.witnessing import Witness, witness
from emeritus.clock import FixedClock
from emeritus.errors import IntegrityError, UserError
from emeritus.lifecycle.shipped import policy_text
from emeritus.record import checkpoint as heads
from emeritus.record import merkle, proof
from emeritus.record.events import RecordRenewed, ReplicaAdded
from emeritus.settings import Settings

NAME = "city-archive.example"


@pytest.fixture
def who(tmp_path: Path, clock: FixedClock) -> Witness:
    """Somebody else, on another machine."""
    home = tmp_path / "elsewhere"
    theirs = Settings(archive=home, config=home / "config", state=home / "state", cache=home / "c")
    return Witness(NAME, theirs, clock)


def _note(archive: Archive, tmp_path: Path, events: int = 1) -> Path:
    """Record something, and write a checkpoint to a file as it would be sent."""
    for number in range(events):
        archive.append(ReplicaAdded(replica=f"r{number}", place="basel"), key="steward")
    path = tmp_path / "head.note"
    path.write_bytes(write_checkpoint(archive).data)
    return path


def _tiles_of(archive: Archive, folder: Path) -> Path:
    """Copy what a static server of the log would serve, and no commit."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(archive.root / "record" / "tiles", folder / "record" / "tiles")
    return folder


def test_a_witness_verifies_everything_once_and_growth_from_then_on(
    archive: Archive, who: Witness, tmp_path: Path
) -> None:
    """First with the record and the fingerprint, later with tiles alone, and each note is kept."""
    path = _note(archive, tmp_path)
    first = witness(who, path, archive.root, archive.genesis)
    assert (first.before, "every commit" in first.proof) == (None, True)
    keep_checkpoint(archive, path)
    path = _note(archive, tmp_path, events=300)
    second = witness(who, path, _tiles_of(archive, tmp_path / "mirror"), None)
    assert second.before == first.checkpoint.size
    assert "only grew" in second.proof
    note, checkpoint = heads.read(path.read_bytes())
    assert all(heads.signed(note, checkpoint, key) for key in second.keys)
    kept = list((who.settings.state / "witness").rglob("*.note"))
    assert len(kept) == 2
    against = read_olds([path], map(str, second.keys))
    assert verify_all(archive, against=against).sound


def test_a_witness_asks_for_what_it_needs(archive: Archive, who: Witness, tmp_path: Path) -> None:
    """A fingerprint and the record the first time, the right ones, and a proof when it grew."""
    path = _note(archive, tmp_path)
    before = path.read_bytes()
    for source, trust, said in (
        (None, None, "--from FOLDER"),
        (archive.root, None, "--trust FINGERPRINT"),
        (_tiles_of(archive, tmp_path / "mirror"), archive.genesis, "--from FOLDER"),
    ):
        with pytest.raises(UserError, match=said):
            witness(who, path, source, trust)
    with pytest.raises(IntegrityError, match="R012"):
        witness(who, path, archive.root, "sha256:" + "0" * 64)
    assert path.read_bytes() == before
    witness(who, path, archive.root, archive.genesis)
    again = witness(who, path, None, None)
    assert again.before == again.checkpoint.size
    newer = _note(archive, tmp_path)
    with pytest.raises(UserError, match="only grew with --from"):
        witness(who, newer, None, None)
    with pytest.raises(UserError, match="until now you knew"):
        witness(who, newer, archive.root, "sha256:" + "0" * 64)


def test_a_witness_never_goes_back(archive: Archive, who: Witness, tmp_path: Path) -> None:
    """A checkpoint over fewer events than the last is refused, though it is a true one."""
    old = _note(archive, tmp_path).read_bytes()
    witness(who, _note(archive, tmp_path), archive.root, archive.genesis)
    path = tmp_path / "old.note"
    path.write_bytes(old)
    with pytest.raises(UserError, match="never goes back"):
        witness(who, path, archive.root, None)


def test_a_witness_co_signs_one_of_two_histories(
    archive: Archive, who: Witness, tmp_path: Path, clock: FixedClock
) -> None:
    """A steward who goes on from a backup makes a fork: refused with the record and with tiles."""
    _note(archive, tmp_path)
    backup = tmp_path / "backup"
    shutil.copytree(archive.root, backup)
    witness(who, _note(archive, tmp_path, events=2), archive.root, archive.genesis)
    other = open_archive(backup, archive.settings, clock)
    clock.move(datetime.timedelta(hours=1))
    forked = _note(other, tmp_path, events=5)
    before = forked.read_bytes()
    for source in (backup, _tiles_of(other, tmp_path / "mirror")):
        with pytest.raises(IntegrityError, match="R018"):
            witness(who, forked, source, None)
    assert forked.read_bytes() == before


def test_a_witness_is_shown_new_keys_with_the_record(
    archive: Archive, who: Witness, tmp_path: Path
) -> None:
    """Tiles do not prove who added a key: after a rotation the commits are asked for, once."""
    witness(who, _note(archive, tmp_path), archive.root, archive.genesis)
    rotate(archive, "service", "yearly")
    path = _note(archive, tmp_path)
    with pytest.raises(IntegrityError, match="R019"):
        witness(who, path, _tiles_of(archive, tmp_path / "mirror"), None)
    witness(who, path, archive.root, None)
    path = _note(archive, tmp_path)
    witness(who, path, _tiles_of(archive, tmp_path / "mirror"), None)


def test_an_archive_made_anew_does_not_fit_an_old_checkpoint(
    archive: Archive, tmp_path: Path, settings: Settings, clock: FixedClock
) -> None:
    """New keys and the same words: neither the fingerprint nor the checkpoint fits."""
    path = _note(archive, tmp_path)
    away = dataclasses.replace(settings, config=tmp_path / "x", archive=tmp_path / "anew")
    founding = Founding("demo", policy_text("demo"), "here")
    anew = create(away.archive, founding, away, clock)
    for number in range(9):
        anew.append(ReplicaAdded(replica=f"r{number}", place="basel"), key="steward")
    codes = {each.code for _, each in verify_all(anew, against=read_olds([path])).damage}
    assert codes == {"R018", "R019"}
    trusted = {each.code for _, each in verify_all(anew, trust=archive.genesis).damage}
    assert "R012" in trusted


def test_a_key_without_the_right_signs_no_checkpoint(archive: Archive) -> None:
    """A reviewer, and a service that is limited to kinds of event; an auditor may."""
    add_person(archive, "rita", ["reviewer"])
    add_person(archive, "bot", ["service"], kinds=["fixity.checked"])
    add_person(archive, "otto", ["auditor"])
    for name in ("rita", "bot"):
        with pytest.raises(UserError, match="may not sign checkpoints"):
            write_checkpoint(archive, name)
    write_checkpoint(archive, "otto")
    assert verify_all(archive).sound


def test_a_replica_carries_tiles_and_checkpoints(archive: Archive, tmp_path: Path) -> None:
    """It is checked against them like the archive; both are repaired from each other."""
    _note(archive, tmp_path)
    add_replica(archive, tmp_path / "second", "basel")
    _note(archive, tmp_path)
    for replica in replicas(archive):
        if replica.name != archive.replica and replica.reachable:
            sync(archive, replica)
    assert verify_all(archive).sound
    note = next((archive.root / "record" / "checkpoints").glob("*.note"))
    tile = next(p for p in (archive.root / "record" / "tiles").rglob("*") if p.is_file())
    for path in (note, tile):
        path.chmod(0o644)
        sound = path.read_bytes()
        path.write_bytes(sound[:-9] + b"?" + sound[-8:])
        found = verify_all(archive)
        assert {each.code for _, each in found.damage} & {"R019", "R020"}
        repair_all(archive, found)
        assert path.read_bytes() == sound
        assert verify_all(archive).sound


def test_a_copy_in_which_a_clock_went_back_can_give_a_checkpoint_back(
    archive: Archive, tmp_path: Path
) -> None:
    """That is told for good and breaks nothing: the copy is as good a source as another."""
    early = FixedClock(archive.clock.now() - datetime.timedelta(hours=1))
    added = ReplicaAdded(replica="later", place="basel")
    dataclasses.replace(archive, clock=early).append(added, key="steward")
    _note(archive, tmp_path)
    add_replica(archive, tmp_path / "second", "basel")
    note = next((archive.root / "record" / "checkpoints").glob("*.note"))
    sound = note.read_bytes()
    note.chmod(0o644)
    note.write_bytes(sound[:-9] + b"?" + sound[-8:])
    repair_all(archive, verify_all(archive))
    assert note.read_bytes() == sound
    assert {each.code for _, each in verify_all(archive).damage} == {"R008"}


def test_a_tile_is_written_anew_from_the_commits(archive: Archive, tmp_path: Path) -> None:
    """Without any replica, since all of it follows from what is signed."""
    _note(archive, tmp_path, events=3)
    for path in [p for p in (archive.root / "record" / "tiles").rglob("*") if p.is_file()]:
        sound = path.read_bytes()
        path.unlink()
        found = verify_all(archive)
        assert {each.code for _, each in found.damage} == {"R020"}
        assert repair_all(archive, found)[0][2] == "the commits"
        assert path.read_bytes() == sound
    assert verify_all(archive).sound


def test_a_proof_of_one_event_is_checked_without_the_record(
    archive: Archive, tmp_path: Path
) -> None:
    """Entry, path and checkpoint in one file; a changed entry, or an index, does not hold."""
    _note(archive, tmp_path, events=5)
    held = proof.parse(prove(archive, "3.0"))
    assert held.holds
    assert b'"replica":"r1"' in held.entry
    assert not dataclasses.replace(held, entry=held.entry.replace(b"r1", b"r2")).holds
    assert not dataclasses.replace(held, index=held.index + 1).holds
    assert not dataclasses.replace(held, path=(*held.path, merkle.EMPTY)).holds
    with pytest.raises(UserError, match="no event"):
        prove(archive, "99.0")
    archive.append(ReplicaAdded(replica="later", place="basel"), key="steward")
    with pytest.raises(UserError, match="no checkpoint covers"):
        prove(archive, "7.0")


def test_a_renewal_is_due_after_a_year_and_signs_anew(archive: Archive, clock: FixedClock) -> None:
    """A fresh checkpoint by the keys of today is on record, beside the old one of the same size."""
    write_checkpoint(archive)
    assert not renewal(archive).overdue
    clock.move(datetime.timedelta(days=365))
    assert renewal(archive).overdue
    kept, _ = renew(archive)
    event = archive.history().all(RecordRenewed)[-1].event
    assert event.root == "sha256:" + kept.checkpoint.root.hex()
    assert (archive.root / kept.name).read_bytes() == kept.data
    assert len(list((archive.root / "record" / "checkpoints").iterdir())) == 2
    assert not renewal(archive).overdue
    assert verify_all(archive).sound
