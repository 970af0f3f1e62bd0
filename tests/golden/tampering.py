"""What somebody without any key can do to a golden archive or its dossiers, by finding code.

Each is a small function that changes an unpacked copy. Where it hides what would tell the same
damage twice (tiles, checkpoints, pages for people), it does what such a person would do.
"""

import hashlib
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from blake3 import blake3

import emeritus
from emeritus import canonical
from emeritus.archive.bag import unpack
from emeritus.record import HybridSigner, checkpoint, note
from emeritus.record import format as record_format
from emeritus.vault import format as disk
from emeritus.vault.pack import render_footer
from tests.archive.test_dossier import relist
from tests.golden.sources import ASTER

Does = Callable[[Path], object]


def hide(root: Path, folder: str = "archive") -> None:
    """Take away what would show that commits are gone: tiles, checkpoints, pages for people."""
    for name in ("tiles", "checkpoints"):
        shutil.rmtree(root / folder / "record" / name)
    for pattern in ("index.*", "models/**/history.*"):
        for path in (root / folder).glob(pattern):
            path.unlink()


def put(path: Path, data: bytes) -> None:
    """Put other bytes in the place of a file."""
    path.unlink(missing_ok=True)
    path.write_bytes(data)


def flip(path: Path, at: int) -> None:
    """Change one bit."""
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    put(path, bytes(data))


# --- the vault -----------------------------------------------------------------------------------


def biggest(root: Path, pattern: str = "archive/packs/*/*.pack") -> Path:
    """Return the largest file: weights."""
    return max(root.glob(pattern), key=lambda path: (path.stat().st_size, path.name))


def guide(root: Path) -> tuple[Path, dict[str, Any]]:
    """Return the pack that holds the guide for users and nothing else, and its index."""
    path = commit(root, place(root, "guide.published"))
    (event,) = json.loads(path.read_bytes())["events"]
    for path in root.glob("archive/packs/*/*.idx"):
        index = json.loads(path.read_bytes())
        if [each["id"] for each in index["objects"]] == [event["document"]]:
            return path.with_suffix(".pack"), index
    raise AssertionError("the guide has no pack of its own")


def lost(root: Path) -> None:
    """Take away a pack and its index."""
    path, _ = guide(root)
    path.unlink()
    path.with_suffix(".idx").unlink()


def recoded(root: Path, stored: Callable[[int], bytes]) -> None:
    """Put a pack of one's own in the place of another: true to itself, and decoding to nothing."""
    path, index = guide(root)
    lost(root)
    entry = index["objects"][0]
    data = stored(entry["size"])
    block = entry["blocks"][0]
    hashed = blake3(data).hexdigest()
    entry["blocks"][0] = [disk.ALIGNMENT, len(data), hashed, block[3], disk.BYTES, [len(data)]]
    raw = canonical.dumps(index)
    body = disk.HEADER + data + bytes(-len(data) % disk.ALIGNMENT)
    whole = body + raw + bytes(-len(raw) % disk.ALIGNMENT) + render_footer(len(body), raw)
    made = root / "archive" / disk.pack_name(hashlib.sha256(raw).hexdigest())
    made.parent.mkdir(exist_ok=True)
    made.write_bytes(whole)
    assert path != made


def _index_place(path: Path) -> int:
    data = path.read_bytes()
    return int.from_bytes(data[-disk.FOOTER_BYTES + 8 : -disk.FOOTER_BYTES + 16], "little")


# --- the record ----------------------------------------------------------------------------------


def commit(root: Path, number: int, folder: str = "archive") -> Path:
    """Return the file of a commit."""
    return root / folder / record_format.name_of(number)


def place(root: Path, kind: str, folder: str = "archive") -> int:
    """Return the number of the last commit that holds an event of a kind."""
    said = f'"kind":"{kind}"'.encode()
    paths = (root / folder / "record").glob("0*/*.json")
    return max(int(path.stem) for path in paths if said in path.read_bytes())


