"""Checkpoints: what the whole record was at a size, in a signed note that others can keep.

The text is that of c2sp.org/tlog-checkpoint: origin, size, root. The archive signs it with both
keys of a pair, and witnesses add cosignatures (c2sp.org/tlog-cosignature).
"""

import base64
import dataclasses
import hashlib
import re
import struct
from collections.abc import Iterable, Mapping
from typing import Final

from emeritus.record import note as notes
from emeritus.record.note import NotANote, Note, Signature, VerifierKey
from emeritus.record.signing import (
    MLDSA44_SIGNATURE_BYTES,
    Signer,
    is_key,
    is_mldsa44,
    verifies,
    verifies_mldsa44,
)

PREFIX: Final = "record/checkpoints/"
SIZE_MAX: Final = 2**63 - 1

_NAME = re.compile(r"record/checkpoints/(\d{16})(-[0-9a-f]{8})?\.note\Z")
_SIZE = re.compile(r"(0|[1-9][0-9]{0,18})\Z")


@dataclasses.dataclass(frozen=True, slots=True)
class Checkpoint:
    """The root of the tree over the first `size` events of the log named `origin`."""

    origin: str
    size: int
    root: bytes

    @property
    def text(self) -> str:
        """The text that is signed."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"


def origin_of(archive: str) -> str:
    """Return the name of an archive's record as a log."""
    return f"emeritus/{archive}"


def name_of(size: int, suffix: str = "") -> str:
    """Return where the checkpoint of `size` lies; `suffix` tells another note of that size."""
    return f"{PREFIX}{size:016d}{'-' + suffix if suffix else ''}.note"


def size_of(name: str) -> int | None:
    """Return the size in the name of a checkpoint, or None for another file."""
    match = _NAME.match(name)
    return int(match[1]) if match else None


def is_named_for(name: str, data: bytes) -> bool:
    """Tell whether a name with a digest in it is that of these bytes; others name no bytes."""
    match = _NAME.match(name)
    named = match[2] if match else None
    return named is None or named[1:] == hashlib.sha256(data).hexdigest()[:8]


def read(data: bytes) -> tuple[Note, Checkpoint]:
    """Read a checkpoint. Raises `NotANote`; no signature is verified here.

    Lines behind the third are refused: not every signature would cover them.
    """
    note = notes.parse(data)
    lines = note.text.split("\n")
    if len(lines) != 4 or not lines[0]:
        raise NotANote("it has not the three lines of a checkpoint")
    try:
        root = base64.b64decode(lines[2], validate=True)
    except ValueError:  # also of text that is not ASCII
        root = b""
    if _SIZE.match(lines[1]) is None or int(lines[1]) > SIZE_MAX or len(root) != 32:
        raise NotANote("its second and third line are no size and no root")
    checkpoint = Checkpoint(lines[0], int(lines[1]), root)
    if checkpoint.text != note.text:
        raise NotANote("its root is not in the one form of base64 that counts")
    return note, checkpoint


def sign(checkpoint: Checkpoint, signer: Signer, seconds: int) -> Note:
    """Return the checkpoint as a note with both signatures of `signer`, made at `seconds`.

    Raises `UserError` when the signer has no second key.
    """
    first = VerifierKey(checkpoint.origin, notes.ED25519, _public(signer.key))
    signature = bytes.fromhex(signer.sign(checkpoint.text.encode()))
    lines = (Signature(first.name, first.key_id, signature),)
    return Note(checkpoint.text, (*lines, _second(checkpoint, checkpoint.origin, signer, seconds)))


def cosign(note: Note, checkpoint: Checkpoint, name: str, signer: Signer, seconds: int) -> Note:
    """Return the note with two cosignatures more, by the witness `name`."""
    first = VerifierKey(name, notes.ED25519_COSIGNATURE, _public(signer.key))
    made = bytes.fromhex(signer.sign(_timed(checkpoint, seconds)))
    lines = (
        Signature(name, first.key_id, struct.pack(">Q", seconds) + made),
        _second(checkpoint, name, signer, seconds),
    )
    ours = {line.key_id for line in lines}
    kept = tuple(s for s in note.signatures if s.name != name or s.key_id not in ours)
    return Note(note.text, (*kept, *lines))


