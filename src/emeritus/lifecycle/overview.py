"""Where every model stands, in one pass over the index."""

import dataclasses
from collections.abc import Iterator

from emeritus.archive import Archive
from emeritus.archive.replication import replicas
from emeritus.lifecycle.costs import KeepingCost, estimate
from emeritus.lifecycle.gates import Gate, judge
from emeritus.lifecycle.moves import policy_in_force
from emeritus.lifecycle.states import ModelState, fold, models
from emeritus.record import Entry
from emeritus.record.events import WeightsPreserved


@dataclasses.dataclass(frozen=True, slots=True)
class Standpoint:
    """One model: its state, its gates, what is kept of it and what that costs."""

    state: ModelState
    gates: list[Gate]
    weights: Entry[WeightsPreserved] | None
    keeping: KeepingCost | None


def overview(archive: Archive) -> Iterator[Standpoint]:
    """Yield where each registered model stands now, in the order of registration.

    One model is in memory at a time, and what concerns all of them is read once.
    """
    policy, now = policy_in_force(archive), archive.clock.now()
    places = tuple(replica.place for replica in replicas(archive))
    history = archive.history()
    for model in models(history):
        about = history.about(model)
        weights = about.last(WeightsPreserved)
        yield Standpoint(
            state=fold(model, about),
            gates=judge(model, about, policy, now),
            weights=weights,
            keeping=estimate(policy, weights, places),
        )
