"""The register beside what is really there: what it lacks, and what the promise lacks. Pure."""

import csv
import dataclasses
import datetime
import enum
import io
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, Final

from emeritus import canonical
from emeritus.errors import UserError
from emeritus.lifecycle import statements as checked
from emeritus.lifecycle.coverage import explain, is_significant
from emeritus.lifecycle.policy import Policy
from emeritus.lifecycle.states import by_model, fold, models
from emeritus.record.entry import History

REQUESTS_MAX: Final = 2**53 - 1


class Finding(enum.StrEnum):
    """What the comparison can say; all but the last two ask somebody to do something."""

    UNREGISTERED = "served but not registered"
    AMBIGUOUS = "fits several models"
    UNCOVERED = "registered but not covered"
    RETIRED = "retired and still there"
    EXEMPT = "registered and decided not to cover"
    KNOWN = "registered and covered"


QUIET: Final = frozenset({Finding.EXEMPT, Finding.KNOWN})


@dataclasses.dataclass(frozen=True, slots=True)
class Seen:
    """A model that is really there: its name there, and where that is."""

    name: str
    where: str


@dataclasses.dataclass(frozen=True, slots=True)
class Usage:
    """How often each model was asked from `since` to `until`, both included, by its name there."""

    since: str
    until: str
    requests: Mapping[str, int]


@dataclasses.dataclass(frozen=True, slots=True)
class Line:
    """One result: what was found about one name or model, why, and what would settle it."""

    finding: Finding
    name: str
    model: str | None
    where: tuple[str, ...]
    requests: int | None
    because: str
    command: str = ""

    @property
    def quiet(self) -> bool:
        """Whether nothing has to be done about it."""
        return self.finding in QUIET

    def as_document(self) -> dict[str, Any]:
        """Return the line for programs."""
        return {**dataclasses.asdict(self), "finding": str(self.finding), "quiet": self.quiet}


class Matcher:
    """Finds the registered model behind a name that a server or a folder uses.

    A name is a model's id, ends in it after a slash, or is its last part when no other id has
    that; letters' case does not matter. `aliases` (name to id) come before all of it.
    """

    def __init__(self, known: Iterable[str], aliases: Mapping[str, str]) -> None:
        self._known = list(known)
        wrong = [model for model in aliases.values() if model not in self._known]
        if wrong:
            raise UserError(f"--alias names {wrong[0]!r}, which is not registered")
        self._aliases = {name.casefold(): model for name, model in aliases.items()}

    def find(self, name: str) -> list[str]:
        """Return the ids that fit: none, one, or several that cannot be told apart."""
        plain = name.casefold()
        if plain in self._aliases:
            return [self._aliases[plain]]
        whole = [each for each in self._known if plain == each or plain.endswith("/" + each)]
        if whole:
            return [max(whole, key=len)]
        last = plain.rpartition("/")[2]
        return [each for each in self._known if each.rpartition("/")[2] == last]


def compare(
    history: History,
    policy: Policy,
    seen: Iterable[Seen],
    usage: Usage | None,
    aliases: Mapping[str, str],
) -> list[Line]:
    """Return what the register and the world do not agree about, and what they do."""
    known = models(history)
    matcher = Matcher(known, aliases)
    places: dict[str, list[str]] = {}
    for each in seen:
        places.setdefault(each.name, []).append(each.where)
    used = Counter(dict(usage.requests)) if usage else None
    found: dict[str, list[str]] = {}
    lines = []
    for name in dict.fromkeys([*places, *(used or ())]):
        fits = matcher.find(name)
        if len(fits) == 1:
            found.setdefault(fits[0], []).append(name)
        else:
            requests = used[name] if used is not None else None
            lines.append(_stranger(name, fits, tuple(places.get(name, ())), requests, policy))
    apart = by_model(history)
    for model in known:
        under = found.get(model, [])
        where = tuple(place for name in under for place in places.get(name, ()))
        requests = sum(used[name] for name in under) if used is not None else None
        lines.append(_registered(model, apart[model], policy, where, requests))
    return sorted(lines, key=lambda line: list(Finding).index(line.finding))


def _stranger(
    name: str, fits: list[str], where: tuple[str, ...], requests: int | None, policy: Policy
) -> Line:
    if fits:
        said = f"fits {' and '.join(fits)}: say which"
        command = f"--alias '{name}={fits[0]}'"
        return Line(Finding.AMBIGUOUS, name, None, where, requests, said, command)
    said = "no model of that name is in the register"
    if requests is not None and is_significant(requests, policy):
        said += f"; asked {requests} times: significant internal use, so the promise is made for it"
    command = "emeritus add SOURCE --id ID"
    return Line(Finding.UNREGISTERED, name, None, where, requests, said, command)


def _registered(
    model: str, history: History, policy: Policy, where: tuple[str, ...], requests: int | None
) -> Line:
    said = explain(model, history, policy)
    cover = f"emeritus cover {model} --reason TEXT"
    significant = requests is not None and is_significant(requests, policy)
    if fold(model, history).retired and where:
        because = "it is retired on every offering, and it is still there"
        return Line(Finding.RETIRED, model, model, where, requests, because)
    if said.covered:
        return Line(Finding.KNOWN, model, model, where, requests, said.because[0])
    doubts = list(said.doubts)
    if significant:
        doubts.append(f"asked {requests} times: significant internal use, so the promise is made")
    if said.covered is None or doubts:
        because = "; ".join([said.because[0], *dict.fromkeys(doubts)])
        return Line(Finding.UNCOVERED, model, model, where, requests, because, cover)
    return Line(Finding.EXEMPT, model, model, where, requests, said.because[0])


def read_usage(data: bytes, policy: Policy) -> Usage:
    """Return the sums over the policy's window, which ends on the newest day of the figures.

    `data` is CSV with the columns day, model and requests, or JSON: a list of such objects. Raises
    `UserError` with the first row that cannot be used.
    """
    rows = list(_usage_rows(checked.text_of(data)))
    if not rows:
        raise UserError("the usage figures are empty: rows of day, model and requests are expected")
    until = max(day for day, _, _ in rows)
    since = min(day for day, _, _ in rows)
    if policy.coverage is not None:
        window = datetime.timedelta(max(policy.coverage.within_days, 1) - 1)
        since = (datetime.date.fromisoformat(until) - window).isoformat()
    requests: Counter[str] = Counter()
    for day, model, count in rows:
        requests[model] += count if day >= since else 0
    return Usage(since, until, requests)


def _usage_rows(text: str) -> Iterable[tuple[str, str, int]]:
    if text.lstrip().startswith("["):
        try:
            listed = canonical.loads(text.encode())
        except canonical.NotCanonical as error:
            raise UserError(f"the usage figures cannot be read: {error}") from error
    else:
        try:
            listed = list(csv.DictReader(io.StringIO(text, newline=""), strict=True))
        except csv.Error as error:
            raise UserError(f"the usage figures cannot be read: {error}") from error
    checked.require_few(len(listed) // 100)
    for number, row in enumerate(listed, start=1):
        where = f"usage figures, row {number}"
        if not isinstance(row, dict):
            raise UserError(f"{where}: day, model and requests are expected")
        day = checked.day(row.get("day"), where, "the day")
        count = row.get("requests")
        if isinstance(count, str) and count.isascii() and count.isdigit() and len(count) < 16:
            count = int(count)
        if not isinstance(count, int) or isinstance(count, bool) or not 0 <= count <= REQUESTS_MAX:
            raise UserError(f"{where}: requests is no count")
        if day is None:
            raise UserError(f"{where}: the day is missing")
        yield day, checked.words(row.get("model"), where, "the model"), count
