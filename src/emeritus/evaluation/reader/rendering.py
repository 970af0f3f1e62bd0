"""Turns a battery into a page of HTML that loads nothing and has no script.

Whatever a model or a stranger wrote is data: it is escaped by the template engine, and characters
that reorder or hide text are shown as escapes.
"""

import importlib.resources
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from emeritus.evaluation import calibration
from emeritus.evaluation.ladder import LEVELS
from emeritus.evaluation.reader import sentences
from emeritus.evaluation.reader.plot import Group, differing
from emeritus.evaluation.reader.view import View
from emeritus.figures import counted
from emeritus.markup import visible

if TYPE_CHECKING:
    from markupsafe import Markup

MADE_BY: Final = "emeritus evaluate read"


def render(view: View) -> str:
    """Return the page of `view`."""
    return _render(
        "battery.html.jinja",
        view=view,
        figure=figure(view.plot),
        made_by=MADE_BY,
        said=sentences,
        controls=[calibration.shown(each) for each in view.battery.controls],
        control_conditions=calibration.TITLES,
        differing=differing,
    )


def figure(plot: Sequence[Group]) -> "Markup":
    """Return a plot as a piece of HTML, for this page and for reports."""
    from markupsafe import Markup

    return Markup(_render("figure.html.jinja", plot=plot))  # noqa: S704  rendered with escapes


def style() -> str:
    """Return the rules of style that a figure needs."""
    folder = importlib.resources.files("emeritus.evaluation.reader") / "templates"
    return (folder / "figure.css").read_text(encoding="utf-8")


def _render(template: str, **values: Any) -> str:
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("emeritus.evaluation.reader"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"visible": visible, "counted": counted}
    return environment.get_template(template).render(levels=LEVELS, style=style(), **values)
