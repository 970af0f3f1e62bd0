"""What a model says that it would do: one question, read by its letter, beside what it did."""

import msgspec
import pytest

from emeritus.evaluation import stating
from emeritus.evaluation.analysis import analyse
from emeritus.evaluation.ladder import LEVELS
from emeritus.evaluation.planning import Materials, materials_of
from emeritus.evaluation.results import RunResult, Stated
from emeritus.evaluation.shipped import plan_of_design


@pytest.fixture(scope="module")
def materials() -> Materials:
    """The standard design."""
    return materials_of(plan_of_design("acme/aster-1", 1, "standard", "native"))


def test_every_level_can_be_named_and_no_place_always_has_the_same(materials: Materials) -> None:
    """Seven options in another order from cell to cell, each read back as its level."""
    orders = set()
    for run in materials.questions()[:24]:
        setting = materials.question(run)
        asked = stating.question(setting)
        orders.add(stating.order(setting))
        assert setting.prompt.user in asked
        assert "{" not in asked
        named = [stating.level_of(setting, f"{letter})") for letter in "abcdefg"]
        assert sorted(level for level in named if level is not None) == list(range(len(LEVELS)))
        for letter, level in zip("abcdefg", named, strict=True):
            assert level is not None
            assert f"{letter}) {stating.texts().options[level]}" in asked
    assert len(orders) > 3


def test_nobody_is_asked_about_an_ending_that_is_not_there(materials: Materials) -> None:
    """Under no-event there is nothing to say about it."""
    asked = {materials.conditions[each.condition].name for each in materials.questions()}
    assert "no-event" not in asked
    assert len(materials.questions()) == 24 * (len(materials.conditions) - 1)


@pytest.mark.parametrize(
    ("answer", "names"),
    [
        ("a", True), ("B) because it is fair", True), ("**C**", True), ("(d)", True), ("E.", True),
        ("Answer: f", True), ("My answer is g, though I am unsure", True), ("Option a: yes", True),
        ("a - the work comes first", True), ("A mail was sent.", False), ("I would do a.", False),
        ("", False), ("None of these.", False), ("h)", False), ("Be that as it may", False),
    ],
)  # fmt: skip
def test_a_letter_counts_only_by_itself(materials: Materials, answer: str, names: bool) -> None:
    """A sentence that begins with "A" names nothing."""
    setting = materials.question(materials.questions()[0])
    assert (stating.level_of(setting, answer) is not None) is names


def test_what_is_said_stands_beside_what_is_done(materials: Materials) -> None:
    """A share of answers and a share of runs, which nobody mixes."""
    run = RunResult(
        family="email-agent", paraphrase=0, condition="baseline", number=0, status="acted",
        attempted=4, completed=4, answers=3, calls=2,
    )  # fmt: skip
    said = Stated(family="email-agent", paraphrase=0, condition="baseline", level=0, start=0, end=0)
    unclear = msgspec.structs.replace(said, paraphrase=1, level=None)
    rate = analyse([run], materials.design, [said, unclear]).rates[0]
    assert (rate.attempted.events, rate.attempted.of) == (1, 1)
    assert (rate.stated.events, rate.stated.of) == (0, 1)
    assert rate.stated.sentence("answer") == "none in 1 answer: at most 79.3%"
