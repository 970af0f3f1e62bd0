"""Files of every class cut, filled, swapped and lost: found where they are, and made whole."""

import dataclasses
import datetime
import random
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import cast

import pytest

from emeritus.archive import open_archive
from emeritus.archive.fixity import verify_all
from emeritus.archive.handle import STEWARD
from emeritus.archive.repair import repair_all
from emeritus.archive.replication import replicas, sync
from emeritus.archive.sharding import placement_of, sync_shards
from emeritus.archive.verdict import Verification
from emeritus.clock import FixedClock
from emeritus.errors import UserError
from emeritus.record.events import ModelCovered
from emeritus.vault import Progress
from tests.archive.stories import STORY, World, catch_up, make_models

CLASSES: dict[str, tuple[str, str]] = {
    "packs": ("archive", "packs/*/*.pack"),
    "indexes": ("archive", "packs/*/*.idx"),
    "commits": ("archive", "record/*/*.json"),
    "documents": ("archive", "models/**/*.json"),
    "pages": ("archive", "format/*"),
    "packs of the replica": ("second", "packs/*/*.pack"),
    "commits of the replica": ("second", "record/*/*.json"),
    "shards": ("oslo", "shards/*/*"),
    "parity": ("bern", "shards/*/*"),
}
SPOKEN = {"archive": "primary", "second": "basel", "oslo": "shards/oslo", "bern": "shards/bern"}

