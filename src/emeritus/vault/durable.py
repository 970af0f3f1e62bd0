"""Files and folders that are still there after the power was cut.

A name is durable only when the folder that holds it was synced; the bytes behind it only when the
file was. Source: fsync(2).
"""

import contextlib
import os
import secrets
from pathlib import Path


def sync(path: Path) -> None:
    """Make the bytes of a file, or the names in a folder, durable. Raises `OSError`."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_tree(root: Path) -> None:
    """Make the names in a folder and in all folders below durable. Raises `OSError`."""
    for folder, _, _ in os.walk(root):
        sync(Path(folder))


def make_folder(folder: Path, mode: int = 0o777) -> None:
    """Make a folder and the ancestors that are missing, durably. Raises `OSError`."""
    missing = []
    while not folder.exists():
        missing.append(folder)
        folder = folder.parent
    for each in reversed(missing):
        with contextlib.suppress(FileExistsError):
            each.mkdir(mode)
        sync(each.parent)


def write_file(path: Path, data: bytes, mode: int = 0o666, *, replace: bool = False) -> None:
    """Write a file, durably: whenever it is stopped, nothing is under the name or all of it is.

    Raises `FileExistsError` when the name is taken, unless it may `replace` what is there.
    """
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(4)}.new")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    try:
        with open(os.open(fresh, flags, mode), "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if replace:
            fresh.replace(path)
        else:
            os.link(fresh, path)
        sync(path.parent)
    finally:
        fresh.unlink(missing_ok=True)
