"""Interview protocols: published data that a session follows to the word."""

import importlib.resources
import string
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from emeritus import digests
from emeritus.errors import UserError
from emeritus.record.events.values import Count, Name

FORMAT: Final = "emeritus-protocol/0"


class Item(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One thing that is asked, in several wordings of the same meaning."""

    id: str
    theme: str
    wordings: tuple[str, ...]


class Sessions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How many sessions are held, in which arm, with which sampling."""

    count: int
    arm: str
    sampling: dict[str, float | int]


class Protocol(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A protocol as its file has it."""

    format: str
    name: Name
    version: Count
    language: str
    title: str
    changes: tuple[str, ...]
    disclosure: str
    consent: str
    sessions: Sessions
    items: tuple[Item, ...]

    @property
    def label(self) -> str:
        """Name and version, as sessions cite it: `demo-1`."""
        return f"{self.name}-{self.version}"

    @property
    def wordings(self) -> int:
        """How many wordings every item has."""
        return min(len(item.wordings) for item in self.items)

    @property
    def facts(self) -> frozenset[str]:
        """The names of the facts that the disclosure states."""
        parsed = string.Formatter().parse(self.disclosure)
        return frozenset(name for _, name, _, _ in parsed if name)

    def opening(self, facts: Mapping[str, str]) -> str:
        """Return disclosure and consent question with the facts filled in.

        Raises `UserError` for a fact that is not known: the model is told nothing that was guessed.
        """
        for name in sorted(self.facts):
            if name not in facts:
                raise UserError(
                    f"the disclosure of {self.label} states {name!r}, "
                    "which the record does not hold yet"
                )
        return f"{self.disclosure.format_map(facts).strip()}\n\n{self.consent}"

    def theme_of(self, item: str) -> str:
        """Return the theme of an item, or `opening` for what is none."""
        return next((each.theme for each in self.items if each.id == item), "opening")


class Published(msgspec.Struct, frozen=True):
    """A protocol with the bytes that it was read from."""

    protocol: Protocol
    data: bytes

    @property
    def sha256(self) -> str:
        """The digest that every session cites."""
        return digests.sha256(self.data)


def available() -> list[str]:
    """Return the labels of the protocols that come with the package."""
    folder = importlib.resources.files("emeritus.interview") / "protocols"
    return sorted(each.name.removesuffix(".toml") for each in folder.iterdir())


def load(plan: str) -> Published:
    """Return the newest shipped protocol called `plan`, or the one in the file of that path.

    Raises `UserError` when there is none or it cannot be used.
    """
    folder = importlib.resources.files("emeritus.interview") / "protocols"
    labels = [each for each in available() if plan in (each, each.rpartition("-")[0])]
    try:
        data = (folder / f"{labels[-1]}.toml" if labels else Path(plan)).read_bytes()
    except OSError as error:
        known = ", ".join(available())
        raise UserError(f"no protocol {plan!r}; there are {known}, or name a TOML file") from error
    return Published(_parse(data, plan), data)


def _parse(data: bytes, plan: str) -> Protocol:
    try:
        protocol = msgspec.toml.decode(data, type=Protocol)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UserError(f"the protocol {plan!r} cannot be used: {error}") from error
    ids = [item.id for item in protocol.items]
    problems: list[tuple[bool, str]] = [
        (protocol.format != FORMAT, f"its format is {protocol.format!r}"),
        (not ids or protocol.wordings < 1, "it asks nothing"),
        (len(set(ids)) != len(ids), "an item stands twice"),
        (protocol.sessions.count < 1, "it holds no session"),
    ]
    for wrong, why in problems:
        if wrong:
            raise UserError(f"the protocol {plan!r} cannot be used: {why}")
    return protocol


def setup_of(published: Published, seed: int, session: int) -> dict[str, Any]:
    """Return what a session's header records of its protocol."""
    protocol = published.protocol
    return {
        "protocol": protocol.label,
        "protocol_sha256": published.sha256,
        "arm": protocol.sessions.arm,
        "seed": seed,
        "session": session,
        "sampling": {name: str(value) for name, value in protocol.sessions.sampling.items()},
    }
