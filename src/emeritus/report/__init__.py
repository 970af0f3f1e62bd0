"""The post-deployment report: reads everything below, writes one document."""

from emeritus.report.facts import Remarks, Report, collect
from emeritus.report.rendering import render_html, render_markdown
from emeritus.report.signing import sign_report

__all__ = ["Remarks", "Report", "collect", "render_html", "render_markdown", "sign_report"]
