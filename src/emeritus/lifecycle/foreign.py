"""Reads other people's files about the ends of models: four forms, one result. Pure.

| form | is |
|---|---|
| table | CSV with `provider`, `model_id`, `deprecated_date`, `retirement_date`, … and notes |
| model-eol | a feed of `model-eol/0.1` |
| deprecations.info | its list of deprecations (JSON) |
| litellm | LiteLLM's list of models (JSON), of which only `deprecation_date` is read |
"""

import csv
import dataclasses
import io
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from emeritus import canonical
from emeritus.errors import UserError
from emeritus.lifecycle import statements as checked
from emeritus.lifecycle.statements import Commitment, Reading, Statement

MODEL_EOL: Final = "model-eol/0.1"
DEPRECATIONS_INFO: Final = "deprecations.info"
LITELLM: Final = "LiteLLM model_prices_and_context_window.json"

_COLUMNS: Final = ("provider", "model_id", "deprecated_date", "retirement_date")
_FLOORS: Final = frozenset({"not_sooner_than", "earliest", "tentative"})
_EXACT: Final = frozenset({"", "exact"})
_DIFFERS = re.compile(
    r"(deprecated_date|retirement_date|replacement) (?:changed/)?differs: (.+)\Z", re.ASCII
)
_FORMS: Final = (
    "a CSV table with the columns provider, model_id, deprecated_date and retirement_date, "
    "a model-eol/0.1 feed, the JSON of deprecations.info, or LiteLLM's list of models"
)


def read_history(
    data: bytes, name: str, seen_on: str, sources: Mapping[str, tuple[str, str]] | None = None
) -> Reading:
    """Return what a file says. `name` is its name, `seen_on` the day for files that have none.

    `sources` explains the codes of a table: code to (what it is, day). Raises `UserError` with the
    first thing that cannot be used.
    """
    text = checked.text_of(data)
    if text.lstrip()[:1] not in ("{", "["):
        return _table(text, name, sources or {})
    try:
        document = canonical.loads(text.encode())
    except canonical.NotCanonical as error:
        raise UserError(f"{name} cannot be read: {error}") from error
    if isinstance(document, dict) and "spec" in document:
        return _model_eol(document, seen_on)
    if isinstance(document, list):
        return _deprecations_info(document, seen_on)
    if any(isinstance(each, dict) and "litellm_provider" in each for each in document.values()):
        return _litellm(document, seen_on)
    raise UserError(f"{name} is none of the forms that are read: {_FORMS}")


def read_sources(data: bytes) -> dict[str, tuple[str, str]]:
    """Return what the codes of a table stand for: code to (what it is, day or nothing)."""
    explained = {}
    for where, row in _rows(checked.text_of(data), ("code", "what", "as_of")):
        code = checked.words(row["code"], where, "the code")
        explained[code] = (checked.words(row["what"], where, "the source"), row["as_of"] or "")
    return explained


def _rows(text: str, columns: tuple[str, ...]) -> Iterator[tuple[str, dict[str, str]]]:
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    try:
        missing = [each for each in columns if each not in (reader.fieldnames or ())]
        if missing:
            raise UserError(f"the table has no column {', '.join(missing)}; what is read: {_FORMS}")
        for number, row in enumerate(reader, start=1):
            where = f"line {reader.line_num}"
            if None in row or None in row.values():
                raise UserError(f"{where}: it has not as many fields as the head of the table")
            checked.require_few(number)
            yield where, row
    except csv.Error as error:
        raise UserError(f"line {reader.line_num}: the table cannot be read: {error}") from error


def _table(text: str, name: str, sources: Mapping[str, tuple[str, str]]) -> Reading:
    said: list[Statement] = []
    unread: list[str] = []
    for where, row in _rows(text, _COLUMNS):
        precision = row.get("retirement_precision", "")
        if precision not in _FLOORS | _EXACT:
            raise UserError(f"{where}: the precision {precision[:40]!r} is not known")
        codes = row.get("seen_via", "").split()
        statement = Statement(
            provider=checked.words(row["provider"], where, "the provider"),
            name=checked.words(row["model_id"], where, "the model"),
            source=name,
            via=tuple(_source(code, sources, where)[0] for code in codes),
            page=checked.page(row.get("source_page"), where),
            seen_on=_exact_day(row.get("last_seen", "")),
            released_on=checked.day(row.get("released_date"), where, "the release"),
            announced_on=checked.day(row["deprecated_date"], where, "the announcement"),
            retire_on=checked.day(row["retirement_date"], where, "the end"),
            floor=precision in _FLOORS,
            successors=_alternatives(row.get("replacement", ""), where),
        )
        said.append(statement)
        dissent, rest = _notes(row.get("note", ""), statement, sources, where)
        said += dissent
        unread += [f"{where}: {each}" for each in rest]
    return Reading("table", name, tuple(said), unread=tuple(unread))


def _notes(
    note: str, row: Statement, sources: Mapping[str, tuple[str, str]], where: str
) -> tuple[list[Statement], list[str]]:
    """Return what a note says that each source says, and what of it is in words only."""
    by_code: dict[str, dict[str, str]] = {}
    rest = []
    for part in filter(None, note.split(" || ")):
        match = _DIFFERS.match(part)
        if match is None:
            rest.append(part)
            continue
        for claim in match[2].split("; "):
            value, _, code = claim.rpartition("@")
            by_code.setdefault(code, {})[match[1]] = value
    said = []
    for code, claims in by_code.items():
        source, as_of = _source(code, sources, where)
        said.append(
            Statement(
                provider=row.provider,
                name=row.name,
                source=source,
                seen_on=_exact_day(as_of),
                announced_on=checked.day(claims.get("deprecated_date"), where, "the announcement"),
                retire_on=checked.day(claims.get("retirement_date"), where, "the end"),
                floor=row.floor,
                successors=_alternatives(claims.get("replacement", ""), where),
            )
        )
    return said, rest


