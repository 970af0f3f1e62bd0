"""Signs a report: stores its two forms in the vault and puts it on record."""

from typing import cast

from emeritus.archive import Archive
from emeritus.clock import timestamp
from emeritus.record import Entry
from emeritus.record.events import ReportSigned
from emeritus.report.facts import Remarks, Report, collect
from emeritus.report.rendering import render_html, render_markdown


def next_report(archive: Archive, model: str, remarks: Remarks) -> Report:
    """Return what the next report of `model` says if it is written now."""
    number = len(archive.history(model).all(ReportSigned)) + 1
    return collect(archive, model, remarks, number, timestamp(archive.clock.now()))


def sign_report(archive: Archive, model: str, remarks: Remarks, key: str) -> Entry[ReportSigned]:
    """Write the next report of `model` and record it, signed by the key named `key`.

    What is decided later stands in the next report: a signed one is never changed.
    """
    report = next_report(archive, model, remarks)
    html, html_sha256 = archive.put_document(render_html(report))
    markdown, markdown_sha256 = archive.put_document(render_markdown(report))
    event = ReportSigned(
        model=model,
        number=report.number,
        html=html,
        html_sha256=html_sha256,
        markdown=markdown,
        markdown_sha256=markdown_sha256,
    )
    return cast("Entry[ReportSigned]", archive.append(event, key=key)[0])
