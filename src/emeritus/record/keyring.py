"""The private keys of this machine: where they lie, and how they are opened."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from emeritus.errors import UserError
from emeritus.record.signing import Ed25519Signer, HybridSigner, Signer
from emeritus.vault.durable import make_folder, write_file

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}\Z")
_BLOCK = re.compile(rb"-----BEGIN [A-Z ]+-----\n.*?-----END [A-Z ]+-----\n?", re.DOTALL)
FILE_BYTES_MAX: Final = 64 * 1024


class KeyRing:
    """The private keys of one archive (or witness) on this machine: one file for each name.

    A file holds two PEM blocks (PKCS #8): the Ed25519 key and the ML-DSA-44 key, as its seed.
    Files are created with mode 0600 and are encrypted when there is a passphrase.
    """

    def __init__(self, folder: Path, passphrase: str | None = None) -> None:
        self._folder = folder
        self._passphrase = passphrase.encode() if passphrase else None

    def create(self, name: str) -> Signer:
        """Make a new pair called `name`. Raises `UserError` when the name is taken or unusable."""
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
        from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

        require_name(name)
        first, second = Ed25519PrivateKey.generate(), MLDSA44PrivateKey.generate()
        self._write(self._path(name), self._pem(first) + self._pem(second))
        return HybridSigner(first.private_bytes_raw(), second.private_bytes_raw())

    def signer(self, name: str) -> Signer:
        """Return the signer called `name`. Raises `UserError` when it cannot be opened."""
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
        from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

        match self._open(name):
            case [Ed25519PrivateKey() as first]:
                return Ed25519Signer(first.private_bytes_raw())
            case [Ed25519PrivateKey() as first, MLDSA44PrivateKey() as second]:
                return HybridSigner(first.private_bytes_raw(), second.private_bytes_raw())
            case _:
                raise UserError(f"the key {name!r} is no Ed25519 key with an ML-DSA-44 key behind")

    def create_p256(self, name: str) -> "EllipticCurvePrivateKey":
        """Make a P-256 key called `name`, which signs model signing bundles alone."""
        from cryptography.hazmat.primitives.asymmetric import ec

        require_name(name)
        private = ec.generate_private_key(ec.SECP256R1())
        self._write(self._path(name), self._pem(private))
        return private

    def p256(self, name: str) -> "EllipticCurvePrivateKey":
        """Return the P-256 key called `name`. Raises `UserError` when it cannot be opened."""
        from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

        match self._open(name):
            case [EllipticCurvePrivateKey() as private] if private.curve.name == "secp256r1":
                return private
            case _:
                raise UserError(f"the key {name!r} is no P-256 key")

    def names(self) -> Iterator[str]:
        """Yield the names of the keys on this machine, sorted."""
        for path in sorted(self._folder.glob("*.pem")):
            yield path.stem

    def set_aside(self, name: str) -> None:
        """Rename the key called `name` out of the way of its successor; it is not deleted."""
        number = 1
        while (aside := self._path(f"{name}.old-{number}")).exists():
            number += 1
        self._path(name).rename(aside)

    def rename(self, name: str, to: str) -> None:
        """Give the key called `name` another name. Raises `UserError` when it is taken."""
        if self._path(to).exists():
            raise UserError(f"a key named {to!r} exists already in {self._folder}")
        self._path(name).rename(self._path(to))

    def _open(self, name: str) -> list[Any]:
        """Return the private keys in the file called `name`."""
        from cryptography.exceptions import UnsupportedAlgorithm
        from cryptography.hazmat.primitives.serialization import load_pem_private_key

        blocks = _BLOCK.findall(self._read(name))
        try:
            return [load_pem_private_key(block, self._passphrase) for block in blocks]
        except (TypeError, ValueError, UnsupportedAlgorithm):
            # The library's own message may quote what it was given: it is not passed on.
            raise UserError(
                f"the key {name!r} does not open; set EMERITUS_PASSPHRASE to its passphrase"
            ) from None

    def _pem(self, private: Any) -> bytes:
        from cryptography.hazmat.primitives import serialization

        pem: bytes = private.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(self._passphrase)
            if self._passphrase
            else serialization.NoEncryption(),
        )
        return pem

    def _path(self, name: str) -> Path:
        return self._folder / f"{name}.pem"

    def _read(self, name: str) -> bytes:
        try:
            with open(self._path(name), "rb") as file:
                return file.read(FILE_BYTES_MAX)
        except FileNotFoundError:
            known = ", ".join(self.names()) or "none"
            raise UserError(
                f"no key named {name!r} for this archive on this machine (there is: {known}); "
                f"keys lie in {self._folder}"
            ) from None
        except OSError as error:
            raise UserError(f"the key {name!r} cannot be read: {error}") from error

    def _write(self, path: Path, pem: bytes) -> None:
        try:
            # Durable before the record names it: a key that is lost can sign nothing any more.
            make_folder(path.parent, 0o700)
            write_file(path, pem, 0o600)
        except FileExistsError:
            raise UserError(f"a key named {path.stem!r} exists already in {path.parent}") from None
        except OSError as error:
            raise UserError(f"the key cannot be written to {path}: {error.strerror}") from error


def require_name(name: str) -> None:
    """Raise `UserError` when `name` cannot name a key."""
    if _NAME.match(name) is None:
        raise UserError(f"{name!r} cannot name a key: use a-z, 0-9, dot, dash; at most 64")
