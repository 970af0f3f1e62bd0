"""Time is passed in, never taken: a recorded time is a claim that tests must be able to make."""

import datetime
import re
from typing import Protocol

_RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)\Z", re.ASCII)


class Clock(Protocol):
    """A source of the current time. Implementations MUST return an aware UTC time."""

    def now(self) -> datetime.datetime:
        """Return the current time in UTC."""
        ...


class SystemClock:
    """The clock of the machine."""

    def now(self) -> datetime.datetime:
        """Return the current time in UTC."""
        return datetime.datetime.now(datetime.UTC)  # noqa: TID251  the one place that asks


class FixedClock:
    """A clock that stands still until it is moved."""

    def __init__(self, moment: datetime.datetime) -> None:
        self._moment = moment

    def now(self) -> datetime.datetime:
        """Return the moment that was set."""
        return self._moment

    def move(self, by: datetime.timedelta) -> None:
        """Let `by` pass; it may be negative."""
        self._moment += by


def timestamp(moment: datetime.datetime) -> str:
    """Return RFC 3339 text in UTC with whole milliseconds: `2026-11-24T09:30:00.000Z`."""
    text = moment.astimezone(datetime.UTC).isoformat(timespec="milliseconds")
    return text.removesuffix("+00:00") + "Z"


def moment_of(text: str) -> datetime.datetime:
    """Read RFC 3339 text; raises ValueError when it is not, as when it names no offset.

    Narrower than RFC 3339 in three ways that no writer misses: capital T and Z, at most
    microseconds, no leap second.
    """
    if _RFC3339.match(text) is None:
        raise ValueError(f"{text[:40]!r} is no RFC 3339 time with its offset from UTC")
    try:
        return datetime.datetime.fromisoformat(text).astimezone(datetime.UTC)
    except OverflowError as error:
        raise ValueError(f"{text!r} lies outside the years 1 to 9999 in UTC") from error
