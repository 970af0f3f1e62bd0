"""The post-deployment report: reads everything below, writes one document."""

from emeritus.report.draft import draft_of
from emeritus.report.facts import Remarks, Report, collect
from emeritus.report.rendering import render_html, render_markdown
from emeritus.report.signing import next_report, sign_report

__all__ = [
    "Remarks",
    "Report",
    "collect",
    "draft_of",
    "next_report",
    "render_html",
    "render_markdown",
    "sign_report",
]