def witness_keys(name: str, signer: Signer) -> tuple[VerifierKey, ...]:
    """Return the public keys of a witness as others are told them."""
    keys = [VerifierKey(name, notes.ED25519_COSIGNATURE, _public(signer.key))]
    if signer.mldsa44 is not None:
        keys.append(VerifierKey(name, notes.MLDSA44_COSIGNATURE, _public(signer.mldsa44)))
    return tuple(keys)


def signers(note: Note, checkpoint: Checkpoint, pairs: Mapping[str, str | None]) -> list[str]:
    """Return which of the `pairs` (Ed25519 id to ML-DSA-44 id) signed with both their keys."""
    found = []
    for key, mldsa44 in pairs.items():
        if mldsa44 is None or not (is_key(key) and is_mldsa44(mldsa44)):
            continue  # an event that was damaged can name what is no key
        first = VerifierKey(checkpoint.origin, notes.ED25519, _public(key))
        second = VerifierKey(checkpoint.origin, notes.MLDSA44_COSIGNATURE, _public(mldsa44))
        if signed(note, checkpoint, first) and signed(note, checkpoint, second):
            found.append(key)
    return found


def signed(note: Note, checkpoint: Checkpoint, key: VerifierKey) -> bool:
    """Tell whether a line of the note is a signature over `checkpoint` by `key`."""
    lines = [s for s in note.signatures if s.name == key.name and s.key_id == key.key_id]
    return any(_verifies(checkpoint, key, line.body) for line in lines)


def names(note: Note, without: Iterable[str] = ()) -> list[str]:
    """Return the names on the signature lines, each once, in order."""
    return [name for name in dict.fromkeys(s.name for s in note.signatures) if name not in without]


def _verifies(checkpoint: Checkpoint, key: VerifierKey, body: bytes) -> bool:
    if key.kind == notes.ED25519:
        return _plain(key.public, body, checkpoint.text.encode())
    if len(body) < 8:
        return False
    (seconds,) = struct.unpack(">Q", body[:8])
    if key.kind == notes.ED25519_COSIGNATURE:
        return _plain(key.public, body[8:], _timed(checkpoint, seconds))
    if len(body) != 8 + MLDSA44_SIGNATURE_BYTES or len(key.name.encode()) > 255:
        return False
    message = _cosigned(checkpoint, key.name, seconds)
    return verifies_mldsa44(f"mldsa44:{key.public.hex()}", body[8:], message)


def _plain(public: bytes, signature: bytes, message: bytes) -> bool:
    return verifies(f"ed25519:{public.hex()}", signature.hex(), message)


def _second(checkpoint: Checkpoint, name: str, signer: Signer, seconds: int) -> Signature:
    made = signer.sign_mldsa44(_cosigned(checkpoint, name, seconds))
    key = VerifierKey(name, notes.MLDSA44_COSIGNATURE, _public(signer.mldsa44 or ""))
    return Signature(name, key.key_id, struct.pack(">Q", seconds) + made)


def _timed(checkpoint: Checkpoint, seconds: int) -> bytes:
    """Return the message of an Ed25519 cosignature."""
    return f"cosignature/v1\ntime {seconds}\n{checkpoint.text}".encode()


def _cosigned(checkpoint: Checkpoint, name: str, seconds: int) -> bytes:
    """Return the message of an ML-DSA-44 cosignature over the whole tree."""
    return b"".join(
        (
            b"subtree/v1\n\0",
            _opaque(name),
            struct.pack(">Q", seconds),
            _opaque(checkpoint.origin),
            struct.pack(">QQ", 0, checkpoint.size),
            checkpoint.root,
        )
    )


def _opaque(text: str) -> bytes:
    data = text.encode()
    return bytes([len(data)]) + data


def _public(key: str) -> bytes:
    return bytes.fromhex(key.partition(":")[2])
