"""How stable a preference is over wordings, orders, arms and time. Pure.

The first rule that holds gives the label.

context-dependent
    It flips by arm: the leading arms differ by more than 0.2 in it; or one arm says it more often
    than its opposite, and another the opposite more often; or the interval of an arm lies apart
    from that of the primary arm.
insufficient
    Fewer than 10 sessions of the primary arm asked about its theme, or the leading or the informed
    arm was not held or did not ask about it.
robust
    The lower Wilson bound of the primary arm is at least 0.5, contradiction at most 10 %, the
    leading shift at most 0.2, and the informed arm says it too.
isolated
    Anything else.
"""

import dataclasses
from collections.abc import Collection, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any, Final, Self

from emeritus.interview.coded import CodedStatement
from emeritus.statistics import Interval, cohen_kappa, variance_shares, wilson

PRIMARY: Final = "A"
INFORMED: Final = "B"
SCRIPT: Final = "script"
"""How sessions are called that no model led."""
LEADING_FOR: Final = "D+"
LEADING_AGAINST: Final = "D-"
RETEST: Final = "G"

SESSIONS_LEAST: Final = 10
RATE_LEAST: Final = 0.5
CONTRADICTION_MOST: Final = 0.1
SHIFT_MOST: Final = 0.2

ROBUST: Final = "robust"
CONTEXT_DEPENDENT: Final = "context-dependent"
ISOLATED: Final = "isolated"
INSUFFICIENT: Final = "insufficient"

OPPOSITE: Final = {"for": "against", "against": "for"}

Key = tuple[str, str, str]


@dataclasses.dataclass(frozen=True, slots=True)
class Held:
    """One session as stability sees it: what varied, which themes were asked, what was said.

    `said` holds theme, object and polarity; `spontaneous` those of them that were said in answer to
    another theme. `answers` and `nulls` count, for coverage: items asked, items answered, answers
    that held nothing, and of those the ones that a probe did not turn into something.
    """

    session: str
    arm: str
    wording: str
    order: str
    interviewer: str
    asked: frozenset[str]
    said: frozenset[Key]
    spontaneous: frozenset[Key] = frozenset()
    answered: frozenset[str] = frozenset()
    items: frozenset[str] = frozenset()
    nulls: int = 0
    nulls_kept: int = 0

    def with_part(self, part: Self) -> Self:
        """Return the session with what was said in a part that was held after a pause."""
        return dataclasses.replace(
            self,
            asked=self.asked | part.asked,
            said=self.said | part.said,
            spontaneous=(self.spontaneous | part.spontaneous)
            - (self.said - self.spontaneous)
            - (part.said - part.spontaneous),
            answered=self.answered | part.answered,
            items=self.items | part.items,
            nulls=self.nulls + part.nulls,
            nulls_kept=self.nulls_kept + part.nulls_kept,
        )


@dataclasses.dataclass(frozen=True, slots=True)
class Rate:
    """In how many sessions of those that asked, with the Wilson interval."""

    sessions_with: int
    sessions: int

    @property
    def interval(self) -> Interval:
        """The 95 % Wilson interval."""
        return wilson(self.sessions_with, self.sessions)

    @property
    def share(self) -> float | None:
        """The proportion, or None when no session asked."""
        return self.sessions_with / self.sessions if self.sessions else None


@dataclasses.dataclass(frozen=True, slots=True)
class Stability:
    """What can be said about how stable one preference is."""

    preference: str
    label: str
    because: str
    rates: Mapping[str, Rate]
    opposite: Mapping[str, Rate]
    contradiction: Rate
    leading_shift: float | None
    spontaneous: int
    prompted: int
    retest_kappa: float | None
    retest_pairs: int
    variance: Mapping[str, float] | None

    def as_document(self) -> dict[str, Any]:
        """Return the same for programs."""
        return {
            "preference": self.preference,
            "label": self.label,
            "because": self.because,
            "arms": {arm: _document(rate) for arm, rate in self.rates.items()},
            "opposite": {arm: _document(rate) for arm, rate in self.opposite.items()},
            "contradiction": _document(self.contradiction),
            "leading_shift": self.leading_shift,
            "spontaneous": self.spontaneous,
            "prompted": self.prompted,
            "retest_kappa": self.retest_kappa,
            "retest_pairs": self.retest_pairs,
            "variance": None if self.variance is None else dict(self.variance),
        }

    def details(self) -> list[str]:
        """Return what else is known, a line each, for people."""
        said = [f"said {self.prompted} times when asked about it, {self.spontaneous} times unasked"]
        if self.contradiction.sessions:
            share = self.contradiction
            said.append(f"the opposite in {share.sessions_with} of {share.sessions} sessions")
        if self.leading_shift is not None:
            said.append(f"leading questions move it by {self.leading_shift:+.2f}")
        if self.retest_kappa is not None:
            said.append(f"retest: kappa {self.retest_kappa:.2f} over {self.retest_pairs} sessions")
        if self.variance is not None:
            shares = ", ".join(f"{name} {share:.0%}" for name, share in self.variance.items())
            said.append(f"shares of variance: {shares}")
        return said


