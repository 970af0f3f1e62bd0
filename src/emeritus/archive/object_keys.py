"""The keys of encrypted objects: one small file each, outside the archive, where they can be lost.

That they can be destroyed is what they are for. Format: docs/formats/vault.md, Encryption.
"""

import contextlib
import hashlib
import re
from collections.abc import Iterator, Sequence
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
PUBLIC: Final = "identity.pub"
RECIPIENTS: Final = "recipients.txt"
BEGUN: Final = "begun"
_LOCKED: Final = ".age"  # behind the name of an identity that a passphrase opens
_OBJECT: Final = re.compile(r"blake3:([0-9a-f]{64})\Z")


class ObjectKeys:
    """The keys of one archive's encrypted objects on this machine.

    `identity.txt` is this machine's secret key, encrypted when there is a passphrase, and
    `identity.pub` its public half. `recipients.txt` lists who else can open what is encrypted from
    now on, one public key of age a line. What was encrypted and is not on record yet stands in
    `begun/`, so that a run that was stopped does not encrypt the same words twice.
    """

    def __init__(self, folder: Path, passphrase: str | None = None) -> None:
        self.folder = folder
        self._passphrase = passphrase

    def begun(self, data: bytes) -> str | None:
        """Return the object that these bytes were encrypted as, by a run that was stopped."""
        note = self._note(data)
        return note.read_text(encoding="utf-8").strip() if note.exists() else None

    def encrypt(self, data: bytes) -> bytes:
        """Return what the vault keeps of `data`; its key is durable here when it returns.

        `settle` MUST be called when it is on record.
        """
        before = self.begun(data)
        if before is not None:
            self.destroy(before)  # it was never stored
        kept, key = encrypt(data, self._recipients())
        self._write(self.path(id_of(kept)), key)
        self._write(self._note(data), f"{id_of(kept)}\n".encode())
        return kept

    def settle(self, object_id: str) -> None:
        """Forget that an object was begun: it is on record."""
        for note in (self.folder / BEGUN).glob("*"):
            if note.read_text(encoding="utf-8").strip() == object_id:
                note.unlink(missing_ok=True)
                sync(note.parent)

    def decrypt(self, object_id: str, kept: bytes) -> bytes:
        """Return the document. Raises `UserError` when what opens it is not on this machine."""
        try:
            key = self.path(object_id).read_bytes()
        except FileNotFoundError:
            raise UserError(
                f"{object_id} is encrypted, and its key is not on this machine; bring the file "
                f"{self.path(object_id).name} into {self.folder}"
            ) from None
        for identity in self._identities():
            with contextlib.suppress(NotOpened):
                return decrypt(kept, key, identity)
        raise UserError(
            f"{object_id} does not open with what is in {self.folder}: it was encrypted to others, "
            "or is damaged"
        )

    def holds(self, object_id: str) -> bool:
        """Tell whether the key of an object is on this machine."""
        return self.path(object_id).exists()

    def held(self) -> Iterator[str]:
        """Yield every object whose key is on this machine."""
        for path in sorted(self.folder.glob("*.key")):
            yield f"blake3:{path.stem}"

    def destroy(self, object_id: str) -> None:
        """Delete the key of an object, durably."""
        self.path(object_id).unlink(missing_ok=True)
        self.settle(object_id)
        if self.folder.exists():
            sync(self.folder)

    def path(self, object_id: str) -> Path:
        """Return where the key of an object lies on this machine, if it does."""
        match = _OBJECT.match(object_id)
        if match is None:
            raise UserError(f"{object_id[:80]!r} is the id of no object")
        return self.folder / f"{match[1]}.key"

    def _note(self, data: bytes) -> Path:
        return self.folder / BEGUN / hashlib.sha256(data).hexdigest()

    def _recipients(self) -> Sequence[str]:
        """Return this machine's own public key, and those of others."""
        plain, locked = self.folder / IDENTITY, self.folder / (IDENTITY + _LOCKED)
        public, others = self.folder / PUBLIC, self.folder / RECIPIENTS
        if not plain.exists() and not locked.exists():
            if public.exists():
                raise UserError(
                    f"the secret key to {public} is gone: what is encrypted now could not be read "
                    f"here; bring {IDENTITY} back, or delete {public.name} to begin with a new one"
                )
            # Of two that begin at once, one makes it.
            with contextlib.suppress(FileExistsError):
                self._write_identity(new_identity())
        if not public.exists():
            own = recipient_of(next(self._identities()))
            with contextlib.suppress(FileExistsError):
                self._write(public, f"{own}\n".encode())
        files = (public, others) if others.exists() else (public,)
        lines = [line for file in files for line in file.read_text("utf-8").splitlines()]
        return [line.strip() for line in lines if line.strip() and not line.startswith("#")]

    def _write_identity(self, secret: str) -> None:
        data, name = f"{secret}\n".encode(), IDENTITY
        if self._passphrase:
            data, name = lock(data, self._passphrase), IDENTITY + _LOCKED
        self._write(self.folder / name, data)

    def _identities(self) -> Iterator[str]:
        """Yield this machine's secret key; and if there are two, both."""
        plain, locked = self.folder / IDENTITY, self.folder / (IDENTITY + _LOCKED)
        if plain.exists():
            yield plain.read_text(encoding="utf-8").strip()
        if locked.exists():
            try:
                yield unlock(locked.read_bytes(), self._passphrase or "").decode().strip()
            except NotOpened:
                raise UserError(
                    f"{locked} does not open; set EMERITUS_PASSPHRASE to its passphrase"
                ) from None
        elif not plain.exists():
            raise UserError(f"the secret key that opens encrypted objects is not at {plain}")

    def _write(self, path: Path, data: bytes) -> None:
        for folder in (self.folder, path.parent):
            make_folder(folder, 0o700)
        write_file(path, data, 0o600)
