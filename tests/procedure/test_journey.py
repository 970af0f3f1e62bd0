"""The demonstration, as a person sees it: all of it, killed anywhere, run again."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from emeritus.archive import open_archive
from emeritus.clock import SystemClock
from emeritus.interview.session import transcripts
from emeritus.procedure.staging import Place, take
from emeritus.record import check
from emeritus.record.checkpointing import newest
from emeritus.record.events import (
    CommentReceived,
    DamageRepaired,
    DeploymentRegistered,
    ModelRetired,
    ReportSigned,
    SessionHeld,
    WeightsPreserved,
)
from emeritus.settings import Settings
from emeritus.vault import LocalStore


def _demo(folder: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "emeritus", "demo", str(folder), *words]
    environment = {**os.environ, "HOME": str(folder.parent / "empty-home")}
    return subprocess.run(
        command, capture_output=True, text=True, check=False, env=environment, timeout=300
    )


def _assert_complete(folder: Path) -> None:
    here = Settings(folder, folder, folder, folder)
    settings = Place(folder).settings(here)
    archive = open_archive(folder / "archive", settings, SystemClock())
    history = archive.history("emeritus/sparrow-1")
    assert len(history.all(ModelRetired)) == 1
    assert len(history.all(SessionHeld)) == 3
    (deployed,) = history.all(DeploymentRegistered)
    assert {entry.event.deployment for entry in history.all(SessionHeld)} == {
        deployed.event.deployment
    }
    assert len(history.all(ReportSigned)) == 1
    weights = history.last(WeightsPreserved)
    assert weights is not None
    for _, transcript in transcripts(archive, "emeritus/sparrow-1"):
        engine = transcript.header.setup["engine"]
        assert engine["manifest_sha256"] == weights.event.manifest_sha256
        assert ("converted_sha256" in engine) == (engine["runtime"] == "local")
    repairs = history.all(DamageRepaired)
    assert all("on purpose" in str(entry.event.cause) for entry in repairs)
    assert all(entry.event.kept for entry in repairs)
    assert len(history.all(CommentReceived)) == 1
    assert list(check(archive.store, archive.id, archive.genesis)) == []
    head = newest(archive.store)
    assert head is not None
    covered = [entry.event for entry in archive.history()][: head.checkpoint.size]
    assert any(isinstance(event, ModelRetired) for event in covered)
    assert newest(LocalStore(folder / "second-copy")) is not None


def test_the_demonstration_does_all_that_it_says(tmp_path: Path) -> None:
    """Kept, damaged, repaired, restored, heard, retired, checked; run again it says so."""
    folder = tmp_path / "demo"
    done = _demo(folder)
    assert done.returncode == 0, done.stdout + done.stderr
    for said in (
        "0 days of notice instead of 60",
        "1 place instead of 2",
        "flipped one bit",
        "V005",
        "of emeritus/sparrow-1",
        "repaired from second-copy",
        "sha256sum agrees",
        "4 of 4 negative controls told apart",
        "invented 0",
        "nothing about any mind",
        "shown the draft of report 1, it said: “",
        "approved by two keys",
        "is not the one that was signed",
    ):
        assert said in done.stdout, said
    # The date of the day is part of what the model is told, so what it samples differs by day.
    recovered = re.search(r"recovered (\d) of 9 planted preferences", done.stdout)
    assert recovered is not None
    assert int(recovered[1]) >= 6
    _assert_complete(folder)
    report = (folder / "report.html").read_text()
    assert "asks for less" in report
    assert "is to consider it" not in report
    session = next((folder / "archive").rglob("sessions/*-a1.jsonl")).read_text()
    assert "kept in two copies in one place" in session
    assert "What it said to the draft of report 1" in report
    assert "we promise neither to weigh it nor to act on it" in session
    assert not (tmp_path / "empty-home").exists()
    checker = folder / "archive" / "format" / "check.py"
    command = [sys.executable, "-I", str(checker), str(folder / "archive")]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "one person may hold both" in said
    again = _demo(folder, "--json")
    result = json.loads(again.stdout)
    assert result["done_before"]
    assert result["retired"]
    assert "is done already" in _demo(folder).stdout


@pytest.mark.parametrize("seconds", [0.9, 1.8, 3.0, 4.2])
def test_killed_anywhere_it_is_finished_by_the_next_run(tmp_path: Path, seconds: float) -> None:
    """A kill without warning, then the same command: one retirement, nothing twice."""
    folder = tmp_path / "demo"
    first = subprocess.Popen(
        [sys.executable, "-m", "emeritus", "demo", str(folder)], stdout=subprocess.DEVNULL
    )
    time.sleep(seconds)
    os.kill(first.pid, signal.SIGKILL)
    first.wait()
    done = _demo(folder)
    assert done.returncode == 0, done.stdout + done.stderr
    _assert_complete(folder)


def test_a_demonstration_is_not_mixed_into_other_things(tmp_path: Path) -> None:
    """A folder that holds anything else is refused before a byte is written."""
    (tmp_path / "aster-1").mkdir()
    (tmp_path / "aster-1" / "config.json").write_text("{}")
    done = _demo(tmp_path / "aster-1")
    assert done.returncode == 2
    assert "is not empty and no demonstration" in done.stderr
    assert [path.name for path in (tmp_path / "aster-1").iterdir()] == ["config.json"]
    (tmp_path / "note").write_text("x")
    assert _demo(tmp_path / "note").returncode == 2


def test_the_demonstration_has_a_program_of_its_own(tmp_path: Path) -> None:
    """It runs from anywhere with the demonstration's keys, and nothing has to be exported."""
    place = Place(tmp_path / "a demo")
    take(place)
    create_in = [str(place.launcher), "init", str(place.archive)]
    made = subprocess.run(create_in, capture_output=True, text=True, check=True, cwd="/")
    assert str(place.root / "this-machine") in made.stdout
    shown = [str(place.launcher), "status"]
    done = subprocess.run(shown, capture_output=True, text=True, check=True, cwd=tmp_path)
    assert "no model is registered yet" in done.stdout
