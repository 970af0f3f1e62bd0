"""Signed notes (c2sp.org/signed-note): a text, an empty line, and a line for each signature."""

import base64
import binascii
import dataclasses
import hashlib
import re
from typing import Final

ED25519: Final = 0x01
ED25519_COSIGNATURE: Final = 0x04
MLDSA44_COSIGNATURE: Final = 0x06
PUBLIC_BYTES: Final = {ED25519: 32, ED25519_COSIGNATURE: 32, MLDSA44_COSIGNATURE: 1312}
NOTE_BYTES_MAX: Final = 256 * 1024
SIGNATURES_MAX: Final = 64

_LINE = re.compile(r"— ([^\s+]+) ([A-Za-z0-9+/]+={0,2})\Z")
_VKEY = re.compile(r"([^\s+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/]+={0,2})\Z")


class NotANote(ValueError):
    """The bytes are no signed note; the message says why."""


@dataclasses.dataclass(frozen=True, slots=True)
class Signature:
    """One signature line: who says that they signed, with which key, and the rest of the bytes."""

    name: str
    key_id: bytes
    body: bytes


@dataclasses.dataclass(frozen=True, slots=True)
class Note:
    """A text, which ends with a newline, and its signatures in order."""

    text: str
    signatures: tuple[Signature, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class VerifierKey:
    """A public key as others are told it: name, kind of signature, and the key's bytes."""

    name: str
    kind: int
    public: bytes

    def __str__(self) -> str:
        """Return the text form: the name, the key id in hex, kind and key in base64."""
        body = base64.b64encode(bytes([self.kind]) + self.public).decode()
        return f"{self.name}+{self.key_id.hex()}+{body}"

    @property
    def key_id(self) -> bytes:
        """The four bytes by which a signature line names the key; they prove nothing."""
        seed = self.name.encode() + b"\n" + bytes([self.kind]) + self.public
        return hashlib.sha256(seed).digest()[:4]


def parse_verifier_key(text: str) -> VerifierKey:
    """Read a verifier key. Raises `NotANote` when it is none, or of a kind that is not known."""
    match = _VKEY.match(text)
    raw = _decoded(match[3]) if match else b""
    if match is None or PUBLIC_BYTES.get(raw[0] if raw else -1) != len(raw) - 1:
        raise NotANote("it is no verifier key for Ed25519 or ML-DSA-44")
    key = VerifierKey(match[1], raw[0], raw[1:])
    if key.key_id.hex() != match[2]:
        raise NotANote("its key id is not that of its key")
    return key


def render(note: Note) -> bytes:
    """Return the bytes of a note."""
    lines = (
        f"— {each.name} {base64.b64encode(each.key_id + each.body).decode()}\n"
        for each in note.signatures
    )
    return (note.text + "\n" + "".join(lines)).encode()


def parse(data: bytes) -> Note:
    """Read a note. Raises `NotANote`; no signature is verified here."""
    if len(data) > NOTE_BYTES_MAX:
        raise NotANote(f"it is larger than {NOTE_BYTES_MAX} bytes")
    try:
        whole = data.decode()
    except UnicodeDecodeError as error:
        raise NotANote("it is not UTF-8") from error
    if any(character < " " and character != "\n" for character in whole):
        raise NotANote("it holds a control character")
    text, empty, signed = whole.rpartition("\n\n")
    if not empty or not signed.endswith("\n"):
        raise NotANote("it has no empty line with signatures below")
    lines = signed.removesuffix("\n").split("\n")
    if len(lines) > SIGNATURES_MAX:
        raise NotANote(f"it has more than {SIGNATURES_MAX} signatures")
    return Note(text + "\n", tuple(map(_signature, lines)))


def _signature(line: str) -> Signature:
    match = _LINE.match(line)
    raw = _decoded(match[2]) if match else b""
    if match is None or len(raw) < 5:
        raise NotANote(f"a line is no signature: {line[:40]!r}")
    return Signature(match[1], raw[:4], raw[4:])


def _decoded(text: str) -> bytes:
    try:
        raw = base64.b64decode(text, validate=True)
    except binascii.Error:
        return b""
    return raw if base64.b64encode(raw).decode() == text else b""
