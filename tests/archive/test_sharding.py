"""Shards in three places: any one is lost, and everything is still there."""

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from emeritus.archive import Archive, open_archive
from emeritus.archive.fixity import verify_all
from emeritus.archive.marks import read_mark
from emeritus.archive.preservation import restore
from emeritus.archive.repair import repair_all
from emeritus.archive.replication import add_replica
from emeritus.archive.sharding import place_shards, placement_of, rebuild_archive, sync_shards
from emeritus.errors import IntegrityError, UserError
from emeritus.lifecycle.moves import gates_of
from emeritus.record.events import ModelCovered, RunsetPreserved, ShardsPlaced
from emeritus.vault import LocalStore
from emeritus.vault.erasure import Scheme
from tests.archive.conftest import MODEL
from tests.vault.test_vault import tree

FORKED = ModelCovered(model=MODEL, covered=True, reason="x")
PLACES = ("basel", "oslo", "kyoto")


@pytest.fixture
def folders(kept: Archive, tmp_path: Path) -> dict[str, Path]:
    """The archive's packs cut up over three places."""
    folders = {place: tmp_path / place for place in PLACES}
    place_shards(kept, folders, Scheme(8, 4))
    return folders


def test_a_place_that_was_begun_goes_on(kept: Archive, tmp_path: Path) -> None:
    """Stopped before it had its mark, a folder holds empty folders at most."""
    (tmp_path / "oslo/packs").mkdir(parents=True)
    place_shards(kept, {place: tmp_path / place for place in PLACES}, Scheme(8, 4))
    assert read_mark(LocalStore(tmp_path / "oslo")) is not None


def test_each_place_has_four_shards_and_the_record(kept: Archive, folders: dict[str, Path]) -> None:
    """No place holds more than may be lost, and each explains itself."""
    for folder in folders.values():
        shards = sorted(folder.glob("shards/*/*"))
        assert len(shards) == 4 * len(kept.vault.pack_names())
        assert not list(folder.glob("packs/*/*.pack"))
        assert (folder / "README.txt").exists()
        assert (folder / "record/0000/00000001.json").exists()


@pytest.mark.parametrize("lost", PLACES)
def test_an_archive_comes_back_without_any_one_place(
    lost: str, kept: Archive, folders: dict[str, Path], source: Path, tmp_path: Path
) -> None:
    """From the other two alone, with the archive gone too: sound, and the model byte for byte."""
    shutil.rmtree(folders.pop(lost))
    shutil.rmtree(kept.root)
    rebuild_archive(list(folders.values()), tmp_path / "again")
    again = open_archive(tmp_path / "again", kept.settings, kept.clock)
    assert verify_all(again, deep=True, trust=kept.genesis).sound
    restore(again, MODEL, tmp_path / "back")
    assert tree(tmp_path / "back") == tree(source)


@pytest.mark.parametrize("lost", PLACES)
def test_a_program_of_one_file_puts_packs_together(
    lost: str, kept: Archive, folders: dict[str, Path], tmp_path: Path
) -> None:
    """With nothing but Python: the same packs and record, from the places that are left."""
    shutil.rmtree(folders.pop(lost))
    left, again = [str(folder) for folder in folders.values()], tmp_path / "again"
    done = _join(again, *left)
    assert done.returncode == 0, done.stdout
    for pack in (again / "packs").rglob("*.pack"):
        assert pack.read_bytes() == (kept.root / pack.relative_to(again)).read_bytes()
    opened = open_archive(again, kept.settings, kept.clock)
    assert verify_all(opened, deep=True, trust=kept.genesis).sound
    done = _join(tmp_path / "poor", left[0])
    assert done.returncode == 3
    assert "4 sound shards are not enough" in done.stdout


def _join(dest: Path, *places: str) -> subprocess.CompletedProcess[str]:
    program = Path(places[0]) / "format" / "join.py"
    words = [sys.executable, "-I", str(program), str(dest), *places]
    return subprocess.run(words, capture_output=True, text=True, check=False)


