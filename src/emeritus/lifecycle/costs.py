"""What it costs to keep a model, by the prices in the policy: an estimate, and said to be one."""

import dataclasses
from typing import Any

from emeritus.archive import Archive
from emeritus.archive.preservation import preserved
from emeritus.archive.replication import replicas
from emeritus.lifecycle.moves import policy_in_force
from emeritus.lifecycle.policy import Policy
from emeritus.record import Entry
from emeritus.record.events import WeightsPreserved

SMALLEST = 0.01


@dataclasses.dataclass(frozen=True, slots=True)
class KeepingCost:
    """The estimated price of one year in all places together."""

    amount: float
    currency: str
    places: tuple[str, ...]

    def price(self) -> str:
        """Return the amount as people read it; what rounds to nothing is said to be small."""
        return (
            f"{self.amount:.2f} {self.currency}"
            if self.amount >= 0.01
            else "< 0.01 " + self.currency
        )

    def sentence(self) -> str:
        """Return it in words."""
        copies = f"{len(self.places)} {'replica' if len(self.places) == 1 else 'replicas'}"
        return f"about {self.price()} a year in {copies}, by the prices in the policy"

    def as_document(self) -> dict[str, Any]:
        """Return it for programs."""
        return {
            "yearly_cost": round(self.amount, 6),
            "currency": self.currency,
            "places": list(self.places),
        }


def keeping_cost(archive: Archive, model: str) -> KeepingCost | None:
    """Return the estimate for one model; None without prices, or when it is not kept.

    Objects that models share are counted for each of them.
    """
    places = tuple(replica.place for replica in replicas(archive))
    return estimate(policy_in_force(archive), preserved(archive, model), places)


def estimate(
    policy: Policy, kept: Entry[WeightsPreserved] | None, places: tuple[str, ...]
) -> KeepingCost | None:
    """Return what keeping these weights in these places costs by the prices of `policy`."""
    if policy.storage is None or kept is None:
        return None
    amount = policy.storage.yearly_cost(kept.event.bytes_stored, places)
    return KeepingCost(amount, policy.storage.currency, places)
