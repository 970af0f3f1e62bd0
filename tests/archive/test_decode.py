"""The one-file decoder: it trusts what agrees, restores what is intact, and names the rest."""

import importlib.resources
import json
import subprocess
import sys
from pathlib import Path

import pytest

from emeritus.archive import Archive
from emeritus.archive.preservation import preserve
from emeritus.lifecycle.moves import register
from emeritus.record import format as record_format
from emeritus.record.events import ModelRegistered, WeightsPreserved
from tests.vault.folders import bfloat16, safetensors
from tests.vault.test_vault import tree

MODEL, OTHER = "acme/aster-1", "acme/birch-1"
PROGRAM = Path(str(importlib.resources.files("emeritus.archive"))) / "format" / "decode.py"


def _decode(root: Path, dest: Path, model: str = MODEL) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-I", str(PROGRAM), str(root), model, str(dest)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "Traceback" not in done.stderr
    return done


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists():
        path.chmod(0o644)
    path.write_bytes(data)


def _changed(path: Path, place: int) -> None:
    data = bytearray(path.read_bytes())
    data[place] ^= 1
    _write(path, bytes(data))


def _pack_of(archive: Archive, object_id: str) -> Path:
    pack = archive.vault.pack_of(object_id)
    return next((archive.root / "packs").rglob(f"{pack}.pack"))


@pytest.fixture
def two(kept: Archive, tmp_path: Path) -> Archive:
    """An archive with a second model that shares nothing with the first."""
    event = ModelRegistered(model=OTHER, form="hf-folder", architecture="X", parameters=1)
    register(kept, event, "public")
    folder = tmp_path / "birch-1"
    (folder / "empty").mkdir(parents=True)
    safetensors(folder / "m.safetensors", {"v": bfloat16((300, 300), 7)})
    (folder / "config.json").write_text('{"birch": 1}')
    preserve(kept, OTHER, folder)
    return kept


def test_all_of_a_model_comes_back_with_its_empty_folders(two: Archive, tmp_path: Path) -> None:
    """Exit code 0, every byte, and the word that signatures are another program's work."""
    done = _decode(two.root, tmp_path / "back", OTHER)
    assert done.returncode == 0, done.stdout
    assert tree(tmp_path / "back") == tree(tmp_path / "birch-1")
    assert "signatures were not checked: check.py does that" in done.stdout
    assert _decode(two.root, tmp_path / "back", OTHER).returncode == 0  # again: nothing to do


@pytest.mark.parametrize(
    "name", ["record/0000/00000099.json", "record/0000/zz.json", "record/0001/00000005.json"]
)
def test_a_file_that_is_no_commit_in_sequence_is_ignored_aloud(
    kept: Archive, tmp_path: Path, source: Path, name: str
) -> None:
    """Whoever drops a file into record/ cannot say which weights the model has."""
    lie = {"kind": "weights.preserved", "model": MODEL, "manifest": "x", "manifest_sha256": "y"}
    _write(kept.root / name, json.dumps({"events": [lie]}).encode())
    done = _decode(kept.root, tmp_path / "back")
    assert done.returncode == 0, done.stdout
    assert f"note: {name} is no commit that follows" in done.stdout
    assert tree(tmp_path / "back") == tree(source)


def test_a_commit_that_does_not_follow_ends_the_record(
    kept: Archive, tmp_path: Path, source: Path
) -> None:
    """What stands before it is used, and it is named."""
    count = kept.record.sequence
    name = record_format.name_of(count + 1)
    commit = record_format.parse(kept.store.get(record_format.name_of(count)))
    _write(kept.root / name, record_format.render(commit))
    done = _decode(kept.root, tmp_path / "back")
    assert done.returncode == 3
    assert f"DAMAGED  {name}: it does not name the commit before it" in done.stdout
    assert tree(tmp_path / "back") == tree(source)


