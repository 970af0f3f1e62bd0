"""The open archive: what every function above takes first."""

import dataclasses
from pathlib import Path

from emeritus import digests
from emeritus.archive.marks import REPLICA_MARK, SHARDS
from emeritus.archive.object_keys import ObjectKeys
from emeritus.clock import Clock
from emeritus.errors import IntegrityError, UserError
from emeritus.record import Entry, History, KeyRing, Record, Signer, replicas
from emeritus.record.events import Event
from emeritus.settings import Settings
from emeritus.vault import Store, Vault

SERVICE = "service"
STEWARD = "steward"
PRIMARY = replicas.PRIMARY


@dataclasses.dataclass(frozen=True, slots=True)
class Archive:
    """One archive with all that is needed to read it and to add to it.

    `genesis` is the fingerprint; `replica` names this copy (`primary` for the one that is
    written to, `shards/PLACE` for a place that holds shards); `keys` holds the private keys of
    this machine, if any, and `object_keys` what opens encrypted documents here.
    """

    root: Path
    id: str
    genesis: str
    replica: str
    store: Store
    vault: Vault
    record: Record
    keys: KeyRing
    object_keys: ObjectKeys
    clock: Clock
    settings: Settings

    def append(self, *events: Event, key: str = SERVICE) -> list[Entry[Event | None]]:
        """Record `events` in one commit signed by the key named `key`; durable when it returns.

        Raises `UserError` on a copy, as `require_primary` does.
        """
        self.require_primary()
        return self.record.append(events, self.signer(key), self.clock)

    def require_primary(self) -> None:
        """Raise `UserError` on a copy: two copies that are both written to would fork."""
        if self.replica.startswith(SHARDS):
            raise UserError(
                f"{self.root} holds shards in {self.replica.removeprefix(SHARDS)} and is no whole "
                "archive; record in the primary one. If that is lost, put it together with: "
                "emeritus shards rebuild DEST FOLDER..."
            )
        if self.replica != PRIMARY:
            raise UserError(
                f"{self.root} is the replica {self.replica!r}; record in the primary archive. "
                f"If that is lost, delete {self.root / REPLICA_MARK} to make this one the primary"
            )

    def signer(self, name: str) -> Signer:
        """Return the signer named `name` (raises `UserError` when it is not on this machine)."""
        return self.keys.signer(name)

    def history(self, model: str | None = None) -> History:
        """Return everything recorded so far, or what concerns one model."""
        history = self.record.history()
        return history.about(model) if model else history

    def put_document(self, data: bytes, *, encrypted: bool = False) -> tuple[str, str]:
        """Store a document; return its object id and its SHA-256, as events cite them.

        When it is to be `encrypted`, both are of what the vault keeps instead, and its key is among
        the `object_keys`. Raises `UserError` on a copy, as `require_primary` does.
        """
        self.require_primary()
        if encrypted:
            begun = self.object_keys.begun(data)
            if begun is not None and self.vault.missing_object(begun) is None:
                return begun, digests.sha256(self.vault.read(begun))
            data = self.object_keys.encrypt(data)
        return self.vault.put_document(data), digests.sha256(data)

    def read_document(self, object_id: str, sha256: str) -> bytes:
        """Return a document as the vault keeps it.

        Raises `IntegrityError` when it is not the one that was cited.
        """
        data = self.vault.read(object_id)
        if digests.sha256(data) != sha256:
            raise IntegrityError(f"the document {object_id} does not have the digest on record")
        return data

    def open_document(self, object_id: str, sha256: str, *, encrypted: bool) -> bytes:
        """Return what a document says. Raises `UserError` when its key is not on this machine."""
        data = self.read_document(object_id, sha256)
        return self.object_keys.decrypt(object_id, data) if encrypted else data

    @property
    def spool(self) -> Path:
        """The folder on this machine for conversations that are not sealed yet."""
        return self.settings.state / "conversations" / self.id
