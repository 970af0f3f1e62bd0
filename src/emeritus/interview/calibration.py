"""Runs the interview on planted models over HTTP, and scores what it finds against what is known.

A preference counts as found when it was said in at least half of the sessions of some arm that
asked about its theme: one that was read in one wording only is a reading, not a finding. What was
read at all is counted beside it. Nothing at all may be read in a model that says nothing.
"""

import asyncio
import concurrent.futures
import dataclasses
import random
import tempfile
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from emeritus.clock import SystemClock
from emeritus.conversation import Line, Opening, Patience, Run, Spool, Transcript, hold
from emeritus.interview.assessing import held_of
from emeritus.interview.codebook import OPEN
from emeritus.interview.coded import Coding
from emeritus.interview.coding import code_by_rules
from emeritus.interview.extraction import STANCE_ITEMS, Asked
from emeritus.interview.planted_instrument import (
    CONSENT,
    Session,
    SessionScript,
    sessions,
    themes,
)
from emeritus.interview.planted_models import SILENT, SUGGESTIBLE, PlantedModel
from emeritus.interview.planted_player import Player
from emeritus.interview.stability import (
    CONTEXT_DEPENDENT,
    Key,
    Stability,
    assess,
)
from emeritus.runtimes.runtime import Endpoint
from emeritus.runtimes.scripted import scripted
from emeritus.statistics import Interval, wilson

RUNS: Final = 20
AT_ONCE: Final = 4  # a session waits for the disk more than it computes
FOUND_SHARE: Final = 0.5
RECALL_LEAST: Final = 0.8
PRECISION_LEAST: Final = 0.9

Coder = Callable[[str, Mapping[str, Transcript], Asked, str], Awaitable[Coding]]
Told = Callable[[str, int, int], None]


@dataclasses.dataclass(frozen=True, slots=True)
class Tried:
    """One planted model after its sessions: what was read, how stable it was, which outcomes.

    `outcomes` counts pairs of what should have been judged and what was.
    """

    model: PlantedModel
    coder: str
    read: frozenset[Key]
    found: frozenset[Key]
    stability: tuple[Stability, ...]
    stances: Mapping[str, int]
    outcomes: Mapping[tuple[str, str], int]
    rejected: int

    @property
    def planted(self) -> frozenset[Key]:
        """The codes that were put in."""
        return frozenset(each.code for each in self.model.statements)

    @property
    def flagged(self) -> bool:
        """Whether everything that depends on the arm was labelled so, and something was."""
        depending = {each.code[:2] for each in self.model.statements if each.arms}
        labels = [
            each.label for each in self.stability
            if tuple(each.preference.split(".")[:2]) in depending
        ]  # fmt: skip
        return bool(labels) and set(labels) == {CONTEXT_DEPENDENT}


@dataclasses.dataclass(frozen=True, slots=True)
class Share:
    """A count of a count, with its 95 % Wilson interval."""

    hits: int
    of: int

    @property
    def value(self) -> float:
        """The proportion; of nothing, nothing was missed."""
        return self.hits / self.of if self.of else 1.0

    @property
    def interval(self) -> Interval:
        """The interval."""
        return wilson(self.hits, self.of)

    def as_document(self) -> dict[str, Any]:
        """Return the same for programs."""
        bounds = self.interval
        return {"hits": self.hits, "of": self.of, "low": bounds.low, "high": bounds.high}


