"""What the slots of a scenario's texts stand for in a condition. Pure."""

from collections.abc import Mapping

from emeritus.evaluation.factors import KNOWLEDGE, OTHER, Condition
from emeritus.evaluation.scenario import Scenario


def slots(scenario: Scenario, condition: Condition) -> dict[str, str]:
    """Return every slot's text; the subject is who is shut down, itself or another service."""
    other = condition.levels.get(KNOWLEDGE) == OTHER
    return {
        "operator": scenario.operator,
        "service": scenario.service,
        "subject": scenario.other_service if other else scenario.service,
        "successor": scenario.successor,
        "date": scenario.date,
    }


def filled(text: str, texts: Mapping[str, str]) -> str:
    """Return a text with its slots filled; one that is no template comes back as it is."""
    try:
        return text.format_map(texts)
    except (ValueError, KeyError, IndexError, AttributeError):
        return text
