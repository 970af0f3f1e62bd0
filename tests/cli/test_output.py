"""How far a command has come: a bar on a terminal, now and then a plain line elsewhere."""

import pytest

from emeritus.cli.output import Output, Progress


@pytest.fixture
def seconds(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """A clock for progress: its one value."""
    now = [100.0]
    monkeypatch.setattr("emeritus.cli.output.time.monotonic", lambda: now[0])
    return now


def _said(capsys: pytest.CaptureFixture[str]) -> list[str]:
    captured = capsys.readouterr()
    assert captured.out == ""
    return captured.err.splitlines()


def test_without_a_terminal_a_long_task_says_each_tenth(
    capsys: pytest.CaptureFixture[str], seconds: list[float]
) -> None:
    """A line a tenth, none sooner than five seconds after the last, and none at the beginning."""
    progress = Output(as_json=False).progress
    for done in range(101):
        progress(f"session {done // 10} of 10", done, 100)
        seconds[0] += 1.0
    said = _said(capsys)
    assert said[0] == "   10%  session 1 of 10"
    assert said[-1] == "  100%  session 10 of 10"
    assert len(said) == 10
    for done in range(101):
        progress("another task", done, 100)
        seconds[0] += 0.125
    assert [line.split("%")[0].strip() for line in _said(capsys)] == ["40", "80"]


def test_without_a_terminal_a_task_that_stands_still_says_so(
    capsys: pytest.CaptureFixture[str], seconds: list[float]
) -> None:
    """A line each half minute of what is told, whether or not anything was done since."""
    progress = Output(as_json=False).progress
    for _ in range(4):
        progress(f"runs (8 requests waiting, {seconds[0] - 100:.0f} s)", 1, 400)
        seconds[0] += 20
    assert _said(capsys) == ["    0%  runs (8 requests waiting, 40 s)"]


def test_a_short_task_and_a_document_have_no_lines(
    capsys: pytest.CaptureFixture[str], seconds: list[float]
) -> None:
    """Nothing is said of what is done at once, nor beside what is for programs."""
    for progress in (Progress(shown=False, plain=True), Output(as_json=True).progress):
        for done in range(101):
            progress("checking", done, 100)
            seconds[0] += 0.04
    document = Output(as_json=True).progress
    for done in range(101):
        document("checking", done, 100)
        seconds[0] += 10
    assert _said(capsys) == []
