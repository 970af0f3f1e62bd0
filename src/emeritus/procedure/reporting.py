"""Writes the report, and lays it where people look."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from emeritus.archive import Archive
from emeritus.archive.documents import write_documents
from emeritus.errors import UserError
from emeritus.lifecycle.moves import require_registered
from emeritus.report import Remarks, sign_report


@dataclasses.dataclass(frozen=True, slots=True)
class Written:
    """A signed report: its number, its event and its files in the archive."""

    number: int
    event: str
    html: Path
    markdown: Path


def write_report(
    archive: Archive, model: str, analysis: Path | None, notes: Sequence[str], key: str
) -> Written:
    """Sign the next report of `model`; return where it lies.

    `analysis` is a Markdown file of the organisation's own; `notes` stand beside the interview.
    """
    archive.require_primary()
    require_registered(archive, model)
    remarks = Remarks(analysis=_text(analysis) if analysis else None, notes=tuple(notes))
    entry = sign_report(archive, model, remarks, key)
    write_documents(archive)
    stem = archive.root / "models" / model / f"report-{entry.event.number}"
    return Written(entry.event.number, entry.id, stem.with_suffix(".html"), stem.with_suffix(".md"))


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"the analysis {path} cannot be read as UTF-8 text: {error}") from error
