"""Writes the golden archive of the format of today; a person runs it once, when one is released.

python tests/golden/make.py [FOLDER]

It goes to tests/golden/released/VERSION/, which MUST NOT exist: what was released is never made
again, since its keys are thrown away. Every later version has to read it (test_released.py) and to
find what was done to it (test_bad.py). With FOLDER it goes there, to try it.
"""

import json
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT)]  # run as a program, from anywhere

from emeritus.archive.dossier import write_dossier  # noqa: E402
from emeritus.archive.preservation import restore  # noqa: E402
from emeritus.clock import timestamp  # noqa: E402
from emeritus.record.format import FORMAT  # noqa: E402
from emeritus.settings import limit_threads  # noqa: E402
from tests.golden.forging import Forger, forgeries  # noqa: E402
from tests.golden.judging import digests, emeritus, essence  # noqa: E402
from tests.golden.life import GIVEN, PLACES, Life, kinds_left_out, live  # noqa: E402
from tests.golden.packing import difference, pack, tree  # noqa: E402
from tests.golden.sources import ASTER  # noqa: E402

RELEASED = Path(__file__).resolve().parent / "released"
COPIES = ("archive", "second", *PLACES)


def main() -> None:
    """Make it, and say what came out."""
    limit_threads()
    version = FORMAT.rpartition("/")[2]
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else RELEASED / version
    if target.exists():
        raise SystemExit(f"{target} exists, and what was released is never made again")
    with tempfile.TemporaryDirectory() as folder:
        life = live(Path(folder))
        sound, made = _released(life), life.root / "made"
        pack(sound, made / "golden.tar.xz")
        expected = json.dumps(_expected(life), indent=1, ensure_ascii=False, sort_keys=True)
        (made / "expected.json").write_text(expected + "\n", encoding="utf-8")
        for name, bad in forgeries(Forger.of(life, sound)):
            pack(difference(sound, bad), made / "bad" / f"{name}.tar.xz")
        shutil.copytree(made, target)  # whole or, when anything failed, not at all
        sys.stdout.write("\n".join([*_said(life, target), ""]))


def _released(life: Life) -> dict[str, bytes]:
    """Return everything that is released: copies, dossiers, the checkpoint that was given away."""
    archive = life.archive
    write_dossier(archive, ASTER, life.root / "excerpt.tar.zst", with_weights=True)
    write_dossier(archive, ASTER, life.root / "whole", whole_record=True)
    files = {name: (life.root / name).read_bytes() for name in (GIVEN, "excerpt.tar.zst")}
    for folder in (*COPIES, "whole"):
        files |= {f"{folder}/{name}": data for name, data in tree(life.root / folder).items()}
    return files


def _expected(life: Life) -> dict[str, Any]:
    archive = life.archive
    restored = {}
    for number, model in enumerate(life.sources):
        restore(archive, model, life.root / f"restored-{number}")
        restored[model] = digests(life.root / f"restored-{number}")
    moment = life.clock.now()
    stranger = life.root / "stranger"
    status = [
        emeritus(stranger, moment, "status", model, "--archive", archive.root).document
        for model in life.sources
    ]
    return {
        "archive": archive.id,
        "fingerprint": archive.genesis,
        "witness_keys": list(life.witness_keys),
        "moment": timestamp(moment),
        "models": sorted(life.sources),
        "commits": archive.record.sequence,
        "events": len(archive.history()),
        "kinds": len({type(entry.event) for entry in archive.history()}),
        "status": {each["model"]: essence(each) for each in status},
        "restored": restored,
    }


def _said(life: Life, target: Path) -> Iterator[str]:
    sizes = [path.stat().st_size for path in target.rglob("*") if path.is_file()]
    yield f"{target}: {len(sizes)} files, {sum(sizes):,} bytes"
    for kind in kinds_left_out(life.archive):
        yield f"no event of the kind {kind}: add one to life.py before you release this"
    for said in life.unwritten:
        yield f"could not be written: {said}"


if __name__ == "__main__":
    main()
