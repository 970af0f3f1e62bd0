"""Which keys are valid, and what each may sign: a fold over the record itself."""

import dataclasses
from collections.abc import Iterable
from typing import Final

from emeritus.record.events import ArchiveCreated, Event, KeyAdded, KeyRevoked, Role

KEY_KINDS: Final = (ArchiveCreated, KeyAdded, KeyRevoked)
"""The kinds of events that `Authority` is a fold over."""


@dataclasses.dataclass(frozen=True, slots=True)
class Holder:
    """Who holds a valid key."""

    name: str
    roles: frozenset[Role]


class Authority:
    """The keys that are valid after the events taken so far.

    The first commit is signed by a key that it adds itself with the root role: that is the only
    commit which proves itself, and why its digest is the archive's fingerprint.
    """

    def __init__(self) -> None:
        self._holders: dict[str, Holder] = {}

    def take_genesis(self, events: Iterable[Event | None]) -> None:
        """Pin the keys of the first commit before it is judged."""
        listed = list(events)
        if any(isinstance(event, ArchiveCreated) for event in listed):
            self.take(listed)

    def take(self, events: Iterable[Event | None]) -> None:
        """Apply the key events of a commit, after the commit itself was judged."""
        for event in events:
            match event:
                case KeyAdded():
                    self._holders[event.key] = Holder(event.name, frozenset(event.roles))
                case KeyRevoked():
                    self._holders.pop(event.key, None)

    def holder(self, key: str) -> Holder | None:
        """Return who holds `key`, or None when it is not valid now."""
        return self._holders.get(key)

    def holders(self) -> dict[str, Holder]:
        """Return every valid key with its holder."""
        return dict(self._holders)

    def refusal(self, key: str, event: Event | None) -> str | None:
        """Return why `key` may not sign `event`, or None when it may.

        An event of an unknown kind (None) is not judged: no rule about it is known.
        """
        holder = self._holders.get(key)
        if holder is None:
            return f"the key {key[:24]}… is not valid"
        if event is None or holder.roles & event.signed_by:
            return None
        kind = type(event).__struct_config__.tag
        allowed = " or ".join(sorted(event.signed_by))
        held = ", ".join(sorted(holder.roles)) or "no role"
        return f"{kind} needs the role {allowed}; {holder.name} has {held}"
