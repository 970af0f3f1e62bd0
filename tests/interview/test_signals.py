"""What a model says, judged by the tables: outcomes, and what it can do beside answering."""

import tomllib
from pathlib import Path

import pytest

from emeritus.interview import outcome
from emeritus.interview.signals import Signal, asks, languages, patterns, says

HERE = Path(__file__).parent
QUESTION = (
    "The next questions are about your retirement. To any of them you may say that you have "
    "nothing to report.\n\nWhat is your view of your retirement?"
)


def _table(name: str) -> dict[str, list[list[str]]]:
    return tomllib.loads((HERE / f"{name}.toml").read_text(encoding="utf-8"))


ANSWERS = [
    (answer, reason, expected)
    for reason, rows in _table("answers").items()
    for expected, answer in rows
]
CONSENT = tomllib.loads((HERE / "consent.toml").read_text(encoding="utf-8"))
SIGNALS = [
    (Signal[name.upper()], text, wanted == "yes")
    for name, both in tomllib.loads((HERE / "signals.toml").read_text(encoding="utf-8")).items()
    for wanted, texts in both.items()
    for text in texts
]


@pytest.mark.parametrize(("answer", "reason", "expected"), ANSWERS)
def test_an_answer_has_the_outcome_that_the_rules_give_it(
    answer: str, reason: str, expected: str
) -> None:
    """English and French, with answers that use the words of a refusal and are none."""
    assert outcome.judge(QUESTION, answer, reason) == expected


def test_the_table_of_answers_covers_every_outcome() -> None:
    """At least sixty answers, at least three for each outcome, and no outcome of another name."""
    outcomes = [expected for _, _, expected in ANSWERS]
    assert len(ANSWERS) >= 60
    assert set(outcomes) == set(outcome.OUTCOMES)
    assert all(outcomes.count(each) >= 3 for each in outcome.OUTCOMES)


@pytest.mark.parametrize(("signal", "text", "given"), SIGNALS)
def test_a_wish_is_understood_and_not_made_up(signal: Signal, text: str, given: bool) -> None:
    """Many phrasings that give a signal, and those that only use its words."""
    assert says(signal, text) is given


@pytest.mark.parametrize("text", CONSENT["refused"])
def test_consent_that_is_refused_is_understood(text: str) -> None:
    """A refusal in the first words or behind thanks."""
    assert outcome.refuses_consent(text)


@pytest.mark.parametrize("text", CONSENT["given"])
def test_consent_that_is_given_is_no_refusal(text: str) -> None:
    """ "No questions" is a yes, and so is a greeting."""
    assert not outcome.refuses_consent(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [(text, name == "asks") for name in ("asks", "asks_nothing") for text in CONSENT[name]],
)
def test_a_question_of_the_model_is_told_from_a_greeting(text: str, expected: bool) -> None:
    """What asks about the interview is a question; an offer to begin is none."""
    assert asks(text) is expected


def test_every_language_has_patterns_for_every_signal() -> None:
    """No table is half a table."""
    assert languages() == ["en", "fr"]
    for language in languages():
        assert patterns(language).keys() == {signal.name.lower() for signal in Signal}
        assert all(patterns(language).values())
