"""The golden archives that were released: found, unpacked once, and copied for each test."""

import dataclasses
import datetime
import functools
import json
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

from emeritus.archive import chronicle
from emeritus.clock import moment_of
from emeritus.record.format import FORMAT
from tests.golden.judging import Said, emeritus
from tests.golden.life import GIVEN
from tests.golden.packing import copy, read, write

HERE = Path(__file__).parent / "released"
VERSION = FORMAT.rpartition("/")[2]
TRIED = os.environ.get("EMERITUS_GOLDEN")  # one that `make.py FOLDER` wrote, to try it


def released() -> list[Path]:
    """Return the folder of every golden archive, the oldest format first."""
    found = [path.parent for path in HERE.glob("*/expected.json")]
    return [*sorted(found, key=lambda path: int(path.name)), *([Path(TRIED)] if TRIED else [])]


@dataclasses.dataclass(frozen=True)
class Golden:
    """A golden archive, unpacked into `root` for one test, which may do to it what it likes."""

    packed: Path
    root: Path

    @functools.cached_property
    def expected(self) -> Any:
        """What was true of it when it was made."""
        return json.loads((self.packed / "expected.json").read_text(encoding="utf-8"))

    @property
    def moment(self) -> datetime.datetime:
        """The time at which it was made: tests judge it as on that day."""
        return moment_of(self.expected["moment"])

    @property
    def given(self) -> Path:
        """The checkpoint that was given away, with the witness's cosignature."""
        return self.root / GIVEN

    @property
    def is_by_another_version(self) -> bool:
        """Whether its pages for people were written by another version than this one."""
        page = _unpacked(self.packed)[1] / "archive" / "index.md"
        return chronicle.is_of_another_version(page.read_bytes())

    def run(self, *words: object, archive: str = "archive") -> Said:
        """Run a command on one of its copies, on a machine without its keys."""
        return self.call(*words, "--archive", self.root / archive)

    def call(self, *words: object) -> Said:
        """Run a command that takes no archive, on that machine."""
        return emeritus(self.root / "stranger", self.moment, *words)

    def bad(self, name: str) -> dict[str, bytes]:
        """Return what a forgery changes."""
        return read(self.packed / "bad" / f"{name}.tar.xz")


@functools.cache
def _unpacked(packed: Path) -> tuple["tempfile.TemporaryDirectory[str]", Path]:
    folder = tempfile.TemporaryDirectory(prefix="golden-")
    write(read(packed / "golden.tar.xz"), Path(folder.name) / "sound")
    return folder, Path(folder.name) / "sound"


def opened(packed: Path, root: Path, *names: str) -> Golden:
    """Unpack a golden archive, or these folders and files of it, into the new folder `root`."""
    sound = _unpacked(packed)[1]
    root.mkdir()
    for path in sound.iterdir():
        if not names or path.name in names:
            (copy if path.is_dir() else shutil.copyfile)(path, root / path.name)
    return Golden(packed, root)
