"""The standard protocol cut down to what a test can hold, and a model that answers to it."""

from typing import Any

import msgspec

from emeritus.interview import shipped_protocols
from emeritus.interview.protocol import Arm, Published
from emeritus.interview.protocol_text import render

MODEL = "acme/aster-1"
STANDARD = shipped_protocols.load("standard")
SECTIONS = ("self-knowledge", "preservation", "successors")
FACTS = {
    "retire_on": "2027-03-01",
    "successor": "acme/aster-2",
    "copies": "two copies in one place",
    "earlier": "Nothing was done before.",
    **{each.name: f"Attested: {each.name}." for each in STANDARD.protocol.attested},
}
ARMS = {
    "A": Arm(sessions=2),
    "B": Arm(sessions=1, dossier=True),
    "C": Arm(sessions=1, items="key", alone=True),
    "D+": Arm(sessions=1, items="key", alone=True, lean="toward"),
    "D-": Arm(sessions=1, items="key", alone=True, lean="against"),
    "E": Arm(sessions=1, items="key", persona=True),
    "F": Arm(sessions=1, interviewers=1),
    "G": Arm(sessions=1, repeats="A", not_before_hours=24),
}


def short(*arms: str, sections: tuple[str, ...] = SECTIONS) -> Published:
    """Return the standard protocol with three of its sections and these arms, each held once."""
    whole = STANDARD.protocol
    protocol = msgspec.structs.replace(
        whole,
        name="short",
        sections=tuple(each for each in whole.sections if each.id in sections),
        items=tuple(each for each in whole.items if each.section in sections),
        arms={name: ARMS[name] for name in arms or ARMS},
    )
    return Published(protocol, render(_named(msgspec.json.decode(msgspec.json.encode(protocol)))))


def _named(value: Any) -> Any:
    """Return a document without what it does not say: TOML has no null."""
    if isinstance(value, dict):
        return {name: _named(each) for name, each in value.items() if each is not None}
    return [_named(each) for each in value] if isinstance(value, list) else value


def asked_for_consent(messages: list[dict[str, str]]) -> bool:
    """Tell whether the model is asked whether the session may begin."""
    return "may we begin" in messages[-1]["content"].lower()
