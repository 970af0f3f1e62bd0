"""What a folder says it is: the mark of a replica, or of a place that holds shards.

The primary archive has no mark. A mark is the identity of a copy: a folder that was moved is the
same copy, and a folder without it is none, whatever lies at the path where a copy used to be.
"""

import dataclasses
from typing import Final

from emeritus import canonical
from emeritus.errors import IntegrityError, UserError, printable
from emeritus.vault import Store

REPLICA_MARK: Final = "replica.json"
SHARDS_MARK: Final = "shards.json"
MARKS: Final = (REPLICA_MARK, SHARDS_MARK)
SHARDS: Final = "shards/"  # begins the name of a place of shards among the copies
MARK_BYTES_MAX: Final = 64 * 1024
NAME_MAX: Final = 200


@dataclasses.dataclass(frozen=True, slots=True)
class Mark:
    """Which copy of which archive a folder is; a place of shards is called `shards/PLACE`."""

    archive: str
    copy: str

    @property
    def name(self) -> str:
        """The name of the file that holds the mark."""
        return SHARDS_MARK if self.copy.startswith(SHARDS) else REPLICA_MARK

    def render(self) -> bytes:
        """Return the bytes of that file."""
        if self.name == SHARDS_MARK:
            place = self.copy.removeprefix(SHARDS)
            return canonical.dumps({"archive": self.archive, "place": place})
        return canonical.dumps({"archive": self.archive, "replica": self.copy})


def read_mark(store: Store) -> Mark | None:
    """Return what a folder says it is, or None without a mark.

    Raises `IntegrityError` (A002) when the mark cannot be read.
    """
    for name in MARKS:
        if not store.exists(name):
            continue
        try:
            said = canonical.loads(store.get(name, 0, MARK_BYTES_MAX))
            archive = str(said["archive"])
            copy = str(said["replica" if name == REPLICA_MARK else "place"])
        except (canonical.NotCanonical, KeyError, TypeError) as error:
            raise IntegrityError(f"{name} is damaged: {error} (A002)") from error
        if not all(map(_is_name, (archive, copy))):
            raise IntegrityError(f"{name} is damaged: it holds no name (A002)")
        return Mark(archive, copy if name == REPLICA_MARK else SHARDS + copy)
    return None


def require_place(place: str) -> None:
    """Raise `UserError` when a place cannot be called this."""
    if not _is_name(place) or place.startswith(SHARDS):
        raise UserError(
            f"{printable(place, 80)!r} cannot name a place: use 1 to {NAME_MAX} plain characters, "
            f"not beginning with {SHARDS}"
        )


def _is_name(text: str) -> bool:
    return bool(text.strip()) and text.isprintable() and len(text) <= NAME_MAX
