"""Encrypted documents: what the vault keeps of one, and the key that lies outside the archive.

Together they are an age file (C2SP, age v1): the key is its header, in which a file key is wrapped
to each recipient, and what the vault keeps is its body. Normative: docs/formats/vault.md.
"""

import hashlib
import re
import secrets
from collections.abc import Sequence
from typing import Final

from emeritus.errors import UserError
from emeritus.vault.format import AGE_NONCE_BYTES, AGE_TAG_BYTES, SALT_BYTES

MAGIC: Final = b"emeritus-encrypted/1\n"
DOMAIN: Final = b"emeritus-encrypted/1\0"
_HEAD_BYTES: Final = len(MAGIC) + 64 + 1
_HEAD: Final = re.compile(re.escape(MAGIC) + rb"[0-9a-f]{64}\n")
_BODY_BYTES_MIN: Final = AGE_NONCE_BYTES + SALT_BYTES + AGE_TAG_BYTES
_LAST_LINE: Final = b"\n--- "  # of an age header: the MAC over the lines before


class NotOpened(ValueError):
    """The bytes are no encrypted document, or this key and identity do not open them."""


def encrypt(data: bytes, recipients: Sequence[str]) -> tuple[bytes, bytes]:
    """Return what the vault keeps of `data`, and its key, wrapped to `recipients` (`age1…`).

    Both differ each time. Raises `UserError` when a recipient is none.
    """
    from pyrage import RecipientError, x25519
    from pyrage import encrypt as age_encrypt

    try:
        wrapped_to = [x25519.Recipient.from_str(each) for each in recipients]
    except RecipientError as error:
        raise UserError(f"a recipient is no age key (age1…): {error}") from error
    salt = secrets.token_bytes(SALT_BYTES)
    file = age_encrypt(salt + data, wrapped_to)
    end = file.index(b"\n", file.index(_LAST_LINE) + len(_LAST_LINE)) + 1
    return MAGIC + commitment(salt, data).encode() + b"\n" + file[end:], file[:end]


def decrypt(kept: bytes, key: bytes, identity: str) -> bytes:
    """Return the document, proven by the commitment beside it. Raises `NotOpened`."""
    from pyrage import DecryptError, IdentityError, x25519
    from pyrage import decrypt as age_decrypt

    if not is_encrypted(kept):
        raise NotOpened("these bytes are no encrypted document")
    try:
        opened: bytes = age_decrypt(key + kept[_HEAD_BYTES:], [x25519.Identity.from_str(identity)])
    except (DecryptError, IdentityError) as error:
        raise NotOpened(f"its key does not open it: {error}") from error
    salt, data = opened[:SALT_BYTES], opened[SALT_BYTES:]
    if kept[:_HEAD_BYTES] != MAGIC + commitment(salt, data).encode() + b"\n":
        raise NotOpened("what its key opens is not what was committed to")
    return data


def lock(secret: bytes, passphrase: str) -> bytes:
    """Return a secret as an age file that a passphrase opens."""
    from pyrage import passphrase as age_passphrase

    locked: bytes = age_passphrase.encrypt(secret, passphrase)
    return locked


def unlock(locked: bytes, passphrase: str) -> bytes:
    """Return what `lock` was given. Raises `NotOpened`."""
    from pyrage import DecryptError
    from pyrage import passphrase as age_passphrase

    try:
        secret: bytes = age_passphrase.decrypt(locked, passphrase)
    except DecryptError:
        raise NotOpened("the passphrase does not open it") from None
    return secret


def is_encrypted(kept: bytes) -> bool:
    """Tell whether bytes have the form of an encrypted document; an event says that they are."""
    return _HEAD.match(kept) is not None and len(kept) >= _HEAD_BYTES + _BODY_BYTES_MIN


def commitment(salt: bytes, data: bytes) -> str:
    """Return the digest that binds to `data` and tells nothing of it without `salt` (hex)."""
    return hashlib.sha256(DOMAIN + salt + data).hexdigest()


def new_identity() -> str:
    """Return the secret key of a new recipient (`AGE-SECRET-KEY-1…`)."""
    from pyrage import x25519

    return str(x25519.Identity.generate())


def recipient_of(identity: str) -> str:
    """Return the public key (`age1…`) of a secret one. Raises `UserError` when it is none."""
    from pyrage import IdentityError, x25519

    try:
        return str(x25519.Identity.from_str(identity).to_public())
    except IdentityError:
        raise UserError("the secret key of the encrypted objects is none of age") from None