def _source(code: str, sources: Mapping[str, tuple[str, str]], where: str) -> tuple[str, str]:
    if code not in sources:
        raise UserError(
            f"{where}: the source {code[:40]!r} is not explained; name the table of sources "
            "(columns code, what, as_of) with --sources FILE"
        )
    return sources[code]


def _alternatives(text: str, where: str) -> tuple[str, ...]:
    return checked.names([each for each in text.split(" | ") if each], where, "the replacement")


def _exact_day(text: str) -> str | None:
    """Return the day that a cell names and nothing else; a guess ("after …") names none."""
    try:
        return checked.day(text, "", "")
    except UserError:
        return None


def _model_eol(feed: dict[str, Any], seen_on: str) -> Reading:
    if feed["spec"] != MODEL_EOL:
        raise UserError(f"the feed has the form {str(feed['spec'])[:40]!r}; {MODEL_EOL} is read")
    publisher = checked.words(feed.get("publisher"), "the feed", "the publisher")
    source = f"{MODEL_EOL} feed of {publisher}"
    seen = checked.day(str(feed.get("generated", ""))[:10], "the feed", "its day") or seen_on
    said: list[Statement] = []
    for where, model in _objects(feed.get("models"), "models"):
        name = checked.words(model.get("id"), where, "the id")
        own = {**model, "via": checked.OFFERING}
        successors = (
            *checked.names(
                [model[key] for key in ("replacement",) if key in model], where, "a successor"
            ),
            *checked.names(model.get("replacement_options"), where, "replacement_options"),
        )
        for channel in (
            own,
            *(each for _, each in _objects(model.get("distributions", []), where)),
        ):
            blank = Statement(publisher, name, source, seen_on=seen)
            said.append(_channel(channel, blank, where, successors if channel is own else ()))
            checked.require_few(len(said))
    return Reading("model-eol", source, tuple(said), _promised(feed, publisher, source, seen))


def _channel(
    channel: dict[str, Any], blank: Statement, where: str, successors: tuple[str, ...]
) -> Statement:
    state = channel.get("status")
    return dataclasses.replace(
        blank,
        offering=checked.words(channel.get("via"), where, "the channel"),
        page=checked.page(channel.get("source"), where),
        announced_on=checked.day(channel.get("announced"), where, "announced"),
        retire_on=checked.day(channel.get("shutdown"), where, "shutdown"),
        # What a later form of the feed means by another word is no firm date to us.
        floor=str(channel.get("date_precision", "")) not in _EXACT,
        successors=successors,
        state=None if state is None else checked.words(state, where, "the status"),
    )


def _promised(
    feed: dict[str, Any], publisher: str, source: str, seen: str
) -> tuple[Commitment, ...]:
    policy = feed.get("policy")
    if policy is None:
        return ()
    days = policy.get("min_notice_days") if isinstance(policy, dict) else None
    if not isinstance(days, int) or isinstance(days, bool) or not 0 <= days <= 36_500:
        raise UserError("the feed: policy.min_notice_days is no number of days")
    return (
        Commitment(publisher, days, source, checked.page(policy.get("source"), "policy"), seen),
    )


def _deprecations_info(listed: list[Any], seen_on: str) -> Reading:
    said: list[Statement] = []
    for where, row in _objects(listed, "the list"):
        end = checked.day(row.get("shutdown_date"), where, "shutdown_date")
        replacements = checked.names(row.get("replacement_models"), where, "replacement_models")
        said.append(
            Statement(
                provider=checked.words(row.get("provider"), where, "the provider"),
                name=checked.words(row.get("model_id"), where, "the model"),
                source=DEPRECATIONS_INFO,
                page=checked.page(row.get("url"), where),
                seen_on=checked.day(row.get("last_observed"), where, "last_observed") or seen_on,
                announced_on=_announced(row, end, where),
                retire_on=end,
                successors=tuple(each for each in replacements if each != "---"),
            )
        )
    return Reading("deprecations.info", DEPRECATIONS_INFO, tuple(said))


def _announced(row: dict[str, Any], end: str | None, where: str) -> str | None:
    """Return the day that a page names for its announcement.

    Where the page names none, this list repeats the end, or the day on which it met the entry
    first; neither is an announcement, so `announcement_date` is not read.
    """
    announced = checked.day(row.get("deprecation_date"), where, "deprecation_date")
    return None if announced is None or (end is not None and announced >= end) else announced


def _litellm(listed: dict[str, Any], seen_on: str) -> Reading:
    said: list[Statement] = []
    for name, row in listed.items():
        if name == "sample_spec" or not isinstance(row, dict) or not row.get("deprecation_date"):
            continue
        where = f"the model {name[:60]!r}"
        said.append(
            Statement(
                provider=checked.words(row.get("litellm_provider"), where, "litellm_provider"),
                name=checked.words(name, where, "the name"),
                source=LITELLM,
                page=checked.page(row.get("source"), where),
                seen_on=seen_on,
                retire_on=checked.day(row["deprecation_date"], where, "deprecation_date"),
            )
        )
        checked.require_few(len(said))
    return Reading("litellm", LITELLM, tuple(said))


def _objects(value: object, where: str) -> Iterator[tuple[str, dict[str, Any]]]:
    if not isinstance(value, list):
        raise UserError(f"{where}: a list is expected; what is read: {_FORMS}")
    checked.require_few(len(value))
    for number, each in enumerate(value, start=1):
        if not isinstance(each, dict):
            raise UserError(f"{where}, entry {number}: an object is expected")
        yield f"{where}, entry {number}", each
