"""What is kept encrypted, until when, and how it is erased for good."""

import dataclasses
import datetime
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from emeritus.archive import Archive
from emeritus.archive.creation import require_outside
from emeritus.archive.documents import Document, documents_of
from emeritus.archive.handle import STEWARD
from emeritus.archive.spools import forget_codings, put_away_recorded
from emeritus.clock import moment_of
from emeritus.errors import UserError
from emeritus.lifecycle.moves import policy_in_force, require_reason
from emeritus.record import Entry
from emeritus.record.events import DocumentEvent, ObjectErased, SessionHeld
from emeritus.record.events.values import Artefact
from emeritus.vault.durable import write_file

Ground = Literal["retention", "erasure", "takedown"]


@dataclasses.dataclass(frozen=True, slots=True)
class Encrypted:
    """An encrypted document: what it is, whether its key is here, and how long it is kept.

    `until` is the day from which the schedule lets it be erased; None: for a lifetime.
    """

    document: Document
    model: str
    artefact: Artefact
    until: str | None
    key_here: bool


def encrypted_documents(archive: Archive, model: str | None = None) -> Iterator[Encrypted]:
    """Yield every encrypted document on record, of all models or of one, in order."""
    history, policy = archive.history(), policy_in_force(archive)
    events = {entry.id: entry for entry in history if isinstance(entry.event, DocumentEvent)}
    for document in documents_of(history):
        entry = events.get(document.entry)
        if not document.encrypted or entry is None:
            continue
        event = entry.event
        if isinstance(event, DocumentEvent) and model in (None, event.model):
            schedule = policy.schedule(event.artefact)
            until = None
            if schedule is not None and schedule.keep != "lifetime":
                day = moment_of(entry.time).date() + datetime.timedelta(days=schedule.keep)
                until = day.isoformat()
            held = archive.object_keys.holds(document.object)
            yield Encrypted(document, event.model, event.artefact, until, held)


def keys_without_event(archive: Archive) -> list[str]:
    """Return the objects whose key is here and that no event cites.

    A run that was stopped goes on with its own. Of any other, the key can be deleted.
    """
    cited = {each.document.object for each in encrypted_documents(archive)}
    return [each for each in archive.object_keys.held() if each not in cited]


def require_encrypted(archive: Archive, name: str) -> Encrypted:
    """Return the encrypted document called `name`, by its name or the id of its object.

    Raises `UserError` when there is none, or several that differ have that name.
    """
    found = {
        each.document.object: each
        for each in encrypted_documents(archive)
        if name in (each.document.name, each.document.object)
    }
    if len(found) > 1:
        raise UserError(f"several documents are called {name}; name one: {', '.join(found)}")
    if found:
        return found.popitem()[1]
    if any(name in (each.name, each.object) for each in documents_of(archive.history())):
        raise UserError(
            f"{name} was not encrypted when it was stored, so no key can be destroyed; "
            "[retention] in the policy says what is encrypted from now on"
        )
    raise UserError(f"there is no encrypted document {name!r}; see: emeritus encrypted list")


def write_opened(archive: Archive, name: str, dest: Path) -> int:
    """Write what an encrypted document says to the new file `dest`; return how many bytes."""
    require_outside(dest)
    document = require_encrypted(archive, name).document
    if document.erased is not None:
        raise UserError(f"{name} was erased by event {document.erased}: nobody can read it")
    data = archive.open_document(document.object, document.sha256, encrypted=True)
    try:
        write_file(dest, data, 0o600)
    except FileExistsError:
        raise UserError(f"{dest} exists; name a new file") from None
    return len(data)


def erase(
    archive: Archive, name: str, ground: Ground, reason: str, by: str = STEWARD
) -> Entry[ObjectErased]:
    """Destroy the key of an encrypted document under a signed event, and return the event.

    What coders decided about it and what waits on this machine goes too.

    The event comes first: stopped behind it, `verify` finds the key (A006), and the next call goes
    on. A key that another machine or person has is not reached: it has to be deleted there. Raises
    `UserError` when the key is not here, and for the ground `retention` before the schedule has
    run out.
    """
    archive.require_primary()
    found = require_encrypted(archive, name)
    object_id = found.document.object
    put_away_recorded(archive, found.model)
    if found.document.erased is None:
        require_reason(reason, "an erasure")
        _require_due(archive, found, ground)
        if not found.key_here:
            raise UserError(f"the key of {name} is not on this machine; erase it where it is")
        event = ObjectErased(
            object=object_id, artefact=found.artefact, ground=ground, reason=reason
        )
        archive.append(event, key=by)
    archive.object_keys.destroy(object_id)
    held = archive.history().all(SessionHeld)
    forget_codings(
        archive, {each.event.session for each in held if each.event.transcript == object_id}
    )
    entries = archive.history().all(ObjectErased)
    return next(entry for entry in entries if entry.event.object == object_id)


def _require_due(archive: Archive, found: Encrypted, ground: Ground) -> None:
    if ground != "retention":
        return
    if found.until is None:
        raise UserError(f"the policy keeps {found.artefact} for a lifetime: no schedule runs out")
    if archive.clock.now().date().isoformat() < found.until:
        raise UserError(f"the policy keeps {found.document.name} until {found.until}")
