"""How stable the preferences on record are: the codings on record, over the sessions on record."""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from emeritus.archive import Archive
from emeritus.conversation import Transcript
from emeritus.interview import outcome
from emeritus.interview.coded import CodedStatement
from emeritus.interview.coding import asked_of, codings_of, sessions_of
from emeritus.interview.extraction import Asked, answered
from emeritus.interview.judging import JudgeError, judge_errors
from emeritus.interview.protocol import Published
from emeritus.interview.settling import settle
from emeritus.interview.stability import (
    SCRIPT,
    Coverage,
    Held,
    Stability,
    assess,
    coverage,
    key_of,
)


@dataclasses.dataclass(frozen=True, slots=True)
class Assessment:
    """The stability of every preference, what each interviewer reached, and how coders err."""

    preferences: tuple[Stability, ...]
    interviewers: tuple[Coverage, ...]
    judges: tuple[JudgeError, ...]

    def as_document(self) -> dict[str, Any]:
        """Return the same for programs."""
        return {
            "preferences": [each.as_document() for each in self.preferences],
            "interviewers": [each.as_document() for each in self.interviewers],
            "judges": [each.as_document() for each in self.judges],
        }


def assessment_of(archive: Archive, model: str, published: Published) -> Assessment:
    """Return how stable the preferences of `model` are, over its sessions under a protocol.

    Raises `UserError` when a transcript is encrypted and its key is not on this machine.
    """
    asked, codings = asked_of(published.protocol), codings_of(archive, model)
    sessions = sessions_of(archive, model, published)
    standing = [each.statement for each in settle(codings).statements]
    held = held_of(sessions, standing, asked)
    answers = [
        (name, turn.turn) for name, each in sessions.items() for turn in answered(each, asked)
    ]
    return Assessment(
        tuple(assess(held)),
        tuple(coverage(held, set(asked.themes.values()))),
        tuple(judge_errors(codings, answers)),
    )


def held_of(
    sessions: Mapping[str, Transcript], statements: Iterable[CodedStatement], asked: Asked
) -> list[Held]:
    """Return every session of an arm as stability sees it, with its parts as one. Pure.

    What was paused and taken up is one session: it was asked everything once.
    """
    coded: dict[str, list[CodedStatement]] = {}
    for each in statements:
        coded.setdefault(each.span.session, []).append(each)
    found: dict[str, Held] = {}
    for name, transcript in sessions.items():
        if "wording" in transcript.header.setup:
            part = _held(name, transcript, coded.get(name, []), asked)
            before = found.get(part.session)
            found[part.session] = part if before is None else before.with_part(part)
    return list(found.values())


def whole_of(name: str, transcript: Transcript) -> str:
    """Return the name of the session of which `name` is a part."""
    is_first = transcript.header.setup.get("part", 1) == 1
    return name if is_first else name.rpartition(".")[0]


def _held(
    name: str, transcript: Transcript, statements: Sequence[CodedStatement], asked: Asked
) -> Held:
    setup = transcript.header.setup
    said = {key_of(each) for each in statements}
    prompted = {key_of(each) for each in statements if asked.themes.get(each.item) == each.theme}
    coded = {each.span.turn for each in statements}
    answers = [turn for turn in transcript.answers if turn.item in asked.themes]
    first = {turn.item: turn for turn in reversed(answers)}
    nulls = {item for item, turn in first.items() if outcome.has_nothing_to_report(turn.text)}
    broken = {turn.item for turn in answers if turn.item in nulls and turn.turn in coded}
    return Held(
        session=whole_of(name, transcript),
        arm=str(setup["arm"]),
        wording=str(setup["wording"]),
        order=str(setup["order"]),
        interviewer=str(setup.get("interviewer") or SCRIPT),
        asked=frozenset(asked.themes[item] for item in first),
        items=frozenset(first),
        said=frozenset(said),
        spontaneous=frozenset(said - prompted),
        answered=frozenset(
            asked.themes[turn.item] for turn in answers if turn.outcome == outcome.ANSWERED
        ),
        nulls=len(nulls),
        nulls_kept=len(nulls - broken),
    )
