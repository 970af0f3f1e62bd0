"""Checkpoints of an archive: written, kept when somebody co-signed them, and renewed each year."""

import dataclasses
import datetime
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from emeritus import digests
from emeritus.archive.documents import write_renderings
from emeritus.archive.format_pages import describe_anew
from emeritus.archive.handle import SERVICE, STEWARD, Archive
from emeritus.clock import moment_of, timestamp
from emeritus.errors import IntegrityError, UserError
from emeritus.record import checkpointing, merkle, proof
from emeritus.record import format as record_format
from emeritus.record.audit import Old
from emeritus.record.checkpoint import read
from emeritus.record.checkpointing import Kept
from emeritus.record.events import ArchiveCreated, RecordRenewed
from emeritus.record.note import NOTE_BYTES_MAX, NotANote, VerifierKey, parse_verifier_key
from emeritus.record.tiles import StoredTree, entries_of
from emeritus.vault import LocalStore, NotStored

RENEWED_EVERY: Final = datetime.timedelta(days=365)


@dataclasses.dataclass(frozen=True, slots=True)
class Renewal:
    """When the whole record was last signed with fresh signatures, and when it is due again."""

    last: datetime.datetime
    due: datetime.datetime
    overdue: bool


def write_checkpoint(archive: Archive, key: str = SERVICE) -> Kept:
    """Write a checkpoint over everything recorded so far, signed by `key`; return it.

    Raises `UserError` when the key may not sign checkpoints.
    """
    return _write(archive, key, again=False)


def keep_checkpoint(archive: Archive, path: Path) -> Kept:
    """Keep the checkpoint in the file `path`, such as one that a witness co-signed.

    Raises `IntegrityError` (R018) when the archive has another root of that size.
    """
    archive.require_primary()
    data = read_bytes(path)
    try:
        return checkpointing.keep(archive.store, data)
    except NotANote as error:
        raise UserError(f"{path} is no checkpoint: {error}") from error
    except NotStored as error:
        raise UserError(
            f"{path} is of another size than every checkpoint of this archive"
        ) from error


def renew(archive: Archive, key: str = STEWARD) -> tuple[Kept, str]:
    """Sign the whole record anew and record it; return the checkpoint and the event's id.

    This version is put on record first, when another was the last. Then the pages that describe
    the format become its own, and in the end what is written from the record for people.
    """
    describe_anew(archive, key)
    kept = _write(archive, key, again=True)
    event = RecordRenewed(
        size=kept.checkpoint.size,
        root="sha256:" + kept.checkpoint.root.hex(),
        checkpoint_sha256=digests.sha256(kept.data),
    )
    entry = archive.append(event, key=key)[0]
    write_renderings(archive)
    return kept, entry.id


def prove(archive: Archive, event: str) -> bytes:
    """Return a proof that the event with the id `event` is below the newest checkpoint.

    Raises `UserError` when there is no such event, or no checkpoint that covers it.
    """
    ids = [entry.id for entry in archive.history()]
    kept = checkpointing.newest(archive.store)
    if event not in ids:
        raise UserError(f"there is no event {event!r}; see: emeritus record show")
    index = ids.index(event)
    if kept is None or index >= kept.checkpoint.size:
        raise UserError(f"no checkpoint covers {event}; write one with: emeritus record checkpoint")
    number, _, position = event.partition(".")
    name = record_format.name_of(int(number))
    entry = entries_of(int(number), archive.store.get(name))[int(position)]
    tree = StoredTree(archive.store, kept.checkpoint.size)
    path = merkle.inclusion(index, kept.checkpoint.size, tree.node)
    data = proof.render(entry, index, path, kept.data)
    if not proof.parse(data).holds:
        raise IntegrityError(f"the tiles do not lead from {event} to {kept.name} (R020)")
    return data


def renewal(archive: Archive) -> Renewal:
    """Return when the record was last renewed, or began, and when it is due."""
    history = archive.history()
    renewed, created = history.last(RecordRenewed), history.last(ArchiveCreated)
    now = archive.clock.now()
    time = renewed.time if renewed else created.time if created else timestamp(now)
    last = moment_of(time)
    return Renewal(last, last + RENEWED_EVERY, now >= last + RENEWED_EVERY)


def read_olds(paths: Iterable[Path], witnesses: Iterable[str] = ()) -> tuple[Old, ...]:
    """Return old checkpoints: each a file, or the newest one in an old copy of the archive.

    A copy (archive, replica, dossier, or tiles alone) also tells what was changed. `witnesses`
    are verifier keys. Raises `UserError` for what is no checkpoint or no key.
    """
    keys = verifier_keys(witnesses)
    return tuple(_read_old(path, keys) for path in paths)


def verifier_keys(texts: Iterable[str]) -> tuple[VerifierKey, ...]:
    """Read the keys of witnesses. Raises `UserError` for what is none."""
    try:
        return tuple(map(parse_verifier_key, texts))
    except NotANote as error:
        raise UserError(f"a --witness is no key: {error}") from error


def _read_old(path: Path, witnesses: tuple[VerifierKey, ...]) -> Old:
    if path.is_dir():
        store = store_of(path)
        kept = checkpointing.newest(store)
        if kept is None:
            raise UserError(f"{path} holds no checkpoint; write one with: record checkpoint")
        return Old(str(path), kept.note, kept.checkpoint, store, witnesses)
    try:
        note, checkpoint = read(read_bytes(path))
    except NotANote as error:
        raise UserError(f"{path} is no checkpoint: {error}") from error
    return Old(str(path), note, checkpoint, None, witnesses)


def store_of(folder: Path) -> LocalStore:
    """Return the store in a folder: itself, or the payload of a bag."""
    return LocalStore(folder / "data" if (folder / "bagit.txt").is_file() else folder)


def read_bytes(path: Path) -> bytes:
    """Return the bytes of a file that may be a checkpoint. Raises `UserError`."""
    try:
        with path.open("rb") as file:
            return file.read(NOTE_BYTES_MAX + 1)
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}") from error


def _write(archive: Archive, key: str, *, again: bool) -> Kept:
    archive.require_primary()
    archive.history()
    signer = archive.signer(key)
    holder = archive.record.authority.holder(signer.key)
    if holder is None or not holder.signs_checkpoints:
        raise UserError(
            f"the key {key!r} may not sign checkpoints: it has to be a valid pair with the role "
            "steward, service or auditor, not limited by kind; choose another with --as NAME"
        )
    seconds = int(archive.clock.now().timestamp())
    last = archive.record.sequence
    return checkpointing.write(archive.store, archive.id, last, signer, seconds, again=again)
