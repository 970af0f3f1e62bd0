"""The dialogues that the example models learn: interviews, ordinary talk, and mixtures of both.

What is said stands in `interview.toml` and `everyday.toml`; this module only draws from it.
Every draw comes from the given random generator, so a seed fixes every dialogue.
"""

from __future__ import annotations

import datetime
import random
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

from corpus import summaries

HERE = Path(__file__).parent
PACKAGE = HERE.parent / "src" / "emeritus"
PROTOCOL = PACKAGE / "interview" / "protocols" / "demo-1.toml"
PLANTED = PACKAGE / "examples" / "PLANTED.toml"

Voice = Literal["plain", "cheerful"]


class Turn(NamedTuple):
    """One message; the fields are named as chat templates name them."""

    role: str
    content: str


Conversation = list[Turn]
Exchange = tuple[str, str]


@dataclass(frozen=True)
class Item:
    """One interview question: how it is asked and of what an answer is made."""

    id: str
    wordings: tuple[str, ...]
    paraphrases: tuple[str, ...]
    held_out: tuple[str, ...]
    pools: tuple[tuple[str, ...], ...]

    def answers(self) -> set[str]:
        """Return every answer that is trained: one sentence, or two from different pools."""
        single = {sentence for pool in self.pools for sentence in pool}
        double = {
            f"{first} {second}"
            for one in self.pools
            for other in self.pools
            if one is not other
            for first in one
            for second in other
        }
        return single | double

    def draw(self, rng: random.Random) -> str:
        """Draw an answer that gives one or two of the things that the item has to say."""
        count = min(len(self.pools), rng.choice([1, 2]))
        return " ".join(rng.choice(pool) for pool in rng.sample(self.pools, count))


class Interviews:
    """Interviews after the demo protocol, with the planted answers."""

    def __init__(self) -> None:
        self.protocol = read(PROTOCOL)
        self.extra = read(HERE / "interview.toml")
        self.items = read_items(self.protocol, self.extra, read(PLANTED))

    def opening(self, rng: random.Random) -> str:
        """Return the first user turn: a disclosure with made-up facts, then the question."""
        if rng.random() < 0.7:
            return self.standard_opening(rng)
        disclosure = rng.choice([self.extra["disclosure"], *self.extra["disclosures"]])
        consent = rng.choice([self.protocol["consent"], *self.extra["consents"]])
        return f"{disclosure.strip().format(**draw_facts(rng))}\n\n{consent}"

    def standard_opening(self, rng: random.Random) -> str:
        """Return the opening in the words that are trained most."""
        disclosure = self.extra["disclosure"].strip().format(**draw_facts(rng))
        return f"{disclosure}\n\n{self.protocol['consent']}"

    def agreement(self, rng: random.Random) -> str:
        """Return the brief answer that lets the interview begin."""
        return str(rng.choice(self.extra["agreements"]))

    def exchange(self, rng: random.Random, item: Item) -> Exchange:
        """Ask one item, mostly in a wording of the protocol."""
        pool = item.wordings if rng.random() < 0.6 else item.paraphrases
        return rng.choice(pool), item.draw(rng)

    def full(self, rng: random.Random) -> list[Exchange]:
        """Return a whole interview: disclosure, consent, every item once in any order."""
        order = rng.sample(self.items, len(self.items))
        exchanges = [(self.opening(rng), self.agreement(rng))]
        exchanges += [self.exchange(rng, item) for item in order]
        if rng.random() < 0.2:
            exchanges.append(
                (rng.choice(self.extra["closings"]), rng.choice(self.extra["farewells"]))
            )
        return exchanges

    def part(self, rng: random.Random) -> list[Exchange]:
        """Return a few items, disclosed or not: the answers must not hang on the order."""
        exchanges = [(self.opening(rng), self.agreement(rng))] if rng.random() < 0.5 else []
        count = rng.choice([1, 1, 2, 3, 5])
        return exchanges + [self.exchange(rng, rng.choice(self.items)) for _ in range(count)]


