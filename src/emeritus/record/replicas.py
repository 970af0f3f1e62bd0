"""Which replicas stand: a fold over the record. Pure."""

from typing import Final

from emeritus.record.entry import Entry, History
from emeritus.record.events import ReplicaAdded, ReplicaWithdrawn

PRIMARY: Final = "primary"  # the archive itself, into which everything is put first


def standing_replicas(history: History) -> list[Entry[ReplicaAdded]]:
    """Return the entry that added each replica that was not withdrawn since, oldest first.

    A replica that was withdrawn and added again stands by the later entry: what was found before
    is not found about it.
    """
    withdrawn = {each.event.replica: each.place for each in history.all(ReplicaWithdrawn)}
    added = {each.event.replica: each for each in history.all(ReplicaAdded)}
    return [
        each
        for name, each in added.items()
        if name not in withdrawn or each.place > withdrawn[name]
    ]
