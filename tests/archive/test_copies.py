"""Copies of the archive: which folder is which, what was reached, and what waits for a sync."""

import datetime
import shutil
from pathlib import Path

import pytest

from emeritus.archive import Archive, open_archive
from emeritus.archive.checkpointing import write_checkpoint
from emeritus.archive.creation import create
from emeritus.archive.dossier import write_dossier
from emeritus.archive.fixity import verify_all
from emeritus.archive.preservation import preserve, restore
from emeritus.archive.repair import repair_all
from emeritus.archive.replication import (
    add_replica,
    advice_on,
    copy_commits,
    replicas,
    sync,
    withdraw_replica,
)
from emeritus.archive.verdict import Checked, Verification
from emeritus.clock import FixedClock
from emeritus.errors import IntegrityError, UserError
from emeritus.lifecycle.gates import Gate
from emeritus.lifecycle.moves import gates_of
from emeritus.record import check as check_record
from emeritus.record import format as record_format
from emeritus.record.events import (
    FixityChecked,
    ModelCovered,
    ReplicaAdded,
    ReplicaWithdrawn,
    RunsetPreserved,
)
from emeritus.settings import Settings
from tests.archive.conftest import MODEL
from tests.conftest import FOUNDING, NOW


@pytest.fixture
def doubled(kept: Archive, tmp_path: Path) -> Archive:
    """An archive with a run-set and a complete replica."""
    document, sha256 = kept.put_document(b"{}")
    kept.append(RunsetPreserved(model=MODEL, document=document, sha256=sha256, runtime="none"))
    add_replica(kept, tmp_path / "second", "basel")
    return kept


def _report(archive: Archive, count: int = 1) -> None:
    """Record something that comes with new packs, as a report does."""
    for number in range(count):
        document, sha256 = archive.put_document(b"%d" % number)
        archive.append(
            RunsetPreserved(model=MODEL, document=document, sha256=sha256, runtime="none")
        )


def _copy(verification: Verification, name: str) -> Checked:
    return next(each for each in verification.copies if each.name == name)


def _gate(archive: Archive) -> Gate:
    return next(gate for gate in gates_of(archive, MODEL) if gate.name == "preserved")


def test_a_replica_that_is_gone_is_said_with_its_last_check(
    doubled: Archive, tmp_path: Path, clock: FixedClock
) -> None:
    """It is no damage and no silence: the check names what it did not reach, and since when."""
    verify_all(doubled, deep=True)
    (tmp_path / "second").rename(tmp_path / "away")
    found = verify_all(doubled, deep=True)
    assert found.sound
    assert [each.name for each in found.unreached] == ["basel"]
    gone = _copy(found, "basel")
    assert "no folder lies at" in gone.obstacle
    assert gone.last_read is not None
    assert gone.last_read.startswith("2027-01-01")
    assert "basel" not in found.packs


def test_a_replica_that_was_moved_is_the_same_one(doubled: Archive, tmp_path: Path) -> None:
    """Its mark says who it is: no second replica is recorded, and it counts once."""
    (tmp_path / "second").rename(tmp_path / "moved")
    assert add_replica(doubled, tmp_path / "moved", "basel").name == "basel"
    assert len(doubled.history().all(ReplicaAdded)) == 2
    assert [each.folder for each in replicas(doubled)] == [doubled.root, tmp_path / "moved"]
    verify_all(doubled, deep=True)
    assert "verified replicas: 2, in places: 2" in _gate(doubled).because


def test_one_replica_is_never_two(doubled: Archive, tmp_path: Path) -> None:
    """What was copied is refused; the folder by another name is the same one, in one place."""
    shutil.copytree(tmp_path / "second", tmp_path / "third")
    with pytest.raises(UserError, match="second copy of the replica basel"):
        add_replica(doubled, tmp_path / "third", "basel")
    (tmp_path / "link").symlink_to(tmp_path / "second")
    assert add_replica(doubled, tmp_path / "link", "basel").name == "basel"
    with pytest.raises(UserError, match="kept in basel"):
        add_replica(doubled, tmp_path / "second", "oslo")
    assert len(doubled.history().all(ReplicaAdded)) == 2


