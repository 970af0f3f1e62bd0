"""A store whose damaged names are free to be written anew."""

from collections.abc import Iterator
from typing import Self

from emeritus.vault import LocalStore
from emeritus.vault.store import LocalWriter, NotStored


class Replacing:
    """A store seen without `damaged` names. Repair alone may use it.

    Whatever is written under one of them takes the place of what is there, which is kept in
    `quarantine/`, in one step: a kill leaves the damaged bytes or the new ones. All else is
    create-only as ever.
    """

    def __init__(self, store: LocalStore, damaged: set[str]) -> None:
        self._store = store
        self.damaged = set(damaged)

    def put(self, name: str, data: bytes) -> bool:
        """Store `data` as `name`; False when the name is taken by something that is sound."""
        with self.writer() as writer:
            writer.write(data)
            return writer.commit(name)

    def writer(self) -> "ReplacingWriter":
        """Return a writer."""
        return ReplacingWriter(self, self._store.writer())

    def get(self, name: str, offset: int = 0, length: int | None = None) -> bytes:
        """Return bytes of `name`; raises `NotStored`."""
        self._require_sound(name)
        return self._store.get(name, offset, length)

    def size(self, name: str) -> int:
        """Return how many bytes `name` holds; raises `NotStored`."""
        self._require_sound(name)
        return self._store.size(name)

    def exists(self, name: str) -> bool:
        """Tell whether something that is sound is stored as `name`."""
        return name not in self.damaged and self._store.exists(name)

    def list(self, prefix: str) -> Iterator[str]:
        """Yield all names that begin with `prefix` and are sound, in order."""
        return (name for name in self._store.list(prefix) if name not in self.damaged)

    def _require_sound(self, name: str) -> None:
        if name in self.damaged:
            raise NotStored(name)


class ReplacingWriter:
    """A writer whose bytes may take the place of damaged ones."""

    def __init__(self, store: Replacing, writer: LocalWriter) -> None:
        self._store = store
        self._writer = writer

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Add bytes."""
        self._writer.write(data)

    def commit(self, name: str) -> bool:
        """Make what was written durable as `name`; False when the name is taken."""
        if name not in self._store.damaged:
            return self._writer.commit(name)
        self._writer.replace(name)
        self._store.damaged.discard(name)
        return True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._writer.__exit__()
