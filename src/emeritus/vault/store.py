"""Where bytes live: create-only, durable, without a delete."""

import contextlib
import errno
import fcntl
import os
import secrets
import stat
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Protocol, Self

from emeritus.errors import EmeritusError, UserError
from emeritus.vault.durable import make_folder
from emeritus.vault.output import DirectOutput

TEMPORARY = ".tmp-"
FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
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
        if self.exists(name):
            return False
        with self.writer() as writer:
            writer.write(data)
            return writer.commit(name)

    def writer(self) -> "LocalWriter":
        """Return a writer."""
        self._remove_abandoned()
        return LocalWriter(self)

    def get(self, name: str, offset: int = 0, length: int | None = None) -> bytes:
        """Return bytes of `name`; raises `NotStored`."""
        with self._opened(name) as descriptor:
            # Never more than there is: a length may come from an index that lies.
            left = os.fstat(descriptor).st_size - offset
            wanted = left if length is None else min(left, length)
            parts = []
            while wanted > 0:
                part = os.pread(descriptor, wanted, offset)
                if not part:
                    break
                parts.append(part)
                wanted -= len(part)
                offset += len(part)
            return parts[0] if len(parts) == 1 else b"".join(parts)

    def size(self, name: str) -> int:
        """Return how many bytes `name` holds; raises `NotStored`."""
        with self._opened(name) as descriptor:
            return os.fstat(descriptor).st_size

    def exists(self, name: str) -> bool:
        """Tell whether a regular file is stored as `name`."""
        try:
            with self._opened(name):
                return True
        except NotStored:
            return False

    def list(self, prefix: str) -> Iterator[str]:
        """Yield all names that begin with `prefix`, in order; temporary files are no names."""
        for entry in self._walk(self.root / prefix.rpartition("/")[0]):
            name = os.path.relpath(entry.path, self.root)
            temporary = entry.name.startswith(TEMPORARY)
            if entry.is_file(follow_symlinks=False) and name.startswith(prefix) and not temporary:
                yield name

    def is_vacant(self) -> bool:
        """Tell whether nothing lies here but folders, and what a killed writer left."""
        entries = self._walk(self.root)
        return all(
            e.is_file(follow_symlinks=False) and e.name.startswith(TEMPORARY) for e in entries
        )

    def special(self) -> Iterator[str]:
        """Yield the place of everything that is no regular file and no folder, such as a link."""
        for entry in self._walk(self.root):
            if not entry.is_file(follow_symlinks=False):
                yield os.path.relpath(entry.path, self.root)

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
        target = Path(name)
        aside = f"{secrets.token_hex(4)}-{target.name}"
        with (
            self.folder("quarantine") as quarantine,
            self.folder(str(target.parent)) as folder,
            _explained(self.root / name),
            contextlib.suppress(FileNotFoundError),
        ):
            os.link(target.name, aside, src_dir_fd=folder, dst_dir_fd=quarantine)
            os.fsync(quarantine)
            os.unlink(target.name, dir_fd=folder)
            os.fsync(folder)

    def rewrite(self, name: str, data: bytes) -> None:
        """Put a newer rendering in the place of an older one: both follow from the record."""
        with self.writer() as writer:
            writer.write(data)
            writer.replace(name, keep=False)

    @contextlib.contextmanager
    def folder(self, name: str) -> Iterator[int]:
        """Open the folder `name` for writing, making it and its ancestors durable."""
        with _explained(self.root / name):
            make_folder(self.root)
            descriptor = os.open(self.root, os.O_RDONLY | os.O_DIRECTORY)
        try:
            for part in [] if name == "." else _parts(name):
                with _explained(self.root / name):
                    inner = _enter(descriptor, part)
                os.close(descriptor)
                descriptor = inner
            yield descriptor
        finally:
            os.close(descriptor)

    def _walk(self, folder: Path) -> Iterator["os.DirEntry[str]"]:
        """Yield what lies below a folder in order, without the folders; links are not followed."""
        waiting = _entries(folder)
        while waiting:
            entry = waiting.pop()
            if entry.is_dir(follow_symlinks=False):
                waiting += _entries(Path(entry.path))
            else:
                yield entry

    def _remove_abandoned(self) -> None:
        """Remove the temporary files of writers that were killed: nobody holds their lock."""
        for path in () if self._tidied else (self.root / "packs").glob(TEMPORARY + "*"):
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

    @contextlib.contextmanager
    def _opened(self, name: str) -> Iterator[int]:
        parts = _parts(name)
        try:
            descriptor = os.open(self.root, os.O_RDONLY | os.O_DIRECTORY)
        except (FileNotFoundError, NotADirectoryError):
            raise NotStored(name) from None
        except OSError as error:
            raise UserError(f"{self.root} cannot be opened: {error.strerror}") from error
        try:
            for number, part in enumerate(parts, start=1):
                flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK
                inner = os.open(
                    part,
                    flags if number == len(parts) else flags | os.O_DIRECTORY,
                    dir_fd=descriptor,
                )
                os.close(descriptor)
                descriptor = inner
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise NotStored(name)
            yield descriptor
        except OSError as error:
            if error.errno in (errno.ENOENT, errno.ENOTDIR, errno.ELOOP):
                raise NotStored(name) from None
            raise UserError(f"{self.root / name} cannot be read: {error.strerror}") from error
        finally:
            os.close(descriptor)


