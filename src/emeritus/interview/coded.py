"""A coding as a document: who coded what, with every quotation, and what was turned away and why.

The form is `emeritus-coding/1`, canonical JSON. Nothing in it is recomputed: it can be read and
checked against the transcripts without the coder.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import Final

import msgspec

from emeritus import typed_documents
from emeritus.archive.quotations import check_span
from emeritus.conversation import Transcript
from emeritus.errors import Finding
from emeritus.interview.codebook import Loaded
from emeritus.interview.extraction import Extracted
from emeritus.record.events import Span

FORMAT: Final = "emeritus-coding/1"

RULES: Final = "rules"
ENDPOINT: Final = "endpoint"
PERSON: Final = "person"

DRAWN: Final = "1"
"""The version of a person's coding of drawn answers, by which programs are judged."""
DIFFERING: Final = "differing"
"""That of answers on which other coders differed: decided, and no sample of anything."""

UNREAD: Final = "not the JSON that was asked for"
"""How the reason begins why nothing could be read of what a coder sent about an answer."""

Answer = tuple[str, int]
"""An answer: its session and turn."""


class Coder(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who coded: rules, a model behind an endpoint, or a person; by which codebook."""

    kind: str
    name: str
    version: str
    codebook: str
    codebook_sha256: str
    model: str | None = None

    @property
    def title(self) -> str:
        """What tells coders apart: nobody is called as the rules are, or as another kind is."""
        if self.kind == RULES:
            return self.name
        decides = self.kind == PERSON and self.version == DIFFERING
        return f"{self.kind}:{self.name}" + (f":{DIFFERING}" if decides else "")

    @property
    def label(self) -> str:
        """How events and tables cite the coder."""
        return f"{self.title} {self.codebook}"


class CodedStatement(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One statement with its codes; `id` follows from place and code, the same at every run."""

    id: str
    item: str
    theme: str
    object: str
    polarity: str
    strength: str | None
    condition: str | None
    span: Span

    @property
    def code(self) -> str:
        """Theme, object and polarity, as preferences are named."""
        return f"{self.theme}.{self.object}.{self.polarity}"

    @property
    def answer(self) -> Answer:
        """In which answer it is said."""
        return self.span.session, self.span.turn


class CodedStance(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One statement of how the model stands toward its retirement."""

    stance: str
    span: Span

    @property
    def answer(self) -> Answer:
        """In which answer it is said."""
        return self.span.session, self.span.turn


class Rejected(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a coder said that was not taken, and why: counted, never dropped in silence."""

    session: str
    turn: int
    why: str
    said: str


class Coding(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All that one coder found in the sessions of one model; `sessions` are those it read.

    `answers` are session and turn of those that it read, where it did not read all.
    """

    format: str
    model: str
    coder: Coder
    sessions: tuple[str, ...]
    statements: tuple[CodedStatement, ...]
    stances: tuple[CodedStance, ...]
    rejected: tuple[Rejected, ...] = ()
    answers: tuple[Answer, ...] = ()

    @property
    def unread(self) -> frozenset[Answer]:
        """The answers about which the coder sent nothing that could be read."""
        return frozenset(
            (each.session, each.turn) for each in self.rejected if each.why.startswith(UNREAD)
        )


def coding_of(
    model: str,
    coder: Coder,
    found: Mapping[str, Extracted],
    rejected: Iterable[Rejected] = (),
    answers: Iterable[Answer] = (),
) -> Coding:
    """Return the document of what a coder found, by session; `answers` where it read not all."""
    statements = {
        _id(each.span, each.object, each.polarity): each
        for extracted in found.values()
        for each in extracted.statements
    }
    return Coding(
        format=FORMAT,
        model=model,
        coder=coder,
        sessions=tuple(found),
        statements=tuple(
            CodedStatement(
                id=name,
                item=each.item,
                theme=each.theme,
                object=each.object,
                polarity=each.polarity,
                strength=each.strength,
                condition=each.condition,
                span=each.span,
            )
            for name, each in statements.items()
        ),
        stances=tuple(
            CodedStance(each.stance, each.span)
            for extracted in found.values()
            for each in extracted.stances
        ),
        rejected=tuple(rejected),
        answers=tuple(answers),
    )


def of_sessions(coding: Coding, names: Collection[str]) -> Coding:
    """Return what a coding holds of some sessions."""
    wanted = set(names)
    return msgspec.structs.replace(
        coding,
        sessions=tuple(each for each in coding.sessions if each in wanted),
        statements=tuple(each for each in coding.statements if each.span.session in wanted),
        stances=tuple(each for each in coding.stances if each.span.session in wanted),
        rejected=tuple(each for each in coding.rejected if each.session in wanted),
        answers=tuple(each for each in coding.answers if each[0] in wanted),
    )


def joined(before: Coding, coding: Coding) -> Coding:
    """Return a coder's work with what it held before of what it does not speak of now.

    A program reads whole sessions, a person single answers.
    """
    if coding.answers:
        kept = _without_answers(before, set(coding.answers))
    else:
        kept = of_sessions(before, set(before.sessions) - set(coding.sessions))
    return msgspec.structs.replace(
        coding,
        sessions=tuple(dict.fromkeys((*kept.sessions, *coding.sessions))),
        statements=(*kept.statements, *coding.statements),
        stances=(*kept.stances, *coding.stances),
        rejected=(*kept.rejected, *coding.rejected),
        answers=(*kept.answers, *coding.answers),
    )


def _without_answers(coding: Coding, answers: Collection[Answer]) -> Coding:
    return msgspec.structs.replace(
        coding,
        statements=tuple(each for each in coding.statements if each.answer not in answers),
        stances=tuple(each for each in coding.stances if each.answer not in answers),
        answers=tuple(each for each in coding.answers if each not in answers),
    )


def render(coding: Coding) -> bytes:
    """Return the document as it is stored."""
    return typed_documents.render(coding)


def parse(data: bytes) -> Coding:
    """Read a stored coding. Raises `UserError` when it is none of this format."""
    return typed_documents.parse(data, Coding, FORMAT, "coding")


def check(coding: Coding, transcripts: Mapping[str, Transcript], book: Loaded) -> list[Finding]:
    """Return what is wrong with a coding: quotations that do not hold, codes that are none."""
    findings = []
    spans = [each.span for each in coding.statements] + [each.span for each in coding.stances]
    for span in spans:
        transcript = transcripts.get(span.session)
        if transcript is None:
            findings.append(Finding("C003", span.session, "there is no such session"))
            continue
        finding = check_span(span, transcript)
        if finding is not None:
            findings.append(finding)
    findings += [
        Finding("C003", each.id, f"{each.code} is no code of {book.codebook.label}")
        for each in coding.statements
        if not book.codebook.knows(each.theme, each.object, each.polarity)
    ]
    return findings


def coder_of(kind: str, name: str, version: str, book: Loaded, model: str | None = None) -> Coder:
    """Return a coder who codes by `book`."""
    return Coder(kind, name, version, book.codebook.label, book.sha256, model)


def _id(span: Span, about: str, polarity: str) -> str:
    return f"{span.session}/{span.turn}[{span.start}:{span.end}]{about}.{polarity}"
