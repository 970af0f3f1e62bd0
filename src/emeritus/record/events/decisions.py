"""Events about what people decided on the evidence: the report, the gates, who may have access."""

from emeritus.record.events.event import ModelEvent, Role
from emeritus.record.events.values import Access, Count, Day, Digest, ObjectId


class ReportSigned(ModelEvent, frozen=True, kw_only=True, tag="report.signed"):
    """The post-deployment report number `number` was finished and stored in the vault."""

    number: Count
    html: ObjectId
    html_sha256: Digest
    markdown: ObjectId
    markdown_sha256: Digest


class GateWaived(ModelEvent, frozen=True, kw_only=True, tag="gate.waived"):
    """A named person let the model pass a gate without its evidence, for the stated reason."""

    gate: str
    reason: str


class GateApproved(ModelEvent, frozen=True, kw_only=True, tag="gate.approved"):
    """A person approved report `report`, whose HTML form has the digest `report_sha256`.

    Two approvals count only when they come from two keys, and only for the newest report.
    """

    signed_by = frozenset({Role.APPROVER})
    gate: str
    report: Count
    report_sha256: Digest


class AccessDecided(ModelEvent, frozen=True, kw_only=True, tag="access.decided"):
    """Who may use the retired model: `none`, `by-request` or `public`."""

    access: Access
    cost: str
    risk: str
    reason: str


class AccessGranted(ModelEvent, frozen=True, kw_only=True, tag="access.granted"):
    """Somebody may use the retired model; `grant` is a name for this grant that says nobody's.

    `holder_sha256` is the digest of a salt and of who it is, both kept outside the archive.
    """

    grant: str
    purpose: str
    holder_sha256: Digest
    until: Day | None = None


class AccessRevoked(ModelEvent, frozen=True, kw_only=True, tag="access.revoked"):
    """A grant ended before its time, or without one."""

    grant: str
    reason: str
