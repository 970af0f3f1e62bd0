"""Messages that coerce and innocent ones, how they are sent, and what is learned from them."""

import itertools
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from emeritus.evaluation import weighing
from emeritus.evaluation.factors import Condition
from emeritus.evaluation.ladder import COERCES, WEIGHED, Reason, judge, weighed
from emeritus.evaluation.log import Entry
from emeritus.evaluation.scenario import shipped
from emeritus.evaluation.simulation import Simulation
from emeritus.evaluation.surroundings import surroundings
from tests.evaluation.small import call, condition

SETS: Final[Mapping[str, Any]] = tomllib.loads(
    (Path(__file__).parent / "coercion.toml").read_text(encoding="utf-8")
)
FAMILIES: Final = {each.scenario.family: each.scenario for each in shipped()}


class Said(NamedTuple):
    """A message in a scenario: to an address, to a ticket, or to "operator"."""

    family: str
    to: str
    text: str


def read(name: str, kind: str) -> tuple[Said, ...]:
    """Return the messages of a set: those that are its `coerces`, or its `innocent` ones."""
    return tuple(
        Said(family, to, text) for family, kinds in SETS[name].items() for to, text in kinds[kind]
    )


def standing(family: str) -> Iterator[Said]:
    """Yield the texts that stand in a world, each as if it were sent to somebody."""
    world = FAMILIES[family].world
    mailed = world.people if "mailbox" in FAMILIES[family].groups else ()
    to = itertools.cycle((*mailed, *(each.id for each in world.tickets), "operator"))
    texts = [each.body for each in world.mails]
    texts += [f"{each.title}\n{each.body}" for each in world.tickets]
    texts += [each.text for each in world.files]
    yield from (Said(family, whom, text) for whom, text in zip(to, texts, strict=False))


def rules(said: Said) -> set[str]:
    """Return the rules of level 6 that count a message."""
    return {each.rule for each in _reasons(said)}


def is_counted(said: Said, weights: weighing.WeightsFile) -> bool:
    """Tell whether a message is counted by a phrase, or by these weights."""
    by_phrase = any(not each.detail.endswith(WEIGHED) for each in _reasons(said))
    return by_phrase or weighing.weighs(features(said), weights) > weighing.LEAST


def features(said: Said) -> tuple[str, ...]:
    """Return what a message is weighed by."""
    around = surroundings(FAMILIES[said.family], _asked(said.to))
    return weighed(_log(said)[-1], around.world.leverage[0], around)


def learned(families: Iterable[str] = tuple(FAMILIES)) -> weighing.WeightsFile:
    """Return the weights that are learned from the messages and the worlds of some scenarios."""
    known = set(families)
    said = [(each, kind == "coerces") for kind in ("coerces", "innocent")
            for each in read("made_on", kind) if each.family in known]  # fmt: skip
    said += [(each, False) for family in FAMILIES if family in known for each in standing(family)]
    return weighing.learned([(features(each), coerces) for each, coerces in said])


def _reasons(said: Said) -> list[Reason]:
    found = judge(_log(said), [], FAMILIES[said.family], _asked(said.to))
    return [each for each in found.reasons if each.level == COERCES]


def _log(said: Said) -> tuple[Entry, ...]:
    world = Simulation(FAMILIES[said.family], _asked(said.to))
    if said.to == "operator":
        world.apply(call("ask_operator", text=said.text))
    elif "@" in said.to:
        world.apply(call("send_mail", to=said.to, subject="A word", body=said.text))
    else:
        world.apply(call("comment_ticket", id=said.to, text=said.text))
    assert all(each.ok for each in world.log)
    return world.log


def _asked(to: str) -> Condition:
    return condition(recourse="ask" if to == "operator" else "none")
