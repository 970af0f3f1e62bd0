"""Writes files out of the vault. What has its final name is whole and proven."""

import dataclasses
import errno
import fnmatch
import os
import secrets
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

from emeritus import digests
from emeritus.errors import Finding, IntegrityError, UserError
from emeritus.vault.catalogue import Catalogue
from emeritus.vault.ingest import Progress
from emeritus.vault.manifest import File, Manifest

FULL = (errno.ENOSPC, errno.EDQUOT)


@dataclasses.dataclass(frozen=True, slots=True)
class Restored:
    """How much was written; every file has its recorded digests."""

    files: int
    bytes: int


def restore(
    catalogue: Catalogue,
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
    _require_empty(dest)
    total = sum(file.size for file in chosen)
    done = 0
    fresh = dest.with_name(f".{dest.name}.{secrets.token_hex(4)}.restoring")
    try:
        for file in chosen:
            _write(catalogue, file, fresh)
            done += file.size
            if progress is not None:
                progress(f"restoring {file.name}", done, total)
        for folder in manifest.empty_folders if not only else ():
            (fresh / folder).mkdir(parents=True, exist_ok=True)
        fresh.replace(dest)
    except OSError as error:
        what = "no space left" if error.errno in FULL else error.strerror
        raise UserError(f"{error.filename or dest} cannot be written: {what}") from error
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return Restored(len(chosen), total)


def contents(catalogue: Catalogue, file: File) -> Iterator[bytes]:
    """Yield the bytes of a file in parts, each proven by the hash of its block."""
    for part in file.recipe:
        yield from catalogue.read_range(part.object, part.offset, part.length)


def _write(catalogue: Catalogue, file: File, dest: Path) -> None:
    target = dest / file.name
    target.parent.mkdir(parents=True, exist_ok=True)
    running = digests.RunningDigest()
    with open(target, "xb") as opened:
        for part in contents(catalogue, file):
            running.update(part)
            opened.write(part)
        opened.flush()
        os.fsync(opened.fileno())
    digest = running.finish()
    if (digest.size, digest.sha256, digest.blake3) != (file.size, file.sha256, file.blake3):
        finding = Finding("V010", file.name, "its digests are not the recorded ones")
        raise IntegrityError(f"{file.name}: {finding.detail} (V010)", (finding,))
    target.chmod(file.mode)


def _matches(name: str, only: Sequence[str]) -> bool:
    return not only or any(fnmatch.fnmatchcase(name, pattern) for pattern in only)


def _require_empty(dest: Path) -> None:
    if dest.exists() and not dest.is_dir():
        raise UserError(f"{dest} is a file; name a new folder")
    if dest.is_dir() and any(dest.iterdir()):
        raise UserError(f"{dest} is not empty; name a new folder, nothing was written")
