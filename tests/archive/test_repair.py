"""Repair: the record first, then everything else; and the ways out when no copy is sound."""

import hashlib
import shutil
from pathlib import Path

import pytest

from emeritus.archive import Archive, open_archive
from emeritus.archive.fixity import verify_all
from emeritus.archive.preservation import preserve, restore
from emeritus.archive.repair import heal_from_source, repair_all, set_aside_last_commit
from emeritus.archive.replication import add_replica, replicas, sync, withdraw_replica
from emeritus.archive.sharding import place_shards
from emeritus.errors import IntegrityError, UserError
from emeritus.record import format as record_format
from emeritus.record.events import CommitSetAside, DamageRepaired, ModelCovered
from emeritus.vault.erasure import Scheme
from tests.archive.conftest import MODEL
from tests.vault.test_vault import tree

COVERED = ModelCovered(model=MODEL, covered=True, reason="x")


@pytest.fixture
def doubled(kept: Archive, tmp_path: Path) -> Archive:
    """An archive with a complete replica."""
    add_replica(kept, tmp_path / "second", "basel")
    return kept


def _damage(path: Path, place: int = 8192) -> None:
    data = bytearray(path.read_bytes())
    data[place % len(data)] ^= 1
    path.chmod(0o644)
    path.write_bytes(bytes(data))


def _tear(path: Path) -> bytes:
    """Leave the first half of a file, and return all of it."""
    whole = path.read_bytes()
    path.chmod(0o644)
    path.write_bytes(whole[: len(whole) // 2])
    return whole


def _last_commit(root: Path) -> Path:
    return max((root / "record").rglob("*.json"))


def _large_pack(root: Path) -> Path:
    return max((root / "packs").rglob("*.pack"), key=lambda path: path.stat().st_size)


def _again(archive: Archive) -> Archive:
    return open_archive(archive.root, archive.settings, archive.clock)


def test_the_record_is_healed_first_and_then_everything_else(doubled: Archive) -> None:
    """A damaged description, two commits, a pack, a page and a document: all in one run."""
    places = [
        doubled.root / "archive.json",
        doubled.root / record_format.name_of(2),
        doubled.root / record_format.name_of(4),
        _large_pack(doubled.root),
        doubled.root / "format" / "check.py",
        next((doubled.root / "models").rglob("manifest-*.json")),
    ]
    whole = {path: path.read_bytes() for path in places}
    described = whole[places[0]].replace(b'"created":"2027', b'"created":"2026')
    places[0].chmod(0o644)
    places[0].write_bytes(described)
    for path in places[1:]:
        _damage(path, 3 * 4096 + 5)
    damaged = _again(doubled)
    healed = repair_all(damaged, verify_all(damaged, deep=True))
    assert {path: path.read_bytes() for path in places} == whole
    again = _again(doubled)
    assert verify_all(again, deep=True).sound
    assert len(again.history().all(DamageRepaired)) == len(healed)


def test_a_commit_comes_back_from_a_place_of_shards_too(kept: Archive, tmp_path: Path) -> None:
    """Each place has the whole record."""
    place_shards(kept, {name: tmp_path / name for name in ("a", "b", "c")}, Scheme(8, 4))
    path = kept.root / record_format.name_of(3)
    whole = _tear(path)
    damaged = _again(kept)
    assert repair_all(damaged, verify_all(damaged))
    assert path.read_bytes() == whole
    assert verify_all(_again(kept)).sound


def test_a_torn_last_commit_is_set_aside_in_sight_of_everybody(kept: Archive) -> None:
    """No copy holds it: a steward replaces it, with its digest and the reason on record."""
    kept.append(COVERED, key="steward")
    path = _last_commit(kept.root)
    _tear(path)
    torn = path.read_bytes()
    damaged = _again(kept)
    assert not repair_all(damaged, verify_all(damaged))
    with pytest.raises(UserError, match="reason"):
        set_aside_last_commit(damaged, " ")
    number = set_aside_last_commit(damaged, "the disc was full")
    assert record_format.sequence_of(str(path.relative_to(kept.root))) == number
    again = _again(kept)
    (said,) = again.history().all(CommitSetAside)
    assert said.place == (number, 0)
    assert said.signed_by == "steward"
    assert said.event.sha256 == "sha256:" + hashlib.sha256(torn).hexdigest()
    assert [each.read_bytes() for each in (kept.root / "quarantine").iterdir()] == [torn]
    found = verify_all(again)
    assert found.sound
    assert "the disc was full" in found.set_aside[0]


def test_what_a_lost_commit_named_is_found_in_the_folder(kept: Archive) -> None:
    """What it cited and pages that tell of it are left over: more was recorded once."""
    _tear(_last_commit(kept.root))
    set_aside_last_commit(_again(kept), "the disc was full")
    found = verify_all(_again(kept))
    assert {each.code for _, each in found.damage} == {"A001", "A004"}
    assert any("manifest-3.json" in each.where for _, each in found.damage if each.code == "A001")


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ("sound", "can be read as a commit"),
        ("an edited event", "can be read as a commit"),
        ("torn, and an earlier one too", "more is damaged"),
        ("torn, and a replica has it", "basel holds commit"),
        ("torn, in a replica", "is the replica"),
    ],
)
def test_what_was_signed_is_never_set_aside(
    doubled: Archive, tmp_path: Path, state: str, said: str
) -> None:
    """Only the last file, only when it is no commit, and only when no copy at hand holds one."""
    path = _last_commit(doubled.root)
    archive = doubled
    if state == "an edited event":
        path.chmod(0o644)
        path.write_bytes(path.read_bytes().replace(b'"replica":"basel"', b'"replica":"baseL"'))
    elif state == "torn, in a replica":
        archive = open_archive(tmp_path / "second", doubled.settings, doubled.clock)
    elif state != "sound":
        _tear(path)
    if "earlier" in state:
        _tear(doubled.root / record_format.name_of(2))
        shutil.rmtree(tmp_path / "second")
    if state != "torn, in a replica":
        archive = _again(doubled)
    before = path.read_bytes()
    with pytest.raises(UserError, match=said):
        set_aside_last_commit(archive, "x")
    assert path.read_bytes() == before