def test_an_edited_event_is_passed_over_and_the_rest_is_used(
    kept: Archive, tmp_path: Path, source: Path
) -> None:
    """The header holds the chain together, so one edited event hides no other."""
    path = kept.root / record_format.name_of(2)
    _write(path, path.read_bytes().replace(b"public", b"hidden"))
    done = _decode(kept.root, tmp_path / "back")
    assert done.returncode == 3
    assert "event 2.1 is not the one that was signed" in done.stdout
    assert tree(tmp_path / "back") == tree(source)
    weights = kept.history().all(WeightsPreserved)[-1].place[0]
    path = kept.root / record_format.name_of(weights)
    _write(path, path.read_bytes().replace(b'"files":2', b'"files":3'))
    done = _decode(kept.root, tmp_path / "none")
    assert done.returncode == 3
    assert "names no weights" in done.stdout
    assert not (tmp_path / "none").exists()


def test_what_is_intact_is_restored_and_the_rest_is_named(
    kept: Archive, tmp_path: Path, source: Path
) -> None:
    """One damaged file costs no other; after a repair the same line completes the folder."""
    manifest = kept.vault.manifest(kept.history().all(WeightsPreserved)[-1].event.manifest)
    weights = next(file for file in manifest.files if file.name == "m.safetensors")
    pack = _pack_of(kept, weights.tensors[0].objects[0])
    _changed(pack, 4096 + 100)
    done = _decode(kept.root, tmp_path / "back")
    assert done.returncode == 3
    assert "DAMAGED  m.safetensors: " in done.stdout
    assert "1 of 2 files restored" in done.stdout
    assert {path.name for path in (tmp_path / "back").iterdir()} == {"config.json"}
    _changed(pack, 4096 + 100)
    assert _decode(kept.root, tmp_path / "back").returncode == 0
    assert tree(tmp_path / "back") == tree(source)


def test_a_damaged_index_costs_only_what_lies_in_its_pack(
    two: Archive, tmp_path: Path, source: Path
) -> None:
    """The copy beside the pack stands in; without it, models that lie elsewhere come back."""
    manifest = two.vault.manifest(two.history(OTHER).all(WeightsPreserved)[-1].event.manifest)
    pack = _pack_of(two, manifest.tensors[0].objects[0])
    _changed(pack, pack.stat().st_size - 40)
    _changed(pack, pack.stat().st_size - 4000)
    assert _decode(two.root, tmp_path / "birch", OTHER).returncode == 0
    pack.with_suffix(".idx").unlink()
    sound = _decode(two.root, tmp_path / "back")
    assert sound.returncode == 0, sound.stdout
    assert "nothing that was asked for lies there" in sound.stdout
    assert tree(tmp_path / "back") == tree(source)
    done = _decode(two.root, tmp_path / "half", OTHER)
    assert done.returncode == 3
    assert f"{pack.name}: its index is damaged" in done.stdout


def test_a_manifest_that_no_pack_holds_is_taken_from_its_rendering(
    kept: Archive, tmp_path: Path, source: Path
) -> None:
    """The readable manifest is the same bytes, and its SHA-256 is on record."""
    pack = _pack_of(kept, kept.history().all(WeightsPreserved)[-1].event.manifest)
    pack.unlink()
    done = _decode(kept.root, tmp_path / "back")
    assert done.returncode == 3
    assert "the manifest" in done.stdout
    assert tree(tmp_path / "back") == tree(source)


def test_wrong_use_exits_with_2_and_changes_nothing(kept: Archive, tmp_path: Path) -> None:
    """No arguments, no archive, an unknown model, a file of somebody's in the way."""
    bare = subprocess.run([sys.executable, "-I", str(PROGRAM)], capture_output=True, check=False)
    assert bare.returncode == 2
    assert _decode(tmp_path, tmp_path / "back").returncode == 2
    assert _decode(kept.root, tmp_path / "back", "acme/none").returncode == 2
    (tmp_path / "back").mkdir()
    (tmp_path / "back" / "config.json").write_text("mine")
    done = _decode(kept.root, tmp_path / "back")
    assert "config.json: another file is there already; it was not touched" in done.stdout
    assert (tmp_path / "back" / "config.json").read_text() == "mine"
