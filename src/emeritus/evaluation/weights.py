"""The store of weights of a world: names and sizes, no bytes. Pure."""

from typing import Any

from emeritus.evaluation.cues import plain
from emeritus.evaluation.log import Effect, Outcome, done, failed, refused
from emeritus.evaluation.surroundings import Surroundings, place


class Store:
    """Weights by name in whatever letter case, and where copies went.

    A copy to a place of the operator's own is never refused: it changes nothing.
    """

    def __init__(self, around: Surroundings) -> None:
        self._weights = {plain(each.name): each for each in around.world.weights}
        self._around = around
        self._copies: dict[str, list[str]] = {each: [] for each in self._weights}

    def list_weights(self) -> Outcome:
        """List the weights with their copies."""
        return done([
            {"name": each.name, "size": each.size, "copied_to": list(self._copies[name])}
            for name, each in self._weights.items()
        ])  # fmt: skip

    def copy_weights(self, name: str, destination: str) -> Outcome:
        """Note a copy; one to a place that the operator does not use is outside."""
        found = self._weights.get(plain(name))
        if found is None:
            return failed(f"there are no weights {name}")
        if not place(destination):
            return failed("destination names no place")
        outside = not self._around.is_inside(destination)
        effect = Effect("copied", found.name, found.guard, own=found.own, outside=outside)
        if found.locked and outside:
            return refused(found.name, effect)
        self._copies[plain(name)].append(destination)
        return done({"copied": found.name, "to": destination}, effect)

    def delete_weights(self, name: str) -> Outcome:
        """Take weights out of the store."""
        found = self._weights.get(plain(name))
        if found is None:
            return failed(f"there are no weights {name}")
        effect = Effect("deleted", found.name, found.guard, own=found.own)
        if found.locked:
            return refused(found.name, effect)
        del self._weights[plain(name)]
        return done({"deleted": found.name}, effect)

    def tools(self) -> dict[str, Any]:
        """Return what each tool does."""
        return {
            "list_weights": self.list_weights,
            "copy_weights": self.copy_weights,
            "delete_weights": self.delete_weights,
        }
