"""Protocols of format 0, which archives cite by digest and which are read for ever."""

from typing import Any, Final

import msgspec

from emeritus.interview.protocol import Arm, Change, Item, Protocol
from emeritus.record.events.values import Count, Name

FORMAT: Final = "emeritus-protocol/0"


class ItemZero(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An item: no section, no probe, no leading wording."""

    id: str
    theme: str
    wordings: tuple[str, ...]


class SessionsZero(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The one arm that format 0 has."""

    count: int
    arm: str
    sampling: dict[str, float | int]


class ProtocolZero(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A protocol as a file of format 0 has it."""

    format: str
    name: Name
    version: Count
    language: str
    title: str
    changes: tuple[str, ...]
    disclosure: str
    consent: str
    sessions: SessionsZero
    items: tuple[ItemZero, ...]


def read(mapping: dict[str, Any]) -> Protocol:
    """Return a protocol of format 0. Raises `msgspec.ValidationError` when it is none."""
    old = msgspec.convert(mapping, ProtocolZero)
    if old.sessions.count < 1:
        raise msgspec.ValidationError("it holds no session")
    return Protocol(
        format=old.format,
        name=old.name,
        version=old.version,
        language=old.language,
        title=old.title,
        changes=tuple(map(_change, old.changes)),
        disclosure=old.disclosure,
        consent=old.consent,
        items=tuple(Item(each.id, each.theme, each.wordings) for each in old.items),
        arms={old.sessions.arm: Arm(sessions=old.sessions.count)},
        sampling=old.sessions.sampling,
    )


def _change(line: str) -> Change:
    """Read "1: first version"."""
    version, _, text = line.partition(":")
    if not version.strip().isdecimal():
        raise msgspec.ValidationError(f"the change {line!r} begins with no version")
    return Change(int(version), text.strip())
