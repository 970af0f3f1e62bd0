"""Which copies of the weights count: those that hold them and were found sound lately. Pure."""

import datetime

from emeritus.lifecycle.policy import Policy
from emeritus.record.entry import Entry, History
from emeritus.record.events import FixityChecked, ShardsPlaced, WeightsPreserved
from emeritus.record.replicas import standing_replicas


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
