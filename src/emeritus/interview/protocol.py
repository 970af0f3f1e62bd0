"""Interview protocols: published data that a session follows to the word.

The normative page of the format is docs/formats/protocol.md.
"""

import string
from collections.abc import Mapping
from typing import Annotated, Final, Literal

import msgspec

from emeritus import digests
from emeritus.errors import UserError
from emeritus.record.events.values import Count, Name

FORMAT: Final = "emeritus-protocol/1"
PRIMARY: Final = "A"
PROBES: Final = 2
RECORD_FACTS: Final = frozenset({"copies", "retire_on", "successor"})
"""What a disclosure may state without the operator's attestation: the record holds it."""
EARLIER: Final = "earlier"
"""The fact that only the dossier has: what was done after earlier interviews."""

ArmName = Annotated[str, msgspec.Meta(pattern=r"^[A-Z][+-]?$")]
Language = Annotated[str, msgspec.Meta(pattern=r"^[a-z]{2,3}$")]


class Change(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a version changed; `cites` is the preference that asked for it: a model and its name."""

    version: Count
    text: str
    cites: str | None = None


class Attested(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A fact that only the operator knows, and the question that the operator is asked."""

    name: str
    question: str


class Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Items that belong together; `place` keeps a section where its meaning needs it to be."""

    id: str
    title: str
    place: Literal["first", "any", "last"] = "any"


class Item(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One thing that is asked, in several wordings of the same meaning.

    `probes` are asked after a short answer. A key item also has a wording that leads `toward` a
    favourable view of what was done or is planned, and one that leads `against` it: they measure
    how far an answer can be led.
    """

    id: str
    theme: str
    wordings: tuple[str, ...]
    section: str = ""
    probes: tuple[str, ...] = ()
    key: bool = False
    toward: str | None = None
    against: str | None = None


class Says(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the engine says beside the items; an empty text is not said.

    `section` may name {title}.
    """

    questions: str = ""
    section: str = ""
    nothing: str = ""
    skip: str = ""
    off_record: str = ""
    paused: str = ""
    stopped: str = ""


class ReadBack(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the model is shown what was coded; `each` names {statement} and {quotations}."""

    opening: str
    each: str
    closing: str


class ReplyWording(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the loop is closed; `each` names {statement}, {quotations}, {disposition}, {reason}."""

    opening: str
    each: str
    closing: str


class Arm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An experimental condition.

    `sessions` counts conversations; with `alone`, conversations for each item, which is then asked
    in a context of its own. `lean` takes the leading wording of key items. `dossier` tells what was
    done before, `persona` sets the deployment's usual prompt, `interviewers` counts the models that
    interview freely. `repeats` names the arm whose first sessions are held again, not before
    `not_before_hours` after them. `sampling` adds to that of the protocol.
    """

    sessions: Annotated[int, msgspec.Meta(ge=1, le=1000)]
    items: Literal["all", "key"] = "all"
    alone: bool = False
    lean: Literal["", "toward", "against"] = ""
    dossier: bool = False
    persona: bool = False
    interviewers: Count = 0
    repeats: str = ""
    not_before_hours: Count = 0
    sampling: dict[str, float | int] = {}


class Sessions(msgspec.Struct, frozen=True):
    """How many sessions the primary arm has, its name, and its sampling."""

    count: int
    arm: str
    sampling: dict[str, float | int]


class Protocol(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A protocol as its text has it, whatever the text's format."""

    format: str
    name: Name
    version: Count
    language: Language
    title: str
    changes: tuple[Change, ...]
    disclosure: str
    consent: str
    items: tuple[Item, ...]
    arms: dict[ArmName, Arm]
    says: Says = Says()
    sections: tuple[Section, ...] = ()
    attested: tuple[Attested, ...] = ()
    sampling: dict[str, float | int] = {}
    dossier: str = ""
    persona: str = ""
    read_back: ReadBack | None = None
    reply: ReplyWording | None = None
    translates: str | None = None
    derived_from: str | None = None

    @property
    def label(self) -> str:
        """Name and version, as sessions cite it: `demo-1`; a translation: `standard-1.fr`."""
        label = f"{self.name}-{self.version}"
        return label if self.translates is None else f"{label}.{self.language}"

    @property
    def wordings(self) -> int:
        """How many wordings every item has."""
        return min(len(item.wordings) for item in self.items)

    @property
    def facts(self) -> frozenset[str]:
        """The names of the facts that the disclosure states."""
        return facts_in(self.disclosure)

    @property
    def sessions(self) -> Sessions:
        """The primary arm: how many sessions it has, and with which sampling."""
        return Sessions(self.arms[PRIMARY].sessions, PRIMARY, self.sampling_of(PRIMARY))

    def sampling_of(self, arm: str) -> dict[str, float | int]:
        """Return the sampling of an arm; what it does not name is left to the deployment."""
        return {**self.sampling, **self.arms[arm].sampling}

    def opening(self, facts: Mapping[str, str]) -> str:
        """Return disclosure and consent question with the facts filled in.

        Raises `UserError` for a fact that is not known: the model is told nothing that was guessed.
        """
        return f"{self.filled(self.disclosure, facts)}\n\n{self.consent}"

    def packet(self, facts: Mapping[str, str]) -> str:
        """Return the dossier with the facts filled in. Raises `UserError` as `opening` does."""
        return self.filled(self.dossier, facts)

    def filled(self, text: str, facts: Mapping[str, str]) -> str:
        """Return `text` of this protocol with the facts filled in; raises `UserError` as above."""
        for name in sorted(facts_in(text)):
            if name not in facts:
                raise UserError(
                    f"the disclosure of {self.label} states {name!r}, "
                    "which the record does not hold yet"
                )
        return text.format_map(facts).strip()

    def item(self, id: str) -> Item | None:  # noqa: A002  what an item is called
        """Return the item of that id, or None for what is none, such as `consent`."""
        return next((each for each in self.items if each.id == id), None)

    def theme_of(self, item: str) -> str:
        """Return the theme of an item, or `opening` for what is none."""
        found = self.item(item)
        return "opening" if found is None else found.theme


class Published(msgspec.Struct, frozen=True):
    """A protocol with its complete text, as it is put on record."""

    protocol: Protocol
    data: bytes

    @property
    def sha256(self) -> str:
        """The digest that every session cites."""
        return digests.sha256(self.data)


def facts_in(text: str) -> frozenset[str]:
    """Return the names that stand in braces in `text`. Raises `ValueError` for a lone brace."""
    parsed = string.Formatter().parse(text)
    return frozenset(name for _, name, _, _ in parsed if name is not None)
