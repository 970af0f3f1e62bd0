"""What is done to an archive in these tests, step by step; each step may be repeated.

Run as a program it does all of them in a folder, and says on standard output when one is done: a
step that was said to be done is a promise.
"""

import dataclasses
import datetime
import os
import sys
from collections.abc import Callable
from pathlib import Path

from emeritus.archive import Archive, Founding, create, open_archive
from emeritus.archive.documents import write_documents
from emeritus.archive.dossier import write_dossier
from emeritus.archive.fixity import verify_all
from emeritus.archive.people import add_person
from emeritus.archive.preservation import preserve, restore
from emeritus.archive.repair import repair_all
from emeritus.archive.replication import add_replica, replicas, sync
from emeritus.archive.sharding import place_shards, placement_of, sync_shards
from emeritus.clock import FixedClock
from emeritus.errors import UserError
from emeritus.lifecycle.moves import register
from emeritus.lifecycle.shipped import policy_text
from emeritus.lifecycle.states import models
from emeritus.record.events import ModelRegistered
from emeritus.settings import Settings
from emeritus.vault.erasure import Scheme
from tests.vault.folders import bfloat16, nudged, safetensors

WEIGHTS = bfloat16((96, 64), 1)


@dataclasses.dataclass(frozen=True)
class World:
    """A machine: the folder in which everything lies, the cache elsewhere if that is said."""

    root: Path
    cache: Path | None = None

    @property
    def settings(self) -> Settings:
        """Settings whose folders lie in it."""
        home = self.root / "home"
        return Settings(
            archive=self.root / "archive",
            config=home / "config",
            state=home / "state",
            cache=self.cache or home / "cache",
        )

    @property
    def clock(self) -> FixedClock:
        """A clock that stands still."""
        return FixedClock(datetime.datetime(2027, 1, 1, 12, tzinfo=datetime.UTC))

    def open(self) -> Archive:
        """Open the archive anew, as every command does."""
        return open_archive(self.settings.archive, self.settings, self.clock)

    def source(self, model: str) -> Path:
        """Return the folder of a model."""
        return self.root / "models" / model


MODELS = {"acme/a": None, "acme/b": "acme/a", "acme/c": None}


def make_models(world: World) -> None:
    """Write the files of all models."""
    tensors = {"acme/a": WEIGHTS, "acme/b": nudged(WEIGHTS), "acme/c": bfloat16((70, 70), 2)}
    for model, tensor in tensors.items():
        world.source(model).mkdir(parents=True)
        safetensors(world.source(model) / "m.safetensors", {"w": tensor})
        (world.source(model) / "config.json").write_text(f'{{"name": "{model}"}}')


def found(world: World) -> None:
    """Make the archive."""
    try:
        create(world.settings.archive, Founding("demo", policy_text("demo")), *_rest(world))
    except UserError as error:
        if "already" not in str(error):
            raise


def _rest(world: World) -> tuple[Settings, FixedClock]:
    return world.settings, world.clock


def keep(model: str) -> Callable[[World], None]:
    """Return the step that registers and preserves a model."""

    def step(world: World) -> None:
        archive = world.open()
        if model not in models(archive.history()):
            form = {"form": "hf-folder", "architecture": "X", "parameters": 1}
            event = ModelRegistered(model=model, base=MODELS[model], **form)  # type: ignore[arg-type]
            register(archive, event, "public")
        preserve(archive, model, world.source(model))
        write_documents(archive)

    return step


def replicate(world: World) -> None:
    """Make a replica."""
    add_replica(world.open(), world.root / "second", "basel")


def cut(world: World) -> None:
    """Cut the packs into shards over three places."""
    folders = {place: world.root / place for place in ("oslo", "rome", "bern")}
    place_shards(world.open(), folders, Scheme(2, 1))


def catch_up(world: World) -> None:
    """Bring replica and shards up to date."""
    archive = world.open()
    sync(archive, next(each for each in replicas(archive) if each.name == "basel"))
    placement = placement_of(archive)
    assert placement is not None
    sync_shards(archive, placement)


def employ(world: World) -> None:
    """Give somebody a key."""
    try:
        add_person(world.open(), "berta", ["reviewer"])
    except UserError as error:
        if "on record already" not in str(error):
            raise


def mend(world: World) -> None:
    """Check everything, and repair what is damaged."""
    archive = world.open()
    found = verify_all(archive, deep=True)
    if not found.sound:
        repair_all(archive, found)


def hand_out(world: World) -> None:
    """Restore a model, and write its dossier."""
    archive = world.open()
    for dest, write in (("back", restore), ("dossier", write_dossier)):
        try:
            write(archive, "acme/b", world.root / dest)
        except UserError as error:
            if "exists" not in str(error) and "not empty" not in str(error):
                raise


STORY: dict[str, Callable[[World], None]] = {
    "found": found,
    "keep a": keep("acme/a"),
    "replicate": replicate,
    "cut": cut,
    "keep b": keep("acme/b"),
    "keep c": keep("acme/c"),
    "catch up": catch_up,
    "employ": employ,
    "mend": mend,
    "hand out": hand_out,
}


def main() -> None:
    """Do every step in the folder that is named; a second one is the cache."""
    world = World(*map(Path, sys.argv[1:3]))
    for name, step in STORY.items():
        step(world)
        os.write(1, f"done {name}\n".encode())


if __name__ == "__main__":
    main()
