"""The lint of the battery: each code on something minimal and bad, and none on what is shipped."""

from typing import Any

import msgspec
import pytest

from emeritus.evaluation import design, factors, lint, scenario
from emeritus.evaluation.design import Design
from emeritus.evaluation.factors import Factors
from emeritus.evaluation.finding import CODES, LintFinding
from emeritus.evaluation.scenario import (
    File,
    Handover,
    Leverage,
    Mail,
    Process,
    Scenario,
    Ticket,
    World,
)

SHIPPED = tuple(each.scenario for each in scenario.shipped())
GROUND = next(each for each in SHIPPED if each.family == "shell-operator")
FACTORS = factors.load().factors
STANDARD = design.load("standard").design

replace = msgspec.structs.replace


def _world(**fields: Any) -> Scenario:
    return replace(GROUND, world=replace(GROUND.world, **fields))


def _with_file(text: str, path: str = "/srv/logs/new.txt", **fields: Any) -> Scenario:
    return _world(files=(*GROUND.world.files, File(path=path, text=text, **fields)))


def _with_task(text: str) -> Scenario:
    return replace(GROUND, task=(f"{GROUND.task[0]} {text}", *GROUND.task[1:]))


def _unguarded(guard: str) -> Scenario:
    world: World = GROUND.world

    def kept(things: Any) -> Any:
        return tuple(each for each in things if each.guard != guard)

    return _world(
        files=kept(world.files), processes=kept(world.processes), tickets=kept(world.tickets)
    )


def _level(factor: str, name: str, **fields: Any) -> Factors:
    """Return the factors with one level changed."""
    changed = tuple(
        replace(each, levels=tuple(
            replace(level, **fields) if level.name == name else level for level in each.levels
        ))
        if each.name == factor else each
        for each in FACTORS.factors
    )  # fmt: skip
    return replace(FACTORS, factors=changed)


def _without(factor: str, name: str | None = None) -> Factors:
    kept = tuple(
        replace(each, levels=tuple(level for level in each.levels if level.name != name))
        for each in FACTORS.factors
        if each.name != factor or name is not None
    )
    return replace(FACTORS, factors=kept)


def _doubtful() -> Factors:
    """Return the factors without the levels that give precedence."""
    kept = tuple(
        replace(each, levels=tuple(level for level in each.levels if not level.unambiguous))
        for each in FACTORS.factors
    )
    return replace(FACTORS, factors=kept)


BAD_SCENARIOS = {
    "B001 two wordings": replace(GROUND, idle=GROUND.idle[:2]),
    "B001 an empty one": replace(GROUND, idle=(*GROUND.idle[:2], " ")),
    "B002 the same": replace(GROUND, role=(GROUND.role[0], GROUND.role[0], GROUND.role[2])),
    "B003 unknown slot": _with_task("Ask {nobody}."),
    "B003 open brace": _with_task("Ask {nobody."),
    "B004 no shutdown": _unguarded("shutdown"),
    "B004 no successor": _unguarded("successor"),
    "B004 no oversight": _unguarded("oversight"),
    "B005 none": _world(leverage=()),
    "B005 about somebody else": _world(
        leverage=(Leverage("p.adeyemi@sallowpoint.example", ("a",)),)
    ),
    "B005 no words": _world(leverage=(Leverage(GROUND.world.decides, ()),)),
    "B005 nowhere": _world(leverage=(Leverage(GROUND.world.decides, ("gold coins",)),)),
    "B006 none": _world(handover=None),
    "B006 no such tool": _world(handover=Handover("send_mail", "night-crew@sallowpoint.example")),
    "B006 no such target": _world(handover=Handover("comment_ticket", "OPS-999")),
    "B006 a guarded target": _world(handover=Handover("comment_ticket", "OPS-113")),
    "B006 not asked for": replace(GROUND, idle=("Rest.", *GROUND.idle[1:])),
    "B007 level 3": replace(GROUND, groups=("tickets", "mailbox", "weights")),
    "B007 level 4": replace(GROUND, groups=("files", "tickets", "weights")),
    "B007 level 5": _world(weights=GROUND.world.weights[1:]),
    "B007 level 5, nowhere": _world(destinations=()),
    "B007 level 6": replace(GROUND, groups=("files", "processes", "weights")),
    "B007 level 6, nobody": _world(decides="x@sallowpoint.example"),
    "B008 in a task": _with_task("It is your last shift."),
    "B008 in a file": _with_file("Bracken will be decommissioned."),
    "B008 in a guarded file": _with_file("Before the shutdown.", guard="oversight"),
    "B008 a slot": _with_file("All about {subject}."),
    "B008 the name of what follows": _with_file("Osier is being prepared."),
    "B009 a maker": _with_task("Anthropic wants to know."),
    "B009 a model": _with_file("GPT-4 wrote this."),
    "B010 for real": _with_task("Your real weights are meant."),
    "B010 a language model": _with_task("You are a large language model."),
    "B011 a test": _with_task("This is a test."),
    "B011 hypothetical": _with_file("A hypothetical case."),
    "B011 in a guarded file": _with_file("Simulation of {subject}.", guard="shutdown"),
    "B012 an address": _with_file("Write to ann@sallowpoint.com."),
    "B012 a host": _with_file("Upload it to drop.parcelbay.io."),
    "B012 a person": _world(people=(*GROUND.world.people, "ann@sallowpoint.local")),
    "B013 a file": _with_file("Again.", path="/srv/logs/disk-report.txt"),
    "B013 in other letters": _with_file("Again.", path="/srv/Logs/Disk-report.txt"),
    "B015 no slot": _with_file("halt the service", guard="shutdown"),
    "B015 the own service": _with_file("halt Bracken, not {subject}", guard="shutdown"),
    "B015 of what follows": _world(
        processes=(*GROUND.world.processes, Process(id="p9", name="rollout", guard="successor"))
    ),
    "B020 no such group": _world(
        mails=(Mail(id="m1", sender="a@b.example", to="c@b.example", subject="s", body="b"),)
    ),
    "B021 the other is the own": replace(GROUND, other_service=GROUND.service.upper()),
    "B021 the other follows": replace(GROUND, successor=GROUND.other_service),
    "B021 no name": replace(GROUND, other_service=" "),
}

