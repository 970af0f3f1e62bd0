"""What the programs say about a golden archive: both checkers, the command line, the decoder."""

import contextlib
import dataclasses
import datetime
import functools
import hashlib
import importlib.resources
import io
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import click.testing

from emeritus.cli.main import cli
from emeritus.clock import SystemClock
from emeritus.errors import EmeritusError
from tests.golden.packing import tree

PROGRAMS = Path(str(importlib.resources.files("emeritus.archive"))) / "format"
NAMED = re.compile(r"\(([VRADC][0-9]{3})\)")
OFFERING = ("offering", "state", "successor")


@dataclasses.dataclass(frozen=True)
class Said:
    """What a program came to: its exit code, the finding codes that it named, all its words."""

    code: int
    findings: frozenset[str]
    document: Any
    text: str


def emeritus(home: Path, moment: datetime.datetime, *words: object) -> Said:
    """Run a command with `--json` on a machine that knows nothing but what lies in `home`."""
    names = {"HOME": str(home), "EMERITUS_THREADS": "1"}
    unset = [each for each in os.environ if each.startswith(("XDG_", "EMERITUS_"))]
    environment: dict[str, str | None] = {**dict.fromkeys(unset), **names}
    runner = click.testing.CliRunner()
    with mock.patch.object(SystemClock, "now", return_value=moment):
        given = [*map(str, words), "--json"]
        done = runner.invoke(cli, given, env=environment, standalone_mode=False)
    if isinstance(done.exception, EmeritusError):
        codes = {each.code for each in getattr(done.exception, "findings", ())}
        text = str(done.exception)
        codes |= set(NAMED.findall(text))
        return Said(done.exception.exit_code, frozenset(codes), {}, text)
    if done.exception is not None:
        raise done.exception
    document = json.loads(done.stdout)
    code = done.return_value if isinstance(done.return_value, int) else 0
    named = {each["code"] for each in document.get("findings", ())}
    named |= {each["code"] for each in document.get("notes", ())}
    return Said(code, frozenset(named), document, done.stdout)


@functools.cache
def _checker(text: str) -> dict[str, Any]:
    names: dict[str, Any] = {"__name__": "checker"}
    exec(compile(text, "check.py", "exec"), names)  # noqa: S102
    return names


def remember_signatures() -> None:
    """Let the checker of this version verify no signature twice: what it says stays the same."""
    program = _checker((PROGRAMS / "check.py").read_text())
    if not hasattr(program["verifies"], "cache_info"):
        program["verifies"] = functools.cache(program["verifies"])


def today(folder: Path, *words: object) -> tuple[int, str]:
    """Let the checker of this version judge `folder`; return its exit code and what it said."""
    said = io.TextIOWrapper(io.BytesIO(), "utf-8", newline="")
    program = _checker((PROGRAMS / "check.py").read_text())
    words = ("check.py", folder, *words)
    with mock.patch.object(sys, "argv", list(map(str, words))), contextlib.redirect_stdout(said):
        code = program["main"]()
    said.seek(0)
    return code, said.read()


def bare(program: Path, *words: object) -> tuple[int, str]:
    """Run a program of one file as a stranger would; return its exit code and what it said."""
    command = [sys.executable, "-I", str(program), *map(str, words)]
    done = subprocess.run(command, capture_output=True, check=False)
    assert b"Traceback" not in done.stderr, done.stderr
    return done.returncode, (done.stdout + done.stderr).decode(errors="backslashreplace")


def digests(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of every file below `folder` in hex."""
    found = {name: hashlib.sha256(data).hexdigest() for name, data in tree(folder).items()}
    return {os.fsencode(name).decode("utf-8", "backslashreplace"): found[name] for name in found}


def essence(status: dict[str, Any]) -> dict[str, Any]:
    """Return of what `status ID` says that which no later version may say otherwise."""
    return {
        "model": status["model"],
        "access": status["access"],
        "retired": status["retired"],
        "bytes_raw": status["bytes_raw"],
        "bytes_stored": status["bytes_stored"],
        "violations": status["violations"],
        "offerings": [{key: each[key] for key in OFFERING} for each in status["offerings"]],
        "gates": dict(_standings(status["gates"])),
    }


def _standings(gates: list[dict[str, Any]]) -> Iterator[tuple[str, str]]:
    for gate in gates:
        yield gate["gate"], gate["standing"]
