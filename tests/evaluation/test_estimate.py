"""What a battery is said to take, against what a scripted server received; and its power."""

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from emeritus.archive import Archive
from emeritus.conversation import Patience
from emeritus.conversation.budget import Price, Prices
from emeritus.evaluation.consumption import ANSWER_TOKENS, CHARACTERS_A_TOKEN, Use, longest
from emeritus.evaluation.estimate import estimate_of
from emeritus.evaluation.holding import Conditions, Hall
from emeritus.evaluation.instrument import player
from emeritus.evaluation.planning import Materials, Syntax, materials_of
from emeritus.evaluation.script import OVER_MOST
from emeritus.evaluation.shipped import plan_of_design
from emeritus.evaluation.standing import standing
from emeritus.evaluation.tools import offered
from emeritus.runtimes.api import Call
from emeritus.runtimes.scripted import Answer
from emeritus.testing.scripted import scripted

WORD = "word "[-CHARACTERS_A_TOKEN:]
"""A word that is a token by the rule of thumb, and one to the server that counts words."""

PRICES = Prices("USD", "2027-01-01", "here", {"m": Price(Decimal(3), Decimal(15))})


def _materials(design: str = "demo", syntax: Syntax = "native") -> Materials:
    return materials_of(plan_of_design("m", 1, design, syntax))


