"""Which keys are valid, and what each may sign: a fold over the record itself."""

import dataclasses
from collections.abc import Iterable, Sequence
from typing import Final

from emeritus.record.events import ArchiveCreated, Event, KeyAdded, KeyRevoked, Role, ThresholdSet
from emeritus.record.signing import is_key, is_mldsa44, is_p256

RootEvent = KeyAdded | KeyRevoked | ThresholdSet
SIGN_CHECKPOINTS = frozenset({Role.STEWARD, Role.SERVICE, Role.AUDITOR})
SIGN_UNKNOWN = frozenset({Role.STEWARD, Role.SERVICE, Role.REVIEWER, Role.APPROVER})

KEY_KINDS: Final = (ArchiveCreated, KeyAdded, KeyRevoked, ThresholdSet)
"""The kinds of events that `Authority` is a fold over."""


@dataclasses.dataclass(frozen=True, slots=True)
class Holder:
    """Who holds a valid key; `kinds` is what it is limited to, if anything."""

    name: str
    roles: frozenset[Role]
    mldsa44: str | None = None
    kinds: frozenset[str] = frozenset()

    @property
    def signs_checkpoints(self) -> bool:
        """Whether a checkpoint by this key counts."""
        return self.mldsa44 is not None and not self.kinds and bool(self.roles & SIGN_CHECKPOINTS)


@dataclasses.dataclass(frozen=True, slots=True)
class Waiting:
    """A root event that not enough people signed yet; `names` did."""

    event: RootEvent
    names: frozenset[str]


class Authority:
    """The keys that are valid after the commits taken so far.

    The first commit is signed by a key that it adds itself with the root role: that is the only
    commit which proves itself, and why its digest is the archive's fingerprint. Later, a root
    event counts from the commit on with which `threshold` people have signed the same event, each
    in a commit of their own (docs/decisions/0004-root-threshold.md).
    """

    def __init__(self) -> None:
        self.threshold = 1
        self._holders: dict[str, Holder] = {}
        self._revoked: set[str] = set()
        self._waiting: dict[str, Waiting] = {}

    def take_genesis(self, events: Iterable[Event | None]) -> None:
        """Pin the keys of the first commit before it is judged."""
        listed = list(events)
        for event in listed:
            if isinstance(event, ArchiveCreated):
                self.threshold = event.root_threshold
                self._apply(each for each in listed if isinstance(each, RootEvent))

    def take(self, signer: str, events: Sequence[Event | None], leaves: Sequence[str]) -> None:
        """Count the root events of a commit, after the commit itself was judged.

        `leaves` are the digests of the events: the same event is one with the same digest.
        """
        holder = self._holders.get(signer)
        pairs = zip(events, leaves, strict=False)
        found = [(event, leaf) for event, leaf in pairs if isinstance(event, RootEvent)]
        if not found or holder is None or Role.ROOT not in holder.roles:
            return
        people, enough = self._people(self._holders), []
        for event, leaf in found:
            before = self._waiting.pop(leaf, Waiting(event, frozenset()))
            names = before.names | {holder.name}
            if len(names & people) >= self.threshold:
                enough.append(event)
            else:
                self._waiting[leaf] = Waiting(event, names)
        self._apply(enough)

    def holder(self, key: str) -> Holder | None:
        """Return who holds `key`, or None when it is not valid now."""
        return self._holders.get(key)

    def holders(self) -> dict[str, Holder]:
        """Return every valid key with its holder."""
        return dict(self._holders)

    def waiting(self) -> list[Waiting]:
        """Return the root events that more people have to sign before they count."""
        return list(self._waiting.values())

    def refusal(self, key: str, event: Event | None, unknown: str | None = None) -> str | None:
        """Return why `key` may not sign `event`, or None when it may.

        Of a kind that is `unknown` here (then there is no event), it is known only that no key
        signs it that is limited to others, or that signs changes of keys or checkpoints alone. Of
        an event that was left out nothing is known.
        """
        holder = self._holders.get(key)
        if holder is None:
            return f"the key {key[:24]}… is not valid"
        kind = unknown if event is None else str(type(event).__struct_config__.tag)
        if kind is None:
            return None
        if event is not None and not holder.roles & event.signed_by:
            allowed = " or ".join(sorted(event.signed_by))
            held = ", ".join(sorted(holder.roles)) or "no role"
            return f"{kind} needs the role {allowed}; {holder.name} has {held}"
        if event is None and not holder.roles & SIGN_UNKNOWN:
            return f"{holder.name} signs no kind that is not known here"
        if holder.kinds and kind not in holder.kinds:
            return f"{holder.name} is limited to {', '.join(sorted(holder.kinds))}"
        return None

    def unfit(self, events: Iterable[Event | None]) -> str | None:
        """Return why no key at all may sign a commit with these root events, or None."""
        listed = [event for event in events if isinstance(event, RootEvent)]
        if not listed:
            return self._lacking()
        after: Authority = self.copy()
        for event in listed:
            wrong = after._misplaced(event)
            if wrong is not None:
                return wrong
            after._apply([event])
        return after._lacking()

    def copy(self) -> "Authority":
        """Return the same keys, which then go ways of their own."""
        copy = Authority()
        copy.threshold, copy._holders = self.threshold, dict(self._holders)
        copy._revoked, copy._waiting = set(self._revoked), dict(self._waiting)
        return copy

    def _lacking(self) -> str | None:
        left = len(self._people(self._holders))
        if 1 <= self.threshold <= left:
            return None
        return f"{left} people would have a root key, and root events would need {self.threshold}"

    def _misplaced(self, event: RootEvent) -> str | None:
        match event:
            case KeyAdded() if event.key in self._holders or event.key in self._revoked:
                return f"the key {event.key[:24]}… was on record before; a key is added once"
            case KeyAdded() if is_p256(event.key):
                # It signs bundles for other tools, and nothing of the record.
                return "a P-256 key has no roles" if event.roles or event.mldsa44 else None
            case KeyAdded() if not is_key(event.key):
                return f"{event.key[:24]!r} is no id of an Ed25519 key"
            case KeyAdded() if event.mldsa44 is not None and not is_mldsa44(event.mldsa44):
                return f"{event.mldsa44[:24]!r} is no id of an ML-DSA-44 key"
            case KeyRevoked() if event.key not in self._holders:
                return f"the key {event.key[:24]}… is not valid, so it cannot be revoked"
            case _:
                return None

    def _apply(self, events: Iterable[RootEvent]) -> None:
        for event in events:
            match event:
                case KeyAdded():
                    roles, kinds = frozenset(event.roles), frozenset(event.kinds)
                    self._holders[event.key] = Holder(event.name, roles, event.mldsa44, kinds)
                case KeyRevoked():
                    self._holders.pop(event.key, None)
                    self._revoked.add(event.key)
                case ThresholdSet():
                    self.threshold = event.threshold

    @staticmethod
    def _people(holders: dict[str, Holder]) -> set[str]:
        return {holder.name for holder in holders.values() if Role.ROOT in holder.roles}
