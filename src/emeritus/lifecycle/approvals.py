"""What an approval is of: one report, with nothing that it should tell coming after it. Pure."""

from emeritus.record.entry import Entry, History
from emeritus.record.events import (
    CommentReceived,
    Event,
    GateApproved,
    GateWaived,
    PreferenceActedOn,
    PreferenceConsidered,
    PreferenceDeclined,
    PreferenceDocumented,
    ReportSigned,
    SessionHeld,
)

DISPOSITIONS = (PreferenceConsidered, PreferenceActedOn, PreferenceDeclined)
TOLD = (SessionHeld, PreferenceDocumented, *DISPOSITIONS, CommentReceived, GateWaived)


def untold(history: History) -> list[Entry[Event | None]]:
    """Return what the newest report does not tell, since it came later.

    Nobody can approve what was not there to be read: a waiver or a decision that comes after a
    report asks for the next one.
    """
    report = history.last(ReportSigned)
    if report is None:
        return []
    return [e for e in history if e.place > report.place and isinstance(e.event, TOLD)]


def counting(history: History) -> tuple[dict[str, str], int]:
    """Return by name whose approvals of the newest report count, and how many are of another.

    None counts while that report lacks what came after it. A second person is another name with
    another key.
    """
    report = history.last(ReportSigned)
    people: dict[str, str] = {}
    keys: set[str] = set()
    others = 0
    for entry in history.all(GateApproved):
        if report is None or not approves(entry.event, report.event):
            others += 1
        elif not untold(history) and entry.signed_by not in people and entry.signer not in keys:
            people[entry.signed_by] = entry.id
            keys.add(entry.signer)
    return people, others


def approves(approval: GateApproved, report: ReportSigned) -> bool:
    """Tell whether an approval is of this report: of its number and its very bytes."""
    return (approval.report, approval.report_sha256) == (report.number, report.html_sha256)
