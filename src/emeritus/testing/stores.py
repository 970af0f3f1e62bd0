"""What every store must do, and a store in memory."""

import secrets
from collections.abc import Callable, Iterator
from typing import Self

from emeritus.vault import NotStored, Store


class MemoryStore:
    """A store in memory, for tests. `die_after` makes the n-th write fail, as a crash would."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.die_after: int | None = None

    def put(self, name: str, data: bytes) -> bool:
        """Store `data` as `name`; False when the name is taken."""
        if name in self.files:
            return False
        self._count()
        self.files[name] = bytes(data)
        return True

    def writer(self) -> "MemoryWriter":
        """Return a writer."""
        return MemoryWriter(self)

    def get(self, name: str, offset: int = 0, length: int | None = None) -> bytes:
        """Return bytes of `name`; raises `NotStored`."""
        if name not in self.files:
            raise NotStored(name)
        end = None if length is None else offset + length
        return self.files[name][offset:end]

    def size(self, name: str) -> int:
        """Return how many bytes `name` holds; raises `NotStored`."""
        return len(self.get(name))

    def exists(self, name: str) -> bool:
        """Tell whether something is stored as `name`."""
        return name in self.files

    def list(self, prefix: str) -> Iterator[str]:
        """Yield all names that begin with `prefix`, in order."""
        yield from sorted(name for name in self.files if name.startswith(prefix))

    def _count(self) -> None:
        if self.die_after is not None:
            self.die_after -= 1
            if self.die_after < 0:
                raise OSError("the store died")


class MemoryWriter:
    """Bytes on their way into a `MemoryStore`."""

    def __init__(self, store: MemoryStore) -> None:
        self._store = store
        self._data = bytearray()

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Add bytes."""
        self._data += data

    def commit(self, name: str) -> bool:
        """Store what was written as `name`; False when the name is taken."""
        return self._store.put(name, bytes(self._data))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._data.clear()


def check_store(make: Callable[[], Store]) -> None:
    """Raise `AssertionError` when a new store from `make` breaks a law of `vault.Store`."""
    store = make()
    name = f"record/0000/{secrets.token_hex(4)}.json"
    _require(not store.exists(name), "a new store is empty")
    _require(list(store.list("")) == [], "a new store lists nothing")
    _require(store.put(name, b"first"), "a free name is taken")
    _require(not store.put(name, b"second"), "a taken name is refused")
    _require(store.get(name) == b"first", "what was stored does not change")
    _require(store.get(name, 1, 3) == b"irs", "a range is read")
    _require(store.get(name, 3, 99) == b"st", "a range ends with the bytes")
    _require(store.size(name) == 5, "the size is known")
    _require(store.put("empty", b""), "no bytes are bytes too")
    _require(store.get("empty") == b"", "no bytes come back")
    _require(list(store.list("record/")) == [name], "a prefix limits the list")
    _require(list(store.list("")) == sorted(["empty", name]), "the list is in order")
    _check_writer(store)
    _check_missing(store)


def _check_writer(store: Store) -> None:
    with store.writer() as writer:
        writer.write(b"abc")
        writer.write(memoryview(b"def"))
        _require(writer.commit("packs/aa/one"), "a writer commits")
    _require(store.get("packs/aa/one") == b"abcdef", "a writer keeps the order")
    with store.writer() as writer:
        writer.write(b"other")
        _require(not writer.commit("packs/aa/one"), "a writer does not replace")
    with store.writer() as writer:
        writer.write(b"never committed")
    _require(list(store.list("packs/")) == ["packs/aa/one"], "what is not committed is not there")


def _check_missing(store: Store) -> None:
    for read in (lambda: store.get("nothing"), lambda: store.size("nothing")):
        try:
            read()
        except NotStored:
            continue
        raise AssertionError("reading what is not there raises NotStored")


def _require(holds: bool, law: str) -> None:
    if not holds:
        raise AssertionError(f"a store breaks the law: {law}")
