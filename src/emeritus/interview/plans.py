"""Which protocol a command follows that reads what was said."""

from typing import Final

from emeritus.archive import Archive
from emeritus.errors import UserError
from emeritus.interview import shipped_protocols
from emeritus.interview.protocol import Published
from emeritus.interview.showing import READ_BACK, REPLY
from emeritus.record.events import ProtocolPublished, SessionHeld

DEFAULT: Final = "demo"


def plan_of(archive: Archive, model: str, plan: str | None) -> Published:
    """Return the protocol called `plan`; for None, the one under which `model` was interviewed.

    What is on record goes before what is shipped. Before any interview it is `DEFAULT`. Raises
    `UserError` that names them when there was more than one, and as `load` does.
    """
    held = {
        entry.event.protocol: entry.event.protocol_sha256
        for entry in archive.history(model).all(SessionHeld)
        if entry.event.arm not in (READ_BACK, REPLY)
    }
    if plan is None and len(held) > 1:
        raise UserError(
            f"{model} was interviewed under {len(held)} protocols: name one with --plan: "
            + ", ".join(held)
        )
    wanted = plan if plan is not None else next(iter(held), DEFAULT)
    if wanted in held:
        return _on_record(archive, held[wanted])
    published = shipped_protocols.load(wanted)
    label = published.protocol.label
    return _on_record(archive, held[label]) if label in held else published


def _on_record(archive: Archive, sha256: str) -> Published:
    for entry in archive.history().all(ProtocolPublished):
        event = entry.event
        if event.sha256 == sha256:
            data = archive.read_document(event.document, event.sha256)
            return shipped_protocols.read(data, event.protocol)
    raise UserError(f"the protocol with the digest {sha256} is not on record")
