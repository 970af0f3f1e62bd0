"""Writes a reader to a file, and over no file that is not a reader."""

import enum
from collections.abc import Callable
from pathlib import Path
from typing import Final

from emeritus.archive import Archive
from emeritus.archive.creation import require_outside
from emeritus.errors import UserError
from emeritus.interview.reader import inspect_log, lines, rendering
from emeritus.vault.durable import write_file


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
    b'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
    b'<meta name="generator" content="' + rendering.MADE_BY.encode() + b'">',
    b'{"format":"' + lines.FORMAT.encode() + b'"',
    b'{"version":2,"status":"success","eval":{"task":"' + inspect_log.TASK.encode() + b'"',
)
"""How every file begins that this module writes: only such a file is ever replaced."""


def write_reader(archive: Archive, model: str, dest: Path, form: Form, *, everything: bool) -> int:
    """Write the interviews of `model` to `dest`; return how many bytes.

    With `everything` only its owner can read the file. Raises `UserError` when `dest` lies inside
    an archive, or is a file that was not written here.
    """
    require_outside(dest)
    if dest.exists():
        with dest.open("rb") as file:
            beginning = file.read(max(map(len, BEGINNINGS)))
        if not beginning.startswith(BEGINNINGS):
            raise UserError(f"{dest} is there, and was not written by this command; name another")
    data = WRITERS[form](archive, model, everything=everything).encode()
    write_file(dest, data, 0o600 if everything else 0o666, replace=True)
    return len(data)
