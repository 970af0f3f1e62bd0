"""The power is cut at any moment: what was not synced is lost, torn or reordered in part."""

import shutil
from pathlib import Path

import pytest

from emeritus.archive.fixity import verify_all
from emeritus.archive.preservation import restore
from tests.archive import power
from tests.archive.stories import STORY, World, make_models
from tests.vault.test_crashes import needs_strace
from tests.vault.test_vault import tree

SAMPLES = 24
KEEPING = {"keep a": "acme/a", "keep b": "acme/b", "keep c": "acme/c"}


@pytest.fixture
def world(tmp_path: Path) -> World:
    """A machine with the files of some models."""
    made = World(tmp_path / "world", cache=tmp_path / "cache")  # no promise depends on it
    make_models(made)
    return made


def _contents(root: Path) -> dict[str, bytes | None]:
    return {
        str(path.relative_to(root)): path.read_bytes() if path.is_file() else None
        for path in root.rglob("*")
    }


def _recorded(world: World, log: Path) -> list[power.Event]:
    """Return all changes of the whole story, which give its folder when they are done again."""
    events = power.record("tests.archive.stories", world.root, log, world.settings.cache)
    told = _contents(world.root)
    _write(events, world)
    assert _contents(world.root) == told  # or the recorder missed something
    return events


def _write(events: list[power.Event], world: World) -> None:
    shutil.rmtree(world.root)
    shutil.rmtree(world.settings.cache, ignore_errors=True)
    world.root.mkdir()
    power.write_out(events, world.root)


def _promised(events: list[power.Event]) -> list[str]:
    said = [event.data.decode().strip() for event in events if event.kind == "promise"]
    return [each.removeprefix("done ") for each in said]


def _require_promises(world: World, promised: list[str], dest: Path) -> None:
    """Whatever was said to be done is still done."""
    if "found" not in promised:
        return
    archive = world.open()
    assert {"steward", "service"} <= set(archive.keys.names())
    assert verify_all(archive, deep=True).damage == ()
    for model in (KEEPING[each] for each in promised if each in KEEPING):
        shutil.rmtree(dest, ignore_errors=True)
        restore(archive, model, dest)
        assert tree(dest) == tree(world.source(model))
    if "replicate" in promised:
        assert (world.root / "second" / "archive.json").is_file()
    if "employ" in promised:
        archive.signer("berta")
    if "hand out" in promised:
        assert tree(world.root / "back") == tree(world.source("acme/b"))
        assert (world.root / "dossier" / "manifest-sha256.txt").is_file()


def _sweep(world: World, tmp_path: Path, moments: int | None) -> int:
    events = _recorded(world, tmp_path / "log")
    first = next(at for at, event in enumerate(events) if event.kind == "folder" and at > 3)
    step = 1 if moments is None else max(1, (len(events) - first) // moments)
    done = 0
    for moment in range(first, len(events) + 1, step):
        before = events[:moment]
        found = list(power.outcomes(before, moment))
        way, left = found[done % len(found)]
        _write(left, world)
        promised = _promised(before)
        try:
            _require_promises(world, promised, tmp_path / "dest")
            for name in [each for each in STORY if each not in promised][:1]:
                STORY[name](world)
                _require_promises(world, [*promised, name], tmp_path / "dest")
        except BaseException as error:
            error.add_note(f"cut at {moment} ({events[moment - 1]}), left: {way}")
            raise
        done += 1
    return done


@needs_strace
def test_a_power_cut_breaks_no_promise(world: World, tmp_path: Path) -> None:
    """At moments of a whole story: what was said to be done is done, and the next step works."""
    assert _sweep(world, tmp_path, SAMPLES) >= SAMPLES


@needs_strace
@pytest.mark.long
def test_a_power_cut_at_any_moment_breaks_no_promise(world: World, tmp_path: Path) -> None:
    """The same at every moment, each in another way."""
    assert _sweep(world, tmp_path, None) > 1000
