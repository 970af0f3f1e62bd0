"""Writes the report, shows its draft to the model, and lays it where people look."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from emeritus.archive import Archive
from emeritus.archive.documents import write_documents
from emeritus.archive.spools import alone
from emeritus.errors import UserError
from emeritus.interview.comment import put_draft, transcript_of
from emeritus.lifecycle.moves import require_registered
from emeritus.procedure.reaching import Target, endpoint_of, is_mute
from emeritus.report import Remarks, draft_of, next_report, sign_report
from emeritus.vault import Progress

KEPT: Final = "[kept encrypted]"


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
    entry = sign_report(archive, model, _remarks(analysis, notes), key)
    write_documents(archive)
    stem = archive.root / "models" / model / f"report-{entry.event.number}"
    return Written(entry.event.number, entry.id, stem.with_suffix(".html"), stem.with_suffix(".md"))


def show_draft(
    archive: Archive,
    model: str,
    analysis: Path | None,
    target: Target,
    progress: Progress | None = None,
) -> str | None:
    """Show the draft of the next report to the model; return what it said to it.

    What is kept encrypted is not repeated: `KEPT` stands for it. None for a model that gives no
    text, which is put on record. Raises `UserError` when a model that could speak cannot be asked
    here.
    """
    require_registered(archive, model)
    if is_mute(archive, model, target):
        return None
    draft = next_report(archive, model, _remarks(analysis, ()))
    if progress is not None:
        progress("showing the draft", 0, 1)
    with alone(archive, model), endpoint_of(archive, model, target) as endpoint:
        event = put_draft(archive, model, draft.number, draft_of(draft), endpoint)
    if progress is not None:
        progress("showing the draft", 1, 1)
    return KEPT if event.encrypted else transcript_of(archive, event).answers[-1].text


def _remarks(analysis: Path | None, notes: Sequence[str]) -> Remarks:
    return Remarks(analysis=_text(analysis) if analysis else None, notes=tuple(notes))


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise UserError(f"the analysis {path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UserError(f"the analysis {path} is no text in UTF-8: {error}") from error
