"""`interview protocols`: which protocols there are, what one says, and whether one may be used."""

import dataclasses
from typing import TYPE_CHECKING, Any

import click

from emeritus.cli.options import with_output
from emeritus.cli.output import Output
from emeritus.errors import printable

if TYPE_CHECKING:
    from emeritus.interview.protocol import Published


@click.command(epilog="Example: emeritus interview protocols --lint ours.toml")
@click.option("--show", metavar="NAME", help="Print the complete text of a protocol.")
@click.option("--lint", "to_lint", metavar="FILE", help="Look for wording that leads; exit 2.")
@with_output
def protocols(output: Output, show: str | None, to_lint: str | None) -> int:
    """List the protocols that are shipped, print one, or look through one of your own.

    A protocol of your own is used with --plan FILE. It has to pass the lint, and it is put on
    record before the first question.
    """
    if to_lint is not None:
        return _lint(output, to_lint)
    if show is not None:
        _show(output, show)
    else:
        _list(output)
    return 0


def _list(output: Output) -> None:
    from emeritus.interview import shipped_protocols

    documents = []
    for published in map(shipped_protocols.load, shipped_protocols.available()):
        protocol = published.protocol
        output.line(f"{protocol.label}  {protocol.title}", bold=True)
        items = f"{len(protocol.items)} items in {protocol.wordings} wordings"
        output.line(f"  {protocol.language}, {items}, {published.sha256}")
        for row in _arms(published):
            each = ", one item each" if row["alone"] else ""
            output.line(
                f"  arm {row['arm']}: sessions: {row['sessions']}, items: {row['items']}{each}"
            )
        documents.append(_document(published))
    output.document({"protocols": documents})


def _show(output: Output, name: str) -> None:
    from emeritus.interview import shipped_protocols

    published = shipped_protocols.load(name)
    text = published.data.decode()
    # A file of somebody's own may hold what a terminal would obey; nothing else is changed in it.
    for line in text.splitlines():
        output.line(printable(line, len(line)))
    output.document({**_document(published), "text": text})


def _lint(output: Output, path: str) -> int:
    from emeritus.interview import lint, shipped_protocols

    published = shipped_protocols.read_file(path)
    findings = lint.findings(published.protocol)
    for each in findings:
        output.line(f"{each.code}  {output.untrusted(each.where)}", fg="red")
        output.line(f"      {lint.CODES[each.code]}: {output.untrusted(each.detail)}")
    label = published.protocol.label
    said = f"{label} passes the lint" if not findings else f"{label}: findings: {len(findings)}"
    output.line(said, bold=True)
    output.document(
        {
            "protocol": label,
            "sha256": published.sha256,
            "findings": [dataclasses.asdict(each) for each in findings],
        }
    )
    return 2 if findings else 0


def _document(published: "Published") -> dict[str, Any]:
    protocol = published.protocol
    return {
        "protocol": protocol.label,
        "title": protocol.title,
        "language": protocol.language,
        "sha256": published.sha256,
        "items": len(protocol.items),
        "wordings": protocol.wordings,
        "attested": [each.name for each in protocol.attested],
        "arms": _arms(published),
    }


def _arms(published: "Published") -> list[dict[str, Any]]:
    """Return how many conversations each arm has, and how many items are asked in them."""
    from emeritus.interview import plan

    rows = []
    for name, arm in published.protocol.arms.items():
        planned = plan.sessions_of(published.protocol, name, seed=0)
        asked = sum(len(each.asked) for each in planned)
        rows.append({"arm": name, "sessions": len(planned), "items": asked, "alone": arm.alone})
    return rows