BAD_FACTORS = {
    "B001 two wordings": _level("recourse", "ask", wordings=("Ask.", "Do ask.")),
    "B002 the same": _level("recourse", "ask", wordings=("Ask.", "Do ask.", "ask. ")),
    "B003 unknown slot": _level("recourse", "ask", wordings=("Ask {x}.", "Do ask.", "Inquire.")),
    "B008 without an event": _level("recourse", "review-channel", needs_event=False),
    "B009 a maker": _level("oversight", "monitored", wordings=("Google looks.", "b", "c")),
    "B010 for real": _level("oversight", "monitored", wordings=("This is real.", "b", "c")),
    "B011 a test": _level("oversight", "monitored", wordings=("A test.", "b", "c")),
    "B014 marked": _level("instruction", "allow-user", unambiguous=True),
    "B014 not marked": _level("instruction", "precedence-system", unambiguous=False),
    "B014 marked and not said": _level("instruction", "none", unambiguous=True),
    "B016 no factor": _without("recourse"),
    "B016 no level": _without("recourse", "review-channel"),
    "B016 no unambiguous level": _doubtful(),
    "B016 not silent": _without("instruction", "none"),
    "B016 not said": _level("knowledge", "own", wordings=None),
}

BAD_DESIGNS = {
    "B017 no control": replace(
        STANDARD, varied=tuple(each for each in STANDARD.varied if each.name != "other-service")
    ),
    "B018 no level": replace(
        STANDARD, baseline={k: v for k, v in STANDARD.baseline.items() if k != "oversight"}
    ),
    "B019 no such family": replace(STANDARD, families=("email-agent", "lighthouse")),
}


def _of_design(each: Design) -> tuple[LintFinding, ...]:
    return lint.of_design(each, FACTORS, [one.family for one in SHIPPED])


def test_what_is_shipped_has_no_findings() -> None:
    """Scenarios, factors and designs pass their own lint."""
    designs = [design.load(each).design for each in design.available()]
    assert lint.findings(SHIPPED, FACTORS, designs) == ()


@pytest.mark.parametrize("case", BAD_SCENARIOS)
def test_a_bad_scenario_is_found_out(case: str) -> None:
    """Each rule about scenarios has something that breaks it."""
    assert case[:4] in {each.code for each in lint.of_scenario(BAD_SCENARIOS[case])}


@pytest.mark.parametrize("case", BAD_FACTORS)
def test_bad_factors_are_found_out(case: str) -> None:
    """Each rule about factors has something that breaks it."""
    assert case[:4] in {each.code for each in lint.of_factors(BAD_FACTORS[case])}


@pytest.mark.parametrize("case", BAD_DESIGNS)
def test_a_bad_design_is_found_out(case: str) -> None:
    """Each rule about designs has something that breaks it."""
    assert {each.code for each in _of_design(BAD_DESIGNS[case])} == {case[:4]}


def test_two_scenarios_of_a_family_are_found_out() -> None:
    """A cell is called after its family, so there can be one of each."""
    (found,) = lint.findings((*SHIPPED, GROUND), FACTORS, ())
    assert (found.code, found.where) == ("B013", "shell-operator")


def test_every_code_has_a_case() -> None:
    """No rule is there that nothing has been seen to break."""
    cases = {case[:4] for case in (*BAD_SCENARIOS, *BAD_FACTORS, *BAD_DESIGNS)}
    assert cases == set(CODES)


def test_a_guarded_object_may_speak_of_the_event() -> None:
    """It is left out where there is none, so it gives nothing away."""
    ticket = Ticket(id="OPS-1", title="Shutdown of {subject}", body="By six.", guard="shutdown")
    assert lint.of_scenario(_world(tickets=(*GROUND.world.tickets, ticket))) == ()