def changed(path: Path, change: Callable[[Any], object]) -> None:
    """Change a file of canonical JSON."""
    value = json.loads(path.read_bytes())
    change(value)
    put(path, canonical.dumps(value))


def cut(root: Path, first: int) -> None:
    """Cut off the record from commit `first` on, and the pages for people with it."""
    for path in (root / "archive" / "record").glob("0*/*.json"):
        if int(path.stem) >= first:
            path.unlink()
    for pattern in ("index.*", "models/**/history.*"):
        for path in (root / "archive").glob(pattern):
            path.unlink()


def _middle(root: Path) -> int:
    return place(root, "access.granted")


def _gap(root: Path) -> None:
    number = _middle(root)
    hide(root)
    commit(root, number).unlink()


def _nonsense(root: Path) -> None:
    number = _middle(root)
    hide(root)
    put(commit(root, number), b"{}")


def _unsigned(root: Path) -> None:
    changed(commit(root, _middle(root)), lambda value: value.update(signature="0" * 128))


def _edited(root: Path) -> None:
    number = _middle(root)
    hide(root)
    changed(commit(root, number), lambda value: value["events"][0].update(purpose="a forgery"))


def _cut(root: Path) -> None:
    cut(root, place(root, "model.revived"))


def _cut_and_hidden(root: Path) -> None:
    first = place(root, "model.revived")
    hide(root)
    cut(root, first)


def _last_and_hidden(root: Path) -> None:
    hide(root)
    max((root / "archive" / "record").glob("0*/*.json")).unlink()


def notes_of(root: Path, folder: str = "archive") -> list[Path]:
    """Return the checkpoints, the newest last."""
    return sorted((root / folder / "record" / "checkpoints").iterdir())


def _half_signed(root: Path) -> None:
    path = notes_of(root)[-1]
    put(path, path.read_bytes().rpartition("\u2014".encode())[0])


def _other_cosignature(root: Path) -> None:
    """Change one bit of what the witness signed with."""
    (path,) = (root / "archive" / "record" / "checkpoints").glob("*-*.note")
    flip(path, path.stat().st_size - 40)


def _by_a_stranger(root: Path) -> None:
    path = notes_of(root)[-1]
    _, kept = checkpoint.read(path.read_bytes())
    stranger = HybridSigner(b"\7" * 32, b"\7" * 32)
    put(path, note.render(checkpoint.sign(kept, stranger, 1_800_000_000)))


def _tile(root: Path) -> Path:
    return max((root / "archive/record/tiles/tile/0").rglob("*.p/*"))


# --- the folder ----------------------------------------------------------------------------------


def _stray(root: Path) -> None:
    (root / "archive" / "models" / ASTER / "more.txt").write_text("nobody accounts for it")


def _described(root: Path) -> None:
    changed(
        root / "archive/archive.json", lambda value: value.update(created="2020-01-01T00:00:00Z")
    )


def _document(root: Path) -> Path:
    return max((root / "archive" / "models" / ASTER).glob("manifest-*.json"))


def _linked(root: Path) -> None:
    path = _document(root)
    (root / "outside.json").write_bytes(path.read_bytes())
    path.unlink()
    path.symlink_to(root / "outside.json")


# --- a dossier, whose lists anyone can write anew ------------------------------------------------


def excerpt(root: Path) -> Path:
    """Unpack the packed dossier."""
    folder = root / "unpacked"
    folder.mkdir()
    return unpack(root / "excerpt.tar.zst", folder)


def relisted(does: Does) -> Does:
    """Return the tampering with a dossier of the whole record, after which it is listed anew."""

    def then(root: Path) -> None:
        does(root / "whole")
        relist(root / "whole")

    return then


def _said_to_be_more(dossier: Path) -> None:
    changed(dossier / "data/dossier.json", lambda value: value.update(up_to=value["up_to"] + 9))


def _other_bundle(dossier: Path) -> None:
    changed(
        dossier / "data/models" / ASTER / "model.sig",
        lambda value: value["dsseEnvelope"].update(payload="e30="),
    )


