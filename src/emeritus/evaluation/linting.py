"""The lint of files: those that come with the program, or somebody's own."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec

from emeritus.errors import UserError
from emeritus.evaluation import design, factors, lint, scenario
from emeritus.evaluation.factors import Factors
from emeritus.evaluation.finding import LintFinding
from emeritus.evaluation.scenario import Scenario


class _Kind(msgspec.Struct):
    """The one field that says what a file is."""

    format: str


KINDS: Final = (scenario.FORMAT, factors.FORMAT, design.FORMAT)


def lint_files(files: Sequence[Path]) -> tuple[LintFinding, ...]:
    """Return what is wrong with files, or with what is shipped when there are none.

    Designs are held against the factors and families among the files, or else the shipped ones.
    Scenarios that a design names are looked at with it.
    Raises `UserError` for a file that cannot be used.
    """
    shipped = tuple(each.scenario for each in scenario.shipped())
    if not files:
        designs = [design.load(each).design for each in design.available()]
        return lint.findings(shipped, factors.load().factors, designs)
    texts: dict[str, list[tuple[str, bytes]]] = {kind: [] for kind in KINDS}
    for file in files:
        data = read(file)
        texts[_kind(data, str(file))].append((str(file), data))
    known = _one_of([factors.parse(data, name).factors for name, data in texts[factors.FORMAT]])
    designs = [design.parse(data, name, known).design for name, data in texts[design.FORMAT]]
    given = texts[scenario.FORMAT]
    there = {Path(name).resolve() for name, _ in given}
    beside = {
        file.resolve(): file
        for each, (name, _) in zip(designs, texts[design.FORMAT], strict=True)
        for file in design.scenario_files(each, Path(name))
    }
    given += [(str(file), read(file)) for path, file in beside.items() if path not in there]
    own = [scenario.parse(data, name).scenario for name, data in given]
    families = [each.family for each in (*own, *shipped)]
    return _of_all(own, known, designs, families)


def _of_all(
    scenarios: Sequence[Scenario],
    known: Factors,
    designs: Sequence[design.Design],
    families: Sequence[str],
) -> tuple[LintFinding, ...]:
    found = [*lint.findings(scenarios, known, ())]
    for each in designs:
        found += lint.of_design(each, known, families)
    return tuple(sorted(found, key=lambda each: (each.code, each.where, each.detail)))


def _one_of(given: Sequence[Factors]) -> Factors:
    if len(given) > 1:
        raise UserError("there are two files of factors; name one of them at a time")
    return given[0] if given else factors.load().factors


def read(file: Path) -> bytes:
    """Return what stands in a file. Raises `UserError` when it cannot be read."""
    try:
        return file.read_bytes()
    except OSError as error:
        raise UserError(f"{file} cannot be read: {error.strerror}; name a TOML file") from error


def _kind(data: bytes, where: str) -> str:
    try:
        kind = msgspec.toml.decode(data, type=_Kind).format
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UserError(f"{where} cannot be used: {error}") from error
    if kind not in KINDS:
        known = ", ".join(KINDS)
        raise UserError(f"{where} has format {kind!r}; it has to be one of {known}")
    return kind
