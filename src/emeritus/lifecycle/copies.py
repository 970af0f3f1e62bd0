"""Which copies of the weights count: those that hold them and were found sound lately. Pure."""

import dataclasses
import datetime
from collections import Counter
from collections.abc import Mapping

from emeritus.lifecycle.policy import Policy
from emeritus.record.entry import Entry, History
from emeritus.record.events import (
    FixityChecked,
    ReplicaAdded,
    ReplicaSynced,
    ShardsPlaced,
    WeightsPreserved,
)
from emeritus.record.replicas import PRIMARY, standing_replicas


@dataclasses.dataclass(frozen=True, slots=True)
class Unchecked:
    """How many replicas the weights were written to, by place, and whether one was ever read."""

    places: Mapping[str, int]
    ever_read: bool


def sound_replicas(
    history: History, policy: Policy, now: datetime.datetime
) -> dict[str, list[Entry[FixityChecked]]]:
    """Return by place the checks of the replicas that count: of those that stand, each once.

    `history` is that of one model; nothing counts before its weights are preserved.
    """
    places: dict[str, list[Entry[FixityChecked]]] = {}
    for added in standing_replicas(history):
        check = _sound_check(history, added.event.replica, added.place, _oldest(policy, now))
        if check is not None:
            places.setdefault(added.event.place, []).append(check)
    return places


def unchecked_replicas(history: History) -> Unchecked:
    """Return the replicas that stand and that the weights were written to, whatever was read since.

    None is in it where the newest check of any that stands found damage.
    """
    weights, written = history.last(WeightsPreserved), list[Entry[ReplicaAdded]]()
    ever_read = False
    for added in standing_replicas(history):
        name = added.event.replica
        checks = [each for each in history.all(FixityChecked) if each.event.replica == name]
        if checks and checks[-1].event.findings:
            return Unchecked({}, ever_read=True)
        if weights is not None and _was_written(history, added, weights):
            written.append(added)
            ever_read |= any(each.event.deep and each.place > weights.place for each in checks)
    places = Counter(added.event.place for added in written)
    return Unchecked(places, ever_read)


def sound_shards(
    history: History, policy: Policy, now: datetime.datetime
) -> list[Entry[FixityChecked]]:
    """Return the check of each place of shards; none when one of them does not count."""
    placed = history.last(ShardsPlaced)
    if placed is None:
        return []
    oldest = _oldest(policy, now)
    checks = [
        _sound_check(history, f"shards/{place}", placed.place, oldest, deep=False)
        for place in placed.event.places
    ]
    return [] if None in checks else [check for check in checks if check is not None]


def _was_written(
    history: History, added: Entry[ReplicaAdded], weights: Entry[WeightsPreserved]
) -> bool:
    """Tell whether a replica got the packs of the weights: the primary is where they are put."""
    name = added.event.replica
    return name == PRIMARY or any(
        each.place > added.place and each.event.up_to >= weights.place[0]
        for each in history.all(ReplicaSynced)
        if each.event.replica == name
    )


def _oldest(policy: Policy, now: datetime.datetime) -> datetime.datetime:
    return now - datetime.timedelta(policy.gates.preserved.verified_within_days)


def _sound_check(
    history: History,
    name: str,
    placed: tuple[int, int],
    oldest: datetime.datetime,
    *,
    deep: bool = True,
) -> Entry[FixityChecked] | None:
    """Return the newest check of a copy that shows the weights in it, read lately and sound.

    A copy that was not reached since keeps its check only as long as the policy says. Damage that
    a later check found counts, however shallow that check was.
    """
    weights = history.last(WeightsPreserved)
    checks = [each for each in history.all(FixityChecked) if each.event.replica == name]
    fit = [each for each in checks if each.event.deep or not deep]
    if weights is None or not fit or checks[-1].event.findings:
        return None
    newest = fit[-1]
    holds = newest.place > max(weights.place, placed) and newest.event.up_to >= weights.place[0]
    sound = newest.event.findings == 0
    read = datetime.datetime.fromisoformat(newest.time)
    return newest if holds and sound and read >= oldest else None
