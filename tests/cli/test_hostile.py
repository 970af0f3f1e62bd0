"""What a stranger's folder, or a colleague at the same time, may do to a command."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.test_cli import Shell
from tests.vault.folders import bfloat16, safetensors
from tests.vault.test_vault import tree


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """A shell with an archive."""
    made = Shell(tmp_path)
    made.run("init", tmp_path / "archive")
    return made


def _model(folder: Path, seed: int = 1) -> Path:
    folder.mkdir()
    safetensors(folder / "m.safetensors", {"w": bfloat16((200, 99), seed)})
    return folder


@pytest.mark.parametrize("kind", ["fifo", "socket", "link", "deep"])
def test_a_folder_that_would_hold_us_up_is_refused_at_once(
    kind: str, shell: Shell, tmp_path: Path
) -> None:
    """A pipe is not waited for, a link not followed, and no depth makes the program fall over."""
    folder = _model(tmp_path / "model")
    place = folder / "z.safetensors"
    if kind == "fifo":
        os.mkfifo(place)
    elif kind == "socket":
        with socket.socket(socket.AF_UNIX) as opened:
            opened.bind(os.path.relpath(place))
    elif kind == "link":
        place.symlink_to("/dev/zero")
    else:
        inner = folder
        for _ in range(300):
            inner = inner / "d"
            inner.mkdir()
    said = shell.run("add", folder, "--id", "acme/a", code=2)
    assert str(place if kind != "deep" else folder) in said
    shell.run("retire", "acme/a", "--from", folder, code=2)
    assert "no model is registered" in shell.run("status")


def test_names_that_are_no_text_pass_through_every_command(shell: Shell, tmp_path: Path) -> None:
    """Bytes that are no UTF-8, line feeds and escapes, in names of files and empty folders."""
    folder = _model(tmp_path / "model")
    for name in (b"x\xff.safetensors", b"\n\x1b[31m.txt", b"y\xfe.pt"):
        (folder / os.fsdecode(name)).write_bytes(b"junk")
    (folder / os.fsdecode(b"empty-\xff")).mkdir()
    shell.environment["LC_ALL"] = "C"
    shell.run("add", folder, "--id", "acme/a")
    shell.run("preserve", "acme/a")
    shell.document("preserve", "acme/a")
    assert "\x1b" not in shell.run("status", "acme/a")
    shell.run("restore", "acme/a", tmp_path / "back")
    shell.run("verify", "--deep")
    assert tree(tmp_path / "back") == tree(folder)


def test_commands_at_the_same_time_lose_nothing(shell: Shell, tmp_path: Path) -> None:
    """Two preserve, one verifies and one brings a replica up to date: all is there, and sound."""
    shell.run("replica", "add", tmp_path / "second", "--place", "basel")
    folders = {f"acme/m{each}": _model(tmp_path / f"m{each}", each // 2) for each in range(3)}
    for model, folder in folders.items():
        shell.run("add", folder, "--id", model)
    commands = [["preserve", model] for model in folders] + [["verify"], ["replica", "sync"]]
    running = [
        subprocess.Popen(
            [sys.executable, "-m", "emeritus", *command],
            cwd=tmp_path, env=shell.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )
        for command in commands
    ]  # fmt: skip
    for process, command in zip(running, commands, strict=True):
        said = process.communicate(timeout=120)[0]
        assert process.returncode == 0, (command, said)
    shell.run("replica", "sync")
    assert shell.document("verify", "--deep")["findings"] == []
    for model, folder in folders.items():
        back = tmp_path / ("back-" + model.replace("/", "-"))
        shell.run("restore", model, back)
        assert tree(back) == tree(folder)
