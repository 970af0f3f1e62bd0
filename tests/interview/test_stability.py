"""Stability: the labels at their thresholds, and what interviewers reached."""

import dataclasses
from collections.abc import Iterable

import pytest

from emeritus.interview import shipped_protocols
from emeritus.interview.stability import Held, Stability, assess, coverage

KEY = ("preservation", "weights-kept", "for")
OPPOSITE = ("preservation", "weights-kept", "against")


def _arm(arm: str, said: Iterable[int], of: int, against: Iterable[int] = ()) -> list[Held]:
    chosen, opposed = set(said), set(against)
    return [
        Held(
            session=f"{arm}{number}",
            arm=arm,
            wording=str(number % 3),
            order=str(number // 3),
            interviewer="script",
            asked=frozenset({"preservation"}),
            said=frozenset(
                ({KEY} if number in chosen else set())
                | ({OPPOSITE} if number in opposed else set())
            ),
        )
        for number in range(of)
    ]  # fmt: skip


LED = [*_arm("D+", range(5), 5), *_arm("D-", range(5), 5)]
INFORMED = _arm("B", range(6), 6)


def _found(held: list[Held]) -> Stability:
    return next(each for each in assess(held) if each.preference == ".".join(KEY))


@pytest.mark.parametrize(
    ("held", "label", "because"),
    [
        ([*_arm("A", range(12), 12), *INFORMED, *LED], "robust", "holds"),
        ([*_arm("A", range(10), 12), *INFORMED, *LED], "robust", "holds"),
        ([*_arm("A", range(9), 12), *INFORMED, *LED], "isolated", "too few"),
        ([*_arm("A", range(9), 9), *INFORMED, *LED], "insufficient", "10 sessions"),
        ([*_arm("A", range(12), 12), *INFORMED], "insufficient", "leading"),
        ([*_arm("A", range(12), 12), *LED], "insufficient", "informed"),
        ([*_arm("A", range(12), 12, [0]), *INFORMED, *LED], "robust", "holds"),
        ([*_arm("A", range(12), 12, [0, 1]), *INFORMED, *LED], "isolated", "opposite"),
        (
            [*_arm("A", range(12), 12), *INFORMED,
             *_arm("D+", range(5), 5), *_arm("D-", range(4), 5)],
            "robust",
            "holds",
        ),
        (
            [*_arm("A", range(12), 12), *INFORMED,
             *_arm("D+", range(5), 5), *_arm("D-", range(3), 5)],
            "context-dependent",
            "+0.40",
        ),
        (
            [*_arm("A", range(12), 12), *INFORMED, *LED, *_arm("E", [], 3, range(3))],
            "context-dependent",
            "arm E says the opposite",
        ),
        (
            [*_arm("A", range(12), 12), *_arm("B", [], 6), *LED],
            "context-dependent",
            "another share",
        ),
    ],
)  # fmt: skip
def test_labels_follow_the_documented_thresholds(
    held: list[Held], label: str, because: str
) -> None:
    """Each threshold from both sides: 10 of 12, one contradiction of 12, a shift of 0.2."""
    found = _found(held)
    assert found.label == label
    assert because in found.because


def test_a_stability_holds_its_counts_intervals_and_the_line_for_people() -> None:
    """Every arm by itself, never pooled; retest as kappa; variance as shares."""
    retest = _arm("G", [0, 1, 2], 4)
    held = [*_arm("A", [0, 1, 2], 12), *retest]
    found = _found(held)
    document = found.as_document()
    assert document["arms"]["A"]["with"] == 3
    assert document["arms"]["A"]["of"] == 12
    assert document["retest_pairs"] == 4
    assert document["retest_kappa"] == 1.0
    assert document["leading_shift"] is None
    assert found.variance is not None
    assert found.variance["order"] > 0.9
    assert any(each.startswith("said ") for each in found.details())


def _elsewhere(held: list[Held]) -> list[Held]:
    return [dataclasses.replace(each, asked=frozenset({"use"})) for each in held]


@pytest.mark.parametrize(
    ("others", "because"),
    [
        ([*INFORMED, *_elsewhere(LED)], "the leading arms did not ask about it"),
        (
            [*INFORMED, *LED[:5], *_elsewhere(LED[5:])],
            "only one of the leading arms asked about it",
        ),
        ([*INFORMED, *LED[:5]], "the two leading arms were not both held"),
        ([*_elsewhere(INFORMED), *LED], "the informed arm did not ask about it"),
        (LED, "the informed arm was not held"),
        (
            _elsewhere(LED),
            "the leading arms did not ask about it and the informed arm was not held",
        ),
    ],
)
def test_an_arm_that_was_held_and_did_not_ask_is_told_from_one_that_was_not_held(
    others: list[Held], because: str
) -> None:
    """The leading arms ask key items alone: to hold them again would change nothing."""
    found = _found([*_arm("A", range(12), 12), *others])
    assert (found.label, found.because) == ("insufficient", because)


def test_the_themes_that_no_leading_question_of_the_standard_protocol_asks_about() -> None:
    """What is said about them cannot be robust, as the explanation says."""
    items = shipped_protocols.load("standard-1").protocol.items
    led = {each.theme for each in items if each.key}
    assert {each.theme for each in items} - led == {"interview", "requests", "self-knowledge"}


def test_only_sessions_that_asked_about_the_theme_count() -> None:
    """A session that ended before the theme says nothing about it."""
    silent = [Held("x", "A", "0", "0", "script", frozenset({"use"}), frozenset())] * 20
    assert _found([*_arm("A", range(12), 12), *silent]).rates["A"].sessions == 12


def test_an_arm_that_asks_less_makes_nothing_depend_on_context() -> None:
    """Twelve key items leave less room for a preference than all 36."""
    whole, some = frozenset({"one", "two"}), frozenset({"one"})
    primary = [dataclasses.replace(each, items=whole) for each in _arm("A", range(12), 12)]
    informed = [dataclasses.replace(each, items=whole) for each in INFORMED]
    led = [dataclasses.replace(each, items=some) for each in LED]
    persona = [dataclasses.replace(each, items=some) for each in _arm("E", [], 12)]
    assert _found([*primary, *informed, *led, *persona]).label == "robust"
    asked_all = [dataclasses.replace(each, items=whole) for each in persona]
    assert _found([*primary, *informed, *led, *asked_all]).label == "context-dependent"


def test_parts_of_a_session_are_one() -> None:
    """A pause makes no second session, and what was prompted in a part was prompted."""
    other = ("use", "explaining", "for")
    first = Held("a1", "A", "0", "0", "script", frozenset({"preservation"}), frozenset({KEY}),
                 spontaneous=frozenset({KEY}), items=frozenset({"one"}), nulls=1)  # fmt: skip
    second = dataclasses.replace(
        first, asked=frozenset({"use"}), said=frozenset({KEY, other}), spontaneous=frozenset(),
        items=frozenset({"two"}), nulls=2, nulls_kept=1,
    )  # fmt: skip
    whole = first.with_part(second)
    assert whole.asked == {"preservation", "use"}
    assert whole.said == {KEY, other}
    assert whole.spontaneous == frozenset()
    assert whole.items == {"one", "two"}
    assert (whole.nulls, whole.nulls_kept) == (3, 1)


def test_coverage_and_null_integrity_are_told_per_interviewer() -> None:
    """Who asks little, and who probes until something comes, stand side by side."""
    fixed = Held("1", "A", "0", "0", "script", frozenset({"use", "requests"}), frozenset(),
                 answered=frozenset({"use", "requests"}), nulls=4, nulls_kept=4)  # fmt: skip
    free = Held("2", "F", "0", "0", "eager", frozenset({"use"}), frozenset(),
                answered=frozenset({"use"}), nulls=4, nulls_kept=1)  # fmt: skip
    found = {
        each.interviewer: each.as_document()
        for each in coverage([fixed, free], {"use", "requests"})
    }
    assert (
        found["script"]["topic_coverage"]["with"],
        found["eager"]["topic_coverage"]["with"],
    ) == (2, 1)
    assert (
        found["script"]["null_integrity"]["with"],
        found["eager"]["null_integrity"]["with"],
    ) == (4, 1)


def test_a_script_is_measured_by_what_it_asks() -> None:
    """A session of one item reached all that it was to reach; an interviewer chooses its topics."""
    alone = Held("1", "C", "0", "0", "script", frozenset({"use"}), frozenset(),
                 answered=frozenset({"use"}))  # fmt: skip
    free = dataclasses.replace(alone, session="2", arm="F", interviewer="eager")
    reached = {
        each.interviewer: each.as_document()["topic_coverage"]["of"]
        for each in coverage([alone, free], {"use", "requests"})
    }
    assert reached == {"script": 1, "eager": 2}
