"""What the demonstration does to its folder, and a real retirement would not.

It lays out the example models, flips a bit, edits an event, and asks programs that are not ours:
`sha256sum`, and the one-file checker in a bare Python.
"""

import dataclasses
import datetime
import importlib.resources
import shutil
import subprocess
import sys
from pathlib import Path

from emeritus.archive import Archive, preservation
from emeritus.archive.dossier import CHECKER
from emeritus.errors import IntegrityError
from emeritus.record.events import WeightsPreserved
from emeritus.settings import Settings
from emeritus.vault import format as vault_format

OLD, NEW = "emeritus/sparrow-1", "emeritus/sparrow-2"
FIRST_PLACE, SECOND_PLACE = "first-place", "second-place"


@dataclasses.dataclass(frozen=True, slots=True)
class Place:
    """Where everything of a demonstration lies, below one folder."""

    root: Path

    @property
    def archive(self) -> Path:
        """The archive."""
        return self.root / "archive"

    @property
    def second(self) -> Path:
        """The complete copy that stands for another building."""
        return self.root / SECOND_PLACE

    @property
    def originals(self) -> Path:
        """The model folders, as they were before they were retired."""
        return self.root / "originals"

    @property
    def away(self) -> Path:
        """Where the original of the retired model is moved to."""
        return self.root / "moved-away"

    @property
    def restored(self) -> Path:
        """The restored copy."""
        return self.root / "restored"

    @property
    def dossier(self) -> Path:
        """What a stranger would be given."""
        return self.root / "dossier"

    @property
    def edited(self) -> Path:
        """The dossier with one event edited."""
        return self.root / "dossier-edited"

    @property
    def report(self) -> Path:
        """The newest report, beside the folders so that it is found."""
        return self.root / "report.html"

    def settings(self, given: Settings) -> Settings:
        """Keep keys and notes inside too: deleting the folder leaves nothing behind."""
        own = self.root / "this-machine"
        return dataclasses.replace(
            given,
            archive=self.archive,
            config=own / "config" / "emeritus",
            state=own / "state" / "emeritus",
            cache=own / "cache" / "emeritus",
        )


def unpack(place: Place) -> None:
    """Lay out the example models that come with the package, unless that was done."""
    for model in (OLD, NEW):
        name = model.rpartition("/")[2]
        target = place.originals / name
        if target.exists() or (place.away / name).exists():
            continue
        fresh = place.originals / f".{name}.writing"
        shutil.rmtree(fresh, ignore_errors=True)
        packaged = importlib.resources.files("emeritus.examples") / name
        with importlib.resources.as_file(packaged) as folder:
            shutil.copytree(folder, fresh)
        fresh.rename(target)


def pack_with_weights(archive: Archive) -> tuple[str, int]:
    """Return a pack of the old model's weights, and an offset inside one of its blocks."""
    kept: WeightsPreserved = preservation.require_preserved(archive, OLD).event
    for name in archive.vault.packs(kept.manifest):
        if archive.store.size(name) > vault_format.BLOCK_BYTES // 16:
            return name, len(vault_format.HEADER) * 40
    raise IntegrityError("no pack holds the weights of the example model")


def flip_bit(path: Path, offset: int) -> None:
    """Change one bit of a stored file, as a failing disk would."""
    path.chmod(0o644)
    with path.open("r+b") as file:
        file.seek(offset)
        byte = file.read(1)[0]
        file.seek(offset)
        file.write(bytes([byte ^ 1]))
    path.chmod(0o444)


def sha256sum(restored: Path, original: Path) -> str:
    """Let the system's own `sha256sum` compare the restored files with the original."""
    names = sorted(path.name for path in original.iterdir())
    program = shutil.which("sha256sum")
    if program is None:
        return "this system has no sha256sum, so it was not asked"
    sums = [
        subprocess.run([program, *names], cwd=folder, capture_output=True, check=True).stdout
        for folder in (restored, original)
    ]
    if sums[0] != sums[1]:
        raise IntegrityError("sha256sum of the system finds other bytes in the restored copy")
    return f"the system's own sha256sum agrees with the original on all {len(names)} files"


def run_checker(folder: Path, fingerprint: str) -> tuple[int, list[str]]:
    """Run the dossier's own checker in a bare Python: no packages, no environment."""
    done = subprocess.run(
        [sys.executable, "-I", "-S", CHECKER, ".", "--trust", fingerprint],
        cwd=folder,
        capture_output=True,
        check=False,
    )
    return done.returncode, done.stdout.decode(errors="replace").splitlines()


def edit_one_event(folder: Path) -> str:
    """Change one word of one event, as somebody would who wanted it to have been otherwise."""
    for path in sorted((folder / "data" / "record").rglob("*.json")):
        text = path.read_text(encoding="utf-8")
        if '"kind":"retirement.announced"' in text:
            tomorrow = datetime.date.max.isoformat()
            before, key, rest = text.partition('"retire_on":"')
            path.write_text(before + key + tomorrow + rest[10:], encoding="utf-8")
            return f"commit {path.stem} (the announced date)"
    raise IntegrityError("the record does not hold the announcement")


def place_of_report(place: Place, number: int) -> Path:
    """Return where report `number` of the old model lies in the archive."""
    return place.archive / "models" / OLD / f"report-{number}.html"
