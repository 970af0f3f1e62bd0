"""Ten thousand ways to change the record of a real archive: each of them is found.

The record is that of a life of an archive with everything in it but a retirement. It is changed in
memory, and judged by `record.verification.check` up to its first finding that breaks evidence. The
commits before the first changed one are not verified again each time: where a reader meets the
very bytes that it read before, it goes on from what it was then (`Remembering`).
"""

import copy
import dataclasses
import itertools
import random
from pathlib import Path
from typing import Any, ClassVar
from unittest import mock

import msgspec
import pytest

from emeritus.archive.checkpointing import write_checkpoint
from emeritus.archive.format_pages import format_pages
from emeritus.record import check, verification
from emeritus.record import checkpoint as heads
from emeritus.record import format as disk
from emeritus.record.audit import Old
from emeritus.record.verification import Reader, blocking
from emeritus.testing.stores import MemoryStore
from tests.golden import judging
from tests.golden.forging import Forger, chained
from tests.golden.life import Life, found, go_on, hear, keep, live, observe
from tests.golden.mutating import CHANGES, Files, Forged, mutated
from tests.golden.packing import tree, write

SEEDS = range(10)
EACH = 1000
BY_CHECKER = 50  # one in so many
RESIGNED = 100


@dataclasses.dataclass(frozen=True)
class Real:
    """The record of a real archive, with the last checkpoint of it as somebody kept it."""

    archive: str
    files: Files
    forger: Forger

    @property
    def old(self) -> Old:
        """The newest checkpoint, with the tiles of its time."""
        source = self.store(self.files)
        name = max(name for name in self.files if heads.size_of(name) is not None)
        return Old("kept.note", *heads.read(self.files[name]), source)

    @staticmethod
    def store(files: Files) -> MemoryStore:
        """Return a store that holds these files."""
        store = MemoryStore()
        store.files = files
        return store


@pytest.fixture(scope="session")
def life(tmp_path_factory: pytest.TempPathFactory) -> Life:
    """The life of an archive."""
    steps = (found, keep, observe, hear, go_on, _signed_at_end)
    with mock.patch("os.fsync"):  # nobody cuts the power here, and a busy disk takes half a minute
        return live(tmp_path_factory.mktemp("life"), *steps)


def _signed_at_end(life: Life) -> None:
    write_checkpoint(life.archive)


@pytest.fixture(scope="session")
def real(life: Life) -> Real:
    """Its record."""
    files = tree(life.root / "archive")
    forger = Forger.of(life, {f"archive/{name}": data for name, data in files.items()})
    record = {name: data for name, data in files.items() if name.startswith("record/")}
    return Real(life.archive.id, record, forger)


class Remembering(Reader):
    """A reader that does not read the same beginning twice."""

    known: ClassVar[list[tuple[str, bytes]]] = []
    states: ClassVar[list[dict[str, Any]]] = []

    @classmethod
    def learn(cls, archive: str, files: Files) -> None:
        """Read a whole record once, and remember what the reader was before each commit."""
        names = sorted(name for name in files if disk.sequence_of(name) is not None)
        cls.known, cls.states = [(name, files[name]) for name in names], []
        reader = Reader(archive)
        for name, data in cls.known:
            cls.states.append(copy.deepcopy(reader.__dict__))
            assert reader.read(name, data)[1] == []
        cls.states.append(copy.deepcopy(reader.__dict__))

    _same = True

    def skip_to(self, sequence: int) -> None:
        """Skip, as what was read."""
        self._remember()
        super().skip_to(sequence)

    def read(self, name: str, data: bytes, *, signed_here: bool = False) -> Any:
        """Read a commit, or know it again."""
        at = self.sequence
        if self._same and at < len(self.known) and self.known[at] == (name, data):
            self.sequence, self.link = at + 1, self.states[at + 1]["link"]
            return [], []
        self._remember()
        return super().read(name, data, signed_here=signed_here)

    def _remember(self) -> None:
        if self._same:
            self.__dict__.update(copy.deepcopy(self.states[self.sequence]))
            self._same = False