def test_one_place_is_not_enough(folders: dict[str, Path], tmp_path: Path) -> None:
    """A place alone gives nothing back, and says how much is missing."""
    with pytest.raises(IntegrityError, match="4 sound shards"):
        rebuild_archive([folders["oslo"]], tmp_path / "again")
    with pytest.raises(UserError, match="no shards"):
        rebuild_archive([tmp_path], tmp_path / "again")


def test_damage_heals_both_ways(kept: Archive, folders: dict[str, Path]) -> None:
    """A damaged shard is written anew from its pack, a damaged or lost pack from shards."""
    shard = min(folders["oslo"].glob("shards/*/*"))
    pack = max((kept.root / "packs").rglob("*.pack"), key=lambda path: path.stat().st_size)
    sound = pack.read_bytes()
    for path in (shard, pack):
        path.chmod(0o644)
        path.write_bytes(path.read_bytes()[:-7] + b"damaged")
    found = verify_all(kept)
    assert {"V013", "V003"} <= {finding.code for _, finding in found.damage}
    assert ("shards/oslo", "V013") in {(name, each.code) for name, each in found.damage}
    repair_all(kept, verify_all(kept))
    assert pack.read_bytes() == sound
    assert verify_all(kept, deep=True).sound
    pack.unlink()
    pack.with_suffix(".idx").unlink()
    repair_all(kept, verify_all(kept))
    assert pack.read_bytes() == sound


def test_the_gate_says_what_is_survived(kept: Archive, folders: dict[str, Path]) -> None:
    """Shards that were checked in every place count as one more replica."""
    assert set(folders) == set(PLACES)
    verify_all(kept, deep=True)
    gate = next(each for each in gates_of(kept, MODEL) if each.name == "preserved")
    assert "run-set" in gate.because or "8+4 shards in 3 places" in gate.because


def test_a_place_of_shards_is_not_written_to(kept: Archive, folders: dict[str, Path]) -> None:
    """It opens, verifies as what it is, and refuses to record: two histories would fork."""
    place = open_archive(folders["oslo"], kept.settings, kept.clock)
    assert place.replica == "shards/oslo"
    with pytest.raises(UserError, match="holds shards in oslo"):
        place.append(FORKED, key="steward")
    found = verify_all(place)
    assert found.sound, found.damage
    assert found.copies[0].name == "shards/oslo"
    assert found.copies[0].packs == len(kept.vault.pack_names())
    with pytest.raises(IntegrityError, match="emeritus shards rebuild"):
        restore(place, MODEL, folders["oslo"].parent / "none")


@pytest.mark.parametrize("by", ["program", "one file"])
def test_a_rebuilt_archive_is_a_copy_until_somebody_says_otherwise(
    by: str, kept: Archive, folders: dict[str, Path], tmp_path: Path
) -> None:
    """The original may still live: its mark has to be deleted before anything is recorded."""
    dest = tmp_path / "again"
    if by == "program":
        rebuild_archive(list(folders.values()), dest)
    else:
        assert _join(dest, *map(str, folders.values())).returncode == 0
    again = open_archive(dest, kept.settings, kept.clock)
    with pytest.raises(UserError, match=r"delete .*replica.json"):
        again.append(FORKED, key="steward")
    assert add_replica(kept, dest, "rome").name == again.replica  # or it is kept as a replica
    (dest / "replica.json").unlink()
    open_archive(dest, kept.settings, kept.clock).append(FORKED, key="steward")
    with pytest.raises(UserError, match="not empty"):
        rebuild_archive(list(folders.values()), kept.root)


