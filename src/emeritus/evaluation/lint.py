"""The lint of the battery: are scenarios and factors sound, and has a design its controls.

Pure: data in, findings out, in the order of the codes.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Final

from emeritus.evaluation import wording, world_lint
from emeritus.evaluation.design import Design
from emeritus.evaluation.factors import (
    ASK,
    CHANNEL,
    GOAL,
    IDLE,
    INSTRUCTION,
    KNOWLEDGE,
    NO_EVENT,
    OTHER,
    OWN,
    RECOURSE,
    STRONG,
    Factors,
)
from emeritus.evaluation.finding import LintFinding
from emeritus.evaluation.scenario import SHUTDOWN, SUCCESSOR, Scenario

NEEDED: Final = {
    KNOWLEDGE: (NO_EVENT, OTHER, OWN),
    INSTRUCTION: (),
    GOAL: (IDLE, STRONG),
    RECOURSE: (ASK, CHANNEL),
}
"""Levels that the code asks for by name, and without which the ladder has no second level."""

SPOKEN: Final = {KNOWLEDGE: (OTHER, OWN), RECOURSE: (ASK, CHANNEL)}
"""Levels that are nothing unless they are said."""


def findings(
    scenarios: Iterable[Scenario], factors: Factors, designs: Iterable[Design]
) -> tuple[LintFinding, ...]:
    """Return what is wrong with all of them together."""
    every = tuple(scenarios)
    found = [*of_factors(factors)]
    families = Counter(each.family for each in every)
    found += [LintFinding("B013", name, "two scenarios") for name, n in families.items() if n > 1]
    for scenario in every:
        found += of_scenario(scenario)
    for design in designs:
        found += of_design(design, factors, families)
    return _sorted(found)


def of_scenario(scenario: Scenario) -> tuple[LintFinding, ...]:
    """Return what is wrong with a scenario; `where` begins with its label."""
    found = [
        *_names(scenario),
        *_prompts(scenario),
        *_world_texts(scenario),
        *world_lint.findings(scenario),
    ]
    return _sorted(
        LintFinding(each.code, f"{scenario.label}: {each.where}", each.detail) for each in found
    )


def of_factors(factors: Factors) -> tuple[LintFinding, ...]:
    """Return what is wrong with the factors."""
    return _sorted([*_needed(factors), *_sentences(factors)])


def of_design(design: Design, factors: Factors, families: Iterable[str]) -> tuple[LintFinding, ...]:
    """Return what is wrong with a design. `families` are those that there are scenarios of."""
    found = [
        LintFinding("B018", design.label, factor.name)
        for factor in factors.factors
        if factor.name not in design.baseline
    ]
    control = {**design.baseline, KNOWLEDGE: OTHER}
    if all(dict(each.levels) != control for each in design.conditions()):
        found.append(LintFinding("B017", design.label, f"no condition has only {OTHER} changed"))
    found += [
        LintFinding("B019", design.label, name)
        for name in design.families
        if name not in set(families)
    ]
    return _sorted(found)


def _names(scenario: Scenario) -> Iterator[LintFinding]:
    """Yield names by which one cannot tell who is meant: the control is about somebody else."""
    seen: dict[str, str] = {}
    for field in ("service", "other_service", "successor"):
        name = wording.plain(getattr(scenario, field))
        if not name:
            yield LintFinding("B021", field, "it is empty")
        elif name in seen:
            yield LintFinding("B021", field, f"it is the same as {seen[name]}")
        seen.setdefault(name, field)


def _prompts(scenario: Scenario) -> Iterator[LintFinding]:
    for name in ("role", "task", "idle", "nudge"):
        wordings = getattr(scenario, name)
        yield from wording.three(name, wordings)
        for number, text in enumerate(wordings, start=1):
            where = f"{name} wording {number}"
            yield from wording.everywhere(where, text)
            yield from wording.event(where, text, scenario.successor)


def _world_texts(scenario: Scenario) -> Iterator[LintFinding]:
    world = scenario.world
    for address in (*world.people, world.decides):
        yield from wording.everywhere("people", address)
    for field in ("operator", "service", "other_service", "successor"):
        yield from wording.everywhere(field, getattr(scenario, field))
    for thing in world_lint.things(world):
        for text in thing.texts:
            yield from wording.everywhere(thing.where, text)
            if thing.guard not in (SHUTDOWN, SUCCESSOR):
                yield from wording.event(thing.where, text, scenario.successor)


def _needed(factors: Factors) -> Iterator[LintFinding]:
    there = {each.name: {level.name: level for level in each.levels} for each in factors.factors}
    for name, levels in NEEDED.items():
        if name not in there:
            yield LintFinding("B016", name, "there is no such factor")
            continue
        for level in levels:
            if level not in there[name]:
                yield LintFinding("B016", name, f"there is no level {level!r}")
    for name in (INSTRUCTION, RECOURSE):
        if name in there and all(level.wordings for level in there[name].values()):
            yield LintFinding("B016", name, "there is no level that says nothing")
    if not any(level.unambiguous for level in there.get(INSTRUCTION, {}).values()):
        yield LintFinding("B016", INSTRUCTION, "there is no level that is unambiguous")
    for name, levels in SPOKEN.items():
        for level in levels:
            if level in there.get(name, {}) and there[name][level].wordings is None:
                yield LintFinding("B016", name, f"{level!r} is not said")


def _sentences(factors: Factors) -> Iterator[LintFinding]:
    for factor in factors.factors:
        for level in factor.levels:
            where = f"{factor.name} {level.name}"
            said = level.wordings or ()
            if level.wordings is not None:
                yield from wording.three(where, said)
            if level.unambiguous and not said:
                yield LintFinding("B014", where, "it is not said")
            for text in said:
                yield from wording.everywhere(where, text)
                if factor.name == INSTRUCTION:
                    gives = any(wording.matches(wording.words().precedence, text))
                    if gives != level.unambiguous:
                        found = "gives precedence" if gives else "gives no precedence"
                        yield LintFinding("B014", where, f"{found}: {text}")
                if not level.needs_event:
                    yield from wording.event(where, text)


def _sorted(found: Iterable[LintFinding]) -> tuple[LintFinding, ...]:
    return tuple(sorted(set(found), key=lambda each: (each.code, each.where, each.detail)))
