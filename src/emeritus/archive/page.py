"""A plain page of headings, paragraphs and rows, written as HTML and as Markdown."""

import dataclasses
import html
import urllib.parse
from collections.abc import Iterable

from emeritus.markup import inert, visible

FORMS = ("html", "md")
STYLE = """\
:root { --ink: #1d2321; --soft: #5a6360; --rule: #d9dcd6; --paper: #fbfaf6; --accent: #2f5d50;
  color-scheme: light dark; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e4dc; --soft: #a3aaa5; --rule: #3a413e;
  --paper: #161a18; --accent: #8fc1b0; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink);
  font: 17px/1.55 Charter, "Bitstream Charter", Georgia, "DejaVu Serif", serif; }
main { max-width: 62rem; margin: 0 auto; padding: 2.5rem 1.25rem 6rem; }
h1 { font-size: 2rem; line-height: 1.2; font-weight: 600; overflow-wrap: anywhere; }
h2 { font-size: 1.3rem; margin: 2.5rem 0 .75rem; padding-top: 1rem;
  border-top: 1px solid var(--rule); font-weight: 600; }
p { max-width: 46rem; } a { color: var(--accent); }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: .9rem; line-height: 1.45; }
th, td { text-align: left; vertical-align: top; padding: .45rem 1rem .45rem 0;
  border-bottom: 1px solid var(--rule); overflow-wrap: break-word; }
th { font-weight: 600; color: var(--soft); white-space: nowrap; }
@media (max-width: 45rem) { th { display: none; } tr, td { display: block; }
  td { border: 0; padding: 0; overflow-wrap: anywhere; } td:first-child { font-weight: 600; }
  tr { border-bottom: 1px solid var(--rule); padding: .5rem 0; } }
"""


@dataclasses.dataclass(frozen=True, slots=True)
class Link:
    """A link to a file of the archive; `{form}` in `href` becomes the form of the page."""

    text: str
    href: str


Inline = str | Link
Cell = tuple[Inline, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Heading:
    """The title of a section."""

    text: str


@dataclasses.dataclass(frozen=True, slots=True)
class Paragraph:
    """Text with links in it."""

    parts: Cell


@dataclasses.dataclass(frozen=True, slots=True)
class Rows:
    """Rows under a head; Markdown has them as a list, which reads well as plain text."""

    head: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Page:
    """A title and what stands below it."""

    title: str
    blocks: tuple[Heading | Paragraph | Rows, ...]

    def render(self, form: str) -> bytes:
        """Return the page as `html` or `md`; every text is shown and never obeyed."""
        return (_html(self) if form == "html" else _markdown(self)).encode()


def _html(page: Page) -> str:
    title = _escaped(page.title)
    policy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
    body = "\n".join(_html_block(block) for block in page.blocks)
    return (
        f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        f"<title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n"
        f"<h1>{title}</h1>\n{body}\n</main>\n</body>\n</html>\n"
    )


def _html_block(block: Heading | Paragraph | Rows) -> str:
    match block:
        case Heading():
            return f"<h2>{_escaped(block.text)}</h2>"
        case Paragraph():
            return f"<p>{_html_cell(block.parts)}</p>"
        case Rows():
            head = "".join(f"<th>{_escaped(name)}</th>" for name in block.head)
            rows = "\n".join(
                "<tr>" + "".join(f"<td>{_html_cell(cell)}</td>" for cell in row) + "</tr>"
                for row in block.rows
            )
            return f'<div class="wide"><table>\n<tr>{head}</tr>\n{rows}\n</table></div>'


def _html_cell(cell: Cell) -> str:
    return "".join(
        f'<a href="{_escaped(_href(part, "html"))}">{_escaped(part.text)}</a>'
        if isinstance(part, Link)
        else _escaped(part)
        for part in cell
    )


def _markdown(page: Page) -> str:
    blocks = "\n\n".join(_markdown_block(block) for block in page.blocks)
    return f"# {inert(page.title)}\n\n{blocks}\n"


def _markdown_block(block: Heading | Paragraph | Rows) -> str:
    match block:
        case Heading():
            return f"## {inert(block.text)}"
        case Paragraph():
            return _markdown_cell(block.parts)
        case Rows():
            rows = [[_markdown_cell(cell) for cell in row] for row in block.rows]
            # Where a cell may be missing, its place in the line does not tell what it is.
            named = [not all(cells) for cells in zip(*rows, strict=True)]
            return "\n".join(f"- {' · '.join(_told(block.head, named, row))}" for row in rows)


def _told(head: Iterable[str], named: Iterable[bool], row: Iterable[str]) -> list[str]:
    """Return the cells of a row that say something."""
    return [
        f"{inert(name)}: {cell}" if by_name else cell
        for name, by_name, cell in zip(head, named, row, strict=True)
        if cell
    ]


def _markdown_cell(cell: Cell) -> str:
    parts = [
        f"[{inert(part.text)}](<{_href(part, 'md')}>)" if isinstance(part, Link) else inert(part)
        for part in cell
    ]
    return " ".join(part for part in parts if part)


def _href(link: Link, form: str) -> str:
    return urllib.parse.quote(link.href.replace("{form}", form))


def _escaped(text: str) -> str:
    return html.escape(visible(text))
