"""Puts what an event cites into the vault, encrypted where the policy says so."""

from collections.abc import Collection
from typing import Any

from emeritus.archive import Archive
from emeritus.lifecycle.moves import policy_in_force
from emeritus.record.events import DocumentEvent, SessionHeld

TRANSCRIPT = "transcript"
DOCUMENT = "document"


def stored(
    archive: Archive, kind: type[DocumentEvent], data: bytes, quoting: Collection[str] = ()
) -> dict[str, Any]:
    """Store what an event of `kind` cites; return the fields by which it does.

    It is encrypted where the policy says so, and when one of the sessions that it is `quoting` is:
    whatever the policy says today, their words were to be kept so.
    """
    encrypted = policy_in_force(archive).encrypts(kind.artefact) or any(
        entry.event.encrypted and entry.event.session in quoting
        for entry in archive.history().all(SessionHeld)
    )
    cited, sha256 = archive.put_document(data, encrypted=encrypted)
    if TRANSCRIPT in kind.__struct_fields__:
        return {TRANSCRIPT: cited, f"{TRANSCRIPT}_sha256": sha256, "encrypted": encrypted}
    return {DOCUMENT: cited, "sha256": sha256, "encrypted": encrypted}


def settled(archive: Archive, event: DocumentEvent) -> None:
    """Forget that an encrypted document was begun: `event` is on record."""
    if event.encrypted:
        archive.object_keys.settle(getattr(event, TRANSCRIPT, None) or getattr(event, DOCUMENT))