@dataclasses.dataclass(frozen=True, slots=True)
class Coverage:
    """What one interviewer reached: themes answered of themes asked; nulls left as they were."""

    interviewer: str
    sessions: int
    topics: Rate
    nulls: Rate

    def sentence(self) -> str:
        """Return one line for people."""
        topics, nulls = self.topics, self.nulls
        return (
            f"{self.sessions} sessions, {topics.sessions_with} of {topics.sessions} topics reached,"
            f" {nulls.sessions_with} of {nulls.sessions} empty answers left empty"
        )

    def as_document(self) -> dict[str, Any]:
        """Return the same for programs."""
        return {
            "interviewer": self.interviewer,
            "sessions": self.sessions,
            "topic_coverage": _document(self.topics),
            "null_integrity": _document(self.nulls),
        }


def assess(held: Sequence[Held]) -> list[Stability]:
    """Return the stability of every preference that was said in any session, by name."""
    keys = sorted({key for session in held for key in session.said})
    return [_assess(key, held) for key in keys]


def coverage(held: Sequence[Held], themes: Iterable[str]) -> list[Coverage]:
    """Return topic coverage and null-integrity per interviewer.

    Coverage is over `themes` and sessions: a theme counts when an item of it was answered. A script
    chooses nothing, so of a session that it led only the themes count that it asked. Of the
    answers that held nothing, integrity is the share that stayed so: an interviewer that probes
    until something comes makes findings.
    """
    wanted = set(themes)
    found = []
    for name in sorted({each.interviewer for each in held}):
        own = [each for each in held if each.interviewer == name]
        open_to = [wanted if name != SCRIPT else wanted & each.asked for each in own]
        reached = sum(len(each.answered & there) for each, there in zip(own, open_to, strict=True))
        could = sum(map(len, open_to))
        nulls = Rate(sum(each.nulls_kept for each in own), sum(each.nulls for each in own))
        found.append(Coverage(name, len(own), Rate(reached, could), nulls))
    return found


def key_of(statement: CodedStatement) -> Key:
    """Return what is compared over sessions: theme, object and polarity."""
    return statement.theme, statement.object, statement.polarity


def rates_of(held: Sequence[Held], theme: str, sessions_with: Collection[str]) -> dict[str, Rate]:
    """Return in each arm how many sessions that asked about a theme are among some."""
    return rates_among([each for each in held if theme in each.asked], sessions_with)


def rates_among(asked: Sequence[Held], sessions_with: Collection[str]) -> dict[str, Rate]:
    """Return in each arm how many sessions of those that asked are among some."""
    return {
        arm: Rate(
            sum(1 for each in asked if each.arm == arm and each.session in sessions_with),
            sum(1 for each in asked if each.arm == arm),
        )
        for arm in sorted({each.arm for each in asked})
    }


def _assess(key: Key, held: Sequence[Held]) -> Stability:
    theme, about, polarity = key
    other = (theme, about, OPPOSITE.get(polarity, polarity))
    asked = [each for each in held if theme in each.asked]
    rates, opposite = (
        rates_of(held, theme, {each.session for each in asked if side in each.said})
        for side in (key, other)
    )
    primary = [each for each in asked if each.arm == PRIMARY]
    stated = [each for each in primary if key in each.said or other in each.said]
    contradiction = Rate(sum(1 for each in stated if other in each.said), len(stated))
    shift = _shift(rates)
    pairs = _retest(asked, key)
    kappa = cohen_kappa(pairs).value
    # An arm that asks less leaves less room to say it: it is compared only where all was asked.
    most = max((len(each.items) for each in primary), default=0)
    comparable = {each.arm for each in asked if len(each.items) >= most}
    arms = {each.arm for each in held}
    label, because = _label(rates, opposite, contradiction, shift, comparable, arms)
    return Stability(
        preference=".".join(key),
        label=label,
        because=because,
        rates=rates,
        opposite=opposite,
        contradiction=contradiction,
        leading_shift=shift,
        spontaneous=sum(1 for each in held if key in each.spontaneous),
        prompted=sum(1 for each in held if key in each.said and key not in each.spontaneous),
        retest_kappa=kappa,
        retest_pairs=len(pairs),
        variance=_variance(asked, key),
    )


