"""What every kind of event is built from: the roles that sign, and what is common to all."""

import enum
from typing import ClassVar

import msgspec

from emeritus.record.events.values import Artefact, Id

EVENTS_PER_COMMIT_MAX = 256


class Role(enum.StrEnum):
    """What a key may sign for."""

    ROOT = "root"
    STEWARD = "steward"
    REVIEWER = "reviewer"
    APPROVER = "approver"
    AUDITOR = "auditor"
    SERVICE = "service"


ROOT = frozenset({Role.ROOT})
STEWARD = frozenset({Role.STEWARD})
REVIEWER = frozenset({Role.REVIEWER})
MACHINE = frozenset({Role.SERVICE, Role.STEWARD})


class Event(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    tag_field="kind",
    omit_defaults=True,
    forbid_unknown_fields=True,
):
    """One past-tense fact. Subclasses are the kinds, and have exactly the fields of their kind.

    `newest_by`, of a kind about the archive: among events with the same values of these fields only
    the newest says how things stand now. None: each of them does.
    """

    signed_by: ClassVar[frozenset[Role]] = STEWARD
    newest_by: ClassVar[tuple[str, ...] | None] = None


class ModelEvent(Event, frozen=True, kw_only=True):
    """A fact about one model; `model` is its id, such as `acme/aster-1`."""

    model: Id


class DocumentEvent(ModelEvent, frozen=True, kw_only=True):
    """A fact about one model whose bytes are a document of a kind that the schedule names.

    `encrypted`: what is cited is an encrypted document, which nobody reads without its key.
    """

    artefact: ClassVar[Artefact]
    encrypted: bool = False
