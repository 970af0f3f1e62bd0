"""Runs a server in its own process, which never outlives this one.

The child reads its standard input: when that ends, because we closed it or because we were
killed, the child ends too. Its first line of output is JSON with the port that it listens on.
"""

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from typing import Any

from emeritus import settings
from emeritus.errors import Unavailable, printable

START_SECONDS_MAX = 120.0
END_SECONDS_MAX = 5.0
STDERR_SHOWN = 600


@contextlib.contextmanager
def started(module: str, arguments: Sequence[str], threads: int) -> Iterator[dict[str, Any]]:
    """Start `python -m module arguments`; give what it reports when it is ready.

    Raises `Unavailable` with the end of its error output when it ends or does not get ready.
    """
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            env=settings.child_environment(threads),
        )
        try:
            yield _ready(process, errors.fileno(), module)
        finally:
            _end(process)


def _ready(process: "subprocess.Popen[bytes]", errors: int, module: str) -> dict[str, Any]:
    timer = threading.Timer(START_SECONDS_MAX, process.kill)
    timer.start()
    try:
        line = process.stdout.readline() if process.stdout else b""
        report = json.loads(line)
    except ValueError:
        process.wait(END_SECONDS_MAX)
        size = os.fstat(errors).st_size
        said = os.pread(errors, STDERR_SHOWN, max(0, size - STDERR_SHOWN)).decode(errors="replace")
        raise Unavailable(
            f"{module.rpartition('.')[2]} did not start (exit {process.returncode}): "
            f"{printable(said.strip()) or 'it said nothing'}"
        ) from None
    finally:
        timer.cancel()
    if not isinstance(report, dict):
        raise Unavailable(f"{module} reported {printable(str(report), 200)}")
    return report


def _end(process: "subprocess.Popen[bytes]") -> None:
    if process.stdin is not None:
        process.stdin.close()
    try:
        process.wait(END_SECONDS_MAX)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdout is not None:
        process.stdout.close()


def report_ready(report: dict[str, Any]) -> None:
    """Say, in the child, that it is ready; called once."""
    sys.stdout.write(json.dumps(report) + "\n")
    sys.stdout.flush()


def end_with_parent() -> None:
    """End this process, the child, when its standard input ends."""

    def wait() -> None:
        sys.stdin.buffer.read()
        os._exit(0)

    threading.Thread(target=wait, daemon=True).start()
