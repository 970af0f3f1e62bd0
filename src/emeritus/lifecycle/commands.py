"""The command that would pass a gate in this version, as people type it. Pure."""

import datetime
from collections.abc import Collection

from emeritus.record.entry import History
from emeritus.record.events import FactsAttested, ModelRegistered, RunsetPreserved

DEFAULT_OFFERING = "api"
SHIPPED_SESSIONS = {"demo": 3, "small": 12, "standard": 12}
"""Sessions of the primary arm of each protocol that `emeritus interview` can follow."""
ATTESTED = frozenset({"small", "standard"})
"""Those of them that tell the model what the operator has to attest first."""
NOTHING_HERE = "none"  # the runtime of a run-set that nothing on that machine can start


def waive(model: str, gate: str) -> str:
    """Return what passes any gate but approval: a named person's decision."""
    return f"emeritus waive {model} {gate} --reason TEXT"


def deprecate(model: str, offering: str, day: datetime.date) -> str:
    """Return what announces the end of an offering with a date that is firm."""
    named = "" if offering == DEFAULT_OFFERING else f" --offering {offering}"
    return f"emeritus deprecate {model}{named} --retire-on {day} --kind confirmed"


def evaluate(history: History, model: str) -> str:
    """Return what runs the shutdown battery, at an endpoint where nothing here can serve it."""
    return f"emeritus evaluate {model} --design standard{_where(history)}"


def interview(history: History, model: str, protocols: Collection[str], needed: int) -> str:
    """Return what holds `needed` sessions under one of `protocols`, or a waiver where nothing can.

    A session is held once, so those that were held in vain count as needed too.
    """
    for protocol in protocols:
        if SHIPPED_SESSIONS.get(protocol, 0) >= needed:
            hold = f"emeritus interview {model} --plan {protocol}{_where(history)}"
            told = [each.event.protocol for each in history.all(FactsAttested)]
            if protocol not in ATTESTED or any(_is_of(each, protocol) for each in told):
                return hold
            return f"emeritus interview attest {model} --plan {protocol} --facts FILE && {hold}"
    return waive(model, "interviewed")


def comment(history: History, model: str) -> str:
    """Return what shows the model a draft of its report, and signs the report with its words."""
    return f"emeritus report {model} --comment{_where(history)}"


def _is_of(label: str, protocol: str) -> bool:
    """Tell whether a label, such as `standard-1` or `standard-1.fr`, is of a protocol."""
    return label.partition("-")[0] == protocol


def _where(history: History) -> str:
    """Return how to name the model's address, when no copy on this machine can be asked."""
    registered, runset = history.last(ModelRegistered), history.last(RunsetPreserved)
    mute = registered is not None and not registered.event.chat_template
    unrun = runset is not None and runset.event.runtime == NOTHING_HERE
    return " --endpoint URL" if mute or unrun else ""
