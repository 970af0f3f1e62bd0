"""What ties a dossier to the whole record: a checkpoint, and proofs that lead to it."""

import contextlib
from collections.abc import Sequence
from typing import Final

import msgspec

from emeritus import canonical
from emeritus.archive.checkpointing import write_checkpoint
from emeritus.archive.handle import PRIMARY, SERVICE, Archive
from emeritus.errors import Finding
from emeritus.record import checkpoint as heads
from emeritus.record import checkpointing, excerpt, merkle
from emeritus.record.checkpoint import Checkpoint
from emeritus.record.checkpointing import Kept
from emeritus.record.note import NOTE_BYTES_MAX, NotANote, Note, VerifierKey
from emeritus.record.tiles import StoredTree
from emeritus.vault import Store

FORMAT: Final = "emeritus-proofs/1"
PROOFS: Final = "record/proofs.json"
PROOFS_BYTES_MAX: Final = 256 * 1024 * 1024
NONE: Final = "a checkpoint, and proofs that the events are entries of the record"


class Proof(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The place of an entry in the tree, and its audit path in hex."""

    entry: str
    index: int
    path: tuple[str, ...]


class Proofs(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The proofs of a dossier, all to one checkpoint, named by its place."""

    format: str
    checkpoint: str
    proofs: tuple[Proof, ...]


def checkpoint_of(archive: Archive) -> Kept | None:
    """Return the newest checkpoint, with cosignatures where there are some.

    On the machine of the primary it is one over everything that is on record.
    """
    writes = archive.replica == PRIMARY and SERVICE in archive.keys.names()
    kept = write_checkpoint(archive) if writes else checkpointing.newest(archive.store)
    return kept and max(_beside(archive.store, kept), key=lambda each: len(each.note.signatures))


def prove(archive: Archive, kept: Kept, entries: set[str]) -> bytes:
    """Return `proofs.json` for those of `entries` that the checkpoint covers.

    Raises `IntegrityError` when the tiles do not hold them.
    """
    size = kept.checkpoint.size
    tree = StoredTree(archive.store, size)
    proofs = [
        Proof(
            entry=entry.id,
            index=index,
            path=tuple(each.hex() for each in merkle.inclusion(index, size, tree.node)),
        )
        for index, entry in enumerate(archive.history())
        if index < size and entry.id in entries
    ]
    value = Proofs(format=FORMAT, checkpoint=kept.name, proofs=tuple(proofs))
    return canonical.dumps(msgspec.to_builtins(value))


def _beside(store: Store, kept: Kept) -> list[Kept]:
    """Return a checkpoint and those of the same tree that others co-signed."""
    found = [kept]
    for name in store.list(heads.PREFIX):
        if heads.size_of(name) == kept.checkpoint.size:
            data = store.get(name)
            with contextlib.suppress(NotANote):
                note, checkpoint = heads.read(data)
                if checkpoint == kept.checkpoint:
                    found.append(Kept(name, data, note, checkpoint))
    return found


class Inclusion:
    """The judgement of a dossier's checkpoint and proofs: what is proven, missing, wrong."""

    def __init__(
        self,
        store: Store,
        record: excerpt.Excerpt,
        archive: str,
        witnesses: Sequence[VerifierKey] = (),
    ) -> None:
        """`witnesses` MUST have co-signed the checkpoint."""
        self.co_signed = False
        self._witnesses = witnesses
        self.proven: list[str] = []
        self.missing: list[str] = []
        self.wrong: list[Finding] = []
        self._store = store
        self._record = record
        self._archive = archive

    def judge(self) -> "Inclusion":
        """Judge everything; return this."""
        names = list(self._store.list(heads.PREFIX))
        if not names:
            self.missing.append(NONE)
            if self._store.exists(PROOFS):
                self._fail(PROOFS, "leads to no checkpoint")
            return self
        name = names[0]
        data = self._store.get(name, 0, NOTE_BYTES_MAX + 1)
        try:
            note, checkpoint = heads.read(data)
        except NotANote as error:
            self._fail(name, str(error))
            return self
        if len(names) > 1 or heads.size_of(name) != checkpoint.size:
            self._fail(name, "is not the one checkpoint that a dossier has, by its size")
        if not heads.is_named_for(name, data):
            self._fail(name, "is not the note that it is named for")
        self._judge_signatures(name, note, checkpoint)
        for key in self._witnesses:
            if heads.signed(note, checkpoint, key):
                self.co_signed = True
            else:
                self._fail(name, f"{key.name} did not co-sign it")
        if self._store.exists(PROOFS) or not self._record.whole:
            self._judge_proofs(name, checkpoint)
        else:
            self._judge_root(name, checkpoint)
        return self

    def _judge_signatures(self, name: str, note: Note, checkpoint: Checkpoint) -> None:
        if checkpoint.origin != heads.origin_of(self._archive):
            self._fail(name, "is of another record")
        signers = heads.signers(note, checkpoint, self._record.pairs)
        valid = self._record.authority.holders()
        if not signers:
            self._fail(name, "is signed by no pair of keys on record")
        elif any(key in valid for key in signers):
            self.proven.append("the checkpoint is signed with Ed25519")
            self.proven.append("the checkpoint is signed with ML-DSA-44")
        else:
            self.missing.append("a checkpoint by a key that was not revoked later")

    def _judge_proofs(self, name: str, checkpoint: Checkpoint) -> None:
        try:
            data = self._store.get(PROOFS, 0, PROOFS_BYTES_MAX)
            given = msgspec.convert(canonical.loads(data, canonical=True), Proofs)
        except (KeyError, canonical.NotCanonical, msgspec.ValidationError) as error:
            self._fail(PROOFS, f"cannot be read: {error}")
            return
        if given.format != FORMAT or given.checkpoint != name:
            self._fail(PROOFS, "leads to another checkpoint")
        leaves = self._record.leaves
        ids = [each.entry for each in given.proofs]
        if len(set(ids)) != len(ids) or not leaves.keys() >= set(ids):
            self._fail(PROOFS, "proves an event twice, or one that is not here")
        held = 0
        for proof in given.proofs:
            if proof.entry in leaves:
                holds = _holds(proof, leaves[proof.entry], checkpoint)
                held += holds
                if not holds:
                    self._fail(PROOFS, f"does not lead from event {proof.entry} to the checkpoint")
        self.proven.append(f"{held} events are entries of the record of {checkpoint.size} events")
        if held < len(leaves):
            self.missing.append(f"proofs of {len(leaves) - held} events, newer than the checkpoint")

    def _judge_root(self, name: str, checkpoint: Checkpoint) -> None:
        leaves = list(self._record.leaves.values())
        size = checkpoint.size
        if size > len(leaves) or merkle.fold(leaves[:size]) != checkpoint.root:
            self._fail(name, "has another root than the events here")
            return
        self.proven.append(f"{size} events have the root of the checkpoint")
        if size < len(leaves):
            self.missing.append(f"proofs of {len(leaves) - size} events, newer than the checkpoint")

    def _fail(self, where: str, detail: str) -> None:
        self.wrong.append(Finding("D004", where, detail))


def _holds(proof: Proof, leaf: bytes, checkpoint: Checkpoint) -> bool:
    try:
        path = [bytes.fromhex(each) for each in proof.path]
    except ValueError:
        return False
    if any(len(each) != 32 for each in path):
        return False
    return merkle.includes(proof.index, checkpoint.size, leaf, path, checkpoint.root)
