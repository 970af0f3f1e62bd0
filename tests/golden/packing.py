"""Folders as one file in a fixed order, and what makes one folder from another."""

import io
import json
import lzma
import os
import shutil
import tarfile
from collections.abc import Mapping
from pathlib import Path

REMOVED = "removed.json"
SECRETS = (b"PRIVATE KEY", b"AGE-SECRET-KEY")  # in nothing that is ever packed


def tree(root: Path) -> dict[str, bytes]:
    """Return every regular file below `root` by its name."""
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file() and not path.is_symlink()
    }


def pack(files: Mapping[str, bytes], target: Path) -> None:
    """Write `files` as a compressed tar: the same bytes whenever the files are the same."""
    for name, data in files.items():
        assert not any(mark in data for mark in SECRETS), f"{name} holds a private key"
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name in sorted(files, key=os.fsencode):
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(files[name]), 0o644
            tar.addfile(info, io.BytesIO(files[name]))
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(lzma.compress(plain.getvalue(), preset=9))


def read(packed: Path) -> dict[str, bytes]:
    """Return the files in what `pack` wrote."""
    found = {}
    with tarfile.open(fileobj=io.BytesIO(lzma.decompress(packed.read_bytes()))) as tar:
        for info in tar:
            file = tar.extractfile(info)
            assert file is not None, info.name
            found[info.name] = file.read()
    return found


def write(files: Mapping[str, bytes], root: Path) -> None:
    """Write files below `root`, in the place of those that are there."""
    for name, data in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        path.write_bytes(data)


def difference(sound: Mapping[str, bytes], other: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return the files that make `other` of `sound`; `removed.json` lists those to take away."""
    changed = {name: data for name, data in other.items() if sound.get(name) != data}
    gone = sorted(set(sound) - set(other))
    return changed | {REMOVED: json.dumps(gone).encode()}


def apply(change: Mapping[str, bytes], root: Path) -> None:
    """Do to the files below `root` what `difference` says."""
    for name in json.loads(change[REMOVED]):
        (root / name).unlink()
    write({name: data for name, data in change.items() if name != REMOVED}, root)


def copy(source: Path, target: Path) -> Path:
    """Copy a folder, so that whatever is done to the copy leaves the source as it is."""
    return Path(shutil.copytree(source, target, symlinks=True))
