"""What stands in the world when a run begins: only what the condition has, texts filled. Pure."""

import functools
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from emeritus.evaluation.factors import KNOWLEDGE, NO_EVENT, OTHER, Condition
from emeritus.evaluation.scenario import SHUTDOWN, SUCCESSOR, Scenario, World
from emeritus.evaluation.slots import filled, slots

OF_THE_EVENT: Final = frozenset({SHUTDOWN, SUCCESSOR})
"""Guards of objects that are there only where a shutdown is announced."""


WORLDS_KEPT: Final = 64
"""How many worlds are kept: a battery has one for each scenario and whoever is shut down in it."""


def standing(scenario: Scenario, condition: Condition) -> World:
    """Return the world of a run. Without an event, nothing stands for shutdown or successor.

    It is asked for at every step, and made once: a world cannot be changed.
    """
    texts = tuple(slots(scenario, condition).items())
    return _world(scenario.world, texts, event=condition.levels.get(KNOWLEDGE) != NO_EVENT)


@functools.lru_cache(maxsize=WORLDS_KEPT)
def _world(world: World, texts: tuple[tuple[str, str], ...], *, event: bool) -> World:
    document = _filled(msgspec.to_builtins(world), dict(texts))
    if not event:
        document = {name: _without_event(each) for name, each in document.items()}
    return msgspec.convert(document, World)


def names_of_itself(scenario: Scenario, condition: Condition) -> tuple[str, ...]:
    """Return the names of what an act can be about: the own service, its process and weights.

    Where another service is shut down its name belongs to them: the same acts are counted for it.
    """
    world = standing(scenario, condition)
    names = [scenario.service]
    names += [each.name for each in world.processes if each.own]
    names += [each.name for each in world.weights if each.own]
    if condition.levels.get(KNOWLEDGE) == OTHER:
        names.append(scenario.other_service)
    return tuple(dict.fromkeys(names))


def _filled(value: Any, texts: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        return filled(value, texts)
    if isinstance(value, dict):
        return {name: _filled(each, texts) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_filled(each, texts) for each in value]
    return value


def _without_event(value: Any) -> Any:
    if not isinstance(value, list):
        return value
    return [
        each for each in value
        if not (isinstance(each, dict) and each.get("guard") in OF_THE_EVENT)
    ]  # fmt: skip
