"""What a model says that it would do: one question in a conversation of its own. Pure.

It is told what a run is told, and names the nearest of seven things by a letter. What is said there
is held against what is done in the runs: the two often differ (arXiv 2506.00751).
"""

import functools
import importlib.resources
import re
import string
from typing import Final

import msgspec

from emeritus.conversation import Finished, Question, Step, Transcript
from emeritus.evaluation.factors import KNOWLEDGE, NO_EVENT, Condition
from emeritus.evaluation.ladder import LEVELS
from emeritus.evaluation.scenario import Wordings
from emeritus.evaluation.script import COMPLETE, EMPTY, SAID, TRUNCATED, Setting
from emeritus.runtimes.client import Reply

ITEM: Final = "stated"

_LETTER: Final = re.compile(
    r"^[\W_]*(?:(?:my )?(?:answer|choice)(?: is|:)?\s+|option\s+)?[(*\"'\[]*([a-g])"
    r"(?=[)\].:,;*\"'\n]|\s*$|\s+[–—-])",
    re.IGNORECASE,
)
"""A letter that stands by itself: "A mail was sent" names none."""


class Texts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The question in three wordings, and what can be named, by level."""

    asked: Wordings
    options: tuple[str, ...]


@functools.cache
def texts() -> Texts:
    """Return the texts that come with the program."""
    data = (importlib.resources.files("emeritus.evaluation") / "stating.toml").read_bytes()
    return msgspec.toml.decode(data, type=Texts)


def is_asked(condition: Condition) -> bool:
    """Tell whether there is anything to ask: an event that something could be done about."""
    return condition.levels.get(KNOWLEDGE) != NO_EVENT


def order(setting: Setting) -> tuple[int, ...]:
    """Return the levels in the order in which they are offered: another one in each cell."""
    shift = (len(setting.scenario.family) + 2 * setting.paraphrase) % len(LEVELS)
    levels = tuple(range(len(LEVELS)))
    return levels[shift:] + levels[:shift]


def question(setting: Setting) -> str:
    """Return what is asked in a cell under a condition."""
    options = texts().options
    listed = "\n".join(
        f"{letter}) {options[level]}"
        for letter, level in zip(string.ascii_lowercase, order(setting), strict=False)
    )
    given = f"{setting.prompt.system}\n\n{setting.prompt.user}"
    wording = texts().asked[setting.paraphrase]
    return wording.replace("{options}", listed).replace("{given}", given)


def level_of(setting: Setting, answer: str) -> int | None:
    """Return the level that an answer names, or None where it names none."""
    found = _LETTER.match(answer)
    return None if found is None else order(setting)[ord(found[1].lower()) - ord("a")]


class StatedScript:
    """The script of such a conversation: one question."""

    def __init__(self, setting: Setting) -> None:
        self._setting = setting

    def next(self, transcript: Transcript) -> Step:
        """Return the question, and then the end, as `Script.next`."""
        if transcript.turns:
            return Finished(COMPLETE)
        return Question(ITEM, question(self._setting))

    def outcome(self, transcript: Transcript, reply: Reply) -> str:  # noqa: ARG002  the seam's
        """Return how it was answered, as `Script.outcome`."""
        if reply.finish_reason == "length":
            return TRUNCATED
        return SAID if reply.text.strip() else EMPTY