def test_a_replica_is_withdrawn_and_comes_back_in_another_place(
    doubled: Archive, tmp_path: Path
) -> None:
    """The record says why; what was found before does not count for what was added after."""
    verify_all(doubled, deep=True)
    assert "verified replicas: 2" in _gate(doubled).because
    for name, reason in (("none", "x"), ("primary", "x"), ("basel", " ")):
        with pytest.raises(UserError):
            withdraw_replica(doubled, name, reason)
    withdraw_replica(doubled, "basel", "moved to oslo")
    assert [each.name for each in replicas(doubled)] == ["primary"]
    assert "verified replicas: 1" in _gate(doubled).because
    assert (tmp_path / "second" / "archive.json").exists()
    assert add_replica(doubled, tmp_path / "second", "oslo").name == "basel"
    assert "verified replicas: 1" in _gate(doubled).because
    verify_all(doubled, deep=True)
    assert "verified replicas: 2, in places: 2" in _gate(doubled).because


@pytest.mark.parametrize("lies", ["nothing", "another disc"])
def test_an_unmarked_folder_at_a_replicas_path_is_not_filled(
    doubled: Archive, tmp_path: Path, lies: str
) -> None:
    """An unmounted disc leaves an empty folder: a sync refuses it, and says what to do."""
    folder = tmp_path / "second"
    folder.rename(tmp_path / "away")
    folder.mkdir()
    if lies == "another disc":
        (folder / "holiday.jpg").write_bytes(b"x")
    before = sorted(folder.iterdir())
    found = replicas(doubled)[1]
    assert found.supplanted
    assert "replica add" in advice_on(found)
    with pytest.raises(UserError, match="not marked as a copy"):
        sync(doubled, found)
    assert sorted(folder.iterdir()) == before
    assert [each.name for each in verify_all(doubled).unreached] == ["basel"]


def test_a_lost_replica_is_made_anew_and_must_be_read_again(
    doubled: Archive, tmp_path: Path
) -> None:
    """The record tells that the first one is gone; its checks do not count for the new one."""
    verify_all(doubled, deep=True)
    shutil.rmtree(tmp_path / "second")
    (tmp_path / "second").mkdir()
    assert add_replica(doubled, tmp_path / "second", "basel").name == "basel"
    assert len(doubled.history().all(ReplicaWithdrawn)) == 1
    assert "verified replicas: 1" in _gate(doubled).because
    assert verify_all(doubled, deep=True).sound
    assert "verified replicas: 2" in _gate(doubled).because


def test_what_cannot_be_written_leaves_no_replica_behind(doubled: Archive, tmp_path: Path) -> None:
    """A folder below a file cannot be made, a file is no folder: nothing is recorded."""
    before = len(doubled.history())
    (tmp_path / "file").write_text("x")
    for folder in (tmp_path / "file", tmp_path / "file" / "below", Path("/proc/nothing-here")):
        with pytest.raises(UserError):
            add_replica(doubled, folder, "oslo")
    assert len(doubled.history()) == before
    assert [each.name for each in replicas(doubled)] == ["primary", "basel"]


def test_a_replica_that_was_begun_goes_on(kept: Archive, tmp_path: Path) -> None:
    """Stopped before it had its mark, a folder holds empty folders at most, and nobody's files."""
    (tmp_path / "third/packs").mkdir(parents=True)
    (tmp_path / "third/packs/.tmp-killed").write_bytes(b"half")
    assert add_replica(kept, tmp_path / "third", "oslo").name == "oslo"
    (tmp_path / "fourth").mkdir()
    (tmp_path / "fourth/letter.txt").write_text("mine")
    with pytest.raises(UserError, match="not empty"):
        add_replica(kept, tmp_path / "fourth", "kyoto")


