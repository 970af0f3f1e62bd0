"""Temporary folders for copies of weights. What a killed run left is taken away by the next one."""

import contextlib
import fcntl
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

PREFIX: Final = "emeritus-"
IN_USE: Final = ".in-use"  # locked while its folder is in use: the system frees it with the process


@contextlib.contextmanager
def scratch(purpose: str) -> Iterator[Path]:
    """Give an empty folder that is gone when the context ends.

    Folders that this user's runs left when they were killed are removed first.
    """
    tidy()
    with tempfile.TemporaryDirectory(prefix=f"{PREFIX}{purpose}-") as made:
        lock = _lock(Path(made))
        try:
            folder = Path(made) / "files"
            folder.mkdir()
            yield folder
        finally:
            os.close(lock)


def tidy() -> None:
    """Remove every folder of ours whose run is over; one that is in use is left alone."""
    for mark in Path(tempfile.gettempdir()).glob(f"{PREFIX}*/{IN_USE}"):
        with contextlib.suppress(OSError):
            status = mark.parent.lstat()
            if stat.S_ISDIR(status.st_mode) and status.st_uid == os.getuid():
                _remove(mark)


def _remove(mark: Path) -> None:
    lock = os.open(mark, os.O_RDWR | os.O_NOFOLLOW)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(mark.parent, ignore_errors=True)
    finally:
        os.close(lock)


def _lock(folder: Path) -> int:
    """Mark `folder` as in use; the mark gets its name when it is locked, never before."""
    fresh = folder / f"{IN_USE}.new"
    lock = os.open(fresh, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX)
    fresh.rename(folder / IN_USE)
    return lock
