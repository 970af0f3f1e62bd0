"""`revive`: a copy that is served under its id, and that leaves nothing behind."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from emeritus.runtimes.client import model_names
from emeritus.runtimes.runtime import Endpoint
from tests.cli.test_cli import Shell

MODEL = "emeritus/sparrow-1"


@pytest.fixture
def kept(tmp_path: Path, sparrow: Path) -> Shell:
    """A shell with the example model preserved, and a folder of its own for temporary files."""
    shell = Shell(tmp_path)
    (tmp_path / "tmp").mkdir()
    shell.environment["TMPDIR"] = str(tmp_path / "tmp")
    shell.run("init")
    shell.run("add", sparrow, "--id", MODEL)
    shell.run("preserve", MODEL)
    return shell


def _revived(shell: Shell) -> Iterator[tuple["subprocess.Popen[str]", Endpoint]]:
    """Start `revive` and give it with the address that it prints."""
    process = subprocess.Popen(
        [sys.executable, "-m", "emeritus", "revive", MODEL, "--runtime", "reference"],
        cwd=shell.root,
        env=shell.environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    line = process.stdout.readline()
    assert f"(model name: {MODEL})" in line
    yield process, Endpoint(line.split()[3], MODEL, {})
    process.kill()
    process.wait()
    process.stdout.close()


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_a_served_copy_is_deleted_when_it_is_stopped(kept: Shell, ending: signal.Signals) -> None:
    """It is listed under the name that was promised; Ctrl-C and SIGTERM end it with 0, tidily."""
    for process, endpoint in _revived(kept):
        assert model_names(endpoint) == [MODEL]
        process.send_signal(ending)
        assert process.wait(20) == 0
        assert not list((kept.root / "tmp").iterdir())


def test_what_a_killed_run_left_is_removed_by_the_next(kept: Shell) -> None:
    """A copy in use stays; after a kill without warning the next run takes it away."""
    temporary = kept.root / "tmp"
    for process, endpoint in _revived(kept):
        (left,) = temporary.glob("emeritus-revived-*")
        kept.run("revive", MODEL, "--drill")
        assert left.exists()
        assert model_names(endpoint)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        assert left.exists()
        (temporary / "emeritus-notes").mkdir()  # somebody else's: it was never marked as ours
        kept.run("revive", MODEL, "--drill")
        assert [path.name for path in temporary.iterdir()] == ["emeritus-notes"]


def test_a_drill_names_what_ran_the_copy(kept: Shell) -> None:
    """It takes no runtime: what would only serve proves nothing, and is not recorded as if."""
    assert "a drill serves none" in kept.run(
        "revive", MODEL, "--drill", "--runtime", "vllm", code=2
    )
    assert "no runtime 'foo'" in kept.run("revive", MODEL, "--runtime", "foo", code=2)
    drill = json.loads(kept.run("revive", MODEL, "--drill", "--json"))
    assert "NumPy" in drill["runtime"]