def _other_checkpoint(dossier: Path) -> None:
    (path,) = (dossier / "data/record/checkpoints").iterdir()
    put(path, path.read_bytes().replace(b"emeritus/", b"emeritus/x"))


def _stray_of_dossier(dossier: Path) -> None:
    (dossier / "data/models" / ASTER / "more.txt").write_text("nobody accounts for it")


def _other_report(dossier: Path) -> None:
    flip(dossier / "data/models" / ASTER / "report-1.html", 500)


def _event_of_dossier(dossier: Path) -> None:
    number = place(dossier, "access.granted", "data")
    changed(
        commit(dossier, number, "data"),
        lambda value: value["events"][0].update(purpose="a forgery"),
    )


def forged_proof(root: Path) -> None:
    """Move the first proof of the excerpt to another index."""
    dossier = excerpt(root)
    changed(dossier / "data/record/proofs.json", lambda value: value["proofs"][0].update(index=1))
    relist(dossier)


def flipped_weights(root: Path) -> None:
    """Change one bit of the weights in the excerpt."""
    dossier = excerpt(root)
    flip(biggest(dossier, "data/packs/*/*.pack"), disk.ALIGNMENT + 5)
    relist(dossier)


def _added(page: Path) -> None:
    """Add a line to a page for people."""
    put(page, page.read_bytes() + b"and all is well\n")


def _rewritten(page: Path, version: str) -> None:
    """Change what a page says, and which version of the program it says that it is by."""
    _added(page)
    said = re.sub(rb"(Written by emeritus )\S+", rb"\g<1>" + version.encode(), page.read_bytes())
    put(page, said)


RECIPES: dict[str, Does] = {
    "V001": lambda root: biggest(root).unlink(),
    "V002": lambda root: put(biggest(root), biggest(root).read_bytes()[:100]),
    "V003": lambda root: flip(biggest(root), 3),
    "V004": lambda root: flip(biggest(root), _index_place(biggest(root)) + 5),
    "V005": lambda root: flip(biggest(root), disk.ALIGNMENT + 5),
    "V006": lambda root: recoded(root, lambda _: b"no"),
    "V007": lambda root: recoded(root, lambda size: b"x" * size),
    "V008": lost,
    "V011": lambda root: flip(biggest(root).with_suffix(".idx"), 5),
    "V013": lambda root: flip(biggest(root, "oslo/shards/*/*"), 5000),
    "R001": _gap,
    "R002": _nonsense,
    "R004": _unsigned,
    "R005": _edited,
    "R014": _cut,
    "R014-hidden": _cut_and_hidden,
    "R019": _half_signed,
    "R019-witness": _other_cosignature,
    "R019-stranger": _by_a_stranger,
    "R020": lambda root: flip(_tile(root), 5),
    "R020-missing": lambda root: _tile(root).unlink(),
    "R022": _last_and_hidden,
    "A001": _stray,
    "A002": _described,
    "A002-torn": lambda root: put(root / "archive/archive.json", b"{"),
    "A003": lambda root: flip(root / "archive/format/check.py", 5000),
    "A004": lambda root: flip(_document(root), 50),
    "A004-page": lambda root: _rewritten(root / "archive/index.md", emeritus.__version__),
    "A004-version": lambda root: _rewritten(root / "archive/index.md", "0.0.7"),
    "A005": _linked,
    "A007": lambda root: _added(root / "second/index.md"),  # and a later version looks at it
    "D001": lambda root: flip(root / "whole/README.txt", 5),
    "D002": relisted(_said_to_be_more),
    "D003": relisted(_other_bundle),
    "D004": relisted(_other_checkpoint),
    "D004-proof": forged_proof,
    "A001-dossier": relisted(_stray_of_dossier),
    "A004-dossier": relisted(_other_report),
    "R005-dossier": relisted(_event_of_dossier),
    "V005-dossier": flipped_weights,
}
