"""The history of each model, and the index of all of them, as pages for people. Pure.

They are renderings of the record: no event cites them, and from the same record this version always
writes the same bytes. Every line of them cites the event that it tells.
"""

import dataclasses
import re
from collections.abc import Callable, Iterable
from typing import Any, Final

import msgspec

import emeritus
from emeritus.archive.page import FORMS, Cell, Heading, Link, Page, Paragraph, Rows
from emeritus.record import Entry, History
from emeritus.record.events import (
    AccessDecided,
    ArchiveCreated,
    DamageFound,
    DamageRepaired,
    DateMoved,
    Event,
    GateWaived,
    KeyAdded,
    KeyRevoked,
    LegacyDeclared,
    ModelCovered,
    ModelEvent,
    ModelRegistered,
    ModelReinstated,
    ModelRetired,
    OfferingOpened,
    PolicyAdopted,
    PreferenceActedOn,
    PreferenceConsidered,
    PreferenceDeclined,
    ReplicaAdded,
    ReportSigned,
    RetirementAnnounced,
    ShardsPlaced,
    Span,
)
from emeritus.record.preferences import standing_preferences

Told = Entry[Event | None]
Names = Callable[[Told], list[str]]

INDEX: Final = "index"
SHOWN_MAX: Final = 4  # of a list in a line
QUOTE_MAX: Final = 400
WRITTEN: Final = f"Written by emeritus {emeritus.__version__} from the signed record up to commit"
ABOUT_HISTORY: Final = (
    "The history of this model. {written} {up_to}. Numbers such "
    "as 4.0 cite an event: commit 4, its first event. Where this page and the record differ, the "
    "record is right. Routine checks and copies stand in the record alone."
)
ABOUT_INDEX: Final = "{written} {up_to}. README.txt says what this folder is and how to check it."
UNTOLD: Final = frozenset({"model", "reason", "cause", "text", "spans", "kept"})
DIGESTS: Final = ("sha256:", "blake3:", "ed25519:")
# What happens to the whole archive and bears on every model in it. Checks and copies are routine.
FOUNDATIONS: Final = (
    ArchiveCreated, KeyAdded, KeyRevoked, PolicyAdopted, ReplicaAdded, ShardsPlaced,
)  # fmt: skip
MOVES: Final = (OfferingOpened, LegacyDeclared, RetirementAnnounced, ModelRetired, ModelReinstated)
MOVED: Final[dict[type[Event], str]] = {
    OfferingOpened: "offered since",
    LegacyDeclared: "legacy since",
    RetirementAnnounced: "its end announced on",
    ModelRetired: "retired on",
    ModelReinstated: "reinstated on",
}
DISPOSITIONS: Final = (PreferenceConsidered, PreferenceActedOn, PreferenceDeclined)

_RENDERING = re.compile(r"(?:index|models/.+/history)\.(?:html|md)\Z")
_LONG = re.compile(r"(\S{32})\S{17,}")  # digests and names of packs: the record has all of them
_WRITTEN_BY = re.compile(rb"Written by emeritus (\d+(?:\.\w+)*) from the signed record")
_UP_TO = re.compile(rb"up to commit (\d{1,15})")


@dataclasses.dataclass(frozen=True, slots=True)
class Rendering:
    """A page at its name in the archive; `up_to` is the last commit that it tells of."""

    name: str
    up_to: int
    page: Page

    @property
    def data(self) -> bytes:
        """The bytes of the page in the form that its name says."""
        return self.page.render(self.name.rpartition(".")[2])


def is_rendering(name: str) -> bool:
    """Tell whether a file of an archive is a rendering, by its name."""
    return _RENDERING.match(name) is not None


def told_up_to(data: bytes) -> int | None:
    """Return the last commit that a stored rendering says that it tells of."""
    match = _UP_TO.search(data)
    return int(match[1]) if match else None


def software_of(data: bytes) -> str | None:
    """Return the software that a stored rendering says that it was written by."""
    match = _WRITTEN_BY.search(data)
    return f"emeritus {match[1].decode()}" if match else None


