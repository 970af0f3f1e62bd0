"""The people who may sign."""

from collections.abc import Iterable

from emeritus.archive.handle import STEWARD, Archive
from emeritus.errors import UserError
from emeritus.record.events import KeyAdded, Role


def add_person(archive: Archive, name: str, roles: Iterable[str]) -> str:
    """Make a key for `name` on this machine, put it on record with `roles`; return its id.

    A key that was made and not yet recorded, because the program was stopped between the two,
    is recorded by the next call.
    """
    archive.history()
    holders = archive.record.authority.holders()
    if any(holder.name == name for holder in holders.values()):
        raise UserError(f"{name!r} has a key on record already")
    made = name in archive.keys.names()
    signer = archive.keys.signer(name) if made else archive.keys.create(name)
    event = KeyAdded(key=signer.key, name=name, roles=tuple(Role(role) for role in roles))
    archive.append(event, key=STEWARD)
    return signer.key
