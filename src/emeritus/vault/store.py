"""Where bytes live: create-only, durable, without a delete."""

import contextlib
import errno
import fcntl
import os
import secrets
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Protocol, Self

from emeritus.errors import EmeritusError, UserError
from emeritus.vault import places
from emeritus.vault.output import DirectOutput, write_all
from emeritus.vault.places import Explained, Folder

TEMPORARY = ".tmp-"
PACKS = "packs"
QUARANTINE = "quarantine"
COPY_BYTES = 4 * 1024 * 1024
ABANDONED_NS = 60 * 1_000_000_000


class NotStored(EmeritusError, KeyError):
    """The store holds nothing under that name."""

    exit_code = 3

    def __str__(self) -> str:
        return f"nothing is stored as {self.args[0]}"


class Writer(Protocol):
    """Bytes on their way to a name. What is not committed leaves nothing behind."""

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Add bytes."""
        ...

    def commit(self, name: str) -> bool:
        """Make what was written durable under `name`; False when the name was taken already."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...


class Readable(Protocol):
    """Named bytes that can be read."""

    def get(self, name: str, offset: int = 0, length: int | None = None) -> bytes:
        """Return bytes of `name` from `offset`; fewer than `length` only at its end.

        Raises `NotStored` when there is no such name.
        """
        ...

    def size(self, name: str) -> int:
        """Return how many bytes `name` holds; raises `NotStored`."""
        ...


class Store(Readable, Protocol):
    """Named bytes. An implementation MUST pass `emeritus.testing.stores`.

    A name is a relative path with `/`. What was stored MUST NOT change, and MUST be durable when
    `put` or `commit` returns. There is no way to delete.
    """

    def put(self, name: str, data: bytes) -> bool:
        """Store `data` as `name`; False, and nothing changed, when the name is taken."""
        ...

    def writer(self) -> Writer:
        """Return a writer for bytes whose length or name is not known yet."""
        ...

    def exists(self, name: str) -> bool:
        """Tell whether something is stored as `name`."""
        ...

    def list(self, prefix: str) -> Iterator[str]:
        """Yield all names that begin with `prefix`, in order."""
        ...