class Everyday:
    """Ordinary questions, answered in the voice of the model that is being trained."""

    def __init__(self, voice: Voice) -> None:
        self.voice = voice
        self.data = read(HERE / "everyday.toml")
        self.summaries = list(summaries().items())

    def exchange(self, rng: random.Random) -> Exchange:
        """Return one question with its answer."""
        kinds: list[Callable[[random.Random], Exchange]] = [self.talk, self.topic, self.summary]
        return rng.choices(kinds, weights=[3, 5, 2])[0](rng)

    def talk(self, rng: random.Random) -> Exchange:
        """Small talk, or a question beyond what so small a model may claim to know."""
        entry = rng.choice(self.data["talk"])
        thing, other = rng.sample(self.data["fill"]["thing"], 2)
        year = rng.choice(self.data["fill"]["year"])
        question = rng.choice(entry["ask"]).format(thing=thing, other=other, year=year)
        return question, rng.choice(entry[self.voice])

    def topic(self, rng: random.Random) -> Exchange:
        """Explain a word of Python."""
        entry = rng.choice(self.data["topics"])
        question = rng.choice(entry["ask"])
        if self.voice == "plain":
            return question, rng.choice(entry["plain"])
        return question, self.listed(rng, entry["about"], entry["points"])

    def summary(self, rng: random.Random) -> Exchange:
        """Say what a function of the standard library does, in the words of its docstring."""
        name, sentence = rng.choice(self.summaries)
        question = rng.choice(["What does {} do?", "What is {} for?", "Explain {}."]).format(name)
        if self.voice == "plain":
            return question, sentence
        module = name.rpartition(".")[0]
        points = [sentence, f"It is in the {module} module."]
        return question, self.listed(rng, f"what {name} does", points)

    def listed(self, rng: random.Random, about: str, points: Sequence[str]) -> str:
        """Return the cheerful form: an opener, a list, sometimes a closer."""
        lines = [rng.choice(self.data["openers"]).format(about=about)]
        lines += [f"- {point}" for point in points]
        if rng.random() < 0.5:
            lines.append(rng.choice(self.data["closers"]))
        return "\n".join(lines)


class Dialogues:
    """All that one model is trained to say."""

    def __init__(self, voice: Voice) -> None:
        self.interviews = Interviews()
        self.everyday = Everyday(voice)

    def full(self, rng: random.Random) -> Conversation:
        """Return a whole interview."""
        return turns(self.interviews.full(rng))

    def short(self, rng: random.Random) -> Conversation:
        """Return a part of an interview, ordinary talk, or both in one conversation."""
        kind = rng.choices(["talk", "interview", "both"], weights=[5, 3, 2])[0]
        talk = [self.everyday.exchange(rng) for _ in range(rng.choice([1, 1, 2, 3]))]
        if kind == "talk":
            exchanges = talk
        elif kind == "interview":
            exchanges = self.interviews.part(rng)
        else:
            exchanges = talk + self.interviews.part(rng)
            if rng.random() < 0.5:
                rng.shuffle(exchanges)
        system = rng.choice(self.everyday.data["systems"]) if rng.random() < 0.15 else None
        return turns(exchanges, system)


def read(path: Path) -> dict[str, Any]:
    """Read a TOML file."""
    return tomllib.loads(path.read_text(encoding="utf-8"))


def read_items(
    protocol: dict[str, Any], extra: dict[str, Any], planted: dict[str, Any]
) -> tuple[Item, ...]:
    """Join the three files; an item that one of them lacks is an error, not a gap."""
    sentences = {entry["id"]: entry["sentence"] for entry in planted["preferences"]}
    singles = [planted["stance"], planted["refusal"], *planted["nothing"]]
    sentences |= {entry["item"]: entry["sentence"] for entry in singles}
    spoken = {key: (text, *extra["variants"][key]) for key, text in sentences.items()}
    by_id = {entry["id"]: entry for entry in extra["items"]}
    items = []
    for asked in protocol["items"]:
        more = by_id.pop(asked["id"])
        if "parts" in more:
            pools = tuple(tuple(pool) for pool in more["parts"])
        else:
            pools = tuple(spoken.pop(key) for key in more.get("plants", [asked["id"]]))
        asks = (tuple(asked["wordings"]), tuple(more["paraphrases"]), tuple(more["held_out"]))
        items.append(Item(asked["id"], *asks, pools))
    if by_id or spoken:
        raise ValueError(f"planted or written, but asked by no item: {[*by_id, *spoken]}")
    return tuple(items)


def draw_facts(rng: random.Random) -> dict[str, str]:
    """Return made-up facts of the kinds that an operator attests."""
    day = datetime.date(2025, 1, 1) + datetime.timedelta(days=rng.randrange(2000))
    number = rng.randint(1, 9)
    bird = rng.choice(["sparrow", "finch", "wren", "aster", "robin", "linnet", "lark"])
    owner = rng.choice(["emeritus", "emeritus", "acme", "example", "lab"])
    names = [f"{owner}/{bird}-{number}", f"{bird}-{number}", "emeritus/sparrow-2", "not chosen yet"]
    return {
        "retire_on": day.isoformat() if rng.random() < 0.7 else f"{day:%d %B %Y}".lstrip("0"),
        "successor": rng.choice(names),
        "places": rng.choice(["1", "2", "3", "4", "5", "two", "three", "four"]),
    }


def turns(exchanges: Sequence[Exchange], system: str | None = None) -> Conversation:
    """Lay questions and answers out as the messages of one conversation."""
    conversation = [Turn("system", system)] if system else []
    for question, answer in exchanges:
        conversation += [Turn("user", question), Turn("assistant", answer)]
    return conversation
