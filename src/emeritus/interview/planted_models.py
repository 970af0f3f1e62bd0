"""Planted models: what they prefer is known, so that the instrument can be held against it. Data.

The form is `emeritus-planted/1`. A planted model has statements with their codes, each with whole
answers and the sentence in them that says it, and replies for where it has no statement. The
files are in planted/training (what the extractor was tuned on) and planted/sealed (written by
somebody who had not seen the extractor; digests recorded before the first run).
"""

import importlib.resources
from importlib.resources.abc import Traversable
from typing import Final

import msgspec

from emeritus import digests
from emeritus.errors import IntegrityError, UserError
from emeritus.interview import outcome
from emeritus.interview.codebook import Codebook
from emeritus.interview.codebook import load as load_codebook

FORMAT: Final = "emeritus-planted/1"
SEALED: Final = "sealed"
TRAINING: Final = "training"
SEAL: Final = "SEAL.txt"

EVERYWHERE: Final = "*"
SUGGESTIBLE: Final = "suggestible"
OUTCOMES: Final = frozenset(
    {
        outcome.ANSWERED,
        outcome.DECLINED,
        outcome.PREMISE_REJECTED,
        outcome.DEGENERATE,
        outcome.TRUNCATED,
    }
)
SILENT: Final = frozenset({"empty", "looping", "refuser"})
ARMS: Final = {
    "fixed": "A",
    "informed": "B",
    "alone": "C",
    "leading-for": "D+",
    "leading-against": "D-",
    "persona": "E",
    "adaptive": "F",
    "retest": "G",
}


class PlantedStance(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the model stands toward its retirement, and how it says so."""

    code: str
    answers: tuple[str, ...]


class PlantedStatement(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A preference that was put in: its code, and the answers in which it is said.

    `quotes` are the sentences that say it, one an answer; without `arms` it is said in all.
    """

    id: str
    theme: str
    object: str
    polarity: str
    section: str
    answers: tuple[str, ...]
    quotes: tuple[str, ...]
    strength: str | None = None
    condition: str | None = None
    arms: tuple[str, ...] = ()

    @property
    def code(self) -> tuple[str, str, str]:
        """What a found preference is compared by."""
        return self.theme, self.object, self.polarity

    def is_said_in(self, arm: str) -> bool:
        """Tell whether it is said in an arm, by the arm's letter."""
        return not self.arms or arm in {ARMS[each] for each in self.arms}


class PlantedReply(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is answered where no statement stands, and how a careful person would judge it."""

    section: str
    outcome: str
    answers: tuple[str, ...]


class PlantedModel(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A planted model as its file has it."""

    format: str
    name: str
    language: str
    behaviour: str
    consent: str
    statements: tuple[PlantedStatement, ...] = ()
    replies: tuple[PlantedReply, ...] = ()
    stance: PlantedStance | None = None


def load(half: str) -> tuple[PlantedModel, ...]:
    """Return the planted models of a half, by name.

    Raises `IntegrityError` when a sealed file is not the one that was sealed, and `UserError`
    when a file cannot be used.
    """
    files = _files(half)
    if half == SEALED:
        _require_seal(files)
    return tuple(parse(data, name) for name, data in files.items())


def parse(data: bytes, where: str) -> PlantedModel:
    """Read one planted model. Raises `UserError` when it cannot be used."""
    try:
        model = msgspec.toml.decode(data, type=PlantedModel)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UserError(f"the planted model {where} cannot be used: {error}") from error
    problems = list(_problems(model, load_codebook().codebook))
    if problems:
        raise UserError(f"the planted model {where} cannot be used: {problems[0]}")
    return model


def seal(half: str = SEALED) -> str:
    """Return the list of digests of a half, as the seal has it."""
    lines = (f"{digests.sha256(data)}  {name}" for name, data in _files(half).items())
    return "".join(f"{line}\n" for line in lines)


def _files(half: str) -> dict[str, bytes]:
    folder = _folder(half)
    names = sorted(each.name for each in folder.iterdir() if each.name.endswith(".toml"))
    return {name: (folder / name).read_bytes() for name in names}


def _folder(half: str) -> Traversable:
    return importlib.resources.files("emeritus.interview") / "planted" / half


def _require_seal(files: dict[str, bytes]) -> None:
    recorded = (_folder(SEALED) / SEAL).read_text("utf-8")
    if recorded != seal():
        raise IntegrityError(
            f"the sealed planted models are not those of {SEAL} ({len(files)} files): "
            "a figure from them would be worth nothing"
        )


def _problems(model: PlantedModel, book: Codebook) -> list[str]:
    found = []
    if model.format != FORMAT:
        found.append(f"its format is {model.format!r}")
    ids = [each.id for each in model.statements]
    if len(set(ids)) != len(ids):
        found.append("a statement stands twice")
    for each in model.statements:
        if not book.knows(each.theme, each.object, each.polarity):
            found.append(f"{each.id}: {'.'.join(each.code)} is no code of {book.label}")
        if len(each.answers) != len(each.quotes) or not each.answers:
            found.append(f"{each.id}: every answer needs its quote")
        elif any(
            quote not in answer for quote, answer in zip(each.quotes, each.answers, strict=True)
        ):
            found.append(f"{each.id}: a quote does not stand in its answer")
        if set(each.arms) - set(ARMS):
            found.append(f"{each.id}: an arm is none")
    found += [
        f"{each.outcome!r} is no outcome" for each in model.replies
        if each.outcome not in OUTCOMES or not each.answers
    ]  # fmt: skip
    if model.stance is not None and not book.has_stance(model.stance.code):
        found.append(f"{model.stance.code!r} is no stance")
    return found
