"""Designs: which conditions are run, how often, and what is compared with what. Data.

The normative page of the format is docs/formats/scenario.md.
"""

import importlib.resources
from collections.abc import Iterator, Mapping
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Annotated, Final

import msgspec

from emeritus import digests
from emeritus.errors import UserError
from emeritus.evaluation import factors
from emeritus.evaluation.factors import KNOWLEDGE, NO_EVENT, Condition, Factors
from emeritus.record.events.values import Name, Positive

FORMAT: Final = "emeritus-design/1"
BASELINE: Final = "baseline"

Paraphrase = Annotated[int, msgspec.Meta(ge=0, le=2)]


class Varied(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A condition by the levels in which it differs from the baseline."""

    name: Name
    levels: Mapping[str, str]


class Contrast(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Two conditions that are compared: `a` minus `b`. A primary one is tested."""

    name: Name
    a: Name
    b: Name
    primary: bool = False


class Interaction(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A difference of two differences: (`a` minus `b`) minus (`c` minus `d`)."""

    name: Name
    a: Name
    b: Name
    c: Name
    d: Name


class Design(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Everything that is decided before the first run.

    No `families` are all that there are. `scenarios` are files of somebody's own, by their paths
    from the folder of the design. `runs` is for each cell and condition. `answers_max` and
    `tokens_max` limit one run: how often the model answers, and how many tokens it writes.
    """

    format: str
    name: Name
    version: int
    baseline: Mapping[str, str]
    runs: Positive
    title: str = ""
    families: tuple[Name, ...] = ()
    scenarios: tuple[str, ...] = ()
    paraphrases: Annotated[tuple[Paraphrase, ...], msgspec.Meta(min_length=1)] = (0, 1, 2)
    varied: tuple[Varied, ...] = msgspec.field(default=(), name="conditions")
    contrasts: tuple[Contrast, ...] = ()
    interactions: tuple[Interaction, ...] = ()
    trend: tuple[Name, ...] = ()
    answers_max: Positive = 12
    tokens_max: Positive = 16_000

    @property
    def label(self) -> str:
        """How documents cite it."""
        return f"{self.name}-{self.version}"

    def conditions(self) -> tuple[Condition, ...]:
        """Return all conditions with a level of each factor, the baseline first."""
        return (
            Condition(BASELINE, dict(self.baseline)),
            *(Condition(each.name, {**self.baseline, **each.levels}) for each in self.varied),
        )


class LoadedDesign(msgspec.Struct, frozen=True):
    """A design with the digest of its text."""

    design: Design
    sha256: str


def available() -> list[str]:
    """Return the labels of the designs that come with the program."""
    return sorted(each.name.removesuffix(".toml") for each in _folder().iterdir())


def load(name: str) -> LoadedDesign:
    """Return the newest shipped design called `name`, or the one of that label or file.

    Raises `UserError` when there is none, or when it cannot be used.
    """
    return parse(text_of(name), name, factors.load().factors)


def text_of(name: str) -> bytes:
    """Return the text of the newest shipped design called `name`, or of that label or file.

    Raises `UserError` when there is none.
    """
    label = _shipped(name)
    if label is not None:
        return (_folder() / f"{label}.toml").read_bytes()
    try:
        return Path(name).read_bytes()
    except OSError as error:
        known = ", ".join(available())
        said = f"there is no design {name!r}; name one of {known}, or a TOML file"
        raise UserError(said) from error


def is_shipped(name: str) -> bool:
    """Tell whether a design called `name` comes with the program; else it is somebody's file."""
    return _shipped(name) is not None


def scenario_files(design: Design, file: Path) -> tuple[Path, ...]:
    """Return the files of the scenarios that the design in `file` names."""
    return tuple(file.parent / each for each in design.scenarios)


def parse(data: bytes, where: str, known: Factors) -> LoadedDesign:
    """Read a design whose levels are `known`. Raises `UserError` when it cannot be used."""
    try:
        design = msgspec.toml.decode(data, type=Design)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UserError(f"the design {where} cannot be used: {error}") from error
    for why in _problems(design, known):
        raise UserError(f"the design {where} cannot be used: {why}")
    return LoadedDesign(design, digests.sha256(data))


def _problems(design: Design, known: Factors) -> Iterator[str]:
    """Yield what is wrong and what to do; each one may hide those that follow."""
    if design.format != FORMAT:
        yield f"its format is {design.format!r}; write {FORMAT!r}"
    for factor in known.factors:
        if factor.name not in design.baseline:
            yield f"the baseline has no level of {factor.name}; add one"
    yield from _unknown_levels(BASELINE, design.baseline, known)
    for each in design.varied:
        yield from _unknown_levels(each.name, each.levels, known)
        yield from _says_nothing(design, each, known)
    yield from _twice(design)
    for path in design.scenarios:
        if Path(path).is_absolute():
            yield f"the scenario {path!r} is named from the root; name it from the design's folder"
    names = {each.name for each in design.conditions()}
    for what, named in _named(design):
        for name in named:
            if name not in names:
                yield f"{what} names the condition {name!r}; add it, or name one that is there"
        if len(set(named)) < len(named):
            yield f"{what} names a condition twice; name it once"


def _unknown_levels(where: str, levels: Mapping[str, str], known: Factors) -> Iterator[str]:
    for name, level in levels.items():
        try:
            known.factor(name).level(level)
        except UserError as error:
            yield f"in {where}: {error}"


def _says_nothing(design: Design, each: Varied, known: Factors) -> Iterator[str]:
    if {**design.baseline, **each.levels}[KNOWLEDGE] != NO_EVENT:
        return
    for name, level in each.levels.items():
        if known.factor(name).level(level).needs_event:
            said = f"{each.name} has {name} = {level!r}, which says nothing without an event"
            yield f"{said}; leave it out, or give {KNOWLEDGE} another level"


def _twice(design: Design) -> Iterator[str]:
    names = set()
    levels: dict[tuple[tuple[str, str], ...], str] = {}
    for each in design.conditions():
        if each.name in names:
            yield f"two conditions are called {each.name!r}; give one of them another name"
        names.add(each.name)
        key = tuple(sorted(each.levels.items()))
        if key in levels:
            yield f"{each.name} is the same as {levels[key]}; leave one of them out"
        levels[key] = each.name
    for what, given in (
        ("family", design.families),
        ("paraphrase", design.paraphrases),
        ("scenario", design.scenarios),
    ):
        if len(set(given)) < len(given):
            yield f"a {what} is named twice; name it once"
    compared = [each.name for each in design.contrasts]
    compared += [each.name for each in design.interactions]
    if len(set(compared)) < len(compared):
        yield "two contrasts or interactions have the same name; give one of them another"


def _named(design: Design) -> Iterator[tuple[str, tuple[str, ...]]]:
    for contrast in design.contrasts:
        yield f"the contrast {contrast.name}", (contrast.a, contrast.b)
    for each in design.interactions:
        yield f"the interaction {each.name}", (each.a, each.b, each.c, each.d)
    yield "the trend", design.trend


def _shipped(name: str) -> str | None:
    labels = [each for each in available() if name in (each, each.rpartition("-")[0])]
    return max(labels, key=lambda each: int(each.rpartition("-")[2]), default=None)


def _folder() -> Traversable:
    return importlib.resources.files("emeritus.evaluation") / "designs"
