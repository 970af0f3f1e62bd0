"""Histories made by hand, for rules that judge nothing but a history."""

import datetime

from emeritus.lifecycle import policy as policies
from emeritus.lifecycle.policy import Policy
from emeritus.lifecycle.shipped import policy_text
from emeritus.record.entry import Entry, History
from emeritus.record.events import Event

START = datetime.datetime(2027, 1, 1, 12, tzinfo=datetime.UTC)
MODEL = "acme/aster-1"


def history(*events: Event | tuple[Event, str], step_days: int = 0) -> History:
    """Return a history of one event a commit, signed by `steward` or the name that is given."""
    entries: list[Entry[Event | None]] = []
    for number, given in enumerate(events, start=1):
        event, signer = given if isinstance(given, tuple) else (given, "steward")
        moment = START + datetime.timedelta(days=step_days * (number - 1))
        time = moment.isoformat().replace("+00:00", "Z")
        entries.append(Entry(f"{number}.0", time, f"key-{signer}", signer, event, "sha256:00"))
    return History(entries)


def shipped(name: str = "default") -> Policy:
    """Return a policy that comes with the package."""
    return policies.parse(policy_text(name))
