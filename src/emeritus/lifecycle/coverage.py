"""Why the policy's promise applies to a model, or does not, in words. Pure.

The promise is made for every public model and for every model in significant internal use. Whether
it applies is a person's decision on record (`model.covered`); what the record knows of offerings
and of usage is said beside it, and where the two disagree, that is said too.
"""

import dataclasses
from typing import Any, Final

from emeritus.lifecycle.policy import Coverage, Policy
from emeritus.lifecycle.states import SERVED, ModelState, fold
from emeritus.record.entry import Entry, History
from emeritus.record.events import UsageCounted

INTERNAL: Final = Coverage(requests_min=0, within_days=0).internal


@dataclasses.dataclass(frozen=True, slots=True)
class Explanation:
    """What was decided about one model, and what speaks for it.

    `covered` is None while nobody decided. `doubts` says where the facts ask for another decision.
    """

    model: str
    covered: bool | None
    because: tuple[str, ...]
    doubts: tuple[str, ...]
    evidence: tuple[str, ...]

    def as_document(self) -> dict[str, Any]:
        """Return the explanation for programs."""
        return dataclasses.asdict(self)


def explain(model: str, history: History, policy: Policy) -> Explanation:
    """Return in words why `model` is covered or not."""
    state = fold(model, history)
    decided = state.covered
    because, evidence = [], []
    if decided is None:
        because.append("nobody has decided whether the policy's promise applies to it")
    else:
        word = "covered" if decided.event.covered else "not covered"
        said = f"{word}: {decided.event.reason}"
        because.append(f"{said} (decided by {decided.signed_by}, event {decided.id})")
        evidence.append(decided.id)
    public = _public(state, policy)
    used = newest_usage(model, history)
    if public:
        because.append(f"offered to the public on {', '.join(public)}")
    else:
        because.append("offered to the public nowhere")
    significant = used is not None and is_significant(used.event.requests, policy)
    because.append(_usage(used, policy, significant=significant))
    if used is not None:
        evidence.append(used.id)
    doubts = []
    if decided is None or not decided.event.covered:
        if public:
            doubts.append("it is public, and so the policy's promise is made for it")
        if significant:
            doubts.append("it is in significant internal use, and so the promise is made for it")
    return Explanation(
        model,
        None if decided is None else decided.event.covered,
        tuple(because),
        tuple(doubts),
        tuple(evidence),
    )


def is_significant(requests: int, policy: Policy) -> bool:
    """Tell whether so many requests in the policy's window are significant internal use."""
    return policy.coverage is not None and requests >= policy.coverage.requests_min


def newest_usage(model: str, history: History) -> Entry[UsageCounted] | None:
    """Return the count of usage that ends latest, or None."""
    counted = [each for each in history.all(UsageCounted) if each.event.model == model]
    return max(counted, key=lambda entry: (entry.event.until, entry.place), default=None)


def _public(state: ModelState, policy: Policy) -> list[str]:
    internal = policy.coverage.internal if policy.coverage else INTERNAL
    return [
        name
        for name, offering in state.offerings.items()
        if offering.state in SERVED and name.partition("/")[0] not in internal
    ]


def _usage(used: Entry[UsageCounted] | None, policy: Policy, *, significant: bool) -> str:
    if policy.coverage is None:
        return "the policy does not say what significant internal use is"
    asked = f"{policy.coverage.requests_min} requests in {policy.coverage.within_days} days"
    if used is None:
        return f"its usage was not counted (significant is {asked})"
    event = used.event
    said = f"asked {event.requests} times from {event.since} to {event.until} (event {used.id})"
    return f"{said}; significant is {asked}: it {'is' if significant else 'is not'}"