def is_of_another_version(data: bytes) -> bool:
    """Tell whether a stored rendering says that another version wrote it: it is not comparable."""
    return software_of(data) not in (None, f"emeritus {emeritus.__version__}")


def tells_more(data: bytes, other: bytes) -> bool:
    """Tell whether a stored rendering tells of later commits than another: it may be a witness."""
    return (told_up_to(data) or 0) > (told_up_to(other) or 0)


def renderings(history: History, names: Names) -> list[Rendering]:
    """Return the pages of every model and the index; `names` gives the documents of an event."""
    models = [entry.event.model for entry in history.all(ModelRegistered)]
    pages = [page for model in dict.fromkeys(models) for page in of_model(history, model, names)]
    return [*pages, *_index(history, list(dict.fromkeys(models)))]


def of_model(history: History, model: str, names: Names) -> list[Rendering]:
    """Return the history of one model in both forms."""
    told = list(_concerning(history, model))
    up_to = told[-1].place[0] if told else 0
    about = History(told)
    rows = tuple(_row(entry, model, names) for entry in told)
    page = Page(
        model,
        (
            Paragraph((ABOUT_HISTORY.format(written=WRITTEN, up_to=up_to),)),
            Heading("Where it stands"),
            Rows(("offering", "last move", "date", "why"), tuple(_standing(about))),
            Heading("What was promised"),
            Rows(("what", "event"), tuple(_promised(about))),
            Heading("What is owed, and what was let pass"),
            Rows(("what", "event"), tuple(_owed(about)) or ((("nothing on record",), ()),)),
            Heading("What happened"),
            Rows(("event", "time (UTC)", "signed by", "what", "why"), rows),
        ),
    )
    return [Rendering(f"models/{model}/history.{form}", up_to, page) for form in FORMS]


def _index(history: History, models: list[str]) -> list[Rendering]:
    rows, up_to = [], 0
    for model in models:
        about = History(_concerning(history, model))
        up_to = max(up_to, *(entry.place[0] for entry in about))
        report = about.last(ReportSigned)
        stem = f"models/{model}"
        link: Cell = ("none yet",)
        if report is not None:
            number = report.event.number
            link = (Link(f"report {number}", f"{stem}/report-{number}.{{form}}"),)
        stands = "; ".join(f"{row[0][0]}: {row[1][0]}" for row in _standing(about))
        rows.append(((model,), (stands,), (Link("history", f"{stem}/history.{{form}}"),), link))
    page = Page(
        "The models in this archive",
        (
            Paragraph((ABOUT_INDEX.format(written=WRITTEN, up_to=up_to),)),
            Rows(("model", "where it stands", "its history", "newest report"), tuple(rows)),
        ),
    )
    return [Rendering(f"{INDEX}.{form}", up_to, page) for form in FORMS]


def _concerning(history: History, model: str) -> Iterable[Told]:
    """Yield what is told of a model: what is about it, and what bears on it."""
    damaged: set[tuple[str, str]] = set()
    for entry in history:
        event = entry.event
        match event:
            case ModelEvent():
                concerns = event.model == model
            case DamageFound():
                concerns = any(_reaches(each, model) for each in event.affects)
                place = event.where.partition("@")[0]
                damaged |= {(event.replica, place)} if concerns else set()
            case DamageRepaired():
                concerns = (event.replica, event.where) in damaged
            case _:
                concerns = isinstance(event, FOUNDATIONS)
        if concerns:
            yield entry


def _reaches(affected: str, model: str) -> bool:
    return affected.endswith(f" of {model}") or affected.startswith(f"models/{model}/")


def _row(entry: Told, model: str, names: Names) -> tuple[Cell, ...]:
    links: list[str | Link] = []
    for name in names(entry):
        inside = name.removeprefix(f"models/{model}/")
        if inside != name:
            links += [" ", Link(inside, inside)]
    why = getattr(entry.event, "reason", None) or getattr(entry.event, "cause", None) or ""
    what = f"{_kind(entry)}: {_said(entry.event)}".removesuffix(": ")
    time = entry.time[:19].replace("T", " ")
    return (entry.id,), (time,), (entry.signed_by,), (what, *links), (why,)


