"""What every kind of event is built from: roles, forms of values, and what is common to all."""

import enum
from typing import Annotated, ClassVar, Literal

import msgspec

EVENTS_PER_COMMIT_MAX = 256

Day = Annotated[str, msgspec.Meta(pattern=r"^\d{4}-\d{2}-\d{2}$", max_length=10)]
Count = Annotated[int, msgspec.Meta(ge=0)]
Artefact = Literal["weights", "run-set", "transcripts", "letters", "usage"]
"""What a policy's retention schedule tells apart."""


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


class Event(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", omit_defaults=True):
    """One past-tense fact. Subclasses are the kinds.

    `newest_by`, of a kind about the archive: among events with the same values of these fields only
    the newest says how things stand now. None: each of them does.
    """

    signed_by: ClassVar[frozenset[Role]] = STEWARD
    newest_by: ClassVar[tuple[str, ...] | None] = None


class ModelEvent(Event, frozen=True, kw_only=True):
    """A fact about one model; `model` is its id, such as `acme/aster-1`."""

    model: str


class DocumentEvent(ModelEvent, frozen=True, kw_only=True):
    """A fact about one model whose bytes are a document of a kind that the schedule names.

    `encrypted`: what is cited is an encrypted document, which nobody reads without its key.
    """

    artefact: ClassVar[Artefact]
    encrypted: bool = False