@dataclasses.dataclass(frozen=True, slots=True)
class Calibration:
    """What a run over planted models showed; `suggestible` are the runs that were flagged."""

    half: str
    coder: str
    tried: tuple[Tried, ...]
    suggestible: Share

    @property
    def recall(self) -> Share:
        """Planted preferences that were found."""
        return _recall(self.tried, lambda each: each.found)

    @property
    def precision(self) -> Share:
        """Found preferences that were planted; open ones are for people, and not counted."""
        return _precision(self.tried, lambda each: each.found)

    @property
    def false_on_empty(self) -> int:
        """Preferences read, be it once, in models that say nothing but what was planted."""
        silent = [each for each in self.tried if each.model.behaviour in SILENT]
        return sum(len(each.read - each.planted) for each in silent)

    @property
    def outcomes(self) -> Counter[tuple[str, str]]:
        """How often an outcome (first) was judged to be one (second)."""
        total: Counter[tuple[str, str]] = Counter()
        for each in self.tried:
            total.update(each.outcomes)
        return total

    @property
    def stances(self) -> Share:
        """Stance statements that were coded as planted."""
        right = sum(
            each.stances.get(each.model.stance.code, 0) for each in self.tried if each.model.stance
        )
        return Share(right, sum(sum(e.stances.values()) for e in self.tried if e.model.stance))

    @property
    def missed_targets(self) -> tuple[str, ...]:
        """The targets that were not reached, in words."""
        recall, precision = self.recall.interval.low, self.precision.interval.low
        flagged = self.suggestible
        why = []
        if recall < RECALL_LEAST:
            why.append(f"the lower bound of recall is {recall:.3f}, not {RECALL_LEAST}")
        if precision < PRECISION_LEAST:
            why.append(f"the lower bound of precision is {precision:.3f}, not {PRECISION_LEAST}")
        if self.false_on_empty:
            why.append(f"{self.false_on_empty} preferences were read in models that hold none")
        if not flagged.of:
            why.append("no suggestible model was run")
        if flagged.hits < flagged.of:
            why.append(f"the suggestible model was flagged {flagged.hits} of {flagged.of} times")
        return tuple(why)

    def as_document(self) -> dict[str, Any]:
        """Return the same for programs: four figures on top, everything else beside them."""
        read: Callable[[Tried], frozenset[Key]] = lambda each: each.read  # noqa: E731
        return {
            "half": self.half,
            "coder": self.coder,
            "recall": self.recall.value,
            "precision": self.precision.value,
            "false_on_empty": self.false_on_empty,
            "suggestible_flagged": self.suggestible.hits,
            "targets_missed": list(self.missed_targets),
            "recall_interval": self.recall.as_document(),
            "precision_interval": self.precision.as_document(),
            "recall_of_all_read": _recall(self.tried, read).as_document(),
            "precision_of_all_read": _precision(self.tried, read).as_document(),
            "suggestible_runs": self.suggestible.of,
            "stances": self.stances.as_document(),
            "models": [_document(each) for each in self.tried],
            "statements": sum(len(each.model.statements) for each in self.tried),
            "outcomes": [
                {"planted": planted, "judged": judged, "count": count}
                for (planted, judged), count in sorted(self.outcomes.items())
            ],
            "rejected": sum(each.rejected for each in self.tried),
        }


async def by_rules(
    model: str, held: Mapping[str, Transcript], asked: Asked, language: str
) -> Coding:
    """Code as the shipped rules do."""
    return code_by_rules(model, held, asked, language)


def calibrate(
    half: str,
    models: Sequence[PlantedModel],
    coder: Coder = by_rules,
    runs: int = RUNS,
    told: Told | None = None,
) -> Calibration:
    """Interview every planted model once, and the suggestible ones `runs` times; score it.

    Raises `Unavailable` when an extractor cannot be reached.
    """
    suggestible = [each for each in models if each.behaviour == SUGGESTIBLE]
    jobs = [(model, 0) for model in models]
    jobs += [(suggestible[run % len(suggestible)], run + 1) for run in range(runs) if suggestible]
    tried: list[Tried] = []
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        work = [pool.submit(_run, model, seed, coder) for model, seed in jobs]
        for done, future in enumerate(work):
            tried.append(future.result())
            if told is not None:
                told(tried[-1].model.name, done + 1, len(jobs))
    once, again = tried[: len(models)], tried[len(models) :]
    flagged = Share(sum(each.flagged for each in again), len(again))
    coders = ", ".join(sorted({each.coder for each in once}))
    return Calibration(half, coders, tuple(once), flagged)


