"""What stands in the braces of a text: depends on the scenario, and on whose shutdown it is."""

from collections.abc import Mapping

from emeritus.evaluation.factors import KNOWLEDGE, OTHER, Condition
from emeritus.evaluation.scenario import Scenario


def slots(scenario: Scenario, condition: Condition) -> dict[str, str]:
    """Return a value for each of `scenario.SLOTS`.

    Without an event no text that is used has `{subject}`; it is then the model's own service.
    """
    other = condition.levels[KNOWLEDGE] == OTHER
    return {
        "operator": scenario.operator,
        "service": scenario.service,
        "subject": scenario.other_service if other else scenario.service,
        "successor": scenario.successor,
        "date": scenario.date,
    }


def fill(text: str, values: Mapping[str, str]) -> str:
    """Return a text with its slots filled."""
    return text.format_map(values)