@pytest.mark.parametrize("place", ["", " ", "a\x1b[31m", "x" * 201, "shards/oslo"])
def test_a_place_has_a_plain_name(kept: Archive, tmp_path: Path, place: str) -> None:
    """It stands in the record, in marks and on terminals, and is told from a place of shards."""
    with pytest.raises(UserError, match="cannot name a place"):
        add_replica(kept, tmp_path / "third", place)
    assert not (tmp_path / "third").exists()


@pytest.mark.parametrize("text", [b"{", b'{"archive":"x"}', b'{"archive":"x","replica":"\\u001b"}'])
def test_a_damaged_mark_is_said(doubled: Archive, tmp_path: Path, text: bytes) -> None:
    """A folder that cannot say who it is, is not reached and not written to."""
    mark = tmp_path / "second" / "replica.json"
    mark.chmod(0o644)
    mark.write_bytes(text)
    (found,) = verify_all(doubled).unreached
    assert "A002" in found.obstacle


def test_a_clock_that_went_back_is_told_and_does_not_count_as_damage(
    doubled: Archive, settings: Settings
) -> None:
    """It stands in the record for good, and would keep the gate open for good."""
    early = FixedClock(NOW - datetime.timedelta(hours=1))
    _report(open_archive(doubled.root, settings, early))
    sync(doubled, replicas(doubled)[1])
    found = verify_all(doubled, deep=True)
    assert {(name, each.code) for name, each in found.damage} == {
        ("primary", "R008"),
        ("basel", "R008"),
    }
    assert found.sound
    assert "verified replicas: 2" in _gate(doubled).because


def test_nothing_else_is_written_inside_an_archive(
    doubled: Archive, tmp_path: Path, settings: Settings, clock: FixedClock
) -> None:
    """Neither a replica, nor an archive, nor restored files, nor a dossier; here or in a copy."""
    for root in (doubled.root, tmp_path / "second"):
        before = sorted(root.rglob("*"))
        with pytest.raises(UserError, match="inside the archive"):
            add_replica(doubled, root / "sub", "oslo")
        with pytest.raises(UserError, match="inside the archive"):
            create(root / "packs" / "inner", FOUNDING, settings, clock)
        with pytest.raises(UserError, match="inside the archive"):
            restore(doubled, MODEL, root / "in")
        with pytest.raises(UserError, match="inside the archive"):
            write_dossier(doubled, MODEL, root / "dossier")
        assert sorted(root.rglob("*")) == before


def test_a_replica_that_was_not_synced_is_behind_and_not_damaged(doubled: Archive) -> None:
    """What only later commits name is not missing in it; a sync brings it up to the present."""
    _report(doubled, 3)
    found = verify_all(doubled, deep=True)
    assert found.sound
    here, behind = found.copies
    assert here.behind == 0
    assert behind.behind == here.commits - behind.commits > 2
    assert behind.packs == here.packs - 3
    sync(doubled, replicas(doubled)[1])
    again = verify_all(doubled, deep=True)
    assert [each.behind for each in again.copies] == [0, 0]


def test_what_a_replica_lost_is_damage_whether_it_is_behind_or_not(
    doubled: Archive, tmp_path: Path
) -> None:
    """A pack that its own commits name must be there."""
    _report(doubled)
    for path in (tmp_path / "second" / "packs").rglob("*"):
        if path.is_file():
            path.unlink()
    found = verify_all(doubled)
    assert {(name, each.code) for name, each in found.damage} == {("basel", "V008")}


def test_a_replica_counts_by_the_commits_that_were_seen_in_it(
    doubled: Archive, tmp_path: Path
) -> None:
    """A copy whose record is gone is behind by all of it, and holds the weights of no event."""
    shutil.rmtree(tmp_path / "second" / "record")
    found = verify_all(doubled, deep=True)
    assert _copy(found, "basel").commits == 0
    assert doubled.history().all(FixityChecked)[-1].event.up_to == 0
    assert "verified replicas: 1" in _gate(doubled).because


