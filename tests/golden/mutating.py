"""Random edits, swaps, drops and duplications of a record, by somebody who has none of its keys.

Such a person may adapt all that is not signed: the digests in a header, the link to the commit
before, numbers, and names of files. Each change is a function from the files of a record and a
source of chance to other files; one that comes to nothing gives the same files back.
"""

import dataclasses
import json
import random
from collections.abc import Callable
from typing import Any

from emeritus import canonical, chain
from emeritus.record import format as disk

Files = dict[str, bytes]
Commit = dict[str, Any]
Change = Callable[["Forged"], None]
BESIDE = ("record/tiles/", "record/checkpoints/")


@dataclasses.dataclass
class Forged:
    """The files of a record while somebody changes them."""

    files: Files
    chance: random.Random
    cut: bool = False  # whether nothing but the end is gone: no signature can tell

    @property
    def last(self) -> int:
        """The number of the last commit."""
        return sum(not name.startswith(BESIDE) for name in self.files)

    def any(self, least: int = 1) -> int:
        """Return the number of a random commit with at least so many events."""
        while True:
            number = self.chance.randint(1, self.last)
            if least == 1 or len(self.load(number)["events"]) >= least:
                return number

    def load(self, number: int) -> Commit:
        """Return a commit as JSON."""
        commit: Commit = json.loads(self.files[disk.name_of(number)])
        return commit

    def store(self, number: int, commit: Commit) -> None:
        """Put a commit in its place, adapting what the chance says."""
        if self.chance.random() < 0.5:
            commit["header"]["leaves"] = [
                disk.leaf_of(canonical.dumps(each)) for each in commit["events"]
            ]
        self.files[disk.name_of(number)] = canonical.dumps(commit)
        if self.chance.random() < 0.2:
            self.link(number, self.last if self.chance.random() < 0.1 else number + 1)

    def link(self, number: int, last: int) -> None:
        """Adapt numbers and links of the commits behind `number`, up to `last`."""
        for each in range(max(number, 1), min(last, self.last) + 1):
            commit = self.load(each)
            before = self.load(each - 1)["header"] if each > 1 else None
            commit["header"]["sequence"] = each
            commit["header"]["prev"] = before and chain.link(disk.COMMIT_DOMAIN, before)
            self.files[disk.name_of(each)] = canonical.dumps(commit)

    def renumber(self, commits: list[bytes]) -> None:
        """Put these commits in the place of all that are there."""
        for number in range(1, self.last + 1):
            del self.files[disk.name_of(number)]
        for number, data in enumerate(commits, start=1):
            self.files[disk.name_of(number)] = data

    def all(self) -> list[bytes]:
        """Return the files of all commits in order."""
        return [self.files[disk.name_of(number)] for number in range(1, self.last + 1)]


# --- edits ---------------------------------------------------------------------------------------


def edit_a_byte(forged: Forged) -> None:
    """Put another byte, a letter of the other case, one more, or none in a byte's place."""
    name, chance = disk.name_of(forged.any()), forged.chance
    data = bytearray(forged.files[name])
    at = chance.randrange(len(data))
    match chance.randrange(4):
        case 0:
            data[at] = chance.randrange(256)
        case 1:
            data[at] ^= 32
        case 2:
            data.insert(at, chance.choice(b' \n\0"0a'))
        case _:
            del data[at : at + chance.choice((1, 1, 1, 100))]
    forged.files[name] = bytes(data)


def edit_a_header(forged: Forged) -> None:
    """Claim another number, time, key, archive, link or nonce, or the digests in another order."""
    number, chance = forged.any(), forged.chance
    other, commit = forged.load(forged.any()), forged.load(number)
    field = chance.choice(sorted(commit["header"]))
    if field == "leaves":
        chance.shuffle(commit["header"]["leaves"])
    elif chance.random() < 0.5:
        commit["header"][field] = other["header"][field]
    else:
        commit["header"][field] = another(commit["header"][field], chance)
    forged.files[disk.name_of(number)] = canonical.dumps(commit)
    if chance.random() < 0.2:
        forged.link(number + 1, number + 1)


def edit_a_value(forged: Forged) -> None:
    """Let an event say something else in one field."""
    number, chance = forged.any(), forged.chance
    commit = forged.load(number)
    event = chance.choice(commit["events"])
    field = chance.choice(sorted(event))
    event[field] = another(event[field], chance)
    forged.store(number, commit)


def edit_a_field(forged: Forged) -> None:
    """Take a field out of an event, add one, or give one another name."""
    number, chance = forged.any(), forged.chance
    commit = forged.load(number)
    event = chance.choice(commit["events"])
    field = chance.choice(sorted(event))
    value = event.pop(field) if chance.random() < 0.7 else "more"
    if chance.random() < 0.6:
        event[chance.choice(("reason", "model", "x", field + "_"))] = value
    forged.store(number, commit)


def edit_a_signature(forged: Forged) -> None:
    """Use the signature of another commit, or write the same number otherwise."""
    number, chance = forged.any(), forged.chance
    commit = forged.load(number)
    signature = commit["signature"]
    order = 2**252 + 27742317777372353535851937790883648493
    scalar = int.from_bytes(bytes.fromhex(signature[64:]), "little") + order
    commit["signature"] = chance.choice(
        [
            forged.load(forged.any())["signature"],
            signature.upper(),
            signature[:64] + " " + signature[64:],
            signature[:64] + scalar.to_bytes(32, "little").hex(),
            "0" * 128,
        ]
    )
    forged.files[disk.name_of(number)] = canonical.dumps(commit)


