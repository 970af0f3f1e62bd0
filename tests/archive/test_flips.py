"""A flipped bit anywhere in an archive is found where it is, and healed from a replica."""

import random
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from emeritus.archive import Archive, notes, open_archive
from emeritus.archive.fixity import verify_all
from emeritus.archive.repair import repair_all
from emeritus.archive.replication import add_replica
from emeritus.errors import EmeritusError
from emeritus.record import format as record_format

CLASSES = ("packs", "indexes", "commits", "documents", "pages")


@pytest.fixture
def doubled(kept: Archive, tmp_path: Path) -> Archive:
    """An archive with a complete replica."""
    add_replica(kept, tmp_path / "second", "basel")
    return kept


def _files(root: Path, kind: str) -> list[Path]:
    patterns = {
        "packs": ["packs/*/*.pack"],
        "indexes": ["packs/*/*.idx"],
        "commits": ["record/*/*.json"],
        "documents": ["models/**/*"],
        "pages": ["format/*", "README.txt"],
    }
    found = (path for pattern in patterns[kind] for path in root.glob(pattern))
    return sorted(path for path in found if path.is_file())


def _flips(root: Path, kind: str, count: int) -> Iterator[tuple[Path, int]]:
    """Yield random bits of the files of a kind, by their length."""
    rng = random.Random(kind)
    files = _files(root, kind)
    sizes = [path.stat().st_size for path in files]
    for path in rng.choices(files, sizes, k=count):
        yield path, rng.randrange(8 * path.stat().st_size)


def _flip(path: Path, bit: int) -> None:
    data = bytearray(path.read_bytes())
    data[bit // 8] ^= 1 << bit % 8
    path.chmod(0o644)
    path.write_bytes(data)


def _check(archive: Archive, kind: str, count: int, tmp_path: Path) -> None:
    sound = tmp_path / "sound"
    shutil.copytree(archive.root, sound)
    for path, bit in _flips(archive.root, kind, count):
        name = str(path.relative_to(archive.root))
        before = path.read_bytes()
        _flip(path, bit)
        damaged = open_archive(archive.root, archive.settings, archive.clock)
        found = verify_all(damaged)
        places = {finding.where.partition("@")[0].partition("#")[0] for _, finding in found.damage}
        assert name in places, f"bit {bit} of {name}: found {sorted(places)}"
        repair_all(damaged, found)
        assert path.read_bytes() == before, f"bit {bit} of {name} was not repaired"
        if record_format.sequence_of(name) is None:
            assert verify_all(open_archive(archive.root, archive.settings, archive.clock)).sound
        # Each check is an event of its own; begin the next one from the same history.
        shutil.rmtree(archive.root)
        shutil.copytree(sound, archive.root)


@pytest.mark.parametrize("kind", CLASSES)
def test_a_few_flips(kind: str, doubled: Archive, tmp_path: Path) -> None:
    """A few random bits of each class of files."""
    assert notes.read(doubled).replicas
    _check(doubled, kind, 6, tmp_path)


@pytest.mark.long
@pytest.mark.parametrize("kind", CLASSES)
def test_a_thousand_flips(kind: str, doubled: Archive, tmp_path: Path) -> None:
    """A thousand random bits of each class of files."""
    _check(doubled, kind, 1000, tmp_path)


def test_a_damaged_first_commit_never_changes_the_description(doubled: Archive) -> None:
    """What the archive is known by is not made to agree with a damaged commit, which is healed."""
    description = (doubled.root / "archive.json").read_bytes()
    path = doubled.root / record_format.name_of(1)
    whole = path.read_bytes()
    for place in range(whole.index(b'"header"'), len(whole), 40):
        path.chmod(0o644)
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        damaged = open_archive(doubled.root, doubled.settings, doubled.clock)
        repair_all(damaged, verify_all(damaged))
        assert path.read_bytes() == whole, f"byte {place}"
        assert (doubled.root / "archive.json").read_bytes() == description


def test_every_byte_of_the_description_is_guarded(doubled: Archive) -> None:
    """A flip in `archive.json` is said when the archive is opened, or is a finding and healed."""
    path = doubled.root / "archive.json"
    whole = path.read_bytes()
    for place in range(0, len(whole), 3):
        path.chmod(0o644)
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        try:
            damaged = open_archive(doubled.root, doubled.settings, doubled.clock)
        except EmeritusError:
            path.write_bytes(whole)  # so badly damaged that it says how to get another copy
            continue
        found = verify_all(damaged)
        assert not found.sound, f"byte {place}"
        repair_all(damaged, found)
        assert path.read_bytes() == whole