def test_a_commit_that_turns_up_after_it_was_set_aside_is_a_fork(
    doubled: Archive, tmp_path: Path
) -> None:
    """What was lost cannot be hidden: the copy that was not reached then shows it."""
    away = tmp_path / "away"
    (tmp_path / "second").rename(away)
    _tear(_last_commit(doubled.root))
    set_aside_last_commit(_again(doubled), "x")
    again = _again(doubled)
    assert again.history().all(CommitSetAside)[0].event.unreached == ("basel",)
    away.rename(tmp_path / "second")
    codes = {(name, each.code) for name, each in verify_all(again).damage}
    assert codes == {("basel", "R013")}


def test_the_original_heals_what_no_copy_has_sound(
    doubled: Archive, source: Path, tmp_path: Path
) -> None:
    """The files are read again; damaged packs go to quarantine, here and in the replica."""
    for root in (doubled.root, tmp_path / "second"):
        _damage(_large_pack(root), 3 * 4096 + 5)
    assert heal_from_source(doubled, MODEL, source) == ()  # nothing is known to be damaged
    found = verify_all(doubled, deep=True)
    assert not repair_all(doubled, found)
    with pytest.raises(IntegrityError, match="emeritus verify --deep --repair"):
        restore(doubled, MODEL, tmp_path / "broken")
    assert len(heal_from_source(doubled, MODEL, source)) == 1
    before = len(doubled.history())
    preserve(doubled, MODEL, source)
    assert len(doubled.history()) == before
    restore(doubled, MODEL, tmp_path / "back")
    assert tree(tmp_path / "back") == tree(source)
    sync(doubled, replicas(doubled)[1])
    repair_all(doubled, verify_all(doubled, deep=True))
    assert verify_all(doubled, deep=True).sound


def test_other_files_heal_nothing_and_lose_nothing(
    kept: Archive, source: Path, tmp_path: Path
) -> None:
    """A damaged pack stays where it is until all that was in it is held elsewhere."""
    pack = _large_pack(kept.root)
    _damage(pack, 3 * 4096 + 5)
    verify_all(kept, deep=True)
    damaged = pack.read_bytes()
    other = tmp_path / "other"
    other.mkdir()
    (other / "config.json").write_text("{1}")
    assert heal_from_source(kept, MODEL, other) == ()
    assert pack.read_bytes() == damaged
    assert len(heal_from_source(kept, MODEL, source)) == 1
    assert verify_all(_again(kept), deep=True).sound


def test_a_withdrawn_replica_is_no_source_of_anything(doubled: Archive, tmp_path: Path) -> None:
    """It is not read, not synced and not repaired from."""
    withdraw_replica(doubled, "basel", "not ours any more")
    path = doubled.root / record_format.name_of(2)
    whole = path.read_bytes()
    _damage(path, 300)
    damaged = _again(doubled)
    assert not repair_all(damaged, verify_all(damaged))
    assert path.read_bytes() != whole
