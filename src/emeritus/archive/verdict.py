"""What a check of the archive and its copies found."""

import dataclasses
from typing import Any

from emeritus.errors import Finding
from emeritus.record.verification import NOT_BLOCKING


@dataclasses.dataclass(frozen=True, slots=True)
class Checked:
    """One copy of the archive as a check met it.

    `behind` is how many commits it lacks of those that the archive has: it is an older archive,
    which a sync brings up to the present. `obstacle` says why it was not reached; `last_read` is
    when the record says that it was read through for the last time.
    """

    name: str
    packs: int = 0
    commits: int = 0
    behind: int = 0
    obstacle: str = ""
    last_read: str | None = None

    @property
    def reached(self) -> bool:
        """Whether it was read now."""
        return not self.obstacle


@dataclasses.dataclass(frozen=True, slots=True)
class Verification:
    """What a check found: the copies that it met or missed, and the damage by copy.

    `unrecorded` says why the record was not told; `set_aside` says which commits were once
    replaced because nothing could be read in their place.
    """

    damage: tuple[tuple[str, Finding], ...]
    copies: tuple[Checked, ...]
    deep: bool
    unrecorded: str = ""
    set_aside: tuple[str, ...] = ()

    @property
    def sound(self) -> bool:
        """Whether nothing is broken; a clock that went back is told and breaks nothing."""
        return all(finding.code in NOT_BLOCKING for _, finding in self.damage)

    @property
    def unreached(self) -> tuple[Checked, ...]:
        """The copies that were not read."""
        return tuple(each for each in self.copies if not each.reached)

    @property
    def packs(self) -> dict[str, int]:
        """How many packs were read in each copy that was reached."""
        return {each.name: each.packs for each in self.copies if each.reached}

    def as_document(self, healed: tuple[tuple[str, str, str], ...] = ()) -> dict[str, Any]:
        """Return the result for programs."""
        return {
            "sound": self.sound,
            "deep": self.deep,
            "recorded": not self.unrecorded,
            "copies": [
                {**dataclasses.asdict(each), "reached": each.reached} for each in self.copies
            ],
            "set_aside": list(self.set_aside),
            "findings": [
                {"replica": name, **dataclasses.asdict(finding)} for name, finding in self.damage
            ],
            "repaired": [
                {"replica": name, "where": where, "from": source} for name, where, source in healed
            ],
        }
