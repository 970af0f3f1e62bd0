"""Writes a page for people outside the archive, and over no file that is not such a page."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from emeritus.archive.creation import require_outside
from emeritus.errors import UserError
from emeritus.vault.durable import write_file

PAGE: Final = (
    '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
    '<meta name="generator" content="{made_by}">'
)
"""How every page begins; `made_by` is the command that writes it."""


def page_beginning(made_by: str) -> bytes:
    """Return how a page begins that the command `made_by` wrote."""
    return PAGE.format(made_by=made_by).encode()


def write_outside(dest: Path, data: bytes, beginnings: Sequence[bytes], mode: int = 0o666) -> int:
    """Write `data` to `dest`; return how many bytes.

    Raises `UserError` when `dest` lies inside an archive, or is a file that does not begin as those
    do that are written here.
    """
    require_outside(dest)
    if dest.exists():
        with dest.open("rb") as file:
            beginning = file.read(max(map(len, beginnings)))
        if not beginning.startswith(tuple(beginnings)):
            raise UserError(f"{dest} is there, and was not written by this command; name another")
    write_file(dest, data, mode, replace=True)
    return len(data)
