"""Witnesses: somebody else checks that a record only grew, co-signs that, and remembers it.

What a witness remembers lies on the witness's machine (`state/witness/`), and its key in
`config/keys/witness/`: nothing of it is in the archive.
"""

import contextlib
import dataclasses
import fcntl
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

from emeritus import canonical
from emeritus.archive.checkpointing import read_bytes, store_of
from emeritus.clock import Clock
from emeritus.errors import Finding, IntegrityError, UserError
from emeritus.record import KeyRing, Record, check, merkle
from emeritus.record import checkpoint as heads
from emeritus.record import format as disk
from emeritus.record import note as notes
from emeritus.record.audit import Old
from emeritus.record.checkpoint import Checkpoint
from emeritus.record.note import NotANote, VerifierKey
from emeritus.record.tiles import StoredTree
from emeritus.record.verification import blocking
from emeritus.settings import Settings
from emeritus.vault import NotStored, Store

PREFIX: Final = heads.origin_of("")


class Memory(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a witness knows of one record: its fingerprint, who signs, what was co-signed last."""

    fingerprint: str
    keys: dict[str, str | None]
    note: str


@dataclasses.dataclass(frozen=True, slots=True)
class Witnessed:
    """A checkpoint that was co-signed. `before` is the size of the last one, `proof` says how."""

    checkpoint: Checkpoint
    before: int | None
    proof: str
    keys: tuple[VerifierKey, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Witness:
    """Who witnesses: the name on the signature line, and where it keeps things."""

    name: str
    settings: Settings
    clock: Clock


def witness(who: Witness, path: Path, source: Path | None, trust: str | None) -> Witnessed:
    """Check the checkpoint in the file `path`, add cosignatures to it, and remember it.

    `source` is a folder that proves it: with commits (archive, replica) everything is verified;
    with tiles alone, that the record only grew since the last checkpoint that was co-signed. The
    first time it MUST have commits, and `trust` MUST be the fingerprint.
    Raises `IntegrityError`, and signs nothing, when the checkpoint is not what it should be.
    """
    try:
        note, checkpoint = heads.read(read_bytes(path))
    except NotANote as error:
        raise UserError(f"{path} is no checkpoint: {error}") from error
    if not checkpoint.origin.startswith(PREFIX):
        raise UserError(f"{path} is of {checkpoint.origin[:64]!r}, which is no archive of Emeritus")
    store = None if source is None else store_of(source)
    with _remembered(who, checkpoint.origin) as (memory, folder):
        after, proof = _judge(Old(str(path), note, checkpoint), store, memory, trust)
        ring = KeyRing(who.settings.config / "keys" / "witness", who.settings.passphrase)
        known = who.name in ring.names()
        signer = ring.signer(who.name) if known else ring.create(who.name)
        seconds = int(who.clock.now().timestamp())
        signed = heads.cosign(note, checkpoint, who.name, signer, seconds)
        data = notes.render(signed)
        # It is remembered before anybody sees the signature, or a smaller tree could follow.
        _replace(folder / f"{checkpoint.size:016d}.note", data)
        after = msgspec.structs.replace(after, note=data.decode())
        _replace(folder / "memory.json", canonical.dumps(msgspec.to_builtins(after)))
        _replace(path, data)
    before = heads.read(memory.note.encode())[1].size if memory else None
    return Witnessed(checkpoint, before, proof, heads.witness_keys(who.name, signer))


def _judge(
    old: Old, store: Store | None, memory: Memory | None, trust: str | None
) -> tuple[Memory, str]:
    """Return what to remember and how it was proven. Raises when it was not."""
    last = heads.read(memory.note.encode())[1] if memory else None
    if last is not None and old.checkpoint.size < last.size:
        raise UserError(
            f"{old.where} is over {old.checkpoint.size} events, and you co-signed one over "
            f"{last.size}: a witness never goes back; ask for a newer one"
        )
    if store is not None and store.exists(disk.name_of(1)):
        return _judge_commits(old, store, memory, trust)
    if memory is None or last is None:
        raise UserError(
            f"this is the first checkpoint of {old.checkpoint.origin} here: show the record with "
            "--from FOLDER, and give the fingerprint that you know with --trust FINGERPRINT"
        )
    if not heads.signers(old.note, old.checkpoint, memory.keys):
        raise _refused(
            Finding("R019", old.where, "no key that you know signed it with both its algorithms"),
            "if its keys were changed, show the record with --from FOLDER",
        )
    return memory, _judge_growth(old, store, last)


def _judge_commits(
    old: Old, store: Store, memory: Memory | None, trust: str | None
) -> tuple[Memory, str]:
    fingerprint = memory.fingerprint if memory else trust
    if fingerprint is None or (trust is not None and trust != fingerprint):
        raise UserError(
            "give the fingerprint that you know from elsewhere: --trust FINGERPRINT"
            if fingerprint is None
            else f"until now you knew this record by the fingerprint {fingerprint}"
        )
    archive = old.checkpoint.origin.removeprefix(PREFIX)
    olds = [old]
    if memory is not None:
        note, last = heads.read(memory.note.encode())
        olds.append(Old("the last checkpoint that you co-signed", note, last))
    serious = blocking(check(store, archive, fingerprint, olds))
    if serious:
        raise _refused(serious[0], "nothing was signed", serious)
    record = Record(store, archive)
    record.entries()
    holders = record.authority.holders()
    keys = {key: each.mldsa44 for key, each in holders.items() if each.signs_checkpoints}
    return Memory(fingerprint, keys, ""), "every commit of the record was verified"


def _judge_growth(old: Old, store: Store | None, last: Checkpoint) -> str:
    """Show by a consistency proof that the record only grew since `last`."""
    new = old.checkpoint
    if new.size == last.size:
        proof: list[bytes] = []
        said = "it is the one that you co-signed before"
    elif store is None:
        raise UserError(
            f"you co-signed {last.size} events, and this is over {new.size}: show that the record "
            "only grew with --from FOLDER (the archive, a replica, or its tiles)"
        )
    else:
        try:
            proof = merkle.consistency(last.size, new.size, StoredTree(store, new.size).node)
        except NotStored as error:
            raise UserError(f"the tiles are not complete: {error}") from error
        said = f"a proof of {len(proof)} hashes shows that the record only grew"
    if not merkle.consistent(last.size, new.size, last.root, new.root, proof):
        detail = f"it does not grow from the {last.size} events that you co-signed"
        raise _refused(
            Finding("R018", old.where, detail),
            "two histories were signed: keep this file and yours, together they prove it",
        )
    return said


def _refused(first: Finding, now: str, found: tuple[Finding, ...] = ()) -> IntegrityError:
    return IntegrityError(
        f"not co-signed: {first.where}: {first.detail} ({first.code}); {now}", found or (first,)
    )


@contextlib.contextmanager
def _remembered(who: Witness, origin: str) -> Iterator[tuple[Memory | None, Path]]:
    """Hold the witness's memory of one record, so that two runs cannot both go on from it."""
    digest = hashlib.sha256(f"{who.name}\n{origin}".encode()).hexdigest()
    folder = who.settings.state / "witness" / digest
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / "lock", "wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        path = folder / "memory.json"
        if not path.exists():
            yield None, folder
            return
        try:
            memory = msgspec.json.decode(path.read_bytes(), type=Memory)
            heads.read(memory.note.encode())
        except (msgspec.MsgspecError, NotANote) as error:
            raise IntegrityError(
                f"what this witness remembers is damaged: {path}: {error}; put it back from a "
                f"copy, or take the newest note in {folder}"
            ) from error
        yield memory, folder


def _replace(path: Path, data: bytes) -> None:
    """Put `data` in the place of a file: whole or not at all, and durable."""
    fresh = path.with_name(f".{path.name}.writing")
    with open(fresh, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