class LocalWriter:
    """A temporary file that becomes a stored one by `commit`."""

    def __init__(self, store: LocalStore) -> None:
        self._store = store
        self._name = TEMPORARY + secrets.token_hex(8)
        self._path = store.root / "packs" / self._name
        with store.folder("packs") as folder, _explained(self._path):
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
            self._file = os.open(self._name, flags, 0o444, dir_fd=folder)
            fcntl.flock(self._file, fcntl.LOCK_EX)
        self._output = DirectOutput(self._file)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Add bytes."""
        with _explained(self._path):
            self._output.write(data)

    def commit(self, name: str) -> bool:
        """Make what was written durable as `name`; False when the name is taken."""
        target = Path(name)
        with (
            self._store.folder("packs") as source,
            self._store.folder(str(target.parent)) as folder,
            _explained(self._store.root / name),
        ):
            self._output.sync()
            try:
                os.link(
                    self._name,
                    target.name,
                    src_dir_fd=source,
                    dst_dir_fd=folder,
                    follow_symlinks=False,
                )
            except FileExistsError:
                return False
            os.fsync(folder)
        return True

    def replace(self, name: str, *, keep: bool = True) -> None:
        """Make what was written durable as `name`; with `keep` what is there is put aside first."""
        target = Path(name)
        with (
            self._store.folder("packs") as source,
            self._store.folder(str(target.parent)) as folder,
            _explained(self._store.root / name),
        ):
            self._output.sync()
            if keep:
                self._put_aside(target.name, folder)
            os.rename(self._name, target.name, src_dir_fd=source, dst_dir_fd=folder)
            os.fsync(folder)

    def _put_aside(self, name: str, folder: int) -> None:
        aside = f"{secrets.token_hex(4)}-{name}"
        with self._store.folder("quarantine") as quarantine, contextlib.suppress(FileNotFoundError):
            os.link(name, aside, src_dir_fd=folder, dst_dir_fd=quarantine)
            os.fsync(quarantine)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        # Whoever was interrupted here calls again; by then the number may be another file's.
        file, self._file = self._file, -1
        if file < 0:
            return
        os.close(file)
        with contextlib.suppress(OSError):
            self._path.unlink()


def _parts(name: str) -> list[str]:
    parts = [part for part in name.split("/") if part != "."]
    if not parts or any(part in ("", "..") or "\0" in part for part in parts):
        raise ValueError(f"{name!r} is no name of a store")
    return parts


def _entries(folder: Path) -> "list[os.DirEntry[str]]":
    """Return what is in a folder, the last of the order first; nothing when it is missing."""

    def place(entry: "os.DirEntry[str]") -> str:
        return entry.name + "/" if entry.is_dir(follow_symlinks=False) else entry.name

    try:
        with os.scandir(folder) as found:
            return sorted(found, key=place, reverse=True)
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise UserError(f"{folder} cannot be read: {error.strerror}") from error


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


def _enter(parent: int, part: str) -> int:
    """Open the folder `part` of `parent`; make it, durably, when it is missing."""
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
    with contextlib.suppress(FileNotFoundError):
        return os.open(part, flags, dir_fd=parent)
    with contextlib.suppress(FileExistsError):
        os.mkdir(part, 0o755, dir_fd=parent)
        os.fsync(parent)
    return os.open(part, flags, dir_fd=parent)


@contextlib.contextmanager
def _explained(path: Path) -> Iterator[None]:
    """Say what the operating system refused, where, and what to do now."""
    try:
        yield
    except OSError as error:
        if error.errno in FULL:
            raise UserError(
                f"no space left for {path}; nothing is lost: free some and run the command again"
            ) from error
        raise UserError(f"{path} cannot be written: {error.strerror}") from error
