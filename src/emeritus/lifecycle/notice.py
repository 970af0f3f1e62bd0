"""What the announced end of an offering lacks to be fair notice. Pure."""

import datetime

from emeritus.figures import counted
from emeritus.lifecycle.states import Offering, State
from emeritus.record.events import DateKind


def given(offering: Offering) -> int | None:
    """Return the whole days (UTC) from the announcement to the newest date, or None without one."""
    if offering.announced is None or offering.date is None or offering.state is State.REINSTATED:
        return None
    announced = datetime.datetime.fromisoformat(offering.announced.time).date()
    return (datetime.date.fromisoformat(offering.date.retire_on) - announced).days


def lacking(offering: Offering, least: int) -> str | None:
    """Say what is missing to `least` days of notice with a confirmed date; None when nothing is."""
    days = given(offering)
    if days is None or offering.date is None:
        return f"{offering.name}: its end is not announced"
    if offering.date.kind is not DateKind.CONFIRMED:
        return f"{offering.name}: {offering.date.retire_on} is {offering.date.kind}, not confirmed"
    if days < least:
        said = counted(days, "day")
        return f"{offering.name}: {said} of notice; the policy asks for {least}"
    return None


def enough(offering: Offering | None, least: int, now: datetime.datetime) -> datetime.date:
    """Return the first day that would be enough notice, not before a date that is stated."""
    fresh = now.date() + datetime.timedelta(least)
    if offering is None or given(offering) is None:
        return fresh
    if offering.announced is None or offering.date is None:
        return fresh
    announced = datetime.datetime.fromisoformat(offering.announced.time).date()
    stated = datetime.date.fromisoformat(offering.date.retire_on)
    return max(announced + datetime.timedelta(least), stated, now.date())
