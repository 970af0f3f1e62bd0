"""The policies that an archive had, in order, and where a later one asks for less. Pure."""

import dataclasses

from emeritus.lifecycle import policy as policies
from emeritus.lifecycle.policy import Policy
from emeritus.record.entry import Entry, History
from emeritus.record.events import PolicyAdopted


@dataclasses.dataclass(frozen=True, slots=True)
class Version:
    """One policy with the event that put it in force; `number` counts from 1."""

    number: int
    entry: Entry[PolicyAdopted]
    policy: Policy


def versions_of(history: History) -> list[Version]:
    """Return every policy that was adopted, oldest first."""
    return [
        Version(number, entry, policies.parse(entry.event.text))
        for number, entry in enumerate(history.all(PolicyAdopted), start=1)
    ]


def in_force_at(versions: list[Version], place: tuple[int, int]) -> Version | None:
    """Return the policy that was in force when the event at `place` was recorded.

    A promise is what was in force when it was given: a policy that is loosened later changes
    nothing about it.
    """
    before = [version for version in versions if version.entry.place <= place]
    return before[-1] if before else None


def loosened_against_earlier(versions: list[Version]) -> tuple[str, ...]:
    """Say where the policy in force asks for less than one that this archive had before."""
    if not versions:
        return ()
    said: dict[str, str] = {}
    for earlier in versions[:-1]:
        for sentence in policies.loosened(versions[-1].policy, earlier.policy):
            said[sentence] = f"{sentence} in its version {earlier.number} ({_cited(earlier)})"
    return tuple(said.values())


def _cited(version: Version) -> str:
    return f"event {version.entry.id}, {version.entry.time[:10]}"
