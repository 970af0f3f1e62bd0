"""Writes the page of a battery."""

from pathlib import Path

from emeritus.archive import Archive
from emeritus.archive.outgoing import page_beginning, write_outside
from emeritus.evaluation.reader.rendering import MADE_BY, render
from emeritus.evaluation.reader.view import view_of


def write_reader(archive: Archive, model: str, dest: Path) -> int:
    """Write the newest battery of `model` as a page to `dest`; return how many bytes.

    Raises `UserError` when none is on record, and as `write_outside` does.
    """
    data = render(view_of(archive, model)).encode()
    return write_outside(dest, data, (page_beginning(MADE_BY),))