def _kind(entry: Told) -> str:
    return "unknown" if entry.event is None else re.sub(r"[._]", " ", _tag(entry.event))


def _tag(event: Event) -> str:
    return str(type(event).__struct_config__.tag)


def _said(event: Any) -> str:
    """Return the fields of an event that people read; digests stand in the record."""
    said = []
    for field in msgspec.structs.fields(event):
        value = getattr(event, field.name)
        if field.name in UNTOLD or value in (None, (), False, ""):
            continue
        if isinstance(value, str) and value.startswith(DIGESTS):
            continue
        said.append(f"{field.name.replace('_', ' ')} {_value(value)}".removesuffix(" yes"))
    return ", ".join([*said, *(_quoted(span) for span in getattr(event, "spans", ())[:1])])


def _value(value: Any) -> str:
    if value is True:
        return "yes"
    if isinstance(value, dict):
        return ", ".join(f"{count} {name}" for name, count in value.items())
    if isinstance(value, tuple):
        more = " and more" if len(value) > SHOWN_MAX else ""
        return ", ".join(map(str, value[:SHOWN_MAX])) + more
    return _LONG.sub(r"\1…", str(value))


def _quoted(span: Span) -> str:
    text = span.text if len(span.text) <= QUOTE_MAX else f"{span.text[:QUOTE_MAX]}…"
    return f"“{text}” ({span.session}/{span.turn}[{span.start}:{span.end}])"


def _standing(about: History) -> Iterable[tuple[Cell, ...]]:
    """Yield the last move of each offering, with the newest date and the reason."""
    moves: dict[str, tuple[str, str, Event]] = {}
    dates: dict[str, tuple[str, RetirementAnnounced | DateMoved]] = {}
    for entry in about:
        if isinstance(entry.event, MOVES):
            moves[entry.event.offering] = entry.id, entry.time, entry.event
        if isinstance(entry.event, RetirementAnnounced | DateMoved):
            dates[entry.event.offering] = entry.id, entry.event
    for offering, (at, time, event) in moves.items():
        day, why = "", getattr(event, "reason", None)
        if offering in dates:
            place, date = dates[offering]
            day = f"{date.retire_on}, {date.date_kind} ({place})"
            why = why or date.reason
        moved = f"{MOVED[type(event)]} {time[:10]} ({at})"
        yield (offering,), (moved,), (day,), (why or "",)


def _promised(about: History) -> Iterable[tuple[Cell, ...]]:
    """Yield what was promised about the model, newest word last."""
    for entry in about:
        match entry.event:
            case PolicyAdopted() as event:
                said = f"the policy “{event.name}” is in force; the event has its whole text"
            case ModelCovered() as event:
                said = "the policy applies to it" if event.covered else "the policy does not apply"
            case RetirementAnnounced() | DateMoved() as event:
                said = f"{event.offering}: {event.date_kind} to end on {event.retire_on}"
            case AccessDecided() as event:
                said = f"access after its retirement: {event.access}"
            case _:
                continue
        yield (said,), (entry.id,)


def _owed(about: History) -> Iterable[tuple[Cell, ...]]:
    """Yield what was let pass, left open or not answered yet."""
    disposed = {entry.event.preference for kind in DISPOSITIONS for entry in about.all(kind)}
    waiting = [e for e in standing_preferences(about) if e.event.preference not in disposed]
    if waiting:
        said = "no person has recorded a disposition of these preferences: "
        said += ", ".join(entry.event.preference for entry in waiting)
        yield (said,), (", ".join(entry.id for entry in waiting),)
    for entry in about:
        match entry.event:
            case ModelRetired() as event if event.owed:
                said = f"{event.offering} ended while these gates were open: " + ", ".join(
                    event.owed
                )
            case GateWaived() as event:
                said = f"the gate {event.gate} was waived by {entry.signed_by}: {event.reason}"
            case _:
                continue
        yield (said,), (entry.id,)
