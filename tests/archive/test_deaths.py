"""The program dies at any change of any file, in the middle of any command."""

import contextlib
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from emeritus.archive.fixity import verify_all
from emeritus.archive.preservation import preserved, restore
from emeritus.errors import UserError
from tests.archive.stories import MODELS, STORY, World, make_models
from tests.vault.test_vault import tree

CALLS = ("write", "fsync", "link", "rename", "replace", "mkdir", "unlink", "rmdir", "open")
SAMPLES = 4


class Died(BaseException):
    """The process was killed: nothing that it would have done afterwards is done."""


class Machine:
    """Counts the changes that are made to files, and dies at the one with number `last`."""

    def __init__(self, last: int) -> None:
        self.last = last
        self.done = 0

    def change(self, call: Callable[..., Any]) -> Callable[..., Any]:
        """Return `call`, which does nothing any more once the program is dead."""

        def counted(*arguments: Any, **named: Any) -> Any:
            if call.__name__ == "open" and not arguments[1] & os.O_CREAT:
                return call(*arguments, **named)
            self.done += 1
            if self.done == self.last and call.__name__ == "write":
                call(arguments[0], bytes(arguments[1])[: len(arguments[1]) // 2])
            if self.done >= self.last:
                raise Died
            return call(*arguments, **named)

        return counted


@contextlib.contextmanager
def dying(last: int) -> Iterator[Machine]:
    """Let the program die at its change with number `last`."""
    machine = Machine(last)
    with pytest.MonkeyPatch.context() as patched:
        for name in CALLS:
            patched.setattr(os, name, machine.change(getattr(os, name)))
        yield machine


@pytest.fixture
def world(tmp_path: Path) -> World:
    """A machine with the files of some models."""
    made = World(tmp_path / "world")
    make_models(made)
    return made


def _reset(world: World, saved: Path) -> None:
    shutil.rmtree(world.root)
    shutil.copytree(saved, world.root, symlinks=True)


def require_whole(world: World, kept: list[str], dest: Path) -> None:
    """Everything that is there is sound, and every model that was kept comes back."""
    archive = world.open()
    found = verify_all(archive, deep=True)
    assert found.damage == ()
    for model in kept:
        shutil.rmtree(dest, ignore_errors=True)
        restore(archive, model, dest)
        assert tree(dest) == tree(world.source(model))


def _kept(world: World) -> list[str]:
    try:
        archive = world.open()
    except UserError:
        return []  # before the archive was founded
    return [model for model in MODELS if preserved(archive, model)]


def _prepare(world: World, name: str) -> None:
    for earlier, step in STORY.items():
        if earlier == name:
            break
        step(world)
    if name == "mend":
        for path in (
            max((world.root / "archive" / "packs").rglob("*.pack"), key=lambda p: p.stat().st_size),
            next((world.root / "archive" / "packs").rglob("*.idx")),
            next((world.root / "archive" / "models").rglob("*.json")),
            next((world.root / "second" / "packs").rglob("*.pack")),
            next((world.root / "oslo" / "shards").rglob("*.000")),
        ):
            data = bytearray(path.read_bytes())
            data[len(data) // 2] ^= 4
            path.chmod(0o644)
            path.write_bytes(data)


def _sweep(name: str, world: World, tmp_path: Path, samples: int | None) -> int:
    """Let a step die at every change, or at some, and do it again; return how many there are."""
    _prepare(world, name)
    saved = tmp_path / "saved"
    shutil.copytree(world.root, saved)
    with dying(1 << 60) as alive:
        STORY[name](world)
    total = alive.done
    numbers = range(1, total + 1)
    if samples is not None:
        numbers = range(1, total + 1, max(1, total // samples))
    for number in numbers:
        _reset(world, saved)
        before = _kept(world) if name != "mend" else []
        with pytest.raises(Died), dying(number):
            STORY[name](world)
        dest = tmp_path / "dest"
        if before:
            require_whole(world, before, dest)
        STORY[name](world)
        require_whole(world, _kept(world), dest)
        if name == "hand out":
            assert tree(world.root / "back") == tree(world.source("acme/b"))
            assert (world.root / "dossier" / "manifest-sha256.txt").is_file()
    return total


@pytest.mark.parametrize("name", STORY)
def test_a_command_that_died_is_finished_by_the_next(
    name: str, world: World, tmp_path: Path
) -> None:
    """At some of its changes: what was kept is whole at once, and the same command completes."""
    assert _sweep(name, world, tmp_path, SAMPLES) >= 2


@pytest.mark.long
@pytest.mark.parametrize("name", STORY)
def test_a_command_that_died_anywhere_is_finished_by_the_next(
    name: str, world: World, tmp_path: Path
) -> None:
    """The same at every single change."""
    assert _sweep(name, world, tmp_path, None) >= 2