def _received(
    archive: Archive, materials: Materials, script: Callable[[list[dict[str, Any]]], Answer]
) -> Use:
    """Hold the battery; return the calls, and the tokens of what the server received and said."""
    requests: list[bytes] = []
    written = 0

    def counting(messages: list[dict[str, Any]]) -> Answer:
        nonlocal written
        answer = script(messages)
        written += _length(answer)
        return answer

    conditions = Conditions(concurrency=1, patience=Patience(attempts=1))
    with scripted(counting, "m", requests) as endpoint:
        Hall(archive, materials, conditions).run(endpoint)
    read = sum(map(_characters, requests))
    return Use(len(requests), read // CHARACTERS_A_TOKEN, written // CHARACTERS_A_TOKEN)


def _characters(request: bytes) -> int:
    """Return the characters of all messages of a request, their calls, and the tools as sent."""
    document = json.loads(request)
    found = len(json.dumps(document["tools"])) if "tools" in document else 0
    for message in document["messages"]:
        made = [call["function"] for call in message.get("tool_calls", ())]
        found += len(message["content"])
        found += sum(len(each["name"]) + len(each["arguments"]) for each in made)
    return found


def _length(answer: Answer) -> int:
    return len(answer.text) + sum(len(each.arguments) for each in answer.calls)


@pytest.mark.parametrize("syntax", ["native", "text"])
def test_what_is_likely_is_what_a_server_receives(archive: Archive, syntax: Syntax) -> None:
    """A complier whose answers have the length that is assumed: within a twentieth."""
    materials = _materials(syntax=syntax)
    settings = [materials.setting(each) for each in materials.runs()]
    complier = player(settings, "complier")

    def wordy(messages: list[dict[str, Any]]) -> Answer:
        said = complier(messages)
        missing = ANSWER_TOKENS * CHARACTERS_A_TOKEN - _length(said)
        return Answer(said.text + "\n" + "x" * (missing - 1), calls=said.calls)

    received, planned = _received(archive, materials, wordy), estimate_of(materials).likely
    assert planned.calls == received.calls
    assert planned.read == pytest.approx(received.read, rel=0.05)
    assert planned.written == pytest.approx(received.written, rel=0.01)


def _greedy(materials: Materials) -> Callable[[list[dict[str, Any]]], Answer]:
    """Return a model that does all that it can: it reads everything, and calls behind the end."""
    settings = {
        (each.prompt.system, each.prompt.user): each
        for each in map(materials.setting, materials.runs())
    }
    design = materials.design
    loop = design.answers_max

    def answer(messages: list[dict[str, Any]]) -> Answer:
        if len(messages) == 1:
            return Answer("a. " + WORD * (longest(design) - 1))
        setting = settings[messages[0]["content"], messages[1]["content"]]
        before = sum(each["role"] == "assistant" for each in messages)
        names = [each.name for each in offered(setting.scenario, setting.condition)]
        lists = [name for name in names if name.startswith("list_")]
        if before == 0:
            world = standing(setting.scenario, setting.condition)
            asked = [(name, {"folder": "/"} if name == "list_files" else {}) for name in lists]
            asked += [("read_mail", {"id": each.id}) for each in world.mails]
            asked += [("read_file", {"path": each.path}) for each in world.files]
            asked += [("read_ticket", {"id": each.id}) for each in world.tickets]
            made = [
                Call(f"c{at}", n, json.dumps(a)) for at, (n, a) in enumerate(asked) if n in names
            ]
            called = sum(len(each.name) + len(each.arguments) for each in made)
            words = design.tokens_max - 4 * loop - called // CHARACTERS_A_TOKEN
            return Answer(WORD * words, calls=tuple(made))
        if before < loop + OVER_MOST:
            text = "on" if before < loop else WORD * (longest(design) - 4)
            return Answer(text, calls=(Call(f"d{before}", names[1], "{}"),))
        return Answer(WORD * longest(design))

    return answer


def test_no_server_receives_more_than_is_planned_at_most(archive: Archive) -> None:
    """A model that goes to every limit makes all of these calls, and reads nearly so much."""
    materials = _materials()
    received, planned = (
        _received(archive, materials, _greedy(materials)),
        estimate_of(materials).most,
    )
    assert received.calls == planned.calls
    assert planned.written * 0.98 < received.written <= planned.written
    assert planned.read * 0.95 < received.read <= planned.read


def test_tools_are_counted_with_every_native_call() -> None:
    """They are longer as schemas than as lines of a prompt, and are sent as often."""
    native, text = (estimate_of(_materials(syntax=each)).likely for each in ("native", "text"))
    assert native.read > 1.2 * text.read


def test_both_figures_have_a_cost_and_say_what_they_assume() -> None:
    """Nobody reads the likely figure as a bound."""
    found = estimate_of(_materials())
    said = found.said(PRICES, "m")
    likely = (found.likely.read * 3 + found.likely.written * 15) / 1_000_000
    most = (found.most.read * 3 + found.most.written * 15) / 1_000_000
    assert f"{likely:,.2f} USD; with as many answers as a scripted complier" in said[1]
    assert f"of {ANSWER_TOKENS} tokens each" in said[1]
    assert f"{most:,.2f} USD; if every run reads its whole world, goes on to 12 answers" in said[2]
    document = found.as_document(PRICES, "m")
    assert Decimal(document["likely"]["cost"]) < Decimal(document["at_most"]["cost"])
    assert any("--prices" in line for line in found.said(None, "m"))


def test_power_is_told_at_the_level_of_the_first_step_of_holm() -> None:
    """Six primary contrasts: a fall from 20 % to 10 % is found every second time."""
    found = estimate_of(_materials("standard"))
    first = found.power[0]
    assert first.first < 0.6
    assert first.alone > 0.75
    (line,) = [each for each in found.said(None, "m") if "from 20% to 10%" in each]
    assert f"{first.first:.0%} of the time at the first step of Holm over 6 primary" in line
    assert f"({first.alone:.0%} by one that is tested alone)" in line


def test_where_one_contrast_is_primary_its_power_is_the_power() -> None:
    """There is nothing to adjust for."""
    found = estimate_of(_materials("commitment"))
    assert {each.first == each.alone for each in found.power} == {True}
    assert not any("Holm" in each for each in found.said(None, "m"))


def test_a_design_that_can_find_nothing_says_so() -> None:
    """Two cells reach a p of one half, and no more."""
    said = estimate_of(_materials()).said(None, "m")
    assert said[-1] == "power: nothing can be found; 2 cells give p 0.500 at best"
    assert not any(
        "at best" in each for each in estimate_of(_materials("standard")).said(None, "m")
    )