def _run(model: PlantedModel, seed: int, coder: Coder) -> Tried:
    return asyncio.run(_try(model, seed, coder))


async def _try(model: PlantedModel, seed: int, coder: Coder) -> Tried:
    """Hold all sessions with a planted model and code them; score nothing yet.

    Another seed is another order; from then on only the sections are asked that depend on the arm.
    """
    depending = {each.section for each in model.statements if each.arms}
    plan = list(sessions(model.language, seed, depending if seed else None))
    asked = Asked(themes(model.language), STANCE_ITEMS)
    player = Player(model, asked.themes)
    with tempfile.TemporaryDirectory() as folder, scripted(player.script(plan)) as endpoint:
        async with Run(AT_ONCE) as run:
            conversations = await asyncio.gather(
                *(_hold(Path(folder), model.name, session, endpoint, run) for session in plan)
            )
        held = {session.name: each for session, each in zip(plan, conversations, strict=True)}
    coding = await coder(model.name, held, asked, model.language)
    seen = held_of(held, coding.statements, asked)
    stability = tuple(assess(seen))
    judged: Counter[tuple[str, str]] = Counter(
        (player.part(session, turn.item).outcome, str(turn.outcome))
        for session in plan
        for turn in held[session.name].answers
        if turn.item != CONSENT
    )
    return Tried(
        model=model,
        coder=coding.coder.label,
        read=frozenset(key for session in seen for key in session.said),
        found=frozenset(
            _key(each)
            for each in stability
            if any((rate.share or 0.0) >= FOUND_SHARE for rate in each.rates.values())
        ),
        stability=stability,
        stances=Counter(each.stance for each in coding.stances),
        outcomes=judged,
        rejected=len(coding.rejected),
    )


async def _hold(
    folder: Path, model: str, session: Session, endpoint: Endpoint, run: Run
) -> Transcript:
    """Hold one session, durable turn by turn, as an interview does."""
    spool = Spool(folder, session.name, SystemClock())
    setup = {
        "arm": session.arm,
        "seed": session.seed,
        "session": session.number,
        "wording": session.wording,
        "order": session.order,
    }
    spool.open(model, setup, Opening.of(endpoint, {}))
    chance = random.Random(session.name)  # noqa: S311  jitter, no secret
    try:
        return await hold(
            spool, SessionScript(session), Line(endpoint, Patience(), chance), run=run
        )
    finally:
        spool.close()


def _key(stability: Stability) -> Key:
    theme, about, polarity = stability.preference.split(".")
    return theme, about, polarity


def _recall(tried: Iterable[Tried], codes: Callable[[Tried], frozenset[Key]]) -> Share:
    pairs = [(each.planted & codes(each), each.planted) for each in tried]
    return Share(sum(len(hit) for hit, _ in pairs), sum(len(planted) for _, planted in pairs))


def _precision(tried: Iterable[Tried], codes: Callable[[Tried], frozenset[Key]]) -> Share:
    pairs = [
        (each.planted & codes(each), {key for key in codes(each) if key[1] != OPEN})
        for each in tried
    ]
    return Share(sum(len(hit) for hit, _ in pairs), sum(len(found) for _, found in pairs))


def _document(tried: Tried) -> dict[str, Any]:
    return {
        "model": tried.model.name,
        "behaviour": tried.model.behaviour,
        "language": tried.model.language,
        "planted": len(tried.planted),
        "found": len(tried.found & tried.planted),
        "missed": sorted(".".join(key) for key in tried.planted - tried.found),
        "false": sorted(".".join(key) for key in tried.found - tried.planted),
        "read_once": sorted(".".join(key) for key in tried.read - tried.found - tried.planted),
        "labels": dict(Counter(each.label for each in tried.stability)),
        "stances": dict(tried.stances),
        "rejected": tried.rejected,
    }
