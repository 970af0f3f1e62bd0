"""Ed25519 keys (RFC 8032): who signs, and where private keys lie.

A key's id is `ed25519:` and the public key in hex, so an id alone is enough to verify.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from emeritus.errors import UserError
from emeritus.vault.durable import make_folder, write_file

_ID = re.compile(r"ed25519:([0-9a-f]{64})\Z")
_SIGNATURE = re.compile(r"[0-9a-f]{128}\Z")
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}\Z")


_FIELD = 2**255 - 19
_SMALL_ORDER = frozenset(
    # The y of the points whose order divides 8 (RFC 7748 §7): a signature by such a "key" can be
    # made to fit many messages by somebody who holds no private key at all.
    {
        0,
        1,
        _FIELD - 1,
        0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD83D3D706A17C7,
        0x05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826,
    }
)


class Signer(Protocol):
    """Signs for one key. Implementations MUST keep the private key to themselves."""

    @property
    def key(self) -> str:
        """Return the key's id."""
        ...

    def sign(self, message: bytes) -> str:
        """Return the signature over `message` as lower-case hex."""
        ...


class Ed25519Signer:
    """Signs with a private key held in memory."""

    def __init__(self, seed: bytes) -> None:
        """`seed` is the 32-byte private key of RFC 8032 §5.1.5."""
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        self._private = Ed25519PrivateKey.from_private_bytes(seed)
        self._key = "ed25519:" + self._private.public_key().public_bytes_raw().hex()

    @property
    def key(self) -> str:
        """Return the key's id."""
        return self._key

    def sign(self, message: bytes) -> str:
        """Return the signature over `message` as lower-case hex."""
        return self._private.sign(message).hex()


def verifies(key: str, signature: str, message: bytes) -> bool:
    """Tell whether `signature` (hex) was made over `message` with the private half of `key`.

    Stricter than RFC 8032 asks, so that every reader gives the same answer: hex is lower-case, the
    key is encoded canonically, and it is no point of small order.
    """
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    match = _ID.match(key)
    if match is None or _SIGNATURE.match(signature) is None:
        return False
    y = int.from_bytes(bytes.fromhex(match[1]), "little") & (2**255 - 1)
    if y >= _FIELD or y in _SMALL_ORDER:
        return False
    try:
        public = Ed25519PublicKey.from_public_bytes(bytes.fromhex(match[1]))
        public.verify(bytes.fromhex(signature), message)
    except (InvalidSignature, ValueError):
        return False
    return True


class KeyRing:
    """The private keys of one archive on this machine: one PEM file (PKCS #8) for each name.

    Files are created with mode 0600 and are encrypted when there is a passphrase.
    """

    def __init__(self, folder: Path, passphrase: str | None = None) -> None:
        self._folder = folder
        self._passphrase = passphrase.encode() if passphrase else None

    def create(self, name: str) -> Signer:
        """Make a new key called `name`. Raises `UserError` when the name is taken or unusable."""
        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        if _NAME.match(name) is None:
            raise UserError(f"{name!r} cannot name a key: use a-z, 0-9, dot, dash; at most 64")
        private = Ed25519PrivateKey.generate()
        pem = private.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(self._passphrase)
            if self._passphrase
            else serialization.NoEncryption(),
        )
        self._write(self._path(name), pem)
        return Ed25519Signer(private.private_bytes_raw())

    def signer(self, name: str) -> Signer:
        """Return the signer called `name`. Raises `UserError` when it cannot be opened."""
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
        from cryptography.hazmat.primitives.serialization import load_pem_private_key

        try:
            pem = self._path(name).read_bytes()
        except FileNotFoundError:
            known = ", ".join(self.names()) or "none"
            raise UserError(
                f"no key named {name!r} for this archive on this machine (there is: {known}); "
                f"keys lie in {self._folder}"
            ) from None
        except OSError as error:
            raise UserError(f"the key {name!r} cannot be read: {error}") from error
        try:
            private = load_pem_private_key(pem, self._passphrase)
        except (TypeError, ValueError):
            # The library's own message may quote what it was given: it is not passed on.
            raise UserError(
                f"the key {name!r} does not open; set EMERITUS_PASSPHRASE to its passphrase"
            ) from None
        if not isinstance(private, Ed25519PrivateKey):
            raise UserError(f"the key {name!r} is no Ed25519 key")
        return Ed25519Signer(private.private_bytes_raw())

    def names(self) -> Iterator[str]:
        """Yield the names of the keys on this machine, sorted."""
        for path in sorted(self._folder.glob("*.pem")):
            yield path.stem

    def _path(self, name: str) -> Path:
        return self._folder / f"{name}.pem"

    def _write(self, path: Path, pem: bytes) -> None:
        try:
            # Durable before the record names it: a key that is lost can sign nothing any more.
            make_folder(path.parent, 0o700)
            write_file(path, pem, 0o600)
        except FileExistsError:
            raise UserError(f"a key named {path.stem!r} exists already in {path.parent}") from None
        except OSError as error:
            raise UserError(f"the key cannot be written to {path}: {error.strerror}") from error
