"""Dossiers: what proves a retirement, in a bag that any archivist's tool opens (RFC 8493)."""

import dataclasses
import errno
import hashlib
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

from emeritus import canonical
from emeritus.archive.documents import documents_of
from emeritus.archive.format_pages import format_pages
from emeritus.archive.handle import Archive
from emeritus.archive.preservation import preserved
from emeritus.clock import timestamp
from emeritus.errors import EmeritusError, Finding, UserError
from emeritus.record import History, Record
from emeritus.record import check as check_record
from emeritus.vault import LocalStore

CHECKER = "check.py"
BAGIT = b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"
README = """\
This is a dossier of Emeritus about one retired AI model: the signed history of the archive that
keeps it, and the documents of the model that the history cites.

Anyone checks it with Python 3.9 or newer and nothing else:

  python3 -I check.py . --trust FINGERPRINT

The fingerprint has to come from somewhere else than this folder: from whoever was told it when the
archive was made. Without it the program says whether the dossier is consistent, and that its
authenticity is not established.

  data/models/     the model's documents: reports (open report-1.html), transcripts, manifest
  data/protocols/  the interview protocols that were followed
  data/record/     the signed history
  data/format/     how all of this is built
"""
READ_BYTES = 1024 * 1024


@dataclasses.dataclass(frozen=True, slots=True)
class Dossier:
    """A dossier that was written: where, and how many files it holds."""

    folder: Path
    files: int


def write_dossier(
    archive: Archive, model: str, dest: Path, *, with_weights: bool = False
) -> Dossier:
    """Write the dossier of `model` to `dest`, which MUST NOT exist; whole or not at all."""
    if dest.exists():
        raise UserError(f"{dest} exists; name a new folder")
    history = archive.history(model)
    if preserved(archive, model) is None and not any(True for _ in documents_of(history)):
        raise UserError(f"there is nothing on record about {model} to export")
    fresh = dest.with_name(f".{dest.name}.{secrets.token_hex(4)}.writing")
    try:
        payload = dict(_payload(archive, model, history))
        for name, data in payload.items():
            _write(fresh / "data" / name, data)
        if with_weights:
            _copy_packs(archive, model, fresh / "data")
        _write_tags(archive, model, fresh)
        fresh.replace(dest)
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        what = "no space left" if full else error.strerror
        raise UserError(f"the dossier cannot be written to {dest}: {what}") from error
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return Dossier(dest, sum(1 for path in dest.rglob("*") if path.is_file()))


def check_dossier(folder: Path, trust: str | None = None) -> Iterator[Finding]:
    """Yield what is wrong with a dossier: its bag (D001), its record, its documents (A004)."""
    if not (folder / "bagit.txt").is_file():
        raise UserError(f"{folder} is no dossier: it has no bagit.txt")
    yield from _check_bag(folder)
    store = LocalStore(folder / "data")
    try:
        described = canonical.loads(store.get("archive.json"))
        archive_id, genesis = str(described["id"]), str(described["genesis"])
    except (EmeritusError, canonical.NotCanonical, KeyError, TypeError) as error:
        yield Finding("A002", "data/archive.json", f"cannot be read: {error}")
        return
    findings = list(check_record(store, archive_id, trust or genesis))
    yield from findings
    if any(finding.code not in ("R008", "R010") for finding in findings):
        return
    for document in documents_of(Record(store, archive_id).history()):
        if store.exists(document.name):
            data = store.get(document.name)
            if "sha256:" + hashlib.sha256(data).hexdigest() != document.sha256:
                yield Finding("A004", document.name, f"not what event {document.entry} cites")


def _payload(archive: Archive, model: str, history: History) -> Iterator[tuple[str, bytes]]:
    yield "archive.json", archive.store.get("archive.json")
    for name in archive.store.list("record/"):
        yield name, archive.store.get(name)
    for name, data in format_pages().items():
        # One checker in a dossier, at its top: two would be one too many to trust.
        if name.startswith("format/") and not name.endswith(CHECKER):
            yield name, data
    for document in documents_of(history):
        if not document.name.startswith("models/") or document.name.startswith(f"models/{model}/"):
            yield document.name, archive.read_document(document.object, document.sha256)


def _write_tags(archive: Archive, model: str, root: Path) -> None:
    files = sorted(path for path in (root / "data").rglob("*") if path.is_file())
    size = sum(path.stat().st_size for path in files)
    day = timestamp(archive.clock.now())[:10]
    info = (
        f"Bagging-Date: {day}\nPayload-Oxum: {size}.{len(files)}\n"
        f"External-Identifier: {model}\nExternal-Description: Emeritus dossier of {model}\n"
    )
    manifest = "".join(f"{_sha256(path)}  {_escaped(path.relative_to(root))}\n" for path in files)
    tags = {
        "bagit.txt": BAGIT,
        "bag-info.txt": info.encode(),
        "README.txt": README.encode(),
        CHECKER: format_pages()[f"format/{CHECKER}"],
        "manifest-sha256.txt": manifest.encode(),
    }
    for name, data in tags.items():
        _write(root / name, data)
    listed = "".join(f"{hashlib.sha256(data).hexdigest()}  {name}\n" for name, data in tags.items())
    _write(root / "tagmanifest-sha256.txt", listed.encode())


def _check_bag(folder: Path) -> Iterator[Finding]:
    for manifest in ("manifest-sha256.txt", "tagmanifest-sha256.txt"):
        try:
            lines = (folder / manifest).read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            yield Finding("D001", manifest, f"cannot be read: {error}")
            continue
        listed = {name: digest for digest, _, name in (line.partition("  ") for line in lines)}
        for name, digest in listed.items():
            path = folder / _unescaped(name)
            if ".." in Path(name).parts or path.is_symlink() or not path.is_file():
                yield Finding("D001", name, "listed and missing, or no regular file")
            elif _sha256(path) != digest:
                yield Finding("D001", name, "does not have its listed digest")
        if manifest.startswith("manifest"):
            present = (p for p in (folder / "data").rglob("*") if p.is_file() or p.is_symlink())
            for path in sorted(present):
                if _escaped(path.relative_to(folder)) not in listed:
                    yield Finding("D001", str(path.relative_to(folder)), "there and not listed")


def _copy_packs(archive: Archive, model: str, data: Path) -> None:
    kept = preserved(archive, model)
    if kept is None:
        raise UserError(f"the weights of {model} are not held")
    target = LocalStore(data)
    for name in archive.vault.packs(kept.event.manifest):
        archive.vault.copy_pack(Path(name).stem, target)


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def _sha256(path: Path) -> str:
    hasher = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(READ_BYTES):
            hasher.update(block)
    return hasher.hexdigest()


def _escaped(path: Path) -> str:
    """Return a path as RFC 8493 §2.1.3 writes it in a manifest."""
    return path.as_posix().replace("%", "%25").replace("\n", "%0A").replace("\r", "%0D")


def _unescaped(name: str) -> str:
    return name.replace("%0D", "\r").replace("%0A", "\n").replace("%25", "%")
