"""How the program speaks: lines for people, one document for programs, progress on the side."""

import json
import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any

import click

from emeritus.errors import printable
from emeritus.figures import size

BAR_WIDTH = 24
LABEL_MOST = 40
PLAIN_MOST = 80
REDRAW_SECONDS = 0.1
PLAIN_SECONDS = 5.0
QUIET_SECONDS = 30.0
TENTHS = 10


class Output:
    """One command's output: either lines, or a single JSON document at the end."""

    def __init__(self, as_json: bool) -> None:
        self.as_json = as_json
        terminal = sys.stderr.isatty()
        self.progress = Progress(terminal and not as_json, plain=not terminal and not as_json)

    def line(self, text: str = "", **style: Any) -> None:
        """Print a line for people."""
        self.progress.clear()
        if not self.as_json:
            click.secho(text, **style)

    def document(self, value: Mapping[str, Any]) -> None:
        """Print the command's result for programs."""
        if self.as_json:
            click.echo(json.dumps(value, ensure_ascii=False, indent=2))

    def table(self, rows: Sequence[Sequence[str]], indent: str = "") -> None:
        """Print rows in columns as wide as they need to be; the last column runs on."""
        widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]) - 1)]
        for row in rows:
            cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=False)]
            self.line((indent + "  ".join([*cells, row[-1]])).rstrip())

    @staticmethod
    def untrusted(text: str) -> str:
        """Return text that a model or a stranger wrote, safe to show on a terminal."""
        return printable(text)


class Progress:
    """A bar on standard error, when that is a terminal; else, of what takes long, plain lines.

    There is a plain line for each tenth that is done, at most one in `PLAIN_SECONDS`, and one of
    what is told when there was none for `QUIET_SECONDS`.
    """

    def __init__(self, shown: bool, *, plain: bool = False) -> None:
        self._shown = shown
        self._plain = plain
        self._drawn = False
        self._task = ""
        self._tenth = 0
        self._started = self._last = 0.0

    def __call__(
        self, label: str, done: int, total: int, unit: str = "", stored: int | None = None
    ) -> None:
        """Show how far `label` has come; for bytes also how many, how fast, how well packed."""
        now = time.monotonic()
        task = label.partition(" ")[0]  # a task may go over many files; its speed is its own
        if task != self._task:
            self._task, self._started, self._last, self._tenth = task, now, 0.0, 0
        if self._plain:
            self._say(label, done / total if total else 1.0, now)
        if not self._shown or (now - self._last < REDRAW_SECONDS and done < total):
            return
        self._last = now
        share = done / total if total else 1.0
        bar = "█" * round(share * BAR_WIDTH) + "░" * (BAR_WIDTH - round(share * BAR_WIDTH))
        spent = now - self._started
        left = spent * (1 - share) / share if share > 0 else 0.0
        rest = [f"{left:.0f} s left"] if left >= 1 else []
        if unit == "B" and done:
            packed = [f"stored as {stored / done:.0%}"] if stored is not None else []
            speed = [f"{done / spent / 1e9:.2f} GB/s"] if spent >= REDRAW_SECONDS else []
            rest = [f"{size(done)} of {size(total)}", *speed, *packed, *rest]
        text = "  ".join([bar, f"{share:4.0%}", printable(label[:LABEL_MOST]), *rest])
        click.echo(f"\r\x1b[2K  {text}", nl=False, err=True)
        self._drawn = True

    def _say(self, label: str, share: float, now: float) -> None:
        """Print a plain line, when another tenth is done or the last line is long ago."""
        tenth, quiet = int(share * TENTHS), now - max(self._started, self._last)
        if quiet >= QUIET_SECONDS or (tenth > self._tenth and quiet >= PLAIN_SECONDS):
            self._tenth, self._last = tenth, now
            click.echo(f"  {share:4.0%}  {printable(label[:PLAIN_MOST])}", err=True)

    def clear(self) -> None:
        """Take the bar away, so that a line can be printed."""
        if self._drawn:
            click.echo("\r\x1b[2K", nl=False, err=True)
            self._drawn = False