@pytest.fixture
def remembering(real: Real, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let `check` read each commit of the real record once in a session."""
    if [data for _, data in Remembering.known] != [*_commits(real.files)]:
        Remembering.learn(real.archive, real.files)
    monkeypatch.setattr(verification, "Reader", Remembering)


def _commits(files: Files) -> list[bytes]:
    return [files[name] for name in sorted(files) if disk.sequence_of(name) is not None]


def _against(real: Real, forged: Forged) -> list[Old]:
    """Who cuts off the end, and takes the checkpoints away, is found by one that was kept."""
    hidden = not any(heads.size_of(name) is not None for name in forged.files)
    return [dataclasses.replace(real.old, source=None)] if forged.cut and hidden else []


def test_the_record_is_that_of_a_real_archive(real: Real) -> None:
    """Over sixty commits, some with many events, keys of many, and sound to begin with."""
    sizes = [len(disk.parse(data).events) for data in _commits(real.files)]
    assert len(sizes) >= 60
    assert max(sizes) > 100
    assert sum(size > 1 for size in sizes) > 10
    assert len({disk.parse(data).header.signer for data in _commits(real.files)}) >= 6
    assert list(check(real.store(real.files), real.archive, against=[real.old])) == []


def test_a_reader_that_remembers_finds_what_another_finds(
    real: Real, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All findings about a change of each kind are the same as without any memory."""
    chance = random.Random("both")
    changed = [mutated(real.files, number, chance)[1] for number in range(3 * len(CHANGES))]
    plain = [list(check(real.store(each.files), real.archive)) for each in changed]
    Remembering.learn(real.archive, real.files)
    monkeypatch.setattr(verification, "Reader", Remembering)
    assert [list(check(real.store(each.files), real.archive)) for each in changed] == plain


@pytest.mark.usefixtures("remembering")
@pytest.mark.parametrize("seed", SEEDS)
def test_a_thousand_changes_without_keys_are_found(
    real: Real, by_checker: "Checker", seed: int
) -> None:
    """Edits, swaps, drops, duplications; every fiftieth of them by the one-file checker too."""
    chance = random.Random(f"no keys {seed}")
    for number in range(EACH):
        what, forged = mutated(real.files, number, chance)
        against = _against(real, forged)
        findings = check(real.store(forged.files), real.archive, against=against)
        serious = (each.code for each in findings if blocking([each]))
        # What was cut off may have held the key that signed the checkpoint: R019 beside R014.
        told = set(serious) if forged.cut else {next(serious, None)}
        assert told - {None}, f"seed {seed}, change {number}: {what} was not found"
        assert "R014" in told or not forged.cut, f"seed {seed}, change {number}: {told}"
        if number % BY_CHECKER == seed:
            code, said = by_checker.judge(forged.files, kept=bool(against))
            assert code == 3, f"seed {seed}, change {number}: {what} was not found: {said}"


@dataclasses.dataclass
class Checker:
    """The one-file program, with a folder that holds the record."""

    sound: Files
    folder: Path
    kept: Path

    def judge(self, files: Files, *, kept: bool) -> tuple[int, str]:
        """Return what it says about the record in `files`, held against what was kept."""
        _turn(self.folder, self.sound, files)
        code, said = judging.today(self.folder, *(("--against", self.kept) if kept else ()))
        _turn(self.folder, files, self.sound)
        return code, said


@pytest.fixture
def by_checker(real: Real, life: Life, tmp_path: Path) -> Checker:
    """It accepts the record to begin with, and verifies no signature twice."""
    judging.remember_signatures()
    described = (life.root / "archive" / "archive.json").read_bytes()
    checker = Checker(real.files, tmp_path / "archive", tmp_path / "kept.note")
    write(real.files | format_pages() | {"archive.json": described}, checker.folder)
    name = max(name for name in real.files if heads.size_of(name) is not None)
    checker.kept.write_bytes(real.files[name])
    code, said = checker.judge(real.files, kept=True)
    assert code == 0, said
    return checker


def _turn(folder: Path, before: Files, after: Files) -> None:
    """Make the files `after` of the files `before` in a folder."""
    for name in before.keys() - after.keys():
        (folder / name).unlink()
    write({name: data for name, data in after.items() if before.get(name) != data}, folder)


# --- somebody with all the keys ------------------------------------------------------------------

Rows = list[disk.Commit]


def _edit(commits: Rows, chance: random.Random) -> set[str]:
    at = chance.randrange(1, len(commits))
    bodies = [dict(body or {}) for body in commits[at].events]
    chance.choice(bodies)["reason"] = f"forged {chance.random()}"
    commits[at] = _with(commits[at], bodies)
    return {"R015", "R018"}  # when none behind it was there before, it is a fork


def _swap(commits: Rows, chance: random.Random) -> set[str]:
    several = [at for at, each in enumerate(commits) if at and len(each.events) > 1]
    at = chance.choice(several)
    bodies = [dict(body or {}) for body in commits[at].events]
    one, two = chance.sample(range(len(bodies)), 2)
    bodies[one], bodies[two] = bodies[two], bodies[one]
    commits[at] = _with(commits[at], bodies)
    return {"R016"}


def _drop(commits: Rows, chance: random.Random) -> set[str]:
    at = chance.randrange(1, len(commits))
    bodies = [dict(body or {}) for body in commits[at].events]
    del bodies[chance.randrange(len(bodies))]
    commits[at : at + 1] = [_with(commits[at], bodies)] if bodies else []
    return {"R014", "R015"}


def _double(commits: Rows, chance: random.Random) -> set[str]:
    at = chance.randrange(1, len(commits) - 1)
    bodies = [dict(body or {}) for body in commits[at].events]
    if chance.random() < 0.5 and len(bodies) < 256:
        bodies.insert(0, chance.choice(bodies))
        commits[at] = _with(commits[at], bodies)
    else:
        commits.insert(at, commits[at])
    return {"R017"}


def _with(commit: disk.Commit, bodies: list[dict[str, Any]]) -> disk.Commit:
    return msgspec.structs.replace(commit, events=tuple(bodies))


@pytest.mark.usefixtures("remembering")
@pytest.mark.parametrize("seed", SEEDS)
def test_a_hundred_changes_by_who_has_all_keys_are_found(real: Real, seed: int) -> None:
    """Signed anew, chain and signatures are sound: the checkpoint that somebody kept names each."""
    chance = random.Random(f"all keys {seed}")
    sound, old = real.forger.commits(), real.old
    for number, change in zip(range(RESIGNED), itertools.cycle((_edit, _swap, _drop, _double))):
        commits = list(sound)
        codes = change(commits, chance)
        pairs = zip(commits, sound, strict=False)
        same = next((at for at, (one, two) in enumerate(pairs) if one is not two), len(commits))
        made = chained(commits[:same], commits[same:], real.forger.signers)
        files = {disk.name_of(at): disk.render(each) for at, each in enumerate(made, start=1)}
        told = {each.code for each in check(real.store(files), real.archive, against=[old])}
        assert told & codes, f"seed {seed}, change {number}: {change.__name__}: {told}"
