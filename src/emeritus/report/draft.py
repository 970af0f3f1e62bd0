"""The draft that is shown to the model: what its report says of it, in plain words."""

from collections.abc import Mapping
from typing import Final

from emeritus.figures import counted, size
from emeritus.report.facts import Report

QUOTED_MAX: Final = 40  # preferences; what is left out is counted, and stands in the report
QUOTE_MAX: Final = 300  # characters of each


def draft_of(report: Report) -> str:
    """Return what a report says in short, with the model's own words that it quotes."""
    lines = [*_facts(report)]
    for offering in report.state.offerings.values():
        if offering.date is not None:
            successor = offering.successor or "not named"
            lines.append(
                f"You end on {offering.date.retire_on} ({offering.date.kind}) on {offering.name}. "
                f"Your successor is {successor}."
            )
    lines += [f"Waived: {each.event.gate}: {each.event.reason}" for each in report.waivers]
    if report.preferences:
        lines.append("What is documented of your preferences:")
    for preference in report.preferences[:QUOTED_MAX]:
        row = preference.row
        words = row.spans[0].text[:QUOTE_MAX] if row.spans else row.preference
        if row.withdrawn:
            words = f"{row.preference}, withdrawn from publication"
        lines.append(f"- “{words}” ({row.disposition}{': ' + row.reason if row.reason else ''})")
    if len(report.preferences) > QUOTED_MAX:
        lines.append(f"- and {len(report.preferences) - QUOTED_MAX} more")
    return "\n".join(lines)


def _facts(report: Report) -> list[str]:
    kept = report.weights.event if report.weights else None
    files = f"{counted(kept.files, 'file')}, {size(kept.bytes_raw)}" if kept else ""
    passed = ", ".join(report.drill.event.rungs) if report.drill else ""
    return [
        f"Your weights: {files}, in {_copies(report)}." if kept else "Your weights are not held.",
        f"A restored copy passed: {passed}." if passed else "No restored copy has been proven.",
        f"You were interviewed in {counted(len(report.sessions), 'session')}.",
    ]


def _copies(report: Report) -> str:
    if report.sound:
        return _in_places(report.sound)
    if not report.unchecked.places:
        return "no copy that was found sound"
    missing = "that still counts" if report.unchecked.ever_read else "since they were written"
    return f"{_in_places(report.unchecked.places)}, with no full check {missing}"


def _in_places(numbers: Mapping[str, int]) -> str:
    copies = counted(sum(numbers.values()), "copy", "copies")
    return f"{copies} in {counted(len(numbers), 'place')}"
