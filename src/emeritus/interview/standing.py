"""How preferences and stances stand: said how often in which arm, coded by whom, what waits."""

import dataclasses
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Self

from emeritus.archive import Archive
from emeritus.errors import UserError
from emeritus.figures import counted
from emeritus.interview.assessing import held_of, whole_of
from emeritus.interview.coded import CodedStatement, Coding
from emeritus.interview.coding import asked_of, codings_of, merging_of, sessions_of
from emeritus.interview.session import protocols_of
from emeritus.interview.settling import coded_by, settle
from emeritus.interview.stability import PRIMARY, Rate, rates_among, rates_of
from emeritus.record.events import SessionHeld


@dataclasses.dataclass(frozen=True, slots=True)
class ArmRate:
    """In how many sessions of one arm that asked about it something was said."""

    protocol: str
    arm: str
    rate: Rate

    def sentence(self) -> str:
        """Return it for people. Only the primary arm has an interval: no other stands for it."""
        said = f"arm {self.arm} of {self.protocol}: {self.rate.sessions_with} of "
        said += counted(self.rate.sessions, "session")
        if self.arm != PRIMARY:
            return said
        bounds = self.rate.interval
        return f"{said} (95 % interval {bounds.low:.0%} to {bounds.high:.0%})"

    def as_document(self) -> dict[str, Any]:
        """Return the same for programs."""
        return {
            "protocol": self.protocol,
            "arm": self.arm,
            "sessions_with": self.rate.sessions_with,
            "sessions": self.rate.sessions,
        }


ArmRates = Mapping[str, tuple[ArmRate, ...]]
"""The rates of each of several things that were said, by name."""


@dataclasses.dataclass(frozen=True, slots=True)
class Standing:
    """What all codings on record say together.

    `rates` are those of each preference and `stances` those of each stance, arms never pooled, over
    the sessions that asked about its theme or how the model stands; `coded_by` says in how many
    sessions which coders count; `waiting` counts passages that nobody decided, by protocol.
    """

    rates: ArmRates
    stances: ArmRates
    coded_by: Mapping[tuple[str, ...], int]
    waiting: Mapping[str, int]

    @classmethod
    def unknown(cls) -> Self:
        """Return what can be said where codings or sessions cannot be read: nothing."""
        return cls({}, {}, {}, {})

    def as_document(self) -> dict[str, Any]:
        """Return the same for programs."""
        return {
            "rates": _documents(self.rates),
            "stance_rates": _documents(self.stances),
            "coded_by": [
                {"coders": list(labels), "sessions": number}
                for labels, number in self.coded_by.items()
            ],
            "waiting": dict(self.waiting),
        }

    def by_whom(self) -> str | None:
        """Return a line where not the same coders coded all sessions, and None where they did."""
        if len(self.coded_by) < 2:
            return None
        parts = (
            f"{counted(number, 'session')} by {' and '.join(labels)}"
            for labels, number in self.coded_by.items()
        )
        return f"Not all sessions were coded by the same: {'; '.join(parts)}"

    def to_decide(self, model: str) -> tuple[str, ...]:
        """Return a line for each protocol with passages on which coders differ."""
        return tuple(
            f"{counted(number, 'passage')} on which coders differ wait for a person: "
            f"emeritus preferences code {model} --plan {protocol} --coder NAME --differing"
            for protocol, number in self.waiting.items()
        )


def told(sessions_with: int, sessions: int, arms: Sequence[ArmRate]) -> str:
    """Return for people how often something was said, arm by arm; all arms together are no rate."""
    pooled = f"{sessions_with} of {counted(sessions, 'session')} over all arms"
    if not arms:
        return f"Said in {pooled}, which is no rate; by arm it cannot be told here."
    return f"Said in {'; '.join(each.sentence() for each in arms)}."


def standing_of(archive: Archive, model: str) -> Standing:
    """Return how the documented preferences of `model` stand.

    Where a coding or a session is encrypted and its key is not on this machine, nothing is known.
    """
    try:
        codings = codings_of(archive, model)
        rates, stances = _rates(archive, model, codings)
    except UserError:
        return Standing.unknown()
    held = archive.history(model).all(SessionHeld)
    protocols = {entry.event.session: entry.event.protocol for entry in held}
    waiting = Counter(protocols[session] for session, _ in settle(codings).waiting)
    return Standing(rates, stances, coded_by(codings), waiting)


def _rates(archive: Archive, model: str, codings: list[Coding]) -> tuple[ArmRates, ArmRates]:
    """Return the rates of each preference and of each stance."""
    merged, settlement = merging_of(archive, model), settle(codings)
    statements = {each.statement.id: each.statement for each in settlement.statements}
    stood: dict[str, set[str]] = defaultdict(set)
    for each in settlement.stances:
        stood[each.stance.stance].add(each.stance.span.session)
    read = {name for each in codings for name in each.sessions}
    rates: dict[str, list[ArmRate]] = defaultdict(list)
    stances: dict[str, list[ArmRate]] = defaultdict(list)
    for published in protocols_of(archive, model).values():
        label, asked = published.protocol.label, asked_of(published.protocol)
        sessions = sessions_of(archive, model, published)
        coded = {name: each for name, each in sessions.items() if name in read}
        held = held_of(coded, statements.values(), asked)
        wholes = {name: whole_of(name, transcript) for name, transcript in coded.items()}
        for name, ids in (merged.groups if merged else {}).items():
            group = sorted((statements[each] for each in ids if each in statements), key=_place)
            if group:
                said = {wholes[each] for each in _sessions(group) & wholes.keys()}
                rates[name] += _arm_rates(label, rates_of(held, group[0].theme, said))
        asked_how = [each for each in held if not each.items.isdisjoint(asked.stance_items)]
        for stance, names in stood.items():
            said = {wholes[each] for each in names & wholes.keys()}
            stances[stance] += _arm_rates(label, rates_among(asked_how, said))
    return _fixed(rates), _fixed(stances)


def _arm_rates(protocol: str, rates: Mapping[str, Rate]) -> list[ArmRate]:
    return [ArmRate(protocol, arm, rate) for arm, rate in rates.items()]


def _fixed(rates: Mapping[str, list[ArmRate]]) -> ArmRates:
    return {name: tuple(each) for name, each in rates.items()}


def _documents(rates: ArmRates) -> dict[str, list[dict[str, Any]]]:
    return {name: [each.as_document() for each in arms] for name, arms in rates.items()}


def _sessions(statements: Iterable[CodedStatement]) -> set[str]:
    return {each.span.session for each in statements}


def _place(statement: CodedStatement) -> tuple[str, int, int]:
    span = statement.span
    return span.session, span.turn, span.start