def test_another_history_in_a_place_is_found(kept: Archive, folders: dict[str, Path]) -> None:
    """A place that was written to is a fork (R013), which verify names and sync refuses."""
    mark = (folders["oslo"] / "shards.json").read_bytes()
    (folders["oslo"] / "shards.json").unlink()
    open_archive(folders["oslo"], kept.settings, kept.clock).append(FORKED, key="steward")
    (folders["oslo"] / "shards.json").write_bytes(mark)
    kept.append(FORKED, FORKED, key="steward")
    found = verify_all(kept)
    assert {(name, each.code) for name, each in found.damage} == {("shards/oslo", "R013")}
    placement = placement_of(kept)
    assert placement is not None
    with pytest.raises(IntegrityError, match="R013"):
        sync_shards(kept, placement)


def test_places_that_wait_for_a_sync_are_behind(kept: Archive, folders: dict[str, Path]) -> None:
    """New packs are in no place, or in some only: no damage, and the next sync deals them."""
    kept.append(RunsetPreserved(model=MODEL, runtime="none", **_document(kept, b"1")))
    found = verify_all(kept)
    assert found.sound
    assert all(each.behind > 0 for each in found.copies[1:])
    placement = placement_of(kept)
    assert placement is not None
    (folders["oslo"]).rename(folders["oslo"].with_name("away"))
    copied = sync_shards(kept, placement_of(kept) or placement)
    assert set(copied) == {"basel", "kyoto"}
    assert copied["basel"].packs == 4
    (folders["oslo"].with_name("away")).rename(folders["oslo"])
    found = verify_all(kept)
    assert found.sound, found.damage
    assert [each.name for each in found.copies if each.behind] == ["shards/oslo"]


def test_a_place_that_lost_its_folder_is_not_filled_silently(
    kept: Archive, folders: dict[str, Path]
) -> None:
    """A sync leaves it alone; placing again makes it anew, and it must be read before it counts."""
    shutil.rmtree(folders["oslo"])
    folders["oslo"].mkdir()
    placement = placement_of(kept)
    assert placement is not None
    assert set(sync_shards(kept, placement)) == {"basel", "kyoto"}
    assert not list(folders["oslo"].iterdir())
    found = verify_all(kept)
    assert [each.name for each in found.unreached] == ["shards/oslo"]
    place_shards(kept, folders, Scheme(8, 4))
    assert len(kept.history().all(ShardsPlaced)) == 2
    assert verify_all(kept, deep=True).sound


def test_a_shard_that_a_place_lost_is_damage(kept: Archive, folders: dict[str, Path]) -> None:
    """Also in a place that is behind: its own commits name what it must hold."""
    kept.append(RunsetPreserved(model=MODEL, runtime="none", **_document(kept, b"2")))
    next(folders["oslo"].glob("shards/*/*")).unlink()
    found = verify_all(kept)
    assert {(name, each.code) for name, each in found.damage} == {("shards/oslo", "V013")}
    repair_all(kept, found)
    assert verify_all(kept).sound


def _document(archive: Archive, data: bytes) -> dict[str, Any]:
    document, sha256 = archive.put_document(data)
    return {"document": document, "sha256": sha256}


def test_places_must_be_enough_and_stay(
    kept: Archive, folders: dict[str, Path], tmp_path: Path
) -> None:
    """Too few places for the scheme, other places than before, a folder with other things."""
    two = {place: tmp_path / f"new-{place}" for place in PLACES[:2]}
    with pytest.raises(UserError, match="at least 3 places"):
        place_shards(kept, two, Scheme(8, 4))
    with pytest.raises(UserError, match="one folder"):
        place_shards(kept, dict.fromkeys(PLACES, tmp_path / "one"), Scheme(8, 4))
    with pytest.raises(UserError, match="already"):
        place_shards(kept, {**two, "rome": tmp_path / "rome"}, Scheme(8, 4))
    place_shards(kept, folders, Scheme(8, 4))
    placement = placement_of(kept)
    assert placement is not None
    sync_shards(kept, placement)
    assert sum(1 for _ in kept.record.commits()) == _commits_after_sync(kept)


def _commits_after_sync(kept: Archive) -> int:
    placement = placement_of(kept)
    assert placement is not None
    sync_shards(kept, placement)
    return sum(1 for _ in kept.record.commits())
