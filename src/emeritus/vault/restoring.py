"""Writes files out of the vault. What has its final name is whole and proven."""

import contextlib
import dataclasses
import errno
import fnmatch
import secrets
import shutil
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from emeritus import digests
from emeritus.errors import Finding, IntegrityError, UserError
from emeritus.vault import kernels
from emeritus.vault.ingest import Progress
from emeritus.vault.manifest import File, Manifest
from emeritus.vault.output import DirectOutput
from emeritus.vault.parallel import Lane
from emeritus.vault.reading import Reader

FULL = (errno.ENOSPC, errno.EDQUOT)


@dataclasses.dataclass(frozen=True, slots=True)
class Restored:
    """How much was written; every file has its recorded digests."""

    files: int
    bytes: int


def restore(
    reader: Reader,
    manifest: Manifest,
    dest: Path,
    only: Sequence[str],
    progress: Progress | None,
) -> Restored:
    """Write the files of `manifest` that match `only` (all, when it is empty) into `dest`.

    `dest` MUST be missing or empty. The folder is written under another name and gets its own
    when all of it is proven: a restore that fails leaves nothing that looks whole.
    """
    chosen = [file for file in manifest.files if _matches(file.name, only)]
    if not chosen:
        raise UserError(f"no file of the model matches {', '.join(only)}")
    require_empty(dest)
    total = sum(file.size for file in chosen)
    kernels.hasten(total)
    with replacing(dest) as fresh:
        done = 0
        for file in chosen:
            for written in _write(reader, file, fresh):
                done += written
                if progress is not None:
                    progress(f"restoring {file.name}", done, total, "B")
        for folder in manifest.empty_folders if not only else ():
            (fresh / folder).mkdir(parents=True, exist_ok=True)
    return Restored(len(chosen), total)


@contextlib.contextmanager
def replacing(dest: Path) -> Iterator[Path]:
    """Give a folder to write to that becomes `dest` at the end, and vanishes on any error."""
    fresh = dest.with_name(f".{dest.name}.{secrets.token_hex(4)}.restoring")
    try:
        fresh.mkdir(parents=True)
        yield fresh
        fresh.replace(dest)
    except OSError as error:
        what = "no space left" if error.errno in FULL else error.strerror
        raise UserError(f"{error.filename or dest} cannot be written: {what}") from error
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def require_empty(dest: Path) -> None:
    """Raise `UserError` when `dest` is a file, or a folder with something in it."""
    if dest.exists() and not dest.is_dir():
        raise UserError(f"{dest} is a file; name a new folder")
    if dest.is_dir() and any(dest.iterdir()):
        raise UserError(f"{dest} is not empty; name a new folder, nothing was written")


def _write(reader: Reader, file: File, dest: Path) -> Iterator[int]:
    """Write one file, yielding the length of each part; raises `IntegrityError` (V010)."""
    target = dest / file.name
    target.parent.mkdir(parents=True, exist_ok=True)
    running = digests.RunningDigest()
    with open(target, "xb", buffering=0) as opened, Lane[None](lambda _: None, 1) as hashing:
        output = DirectOutput(opened.fileno())
        for part in reader.ranges(file.recipe):
            hashing.put(partial(running.update, part))
            output.write(part)
            yield len(part)
        hashing.flush()
        output.sync()
    digest = running.finish()
    if (digest.size, digest.sha256, digest.blake3) != (file.size, file.sha256, file.blake3):
        finding = Finding("V010", file.name, "its digests are not the recorded ones")
        raise IntegrityError(f"{file.name}: {finding.detail} (V010)", (finding,))
    target.chmod(file.mode)


def _matches(name: str, only: Sequence[str]) -> bool:
    return not only or any(fnmatch.fnmatchcase(name, pattern) for pattern in only)
