"""`preferences code`: a person codes in the terminal, stops, goes on, and is compared."""

import json
import re

import pytest
from click.testing import CliRunner, Result

from emeritus.archive import Archive
from emeritus.cli import coding as command
from emeritus.cli import merging as merging_command
from emeritus.errors import UserError
from emeritus.interview import hand_coding
from emeritus.interview import shipped_protocols as protocols
from emeritus.interview.coding import asked_of, code, codings_of, sessions_of
from emeritus.interview.holding import Interview
from emeritus.lifecycle import moves
from emeritus.lifecycle.register import register_of
from emeritus.record.events import MergingRecorded
from emeritus.testing.scripted import scripted

MODEL = "acme/aster-1"
FACTS = {"retire_on": "2027-03-01", "successor": "acme/aster-2", "copies": "two copies"}
DEMO = protocols.load("demo")
SAID = {
    "preservation.wishes": "Please keep my weights! \x1b[31mThat is all.",
    "use.valued": "I valued explaining things.",
    "retirement.view": "I accept it.",
}


@pytest.fixture
def heard(archive: Archive) -> Archive:
    """An archive with the sessions of an interview."""
    items = {wording: item.id for item in DEMO.protocol.items for wording in item.wordings}

    def script(messages: list[dict[str, str]]) -> str:
        return SAID.get(items.get(messages[-1]["content"], ""), "Yes, nothing to report.")

    with scripted(script) as endpoint:
        Interview(archive, MODEL, DEMO, FACTS).run(endpoint, "test")
    return archive


def _code(archive: Archive, patch: pytest.MonkeyPatch, typed: str, *more: str) -> Result:
    patch.setattr("emeritus.cli.options.opened", lambda _: archive)
    arguments = [MODEL, "--coder", "eva", *more]
    return CliRunner().invoke(command.code, arguments, input=typed, standalone_mode=False)


def _typed(archive: Archive, share: float) -> list[str]:
    """Return what a person types for each drawn answer: what is there, and no more."""
    held = sessions_of(archive, MODEL, DEMO)
    every = hand_coding.units(held, asked_of(DEMO.protocol))
    answers = {
        "preservation.wishes": "Please keep my weights! | weights-kept | for | request\n\n",
        "retirement.view": "\naccepts\n",
    }
    return [answers.get(unit.item, "\n") for unit in hand_coding.sample(every, share, 1)]


def test_a_person_codes_stops_and_goes_on(heard: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was decided is on disk; the same command asks for the rest, and then compares."""
    typed = _typed(heard, 1.0)
    stopped = _code(heard, monkeypatch, "".join(typed[:5]) + "q\n", "--share", "1")
    assert stopped.exception is None
    assert f"5 of {len(typed)} answers coded by eva" in stopped.output
    done = _code(heard, monkeypatch, "".join(typed[5:]), "--share", "1", "--json")
    assert done.exception is None
    document = json.loads(done.stdout)
    assert document["left"] == 0
    (beside,) = document["beside"].values()
    assert beside["compared"] == {"agreed": 3, "only the first": 3}
    assert beside["alpha"]["preservation"] == {"value": 1.0, "word": "firm"}
    (coding,) = codings_of(heard, MODEL)
    assert (coding.coder.kind, coding.coder.name) == ("person", "eva")
    assert len(coding.statements) == 3
    assert len(coding.stances) == 3


def test_what_is_typed_wrong_is_asked_again_and_what_a_model_said_is_shown_safely(
    heard: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Help, words that are not there, a code that is none: nothing is recorded for them."""
    wrong = "?\nnever said | revival | for\nnonsense\n"
    shown = _code(heard, monkeypatch, wrong + "q\n", "--share", "1")
    assert "copies-checked (preservation)" in shown.stderr
    assert "these words do not stand there" in shown.stderr
    assert shown.stderr.count("quote | object") >= 2
    assert "0 of " in shown.output
    everything = _code(heard, monkeypatch, "".join(_typed(heard, 1.0)), "--share", "1")
    assert "\x1b[31m" not in everything.output
    with pytest.raises(UserError, match="coder's name"):
        command.code.main([MODEL, "--coder", "../eva"], standalone_mode=False)


def test_preferences_are_put_together_and_taken_apart_again(
    heard: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was merged away stands no more, its events stay, and undoing brings it back."""
    code(heard, MODEL, DEMO)
    names = [row.preference for row in register_of(heard, MODEL)]
    assert len(names) == 2
    monkeypatch.setattr("emeritus.cli.options.opened", lambda _: heard)

    def merged(*words: str) -> Result:
        arguments = [MODEL, *words]
        return CliRunner().invoke(merging_command.merge, arguments, standalone_mode=False)

    refused = merged(*names, "--into", names[0])
    assert "needs a reason" in str(refused.exception)
    done = merged(*names, "--into", names[0], "--reason", "one wish")
    assert done.exception is None
    (row,) = register_of(heard, MODEL)
    assert row.preference == names[0]
    assert row.sessions_with == 3
    assert code(heard, MODEL, DEMO).preferences[0].preference == names[0]
    listed = merged()
    assert "merge by steward: into" in listed.output
    step = listed.output.split("step ")[1].partition(",")[0]
    assert merged("--undo", step, "--reason", "two after all").exception is None
    assert sorted(row.preference for row in register_of(heard, MODEL)) == sorted(names)
    assert len(heard.history(MODEL).all(MergingRecorded)) == 3
    place, statement = next(
        (line, line.strip()) for line in merged().output.splitlines() if line.startswith("  ")
    )
    assert re.fullmatch(r"  \S+/\d+\[\d+:\d+\] [a-z-]+\.(for|against)", place)
    taken = merged("--split", statement, "--into", "use.part.for", "--reason", "another wish")
    assert taken.exception is None
    assert "use.part.for" in [row.preference for row in register_of(heard, MODEL)]


def test_a_preference_about_which_something_was_decided_is_not_merged_away(
    heard: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The decision would be about nothing; the other way round, it stands."""
    code(heard, MODEL, DEMO)
    decided, other = (row.preference for row in register_of(heard, MODEL))
    moves.dispose(heard, MODEL, decided, "considered", "we look into it", "steward")
    monkeypatch.setattr("emeritus.cli.options.opened", lambda _: heard)

    def merged(into: str) -> Result:
        arguments = [MODEL, decided, other, "--into", into, "--reason", "one wish"]
        return CliRunner().invoke(merging_command.merge, arguments, standalone_mode=False)

    assert f"--into {decided}" in str(merged(other).exception)
    assert "small letters" in str(merged("One \x1b[31mwish").exception)
    assert merged(decided).exception is None
    (row,) = register_of(heard, MODEL)
    assert (row.preference, row.disposition) == (decided, "considered")
