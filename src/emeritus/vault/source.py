"""The files of a model on their way into the vault."""

import dataclasses
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from emeritus.errors import UserError
from emeritus.vault.format import BLOCK_BYTES, FOLDERS_MAX


@dataclasses.dataclass(frozen=True, slots=True)
class SourceFile:
    """A regular file: where it lies, its path inside the model, and how it looked at first."""

    place: Path
    name: str
    size: int
    mode: int
    changed_ns: int
    inode: int

    def read(self, offset: int, length: int) -> Iterator[bytes]:
        """Yield bytes [offset, offset + length) in blocks; raises `UserError` when it changed."""
        try:
            with open(self.place, "rb", buffering=0) as file:
                file.seek(offset)
                while length:
                    block = _read_full(file.fileno(), min(BLOCK_BYTES, length))
                    if not block:
                        raise UserError(self.changed())
                    yield block
                    length -= len(block)
        except OSError as error:
            raise UserError(f"{self.place} cannot be read: {error.strerror}") from error

    def require_unchanged(self) -> None:
        """Raise `UserError` when the file is not what it was when it was listed."""
        now = self.place.stat()
        if (now.st_size, now.st_mtime_ns) != (self.size, self.changed_ns):
            raise UserError(self.changed())

    def changed(self) -> str:
        """Return what to say when it did change."""
        return f"{self.place} changed while it was read; preserve a copy that nobody writes to"


def list_source(source: Path) -> tuple[list[SourceFile], list[str]]:
    """Return the files of a model (a folder or one file) and its empty folders, sorted by path.

    Raises `UserError` for what cannot be kept as it is: symbolic links and special files.
    """
    if not source.exists():
        raise UserError(f"there is nothing at {source}")
    if not source.is_dir():
        return [_file(source, source.name)], []
    files, empty = [], []
    for folder, folders, names in os.walk(source, onerror=_refuse):
        inside = Path(folder).relative_to(source)
        if len(inside.parts) > FOLDERS_MAX:
            raise UserError(f"{source} has folders in folders, more than {FOLDERS_MAX} deep")
        for name in (*folders, *names):
            if (Path(folder) / name).is_symlink():
                raise UserError(_symlink(Path(folder) / name))
        files += [_file(Path(folder) / name, _text(inside / name)) for name in names]
        if not folders and not names and folder != str(source):
            empty.append(_text(inside))
    if not files:
        raise UserError(f"{source} holds no file")
    return sorted(files, key=lambda file: file.name), sorted(empty)


def _file(place: Path, name: str) -> SourceFile:
    status = place.lstat()
    if stat.S_ISLNK(status.st_mode):
        raise UserError(_symlink(place))
    if not stat.S_ISREG(status.st_mode):
        raise UserError(f"{place} is no regular file; only regular files can be kept")
    mode = stat.S_IMODE(status.st_mode)
    return SourceFile(place, name, status.st_size, mode, status.st_mtime_ns, status.st_ino)


def _symlink(place: Path) -> str:
    return (
        f"{place} is a symbolic link, which would mean other bytes elsewhere; "
        "preserve a copy without links: cp -rL SOURCE COPY"
    )


def _text(path: Path) -> str:
    return path.as_posix()


def _refuse(error: OSError) -> None:
    raise UserError(f"{error.filename} cannot be read: {error.strerror}") from error


def _read_full(descriptor: int, length: int) -> bytes:
    """Read `length` bytes; fewer only at the end of the file."""
    parts = []
    while length:
        part = os.read(descriptor, length)
        if not part:
            break
        parts.append(part)
        length -= len(part)
    return parts[0] if len(parts) == 1 else b"".join(parts)
