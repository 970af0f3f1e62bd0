"""Turns a reader into one HTML page that loads nothing and needs no script to be read.

Whatever a model or a stranger wrote is data: it is escaped by the template engine, and characters
that reorder or hide text are shown as escapes. The one script of the page is ours and is named by
its digest in the page's policy, so that no other can run.
"""

import base64
import hashlib
import importlib.resources
from typing import Final

from emeritus.archive import Archive
from emeritus.errors import IntegrityError
from emeritus.figures import counted
from emeritus.interview.reader.sources import collect
from emeritus.interview.reader.view import View, view_of
from emeritus.interview.standing import Standing, standing_of
from emeritus.markup import visible

MADE_BY: Final = "emeritus interview read"


def reader_of(archive: Archive, model: str, *, everything: bool) -> str:
    """Return the interviews of `model` as one page of HTML.

    With `everything` it shows what the model wants withheld and what is encrypted, and says so on
    top. Raises `UserError` when there is nothing to show.
    """
    return render(
        view_of(collect(archive, model, everything=everything), _standing(archive, model))
    )


def _standing(archive: Archive, model: str) -> Standing:
    """Return how often things were said in which arm; where a document is damaged, nobody knows."""
    try:
        return standing_of(archive, model)
    except IntegrityError:
        return Standing.unknown()


def render(view: View) -> str:
    """Return the page of `view`."""
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("emeritus.interview.reader"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"visible": visible, "counted": counted}
    script = _template("reader.js")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return environment.get_template("reader.html.jinja").render(
        view=view,
        made_by=MADE_BY,
        style=_template("reader.css"),
        script=script,
        script_digest=f"sha256-{digest}",
    )


def _template(name: str) -> str:
    folder = importlib.resources.files("emeritus.interview.reader") / "templates"
    return (folder / name).read_text(encoding="utf-8")
