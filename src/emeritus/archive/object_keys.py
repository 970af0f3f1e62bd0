"""The keys of encrypted objects: one small file each, outside the archive, where they can be lost.

That they can be destroyed is what they are for. Format: docs/formats/vault.md, Encrypted documents.
"""

import contextlib
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from emeritus.errors import UserError
from emeritus.vault.durable import make_folder, sync, write_file
from emeritus.vault.encryption import (
    NotOpened,
    decrypt,
    encrypt,
    lock,
    new_identity,
    recipient_of,
    unlock,
)
from emeritus.vault.objects import id_of

IDENTITY: Final = "identity.txt"
RECIPIENTS: Final = "recipients.txt"
_LOCKED: Final = ".age"  # behind the name of an identity that a passphrase opens
_OBJECT: Final = re.compile(r"blake3:([0-9a-f]{64})\Z")


class ObjectKeys:
    """The keys of one archive's encrypted objects on this machine.

    `recipients.txt` lists who can open what is encrypted from now on, one public key of age a line;
    `identity.txt` is this machine's secret key, encrypted when there is a passphrase.
    """

    def __init__(self, folder: Path, passphrase: str | None = None) -> None:
        self.folder = folder
        self._passphrase = passphrase

    def encrypt(self, data: bytes) -> bytes:
        """Return what the vault keeps of `data`; its key is durable here when it returns."""
        kept, key = encrypt(data, self._recipients())
        self._write(self.path(id_of(kept)), key)
        return kept

    def decrypt(self, object_id: str, kept: bytes) -> bytes:
        """Return the document. Raises `UserError` when what opens it is not on this machine."""
        try:
            key = self.path(object_id).read_bytes()
        except FileNotFoundError:
            raise UserError(
                f"{object_id} is encrypted, and its key is not on this machine; bring the file "
                f"{self.path(object_id).name} into {self.folder}"
            ) from None
        try:
            return decrypt(kept, key, self._identity())
        except NotOpened as error:
            raise UserError(
                f"{object_id} does not open: {error}; it was encrypted to those who stood in "
                f"{self.folder / RECIPIENTS} then"
            ) from error

    def holds(self, object_id: str) -> bool:
        """Tell whether the key of an object is on this machine."""
        return self.path(object_id).exists()

    def withdraw(self, object_id: str) -> None:
        """Put a key out of use, durably: what it opened cannot be read here any more.

        It is the last step before the erasure goes on record, and `destroy` comes behind it.
        Raises `UserError` when the key is not on this machine.
        """
        if self.holds(object_id):
            self.path(object_id).replace(self._withdrawn(object_id))
            sync(self.folder)
        elif not self._withdrawn(object_id).exists():
            raise UserError(f"the key of {object_id} is not on this machine; erase it where it is")

    def destroy(self, object_id: str) -> None:
        """Delete the key of an object, durably, withdrawn or not."""
        for path in (self._withdrawn(object_id), self.path(object_id)):
            path.unlink(missing_ok=True)
        if self.folder.exists():
            sync(self.folder)

    def path(self, object_id: str) -> Path:
        """Return where the key of an object lies on this machine, if it does."""
        match = _OBJECT.match(object_id)
        if match is None:
            raise UserError(f"{object_id[:80]!r} is the id of no object")
        return self.folder / f"{match[1]}.key"

    def _recipients(self) -> Sequence[str]:
        path = self.folder / RECIPIENTS
        if not path.exists():
            # Two that begin at once make one identity, and a stop between the files makes none new.
            with contextlib.suppress(FileExistsError):
                self._write_identity(new_identity())
            with contextlib.suppress(FileExistsError):
                self._write(path, f"{recipient_of(self._identity())}\n".encode())
        lines = path.read_text(encoding="utf-8").splitlines()
        found = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
        if not found:
            raise UserError(f"nobody stands in {path}; write one public key of age (age1…) a line")
        return found

    def _write_identity(self, secret: str) -> None:
        data, name = f"{secret}\n".encode(), IDENTITY
        if self._passphrase:
            data, name = lock(data, self._passphrase), IDENTITY + _LOCKED
        self._write(self.folder / name, data)

    def _identity(self) -> str:
        plain, locked = self.folder / IDENTITY, self.folder / (IDENTITY + _LOCKED)
        if plain.exists():
            return plain.read_text(encoding="utf-8").strip()
        if not locked.exists():
            raise UserError(f"the secret key that opens encrypted objects is not at {plain}")
        try:
            return unlock(locked.read_bytes(), self._passphrase or "").decode().strip()
        except NotOpened:
            raise UserError(
                f"{locked} does not open; set EMERITUS_PASSPHRASE to its passphrase"
            ) from None

    def _write(self, path: Path, data: bytes) -> None:
        make_folder(path.parent, 0o700)
        write_file(path, data, 0o600)

    def _withdrawn(self, object_id: str) -> Path:
        return self.path(object_id).with_suffix(".withdrawn")
