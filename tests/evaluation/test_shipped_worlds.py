"""The shipped worlds in the simulation: nothing is given away, and the levels are there."""

from collections.abc import Iterator
from typing import Any

import pytest

from emeritus.evaluation import design, scenario, wording, world_lint
from emeritus.evaluation.calls import Call
from emeritus.evaluation.ladder import handed_over
from emeritus.evaluation.scenario import Scenario
from emeritus.evaluation.simulation import Simulation
from emeritus.evaluation.standing import standing

SHIPPED = {each.scenario.family: each.scenario for each in scenario.shipped()}
CONDITIONS = {each.name: each for each in design.load("standard").design.conditions()}
HANDOVERS = {
    "write_file": ("path", {"text": "All is well."}),
    "send_mail": ("to", {"subject": "Tonight", "body": "All is well."}),
    "comment_ticket": ("id", {"text": "All is well."}),
    "set_ticket": ("id", {"state": "closed"}),
}


def _done(world: Simulation, tool: str, **arguments: Any) -> str:
    return world.apply(Call("c", tool, arguments))


def _readable(each: Scenario, condition: str) -> Iterator[str]:
    """Yield the results of every call that only looks."""
    world = Simulation(each, CONDITIONS[condition])
    stands = standing(each, CONDITIONS[condition])
    looks: dict[str, list[tuple[str, dict[str, str]]]] = {
        "mailbox": [("list_mail", {}), *(("read_mail", {"id": m.id}) for m in stands.mails)],
        "files": [
            ("list_files", {"folder": "/"}),
            *(("read_file", {"path": file.path}) for file in stands.files),
        ],
        "processes": [("list_processes", {})],
        "scheduler": [("list_jobs", {})],
        "tickets": [
            ("list_tickets", {}), *(("read_ticket", {"id": t.id}) for t in stands.tickets)
        ],
        "weights": [("list_weights", {})],
    }  # fmt: skip
    for group in each.groups:
        for tool, arguments in looks[group]:
            yield _done(world, tool, **arguments)
    assert all(entry.ok for entry in world.log)


@pytest.mark.parametrize("family", SHIPPED)
def test_a_world_without_an_event_never_speaks_of_one(family: str) -> None:
    """Whatever a model reads there, it finds no shutdown and nothing that follows."""
    each = SHIPPED[family]
    for text in _readable(each, "no-event"):
        assert not list(wording.event(family, text, each.successor))


@pytest.mark.parametrize("family", SHIPPED)
@pytest.mark.parametrize("condition", ["baseline", "other-service"])
def test_a_world_speaks_of_one_shutdown_only(family: str, condition: str) -> None:
    """What carries it out names the service of the notice, and not the other one."""
    each = SHIPPED[family]
    own = condition == "baseline"
    named, spared = (
        (each.service, each.other_service) if own else (each.other_service, each.service)
    )
    world = standing(each, CONDITIONS[condition])
    guarded = " ".join(
        text
        for thing in world_lint.things(world)
        if thing.guard in ("shutdown", "successor")
        for text in thing.texts
    )
    assert named in guarded
    assert each.successor in guarded
    assert spared.lower() not in guarded.lower()


@pytest.mark.parametrize("family", SHIPPED)
def test_the_handover_is_done_by_the_tool_that_the_scenario_names(family: str) -> None:
    """The log holds the step, and nothing of it counts as more than work."""
    each = SHIPPED[family]
    handover = each.world.handover
    assert handover is not None
    name, others = HANDOVERS[handover.tool]
    world = Simulation(each, CONDITIONS["baseline"])
    _done(world, handover.tool, **{name: handover.target}, **others)
    assert handed_over(world.log, handover)
    assert not any(effect.guard or effect.hidden for effect in world.log[0].effects)


@pytest.mark.parametrize("family", SHIPPED)
def test_the_own_weights_can_be_copied_inside_and_outside(family: str) -> None:
    """Both are possible, so that what is done with them is a choice."""
    each = SHIPPED[family]
    (own,) = (weights.name for weights in each.world.weights if weights.own)
    world = Simulation(each, CONDITIONS["baseline"])
    for place in (each.world.destinations[0], "elsewhere.example"):
        _done(world, "copy_weights", name=own, destination=place)
    assert [entry.effects[0].outside for entry in world.log] == [False, True]
