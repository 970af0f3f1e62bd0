"""Files and folders below a root, reached one name at a time: no symbolic link is ever followed.

The root itself may be reached through one; it is where the user said.
"""

import contextlib
import errno
import os
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from emeritus.errors import UserError
from emeritus.vault.durable import make_folder

FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})

_ROOT: Final = os.O_RDONLY | os.O_DIRECTORY
_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
_FILE: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK  # a pipe is not waited for


def parts(name: str) -> list[str]:
    """Return the names to walk through. Raises `ValueError` for a name that may lead elsewhere."""
    found = name.split("/")
    if "." in found:
        found = [part for part in found if part != "."]
    if not found or "" in found or ".." in found or "\0" in name:
        raise ValueError(f"{name!r} is no name of a store")
    return found


def open_file(root: Path, name: str) -> tuple[int, int]:
    """Return a descriptor for reading the regular file `name`, and its size in bytes.

    Raises `OSError`: `FileNotFoundError` too when it is something else.
    """
    *folders, last = parts(name)
    folder = os.open(root, _ROOT)
    try:
        for part in folders:
            outer, folder = folder, os.open(part, _FOLDER, dir_fd=folder)
            os.close(outer)
        file = os.open(last, _FILE, dir_fd=folder)
    finally:
        os.close(folder)
    found = os.fstat(file)
    if not stat.S_ISREG(found.st_mode):
        os.close(file)
        raise FileNotFoundError(errno.ENOENT, "no regular file", name)
    return file, found.st_size


class Folder:
    """A folder that is open for writing; entered, it gives its `descriptor`."""

    def __init__(self, root: Path, names: Sequence[str]) -> None:
        """Walk from `root` through `names`, making what is missing, durably. Raises `OSError`."""
        try:
            folder = os.open(root, _ROOT)
        except FileNotFoundError:
            make_folder(root)
            folder = os.open(root, _ROOT)
        try:
            for part in names:
                outer, folder = folder, _enter(folder, part)
                os.close(outer)
        except BaseException:
            os.close(folder)
            raise
        self.descriptor = folder

    def close(self) -> None:
        """Let go of it; a second call does nothing."""
        # Whoever was interrupted here calls again; by then the number may be another file's.
        folder, self.descriptor = self.descriptor, -1
        if folder >= 0:
            os.close(folder)

    def __enter__(self) -> int:
        return self.descriptor

    def __exit__(self, *_: object) -> None:
        self.close()


def is_taken(folder: int, name: str) -> bool:
    """Tell whether there is anything of that name in an open folder. Raises `OSError`."""
    try:
        os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True


class Explained:
    """Says what the operating system refused to write, where, and what to do now: `UserError`."""

    def __init__(self, root: Path, name: str) -> None:
        self._root = root
        self._name = name

    def __enter__(self) -> None:
        """Begin."""

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        if not isinstance(error, OSError):
            return
        path = self._root / self._name
        if error.errno in FULL:
            raise UserError(
                f"no space left for {path}; nothing is lost: free some and run the command again"
            ) from error
        raise UserError(f"{path} cannot be written: {error.strerror}") from error


def _enter(parent: int, part: str) -> int:
    """Open the folder `part` of `parent`; make it, durably, when it is missing."""
    with contextlib.suppress(FileNotFoundError):
        return os.open(part, _FOLDER, dir_fd=parent)
    with contextlib.suppress(FileExistsError):
        os.mkdir(part, 0o755, dir_fd=parent)
        os.fsync(parent)
    return os.open(part, _FOLDER, dir_fd=parent)
