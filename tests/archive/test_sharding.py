"""Shards in three places: any one is lost, and everything is still there."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from emeritus.archive import Archive, open_archive
from emeritus.archive.fixity import repair_all, verify_all
from emeritus.archive.preservation import restore
from emeritus.archive.sharding import place_shards, placement_of, rebuild_archive, sync_shards
from emeritus.errors import IntegrityError, UserError
from emeritus.lifecycle.moves import gates_of
from emeritus.vault.erasure import Scheme
from tests.archive.conftest import MODEL
from tests.vault.test_vault import tree

PLACES = ("basel", "oslo", "kyoto")


@pytest.fixture
def folders(kept: Archive, tmp_path: Path) -> dict[str, Path]:
    """The archive's packs cut up over three places."""
    folders = {place: tmp_path / place for place in PLACES}
    place_shards(kept, folders, Scheme(8, 4))
    return folders


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


def test_places_must_be_enough_and_stay(
    kept: Archive, folders: dict[str, Path], tmp_path: Path
) -> None:
    """Too few places for the scheme, other places than before, a folder with other things."""
    two = {place: tmp_path / f"new-{place}" for place in PLACES[:2]}
    with pytest.raises(UserError, match="at least 3 places"):
        place_shards(kept, two, Scheme(8, 4))
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