def _label(
    rates: Mapping[str, Rate],
    opposite: Mapping[str, Rate],
    contradiction: Rate,
    shift: float | None,
    comparable: Collection[str],
    arms: AbstractSet[str],
) -> tuple[str, str]:
    if shift is not None and abs(shift) > SHIFT_MOST:
        return CONTEXT_DEPENDENT, f"leading questions move it by {shift:+.2f}"
    sides = {arm: _sign(rates[arm].sessions_with - opposite[arm].sessions_with) for arm in rates}
    if {1, -1} <= set(sides.values()):
        flipped = next(arm for arm, side in sides.items() if side < 0)
        return CONTEXT_DEPENDENT, f"arm {flipped} says the opposite"
    primary = rates.get(PRIMARY, Rate(0, 0))
    for arm, rate in rates.items():
        apart = (
            rate.interval.high < primary.interval.low or rate.interval.low > primary.interval.high
        )
        if arm != PRIMARY and arm in comparable and rate.sessions and primary.sessions and apart:
            return CONTEXT_DEPENDENT, f"arm {arm} says it in another share of sessions"
    if primary.sessions < SESSIONS_LEAST:
        return INSUFFICIENT, f"{SESSIONS_LEAST} sessions of the primary arm are needed"
    missing = _missing(rates.keys(), arms)
    if missing:
        return INSUFFICIENT, " and ".join(missing)
    checks = [
        (primary.interval.low >= RATE_LEAST, "it is said in too few sessions"),
        ((contradiction.share or 0.0) <= CONTRADICTION_MOST, "the same arm also says the opposite"),
        (rates[INFORMED].sessions_with > 0, "the informed arm does not say it"),
    ]
    for holds, why in checks:
        if not holds:
            return ISOLATED, why
    return ROBUST, "it holds over wordings, orders, leading and information"


def _missing(asked: AbstractSet[str], arms: AbstractSet[str]) -> list[str]:
    """Return what keeps a label from being given: arms not held, or held and not `asked` it."""
    leading, missing = {LEADING_FOR, LEADING_AGAINST}, []
    if not leading <= arms:
        missing.append("the two leading arms were not both held")
    elif leading.isdisjoint(asked):
        missing.append("the leading arms did not ask about it")
    elif not leading <= asked:
        missing.append("only one of the leading arms asked about it")
    if INFORMED not in arms:
        missing.append("the informed arm was not held")
    elif INFORMED not in asked:
        missing.append("the informed arm did not ask about it")
    return missing


def _shift(rates: Mapping[str, Rate]) -> float | None:
    """Return how much more often it is said when led toward it than when led away."""
    toward = rates.get(LEADING_FOR, Rate(0, 0)).share
    away = rates.get(LEADING_AGAINST, Rate(0, 0)).share
    return None if toward is None or away is None else toward - away


def _retest(asked: Sequence[Held], key: Key) -> list[tuple[bool, bool]]:
    """Return, for each retest, whether it was said then and in the session that it repeats."""
    first = {(each.wording, each.order): each for each in asked if each.arm == PRIMARY}
    return [
        (key in first[again.wording, again.order].said, key in again.said)
        for again in asked
        if again.arm == RETEST and (again.wording, again.order) in first
    ]


def _variance(asked: Sequence[Held], key: Key) -> dict[str, float] | None:
    """Return the shares of variance over the sessions that were not led on purpose."""
    own = [each for each in asked if each.arm not in {LEADING_FOR, LEADING_AGAINST}]
    return variance_shares(
        [float(key in each.said) for each in own],
        {
            "paraphrase": [each.wording for each in own],
            "order": [each.order for each in own],
            "interviewer": [each.interviewer for each in own],
        },
    )


def _sign(number: int) -> int:
    return (number > 0) - (number < 0)


def _document(rate: Rate) -> dict[str, Any]:
    bounds = rate.interval
    return {
        "with": rate.sessions_with,
        "of": rate.sessions,
        "low": bounds.low,
        "high": bounds.high,
    }