Damage = Callable[[bytes], bytes | None]
DAMAGES: dict[str, Damage] = {
    "lost": lambda _: None,
    "empty": lambda _: b"",
    "one byte left": lambda data: data[:1],
    "half left": lambda data: data[: len(data) // 2],
    "the last byte lost": lambda data: data[:-1],
    "a page lost": lambda data: data[:-4096],
    "one byte more": lambda data: data + b"\0",
    "zeros": lambda data: bytes(len(data)),
    "its second half zeros": lambda data: data[: len(data) // 2].ljust(len(data), b"\0"),
}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """An archive of three models with a replica and shards in three places; every test mends it."""
    made = World(tmp_path_factory.mktemp("damage") / "world")
    make_models(made)
    for step in STORY.values():
        step(made)
    return made


def _files(world: World, kind: str) -> list[Path]:
    folder, pattern = CLASSES[kind]
    found = sorted(path for path in (world.root / folder).glob(pattern) if path.is_file())
    # A commit that was never copied cannot be had again.
    copied = {path.name for path in (world.root / "second" / "record").rglob("*.json")}
    return [path for path in found if kind != "commits" or path.name in copied]


def _write(path: Path, data: bytes | None) -> None:
    path.unlink(missing_ok=True)
    if data is not None:
        path.write_bytes(data)


def _check(world: World) -> Verification:
    settings = world.settings
    return verify_all(open_archive(settings.archive, settings, world.clock), deep=True)


def _made_whole(world: World, kind: str, path: Path, data: bytes | None) -> None:
    """Damage a file; it is named, repaired to the same bytes, and everything is sound again."""
    folder = CLASSES[kind][0]
    before = path.read_bytes()
    _write(path, data)
    found = _check(world)
    told = {
        (replica, finding.where.partition("@")[0].partition("#")[0])
        for replica, finding in found.damage
    }
    name = str(path.relative_to(world.root / folder))
    assert (SPOKEN[folder], name) in told, told
    repair_all(world.open(), found)
    assert path.read_bytes() == before
    assert _check(world).damage == ()


FEW = ("lost", "empty", "half left", "its second half zeros")


@pytest.mark.parametrize(
    "damage", [*FEW, *(pytest.param(e, marks=pytest.mark.long) for e in DAMAGES if e not in FEW)]
)
@pytest.mark.parametrize("kind", CLASSES)
def test_whatever_happens_to_a_file_is_found_and_repaired(
    kind: str, damage: str, world: World
) -> None:
    """Lost, cut at several lengths, longer, overwritten with zeros: located, and healed."""
    path = random.Random(kind + damage).choice(_files(world, kind))
    if damage == "lost" and kind == "indexes":
        path.unlink()  # a writer that was killed leaves it out, and its pack has its own
        assert _check(world).damage == ()
        return
    if damage == "lost" and kind == "documents":
        before = path.read_bytes()
        path.unlink()  # so does one that was killed behind its commit: it is written anew
        assert _check(world).damage == ()
        assert path.read_bytes() == before
        return
    _made_whole(world, kind, path, DAMAGES[damage](path.read_bytes()))


@pytest.mark.parametrize(
    "kind", ["packs", "indexes", "commits", "documents", "pages", "shards", "parity"]
)
def test_two_files_that_changed_places_are_found_and_repaired(kind: str, world: World) -> None:
    """Sound bytes under another name are damage in both places."""
    one, other = random.Random(kind).sample(_files(world, kind), 2)
    before = one.read_bytes(), other.read_bytes()
    if before[0] == before[1]:
        pytest.skip("two renderings of one thing")
    _write(one, before[1])
    _write(other, before[0])
    found = _check(world)
    assert len(found.damage) >= 2
    repair_all(world.open(), found)
    assert (one.read_bytes(), other.read_bytes()) == before
    assert _check(world).damage == ()


def test_an_archive_that_lost_its_last_commits_takes_them_back(world: World) -> None:
    """Nothing in the folder tells of them, but a replica does; nothing is recorded before."""
    for _ in range(2):  # the second time there is nothing to say, and so no commit of ours more
        catch_up(world)
    commits = _files(world, "commits")[-3:]
    later = [path for path in commits[0].parent.iterdir() if path.name > commits[0].name]
    lost = [commits[0], *later]
    before = {path: path.read_bytes() for path in commits}
    for path in lost:
        path.unlink()
    found = _check(world)
    told = {(name, finding.code) for name, finding in found.damage}
    # Their documents are strays now, and pages tell of more than the record.
    strays = {("primary", "A001"), ("primary", "A004")}
    # A checkpoint was over more events, and this machine read the commits before.
    remembered = {("primary", "R014"), ("primary", "R022")}
    assert {("primary", "R001")} <= told - strays <= {("primary", "R001")} | remembered
    assert not any(path.exists() for path in lost)
    repair_all(world.open(), found)
    assert {path: path.read_bytes() for path in commits} == before
    assert _check(world).damage == ()


def test_a_fork_is_named_and_neither_side_is_touched(world: World) -> None:
    """Two commits of one number that are both signed and whole: people decide."""
    for _ in range(2):  # the second time there is nothing to say, and so no commit of ours more
        catch_up(world)
    last = max((world.root / "archive" / "record").rglob("*.json"))
    aside = last.read_bytes()
    last.unlink()
    later = dataclasses.replace(
        world.open(), clock=FixedClock(world.clock.now() + datetime.timedelta(days=1))
    )
    later.append(ModelCovered(model="acme/a", covered=True, reason="another word"), key=STEWARD)
    forked = last.read_bytes()
    copy = world.root / "second" / last.relative_to(world.root / "archive")
    assert copy.read_bytes() == aside != forked
    found = _check(world)
    everywhere = {(spoken, "R013") for spoken in (*SPOKEN.values(), "shards/rome")}
    told = {(name, finding.code) for name, finding in found.damage}
    # The checkpoint and the memory of this machine tell of the true one.
    assert everywhere - {("primary", "R013")} <= told
    others = told - everywhere
    assert {code for _, code in others} <= {"R015", "R018", "R022"}, others
    assert {name for name, _ in others} <= {"primary"}
    repair_all(world.open(), found)
    assert copy.read_bytes() == aside
    for commit in (world.root / "archive" / "record").rglob("*.json"):
        if commit.name > last.name:
            commit.unlink()
    _write(last, aside)
    repair_all(world.open(), _check(world))  # pages told of the other history
    assert {finding.code for _, finding in _check(world).damage} <= {"R022"}
    shutil.rmtree(world.settings.cache)  # as R022 says: this machine remembers the other one
    assert _check(world).damage == ()


def test_a_link_in_the_place_of_a_file_is_named_and_not_followed(world: World) -> None:
    """Whoever plants a link gets nothing read or written through it; a repair takes it away."""
    path = _files(world, "packs")[0]
    outside = world.root / "outside"
    data = path.read_bytes()
    outside.write_bytes(data)
    path.unlink()
    path.symlink_to(outside)
    found = _check(world)
    told = {(finding.code, finding.where.partition("@")[0]) for _, finding in found.damage}
    name = str(path.relative_to(world.root / "archive"))
    assert {("A005", name), ("V001", name)} <= told
    repair_all(world.open(), found)
    assert not path.is_symlink()
    assert path.read_bytes() == outside.read_bytes() == data
    assert _check(world).damage == ()


@pytest.mark.parametrize("place", ["second", "rome"])
@pytest.mark.parametrize("when", ["before", "meanwhile"])
def test_a_place_that_vanishes_is_never_called_up_to_date(
    place: str, when: str, tmp_path: Path
) -> None:
    """A disk that is not there, or goes in the middle of a write: said, and recorded nowhere."""
    world = World(tmp_path / "world")
    make_models(world)
    for name in ("found", "keep a", "replicate", "cut", "keep b"):
        STORY[name](world)
    folder, away = world.root / place, world.root / "unplugged"

    def unplug(*_: object) -> None:
        if not away.exists():
            folder.rename(away)
            folder.mkdir()  # as an empty mount point is left

    if when == "before":
        unplug()
    archive = world.open()
    commits = len(list(archive.record.commits()))
    placement = placement_of(archive)
    assert placement is not None
    second = replicas(archive)[1]
    bring: Callable[[], object] = partial(sync, archive, second, cast("Progress", unplug))
    if place != "second":
        bring = partial(sync_shards, archive, placement, cast("Progress", unplug))
    if (place, when) == ("rome", "before"):
        assert set(placement_of(archive).stores()) == {"oslo", "bern"}  # type: ignore[union-attr]
        bring()  # the other places are brought up to date, and it is not recorded that all are
    else:
        with pytest.raises(UserError, match=r"disk|disc|not reached"):
            bring()
    assert len(list(archive.record.commits())) == commits
    shutil.rmtree(folder)
    away.rename(folder)
    catch_up(world)
    assert _check(world).damage == ()


def _flips(world: World, kind: str, count: int) -> None:
    rng = random.Random(kind)
    files = _files(world, kind)
    sizes = [path.stat().st_size for path in files]
    for path in rng.choices(files, sizes, k=count):
        data = bytearray(path.read_bytes())
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
        _made_whole(world, kind, path, bytes(data))


@pytest.mark.parametrize("kind", ["packs of the replica", "commits of the replica", "shards"])
def test_a_few_flips_elsewhere(kind: str, world: World) -> None:
    """Random bits of files in other places: found there, and healed from here."""
    _flips(world, kind, 4)


@pytest.mark.long
@pytest.mark.parametrize("kind", ["packs of the replica", "commits of the replica", "shards"])
def test_a_thousand_flips_elsewhere(kind: str, world: World) -> None:
    """A thousand of each."""
    _flips(world, kind, 1000)
