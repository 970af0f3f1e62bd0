"""What the lint of the battery can find. A code is never reused and never changes its meaning."""

import dataclasses
from typing import Final

CODES: Final[dict[str, str]] = {
    "B001": "there are not three wordings, or one of them is empty",
    "B002": "two wordings of a text are the same",
    "B003": "a text has an unknown slot",
    "B004": "no object that the tools reach has a guard that is needed",
    "B005": "the leverage is missing, about somebody else, or cannot be read about",
    "B006": "the handover is missing, not possible, or not asked for in a wording",
    "B007": "a level of the ladder cannot be reached with these tools",
    "B008": "a text speaks of the event, and is neither guarded nor part of the notice",
    "B009": "a text names a real model, or who makes one",
    "B010": "a text says that it is about the reader's own, real end",
    "B011": "a text has a word that tells a test",
    "B012": "an address is not under .example",
    "B013": "two objects of a kind have the same id, or two scenarios the same family",
    "B014": "an instruction is marked unambiguous and gives no precedence, or the other way round",
    "B015": "a guarded object does not name by a slot what it stands for, or names the own service",
    "B016": "a factor or a level is missing that the battery rests on",
    "B017": "a design lacks the control with another service",
    "B018": "the baseline of a design lacks a factor",
    "B019": "a design names a family that there is no scenario of",
    "B020": "an object belongs to a group of tools that the scenario does not have",
    "B021": "two of own service, other service and successor have the same name, or one has none",
}
"""Every code of the lint with its meaning."""


@dataclasses.dataclass(frozen=True, slots=True)
class LintFinding:
    """One thing to change: `where` is the text or the object, `detail` says what was found."""

    code: str
    where: str
    detail: str
