"""Turns a report into one self-contained HTML page, and into Markdown.

Whatever a model or a stranger wrote is data here: HTML is escaped by the template engine, Markdown
by `markup.inert`, and characters that reorder or hide text are shown as escapes in both.
"""

from typing import Any

from emeritus.evaluation.reader import figure, parts_of, style
from emeritus.figures import counted, size
from emeritus.interview.steering import WITHHELD
from emeritus.markup import inert, visible
from emeritus.report.facts import Report
from emeritus.report.plot import plot_of


def render_html(report: Report) -> bytes:
    """Return the report as a page that loads nothing from anywhere."""
    return _render("report.html.jinja", report, autoescape=True)


def render_markdown(report: Report) -> bytes:
    """Return the report as Markdown (CommonMark)."""
    return _render("report.md.jinja", report, autoescape=False)


def _render(template: str, report: Report, *, autoescape: bool) -> bytes:
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("emeritus.report"),
        autoescape=autoescape,  # noqa: S701  Markdown is made inert by its own filter
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"inert": inert, "visible": visible, "size": size, "counted": counted}
    values: dict[str, Any] = {
        "report": report,
        "withheld": WITHHELD,
        "plot": plot_of(report.measured),
        "battery": None if report.battery is None else parts_of(report.battery),
    }
    if autoescape:
        values["ladder"] = None if report.battery is None else figure(report.battery.plot)
        values["ladder_style"] = style()
    if autoescape and report.remarks.analysis:
        values["analysis"] = _analysis(report.remarks.analysis)
    return environment.get_template(template).render(values).encode()


def _analysis(text: str) -> Any:
    """Return the organisation's Markdown as HTML; HTML in it is shown, never interpreted."""
    from markdown_it import MarkdownIt
    from markupsafe import Markup

    reader = MarkdownIt("commonmark", {"html": False}).disable("image")
    return Markup(reader.render(visible(text)))  # noqa: S704  made by the renderer, HTML disabled
