"""Events about what users are offered: it opens, is announced to end, ends, comes back."""

import enum

from emeritus.record.events.event import MACHINE, DocumentEvent, ModelEvent
from emeritus.record.events.values import Count, Day, Digest, Id, ObjectId


class OfferingOpened(ModelEvent, frozen=True, kw_only=True, tag="offering.opened"):
    """The model is offered on a channel (and region), such as `api/eu`."""

    offering: Id


class LegacyDeclared(ModelEvent, frozen=True, kw_only=True, tag="legacy.declared"):
    """The model is still served there, and no longer recommended."""

    offering: Id
    reason: str


class DateKind(enum.StrEnum):
    """How firm a date is."""

    FLOOR = "floor"
    ANNOUNCED = "announced"
    CONFIRMED = "confirmed"
    OBSERVED = "observed"


class RetirementAnnounced(ModelEvent, frozen=True, kw_only=True, tag="retirement.announced"):
    """The end of an offering was announced, with its date (RFC 3339 full-date) and successor.

    `reason` says why it ends.
    """

    offering: Id
    retire_on: Day
    date_kind: DateKind
    successor: Id | None = None
    reason: str | None = None
    source: str = "steward"


class DateMoved(ModelEvent, frozen=True, kw_only=True, tag="date.moved"):
    """A new date stands beside the old one, which stays on record."""

    offering: Id
    retire_on: Day
    date_kind: DateKind
    reason: str
    source: str = "steward"


class NoticeSent(DocumentEvent, frozen=True, kw_only=True, tag="notice.sent"):
    """The users of an offering were told that it ends on `retire_on`; `document` is what they read.

    `channel` is how (`email`, `webhook`, `feed`, …). `recipients` is how many, and never who.
    """

    signed_by = MACHINE
    artefact = "letters"
    offering: Id
    channel: str
    retire_on: Day
    document: ObjectId
    sha256: Digest
    recipients: Count


class GuidePublished(ModelEvent, frozen=True, kw_only=True, tag="guide.published"):
    """The migration guide for users was published."""

    offering: Id
    document: ObjectId
    sha256: Digest


class ModelRetired(ModelEvent, frozen=True, kw_only=True, tag="model.retired"):
    """The offering ended. In an emergency, `owed` lists the gates that were open and stay owed.

    `reason` is that of the emergency; otherwise the announcement has it.
    """

    offering: Id
    emergency: bool = False
    owed: tuple[str, ...] = ()
    reason: str | None = None


class ModelReinstated(ModelEvent, frozen=True, kw_only=True, tag="model.reinstated"):
    """A retired offering came back."""

    offering: Id
    reason: str