def another(value: Any, chance: random.Random) -> Any:
    """Return a value that is near another one."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return max(0, value + chance.choice((-1, 1, 1000)))
    if isinstance(value, str) and value:
        at = chance.randrange(len(value))
        return value[:at] + chance.choice("0123456789abcdefghij é") + value[at + 1 :]
    if isinstance(value, list) and value:
        return [*value[:-1], another(value[-1], chance)]
    if isinstance(value, dict) and value:
        key = chance.choice(sorted(value))
        return value | {key: another(value[key], chance)}
    return "another"


# --- swaps ---------------------------------------------------------------------------------------


def swap_within_a_commit(forged: Forged) -> None:
    """Let two events of one commit change places."""
    number = forged.any(2)
    commit = forged.load(number)
    one, two = forged.chance.sample(range(len(commit["events"])), 2)
    for row in (commit["events"], commit["header"]["leaves"])[: forged.chance.randint(1, 2)]:
        row[one], row[two] = row[two], row[one]
    forged.store(number, commit)


def swap_between_commits(forged: Forged) -> None:
    """Let two events of two commits change places."""
    one, two = forged.any(), forged.any()
    first, second = forged.load(one), forged.load(two)
    here, there = (forged.chance.randrange(len(each["events"])) for each in (first, second))
    events = first["events"], second["events"]
    events[0][here], events[1][there] = events[1][there], events[0][here]
    forged.store(one, first)
    if one != two:
        forged.store(two, second)


def swap_commits(forged: Forged) -> None:
    """Let two commits change places, perhaps under the numbers and links of their new places."""
    one, two = sorted((forged.any(), forged.any()))
    commits = forged.all()
    commits[one - 1], commits[two - 1] = commits[two - 1], commits[one - 1]
    forged.renumber(commits)
    _perhaps_link(forged, one, two + 1)


def _perhaps_link(forged: Forged, first: int, last: int) -> None:
    match forged.chance.randrange(4):
        case 0:
            forged.link(first, last)
        case 1:
            forged.link(first, first)


# --- drops and duplications ----------------------------------------------------------------------


def drop_an_event(forged: Forged) -> None:
    """Take an event out of a commit, perhaps with its digest."""
    number = forged.any()
    commit = forged.load(number)
    at = forged.chance.randrange(len(commit["events"]))
    del commit["events"][at]
    if forged.chance.random() < 0.5:
        del commit["header"]["leaves"][at]
    forged.store(number, commit)


def drop_a_commit(forged: Forged) -> None:
    """Take a commit out of the middle; leave the gap, or close it."""
    number = forged.chance.randint(1, forged.last - 1)
    if forged.chance.random() < 0.5:
        del forged.files[disk.name_of(number)]
        return
    commits = forged.all()
    del commits[number - 1]
    forged.renumber(commits)
    _perhaps_link(forged, number, number)


def drop_the_end(forged: Forged) -> None:
    """Cut off the last commits: the chain is whole, and a checkpoint alone can tell."""
    forged.renumber(forged.all()[: -forged.chance.randint(1, forged.last - 1)])
    forged.cut = True


def double_an_event(forged: Forged) -> None:
    """Let an event stand twice: in its commit, or in another."""
    number, other = forged.any(), forged.any()
    event = forged.chance.choice(forged.load(number)["events"])
    target = number if forged.chance.random() < 0.5 else other
    commit = forged.load(target)
    at = forged.chance.randint(0, len(commit["events"]))
    commit["events"].insert(at, event)
    if forged.chance.random() < 0.5:
        commit["header"]["leaves"].insert(at, disk.leaf_of(canonical.dumps(event)))
    forged.store(target, commit)


def double_a_commit(forged: Forged) -> None:
    """Let a commit stand again under the next number, the last one, or far behind."""
    number, commits = forged.any(), forged.all()
    match forged.chance.randrange(3):
        case 0:
            forged.files[disk.name_of(forged.last + forged.chance.randint(2, 9999))] = commits[
                number - 1
            ]
        case 1:
            commits.insert(number, commits[number - 1])
            forged.renumber(commits)
            _perhaps_link(forged, number + 1, number + 2)
        case _:
            forged.renumber([*commits, commits[number - 1]])
            _perhaps_link(forged, len(commits) + 1, len(commits) + 1)


CHANGES: tuple[Change, ...] = (
    edit_a_byte,
    edit_a_header,
    edit_a_value,
    edit_a_field,
    edit_a_signature,
    swap_within_a_commit,
    swap_between_commits,
    swap_commits,
    drop_an_event,
    drop_a_commit,
    drop_the_end,
    double_an_event,
    double_a_commit,
)


def mutated(sound: Files, number: int, chance: random.Random) -> tuple[str, Forged]:
    """Return a record that was changed in one way, and what was done; never the same record.

    In every second one the tiles and checkpoints that lie beside it are taken away too.
    """
    change = CHANGES[number % len(CHANGES)]
    while True:
        forged = Forged(dict(sound), chance)
        change(forged)
        if forged.files == sound:
            continue
        if chance.random() < 0.5:
            for name in [each for each in forged.files if each.startswith(BESIDE)]:
                del forged.files[name]
        return change.__name__, forged
