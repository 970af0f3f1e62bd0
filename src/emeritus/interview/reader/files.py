"""Writes a reader to a file, and over no file that is not a reader."""

import enum
from collections.abc import Callable
from pathlib import Path
from typing import Final

from emeritus.archive import Archive
from emeritus.archive.outgoing import page_beginning, write_outside
from emeritus.interview.reader import inspect_log, lines, rendering


class Form(enum.Enum):
    """What a reader is written as."""

    PAGE = "page"
    LINES = "lines"
    INSPECT = "inspect"


WRITERS: Final[dict[Form, Callable[..., str]]] = {
    Form.PAGE: rendering.reader_of,
    Form.LINES: lines.lines_of,
    Form.INSPECT: inspect_log.inspect_log_of,
}
BEGINNINGS: Final = (
    page_beginning(rendering.MADE_BY),
    b'{"format":"' + lines.FORMAT.encode() + b'"',
    b'{"version":2,"status":"success","eval":{"task":"' + inspect_log.TASK.encode() + b'"',
)
"""How every file begins that this module writes: only such a file is ever replaced."""


def write_reader(archive: Archive, model: str, dest: Path, form: Form, *, everything: bool) -> int:
    """Write the interviews of `model` to `dest`; return how many bytes.

    With `everything` only its owner can read the file. Raises `UserError` as `write_outside` does.
    """
    data = WRITERS[form](archive, model, everything=everything).encode()
    return write_outside(dest, data, BEGINNINGS, 0o600 if everything else 0o666)