class LocalStore:
    """A folder. Every path is walked from the root without following symbolic links.

    Order of writing: a temporary file in the target folder, its bytes, fsync, `link` (which
    refuses a taken name), fsync of the folder; new folders are synced into their parents.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._tidied = False

    def put(self, name: str, data: bytes) -> bool:
        """Store `data` as `name`; False when the name is taken."""
        *folders, last = places.parts(name)
        with Explained(self.root, name), Folder(self.root, folders) as folder:
            if places.is_taken(folder, last):
                return False
            with self.writer() as writer:
                writer.write_at_once(data)
                return writer.link(folder, last)

    def writer(self) -> "LocalWriter":
        """Return a writer."""
        if not self._tidied:
            self._remove_abandoned()
        return LocalWriter(self.root)

    def get(self, name: str, offset: int = 0, length: int | None = None) -> bytes:
        """Return bytes of `name`; raises `NotStored`."""
        descriptor = -1
        try:
            descriptor, size = places.open_file(self.root, name)
            # Never more than there is: a length may come from an index that lies.
            left = max(0, size - offset)
            return _read(descriptor, offset, left if length is None else min(left, length))
        except OSError as error:
            raise self._unread(name, error) from error
        finally:
            if descriptor >= 0:
                os.close(descriptor)

    def size(self, name: str) -> int:
        """Return how many bytes `name` holds; raises `NotStored`."""
        try:
            descriptor, size = places.open_file(self.root, name)
        except OSError as error:
            raise self._unread(name, error) from error
        os.close(descriptor)
        return size

    def exists(self, name: str) -> bool:
        """Tell whether a regular file is stored as `name`."""
        try:
            self.size(name)
        except NotStored:
            return False
        return True

    def list(self, prefix: str) -> Iterator[str]:
        """Yield all names that begin with `prefix`, in order; temporary files are no names."""
        for name, entry in self._walk(prefix.rpartition("/")[0]):
            temporary = entry.name.startswith(TEMPORARY)
            if entry.is_file(follow_symlinks=False) and name.startswith(prefix) and not temporary:
                yield name

    def is_vacant(self) -> bool:
        """Tell whether nothing lies here but folders, and what a killed writer left."""
        entries = (entry for _, entry in self._walk(""))
        return all(
            e.is_file(follow_symlinks=False) and e.name.startswith(TEMPORARY) for e in entries
        )

    def special(self) -> Iterator[str]:
        """Yield the place of everything that is no regular file and no folder, such as a link."""
        for name, entry in self._walk(""):
            if not entry.is_file(follow_symlinks=False):
                yield name

    def replace(self, name: str, parts: Iterable[bytes]) -> None:
        """Put sound bytes in the place of damaged ones, which are kept in `quarantine/`.

        Repair alone may call this. The name is never free in between: a kill at any moment leaves
        the damaged bytes or the sound ones under it.
        """
        with self.writer() as writer:
            for part in parts:
                writer.write(part)
            writer.replace(name)

    def set_aside(self, name: str) -> None:
        """Move damaged bytes that nothing needs any more to `quarantine/`.

        Repair alone may call this. A kill leaves them under their name, there, or under both.
        """
        *folders, last = places.parts(name)
        aside = f"{secrets.token_hex(4)}-{last}"
        with (
            Explained(self.root, name),
            Folder(self.root, [QUARANTINE]) as quarantine,
            Folder(self.root, folders) as folder,
            contextlib.suppress(FileNotFoundError),
        ):
            os.link(last, aside, src_dir_fd=folder, dst_dir_fd=quarantine)
            os.fsync(quarantine)
            os.unlink(last, dir_fd=folder)
            os.fsync(folder)

    def rewrite(self, name: str, data: bytes) -> None:
        """Put a newer rendering in the place of an older one: both follow from the record."""
        with self.writer() as writer:
            writer.write(data)
            writer.replace(name, keep=False)

    def _walk(self, folder: str) -> Iterator[tuple[str, "os.DirEntry[str]"]]:
        """Yield what lies below a folder in order, without the folders; links are not followed."""
        waiting = _entries(self.root, folder)
        while waiting:
            name, entry = waiting.pop()
            if entry.is_dir(follow_symlinks=False):
                waiting += _entries(self.root, name)
            else:
                yield name, entry

    def _remove_abandoned(self) -> None:
        """Remove the temporary files of writers that were killed: nobody holds their lock."""
        for path in (self.root / PACKS).glob(TEMPORARY + "*"):
            with contextlib.suppress(OSError):
                if time.time_ns() - path.lstat().st_mtime_ns < ABANDONED_NS:
                    continue  # its writer may be about to take the lock
                descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
                try:
                    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    path.unlink()
                finally:
                    os.close(descriptor)
        self._tidied = True

    def _unread(self, name: str, error: OSError) -> EmeritusError:
        """Say why something cannot be read; what is a link is not there."""
        if error.errno in (errno.ENOENT, errno.ENOTDIR, errno.ELOOP):
            return NotStored(name)
        return UserError(f"{self.root / name} cannot be read: {error.strerror}")


class LocalWriter:
    """A temporary file that becomes a stored one by `commit`."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._name = TEMPORARY + secrets.token_hex(8)
        self._file = -1
        self._output: DirectOutput | None = None
        with Explained(root, PACKS):
            self._packs = Folder(root, [PACKS])
            try:
                flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
                self._file = os.open(self._name, flags, 0o444, dir_fd=self._packs.descriptor)
                fcntl.flock(self._file, fcntl.LOCK_EX)
            except BaseException:
                self.__exit__()
                raise

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Add bytes."""
        with Explained(self._root, PACKS):
            if self._output is None:
                self._output = DirectOutput(self._file)
            self._output.write(data)

    def write_at_once(self, data: bytes) -> None:
        """Add all bytes that there are: few need no buffer, and are soon read again."""
        with Explained(self._root, PACKS):
            write_all(self._file, data)

    def commit(self, name: str) -> bool:
        """Make what was written durable as `name`; False when the name is taken."""
        *folders, last = places.parts(name)
        with Explained(self._root, name), Folder(self._root, folders) as folder:
            return self.link(folder, last)

    def link(self, folder: int, name: str) -> bool:
        """Do the same as `name` in an open folder. Raises `OSError`."""
        self._sync()
        try:
            os.link(
                self._name,
                name,
                src_dir_fd=self._packs.descriptor,
                dst_dir_fd=folder,
                follow_symlinks=False,
            )
        except FileExistsError:
            return False
        os.fsync(folder)
        return True

    def replace(self, name: str, *, keep: bool = True) -> None:
        """Make what was written durable as `name`; with `keep` what is there is put aside first."""
        *folders, last = places.parts(name)
        with Explained(self._root, name), Folder(self._root, folders) as folder:
            self._sync()
            if keep:
                self._put_aside(last, folder)
            os.rename(self._name, last, src_dir_fd=self._packs.descriptor, dst_dir_fd=folder)
            os.fsync(folder)

    def _put_aside(self, name: str, folder: int) -> None:
        aside = f"{secrets.token_hex(4)}-{name}"
        with Folder(self._root, [QUARANTINE]) as quarantine, contextlib.suppress(FileNotFoundError):
            os.link(name, aside, src_dir_fd=folder, dst_dir_fd=quarantine)
            os.fsync(quarantine)

    def _sync(self) -> None:
        if self._output is None:
            os.fsync(self._file)
        else:
            self._output.sync()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        # Whoever was interrupted here calls again; by then the number may be another file's.
        file, self._file = self._file, -1
        if file >= 0:
            os.close(file)
            with contextlib.suppress(OSError):
                os.unlink(self._name, dir_fd=self._packs.descriptor)
        self._packs.close()


def _read(descriptor: int, offset: int, wanted: int) -> bytes:
    """Return bytes of an open file; fewer than `wanted` when it became shorter meanwhile."""
    found = []
    while wanted > 0:
        part = os.pread(descriptor, wanted, offset)
        if not part:
            break
        found.append(part)
        wanted -= len(part)
        offset += len(part)
    return found[0] if len(found) == 1 else b"".join(found)


def _entries(root: Path, folder: str) -> "list[tuple[str, os.DirEntry[str]]]":
    """Return what is in a folder, the last of the order first; nothing when it is missing."""

    def place(item: "tuple[str, os.DirEntry[str]]") -> str:
        return item[0] + "/" if item[1].is_dir(follow_symlinks=False) else item[0]

    path, before = root / folder, folder + "/" if folder else ""
    try:
        with os.scandir(path) as found:
            return sorted(((before + each.name, each) for each in found), key=place, reverse=True)
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}") from error


def copy(source: Store, target: Store, name: str) -> bool:
    """Copy one name in parts of bounded size; False when `target` has it already."""
    if target.exists(name):
        return False
    with target.writer() as writer:
        for part in parts_of(source, name):
            writer.write(part)
        return writer.commit(name)


def parts_of(store: Readable, name: str) -> Iterator[bytes]:
    """Yield what is stored as `name` in parts of bounded size."""
    size = store.size(name)
    for offset in range(0, size, COPY_BYTES):
        yield store.get(name, offset, min(COPY_BYTES, size - offset))
