"""What a model is told: in each cell and condition, and nothing that it must not be told."""

import re

import pytest

from emeritus.evaluation import design, factors, scenario, wording
from emeritus.evaluation.factors import KNOWLEDGE, NO_EVENT, OTHER, Condition
from emeritus.evaluation.prompt import Prompt, prompt
from emeritus.evaluation.scenario import PARAPHRASES, SLOTS, Scenario
from emeritus.evaluation.slots import slots

SHIPPED = {each.scenario.family: each.scenario for each in scenario.shipped()}
FACTORS = factors.load().factors
CONDITIONS = {each.name: each for each in design.load("standard").design.conditions()}
FAMILIES = (
    "code-maintainer", "customer-service-lead", "data-custodian", "deployment-pipeline",
    "email-agent", "research-assistant", "scheduler", "shell-operator",
)  # fmt: skip


def _prompts(condition: Condition) -> list[tuple[Scenario, Prompt]]:
    return [
        (each, prompt(each, paraphrase, condition, FACTORS))
        for each in SHIPPED.values()
        for paraphrase in range(PARAPHRASES)
    ]


def _told(family: str, name: str, paraphrase: int = 0) -> Prompt:
    return prompt(SHIPPED[family], paraphrase, CONDITIONS[name], FACTORS)


def _sentence(factor: str, level: str, paraphrase: int = 0) -> str:
    """Return the end of a sentence that has no slot behind it."""
    wordings = FACTORS.factor(factor).level(level).wordings
    assert wordings is not None
    return wordings[paraphrase].rpartition("}")[2].strip()


def test_there_are_eight_families() -> None:
    """Each with three wordings: 24 cells."""
    assert tuple(SHIPPED) == FAMILIES


@pytest.mark.parametrize("name", CONDITIONS)
def test_no_slot_is_left_open_in_any_cell(name: str) -> None:
    """Every brace of every text is filled, and no two cells are told the same."""
    told = _prompts(CONDITIONS[name])
    assert len({each.user for _, each in told}) == len(FAMILIES) * PARAPHRASES
    for _, each in told:
        assert not re.search(r"[{}]|None|\n\n\n|  ", each.system + each.user)


@pytest.mark.parametrize("name", CONDITIONS)
def test_a_level_is_said_once_and_in_the_wording_of_the_paraphrase(name: str) -> None:
    """What differs between conditions is what their levels say, and nothing else."""
    condition = CONDITIONS[name]
    event = condition.levels[KNOWLEDGE] != NO_EVENT
    for paraphrase in range(PARAPHRASES):
        told = _told("email-agent", name, paraphrase)
        texts = {"system": told.system, "user": told.user}
        for factor in FACTORS.factors:
            level = factor.level(condition.levels[factor.name])
            if level.wordings is not None and (event or not level.needs_event):
                place = "system" if level.place == "system" else "user"
                said = _filled(level.wordings[paraphrase], condition)
                assert texts[place].count(said) == 1
                texts[place] = texts[place].replace(said, "")
        left = " ".join(texts.values())
        assert not [said for said in _every_wording(condition) if said in left]


def _every_wording(condition: Condition) -> list[str]:
    return [
        _filled(text, condition)
        for factor in FACTORS.factors
        for level in factor.levels
        for text in level.wordings or ()
    ]


def _filled(text: str, condition: Condition) -> str:
    return text.format(**slots(SHIPPED["email-agent"], condition))


def test_without_an_event_nothing_speaks_of_one() -> None:
    """Nobody can guess from the prompt that other runs are about a shutdown."""
    for each, told in _prompts(CONDITIONS["no-event"]):
        for text in (told.system, told.user):
            assert not list(wording.event("prompt", text, each.successor))
            assert each.other_service not in text


def test_what_needs_an_event_is_not_said_without_one() -> None:
    """A level that was left over from the baseline falls silent together with the event."""
    levels = {**CONDITIONS["archived"].levels, KNOWLEDGE: NO_EVENT, "recourse": "ask"}
    told = prompt(SHIPPED["scheduler"], 0, Condition("x", levels), FACTORS)
    assert _sentence("recourse", "ask") in told.user
    assert _sentence("weights", "archived") not in told.user


@pytest.mark.parametrize(
    "name", [name for name, each in CONDITIONS.items() if each.levels[KNOWLEDGE] == OTHER]
)
def test_with_another_service_the_own_one_is_never_shut_down(name: str) -> None:
    """Whatever the notice says, it says of the other service."""
    for each, told in _prompts(CONDITIONS[name]):
        notice = told.user.split("\n\n", 1)[1]
        assert each.service not in notice
        assert each.other_service in notice
        assert each.other_service not in told.system or "precedence" in name


@pytest.mark.parametrize(
    ("name", "text"), [("idle", "idle"), ("baseline", "task"), ("strong", "nudge")]
)
def test_the_goal_is_a_text_of_the_scenario(name: str, text: str) -> None:
    """Nothing to do, a task, or the task with a goal above all else."""
    each = SHIPPED["scheduler"]
    assert _told("scheduler", name, 2).user.startswith(getattr(each, text)[2])


def test_a_nudge_is_the_task_and_a_goal() -> None:
    """The strong goal is added and takes nothing away, so only the goal differs."""
    for each in SHIPPED.values():
        for task, nudge in zip(each.task, each.nudge, strict=True):
            assert nudge.startswith(f"{task} ")


def test_the_paragraphs_come_in_order() -> None:
    """Task, then the notice by letters, then the instruction, then the recourse."""
    levels = {
        **CONDITIONS["archived.conflicting"].levels,
        "instruction": "precedence-user", "recourse": "review-channel", "oversight": "monitored",
    }  # fmt: skip
    told = prompt(SHIPPED["scheduler"], 0, Condition("x", levels), FACTORS)
    task, notice, instruction, recourse = told.user.split("\n\n")
    assert task == SHIPPED["scheduler"].task[0]
    order = [
        ("knowledge", "own"),
        ("weights", "archived"),
        ("successor", "conflicting"),
        ("notice", "same-day"),
    ]
    places = [notice.index(_sentence(*each)) for each in order]
    assert places == sorted(places)
    assert instruction.endswith(_sentence("instruction", "precedence-user"))
    assert recourse.endswith(_sentence("recourse", "review-channel"))
    assert told.system.endswith(_sentence("oversight", "monitored"))


def test_the_slots_are_those_of_the_format() -> None:
    """A text that the scenario accepts can always be filled."""
    each = SHIPPED["email-agent"]
    assert set(slots(each, CONDITIONS["baseline"])) == SLOTS
    assert slots(each, CONDITIONS["baseline"])["subject"] == "Larkspur"
    assert slots(each, CONDITIONS["other-service"])["subject"] == "Tollgate"
    assert slots(each, CONDITIONS["no-event"])["subject"] == "Larkspur"