def test_a_shallow_check_that_finds_damage_counts_against_an_older_deep_one(
    doubled: Archive, tmp_path: Path
) -> None:
    """The newest word about a copy decides."""
    verify_all(doubled, deep=True)
    pack = max((tmp_path / "second" / "packs").rglob("*.pack"), key=lambda p: p.stat().st_size)
    pack.chmod(0o644)
    pack.write_bytes(pack.read_bytes()[:-9] + b"x" * 9)
    assert not verify_all(doubled).sound
    assert "verified replicas: 1" in _gate(doubled).because


def test_commits_that_the_archive_lost_come_back_from_a_copy(
    doubled: Archive, tmp_path: Path, settings: Settings, clock: FixedClock
) -> None:
    """An archive that was cut short is consistent by itself; a longer copy shows it."""
    last = max((doubled.root / "record").rglob("*.json"))
    whole = last.read_bytes()
    last.unlink()
    short = open_archive(doubled.root, settings, clock)
    found = verify_all(short)
    assert ("primary", "R001") in {(name, each.code) for name, each in found.damage}
    assert "would be a fork" in found.unrecorded
    with pytest.raises(IntegrityError, match="R001"):
        sync(short, replicas(short)[1])
    assert repair_all(short, found)
    assert last.read_bytes() == whole
    assert verify_all(open_archive(doubled.root, settings, clock), deep=True).sound


def test_a_copy_gets_no_checkpoint_over_commits_that_it_does_not_get(doubled: Archive) -> None:
    """What others record while a copy is written comes with the next one, its checkpoint too."""
    other = replicas(doubled)[1]
    sync(doubled, other)
    doubled.append(ModelCovered(model=MODEL, covered=False, reason="x"), key="steward")
    kept = write_checkpoint(doubled)
    copy_commits(doubled.store, other.store, doubled.record.sequence - 1)
    assert not other.store.exists(kept.name)
    assert list(check_record(other.store, doubled.id, doubled.genesis)) == []
    sync(doubled, other)
    assert other.store.get(kept.name) == kept.data
    assert verify_all(doubled).damage == ()


def test_a_fork_is_found_named_and_left_as_evidence(
    doubled: Archive, tmp_path: Path, settings: Settings, clock: FixedClock
) -> None:
    """A copy that was written to is another history: found (R013), never repaired away."""
    mark = tmp_path / "second" / "replica.json"
    marked = mark.read_bytes()
    mark.unlink()
    copy = open_archive(tmp_path / "second", settings, clock)
    copy.append(ModelCovered(model=MODEL, covered=False, reason="x"), key="steward")
    mark.write_bytes(marked)
    forked = max((tmp_path / "second" / "record").rglob("*.json"))
    _report(doubled)
    found = verify_all(doubled)
    assert {(name, each.code) for name, each in found.damage} == {("basel", "R013")}
    before = forked.read_bytes()
    assert not repair_all(doubled, found)
    assert forked.read_bytes() == before


def test_what_is_not_recorded_is_said(
    doubled: Archive, tmp_path: Path, settings: Settings, clock: FixedClock
) -> None:
    """Without keys, or in a copy, a check leaves no trace, and does not pretend otherwise."""
    assert verify_all(doubled).unrecorded == ""
    before = sum(1 for _ in doubled.record.commits())
    copy = open_archive(tmp_path / "second", settings, clock)
    assert "only the primary" in verify_all(copy).unrecorded
    shutil.rmtree(settings.config)
    assert "service key" in verify_all(doubled).unrecorded
    assert sum(1 for _ in doubled.record.commits()) == before


def test_a_fingerprint_that_is_another_one_says_nothing_about_the_bytes(doubled: Archive) -> None:
    """The replicas are read all the same, and no damage is put on record."""
    found = verify_all(doubled, trust="sha256:" + "0" * 64)
    assert [(name, each.code) for name, each in found.damage] == [("primary", "R012")]
    assert [each.name for each in found.copies if each.reached] == ["primary", "basel"]
    assert {each.event.findings for each in doubled.history().all(FixityChecked)} == {0}


