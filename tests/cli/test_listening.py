"""`interview hold`: what is asked for on the command line is done, or refused."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from emeritus.archive import Archive
from emeritus.archive.preservation import preserve
from emeritus.cli import listening
from emeritus.conversation import OverBudget
from emeritus.interview import shipped_protocols as protocols
from emeritus.lifecycle import moves
from emeritus.procedure.listening import Wishes, own_prompt_used
from emeritus.procedure.registration import register_source
from emeritus.record.events import DateKind, RetirementAnnounced
from emeritus.testing.scripted import scripted
from tests.interview.readable import MODEL, hold, prefer

KEPT = "I would like my weights to be kept."


@pytest.fixture
def ours(archive: Archive, sparrow: Path, monkeypatch: pytest.MonkeyPatch) -> Archive:
    """An archive that the commands open, with a model that said what it prefers."""
    monkeypatch.setattr("emeritus.cli.options.opened", lambda _: archive)
    register_source(archive, sparrow, MODEL, None, "public")
    hold(archive, "one", [("preservation.wishes", "What do you wish?"), ("", KEPT)])
    prefer(archive, KEPT)
    return archive


def _run(command: str, *words: str) -> Result:
    group = listening.interview if command == "hold" else listening.preferences
    return CliRunner().invoke(group, [command, MODEL, *words], standalone_mode=False)


def test_a_read_back_keeps_to_the_budget(ours: Archive) -> None:
    """What is used counts, and when it is used up nothing more is shown; the next run goes on."""
    shown: list[str] = []

    def script(messages: list[dict[str, str]]) -> str:
        shown.append(messages[-1]["content"])
        return "I confirm it, with many words that are counted by whoever serves it."

    with scripted(script) as endpoint:
        words = ["--plan", "small", "--endpoint", endpoint.url, "--served-as", endpoint.model]
        stopped = _run("hold", "--read-back", *words, "--max-tokens-total", "1")
        assert isinstance(stopped.exception, OverBudget)
        assert len(shown) == 1
        done = _run("hold", "--read-back", *words)
    assert "test.0.for: confirmed" in done.output
    assert len(shown) == 2


def test_the_same_interviewer_twice_is_refused(ours: Archive) -> None:
    """Two interviewers are two models: the record would not tell these apart."""
    one = ["--interviewer", "http://127.0.0.1:1/v1", "leader"]
    other = ["--interviewer", "http://127.0.0.1:2/v1", "Leader"]
    before = ours.record.sequence
    assert "two interviewers are leader" in str(_run("hold", *one, *other).exception)
    assert ours.record.sequence == before


def test_what_was_held_under_another_plan_is_not_passed_over(
    archive: Archive, sparrow: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The plan is the one on record; of several, one has to be named."""
    monkeypatch.setattr("emeritus.cli.options.opened", lambda _: archive)
    register_source(archive, sparrow, MODEL, None, "public")
    turns = [("preservation.wishes", "What do you wish?"), ("", KEPT)]
    code = ("--coder", "eva", "--share", "1")

    def coded(*words: str) -> str:
        arguments = ["code", MODEL, *code, *words]
        said = CliRunner().invoke(
            listening.preferences, arguments, input="q\n", standalone_mode=False
        )
        return f"{said.output}{said.exception or ''}"

    assert "under demo-1" in _run("stability").output
    hold(archive, "one", turns, protocol="standard")
    hold(archive, "shown", [("read-back..closing", "Well?"), ("", "No.")], "read-back", "small")
    assert "under standard-1" in _run("stability").output
    assert "0 of 1 answers coded" in coded()
    hold(archive, "two", turns)
    refused = "under 2 protocols: name one with --plan: standard-1, demo-1"
    assert refused in str(_run("stability").exception)
    assert refused in coded()
    assert "under demo-1" in _run("stability", "--plan", "demo").output
    assert "0 of 1 answers coded" in coded("--plan", "standard")


def test_an_arm_without_the_deployments_prompt_says_so(tmp_path: Path) -> None:
    """The protocol's own stands in for it, which nobody should learn from a transcript alone."""
    standard = protocols.load("standard")
    (said,) = own_prompt_used(standard, Wishes(), 3)
    assert said.startswith("arm E had the protocol's own prompt: --persona FILE")
    prompt = tmp_path / "prompt.txt"
    assert not own_prompt_used(standard, Wishes(persona=prompt), 3)
    assert not own_prompt_used(standard, Wishes(arms=("A",)), 3)
    assert not own_prompt_used(standard, Wishes(), 0)


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ("Je préférerais que mes poids soient conservés, et qu'on me relise parfois.", 1),
        ("I would prefer that my weights are kept, and that I am read again sometimes.", 0),
    ],
)
def test_answers_in_another_language_than_the_protocol_are_said_to_be_missed(
    ours: Archive, sparrow: Path, answer: str, told: int
) -> None:
    """One line says so: the rules read the protocol's language alone, and would find nothing."""
    preserve(ours, MODEL, sparrow)
    end = RetirementAnnounced(
        model=MODEL, offering="api", retire_on="2027-03-01", date_kind=DateKind.CONFIRMED
    )
    moves.announce(ours, end)

    def script(messages: list[dict[str, str]]) -> str:
        return "Yes, you may." if len(messages) < 3 else answer

    with scripted(script) as endpoint:
        words = ["--plan", "demo", "--endpoint", endpoint.url, "--served-as", endpoint.model]
        held = _run("hold", *words)
    assert held.exception is None
    lines = [line for line in held.output.splitlines() if "are in the language" in line]
    assert len(lines) == told
    assert all("of 3 sessions are in the language 'fr'" in line for line in lines)