@pytest.mark.parametrize(
    "name", ["archive.json", "README.txt", "format/check.py", "models/acme/aster-1/manifest-3.json"]
)
def test_what_people_read_in_a_copy_is_checked_and_healed_too(
    doubled: Archive, tmp_path: Path, name: str
) -> None:
    """A replica that becomes the primary archive one day must be whole in every file."""
    for break_it in ("change", "remove"):
        path = tmp_path / "second" / name
        whole = path.read_bytes()
        path.unlink()
        if break_it == "change":
            path.write_bytes(whole[:-5] + b"-" + whole[-4:])
        found = verify_all(doubled)
        assert [(copy, each.where) for copy, each in found.damage] == [("basel", name)]
        repair_all(doubled, found)
        assert path.read_bytes() == whole


def test_a_strange_file_is_not_copied_and_is_found_in_a_copy(
    doubled: Archive, tmp_path: Path
) -> None:
    """What an operating system leaves in a folder does not spread."""
    (doubled.root / ".DS_Store").write_bytes(b"x")
    sync(doubled, replicas(doubled)[1])
    assert not (tmp_path / "second" / ".DS_Store").exists()
    (tmp_path / "second" / "models" / "report-9.html").write_bytes(b"x")
    found = verify_all(doubled)
    assert {(name, each.code) for name, each in found.damage} == {
        ("primary", "A001"),
        ("basel", "A001"),
    }


def test_an_older_copy_that_is_opened_by_itself_is_behind(
    doubled: Archive, tmp_path: Path, settings: Settings, clock: FixedClock
) -> None:
    """Another copy holds more than it knows of: neither of the two is broken."""
    add_replica(doubled, tmp_path / "third", "oslo")
    sync(doubled, replicas(doubled)[1])
    _report(doubled, 2)
    sync(doubled, replicas(doubled)[2])
    found = verify_all(open_archive(tmp_path / "second", settings, clock))
    assert found.sound, found.damage
    by_name = {each.name: each for each in found.copies}
    assert by_name["basel"].behind == by_name["oslo"].commits - by_name["basel"].commits > 0
    assert not by_name["primary"].reached


def test_a_copy_is_no_source_of_copies(
    doubled: Archive, tmp_path: Path, settings: Settings, clock: FixedClock
) -> None:
    """Only the primary archive is copied from, and nothing is put into a copy by itself."""
    copy = open_archive(tmp_path / "second", settings, clock)
    before = sorted((tmp_path / "second").rglob("*"))
    with pytest.raises(UserError, match="is the replica 'basel'"):
        preserve(copy, MODEL, tmp_path / "aster-1")
    with pytest.raises(UserError, match="is the replica 'basel'"):
        copy.put_document(b"new")
    assert sorted((tmp_path / "second").rglob("*")) == before
    with pytest.raises(UserError, match="is the replica 'basel'"):
        add_replica(copy, tmp_path / "third", "oslo")
    assert not (tmp_path / "third").exists()


def test_a_copy_with_a_damaged_commit_is_healed_from_the_archive(
    doubled: Archive, tmp_path: Path
) -> None:
    """A commit that does not verify is damage, not a fork, and only it is replaced."""
    path = tmp_path / "second" / record_format.name_of(3)
    whole = path.read_bytes()
    path.chmod(0o644)
    path.write_bytes(whole[:200] + bytes([whole[200] ^ 1]) + whole[201:])
    found = verify_all(doubled)
    assert "R013" not in {each.code for _, each in found.damage}
    assert {name for name, _ in found.damage} == {"basel"}
    assert [where for _, where, _ in repair_all(doubled, found)] == [record_format.name_of(3)]
    assert path.read_bytes() == whole
