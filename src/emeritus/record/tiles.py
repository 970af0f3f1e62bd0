"""The entries and hashes of the tree as static files (c2sp.org/tlog-tiles) in `record/tiles/`."""

import re
from collections.abc import Iterator, Sequence
from typing import Any, Final

import msgspec

from emeritus import canonical
from emeritus.errors import IntegrityError, UserError
from emeritus.record import merkle
from emeritus.record.format import NotACommit
from emeritus.vault import Store

PREFIX: Final = "record/tiles/"
ENTRIES: Final = "entries"  # the level of a bundle
WIDTH: Final = 256
LEVELS: Final = 8  # of the tree in one tile
HASH_BYTES: Final = 32
ENTRY_BYTES_MAX: Final = 65_535  # a bundle has two bytes for the length
TILE_BYTES_MAX: Final = WIDTH * (2 + ENTRY_BYTES_MAX)

_NAME = re.compile(
    r"record/tiles/tile/(entries|[0-9]|[1-5][0-9]|6[0-3])/((?:x\d{3}/)*\d{3})(?:\.p/([1-9]\d{0,2}))?\Z"
)


class _Header(msgspec.Struct):
    signer: str
    time: str


class _Commit(msgspec.Struct):
    header: _Header
    events: list[msgspec.Raw]


def entries_of(number: int, data: bytes) -> list[bytes]:
    """Return the entries of commit `number`, whose file is `data`.

    An entry is the canonical JSON of commit, event, position, signer and time. A commit's file is
    canonical, so the bytes of its events are too. Raises `NotACommit` when it cannot be read.
    """
    try:
        commit = msgspec.json.decode(data, type=_Commit)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise NotACommit(str(error)) from error
    signer, time = map(canonical.dumps, (commit.header.signer, commit.header.time))
    return [
        b'{"commit":%d,"event":%b,"position":%d,"signer":%b,"time":%b}'
        % (number, bytes(event), position, signer, time)
        for position, event in enumerate(commit.events)
    ]


def require_fit(number: int, data: bytes) -> None:
    """Raise `UserError` when an event of a commit is too long for an entry."""
    if len(data) <= ENTRY_BYTES_MAX:
        return  # a commit holds all that is in its entries, and more
    for entry in entries_of(number, data):
        if len(entry) > ENTRY_BYTES_MAX:
            kind = msgspec.json.decode(entry)["event"]["kind"]
            raise UserError(
                f"not recorded: the event {kind} takes {len(entry)} bytes, and an entry of the "
                f"record at most {ENTRY_BYTES_MAX}; keep the text as a document and cite its digest"
            )


def tile_name(level: int | str, index: int, width: int = WIDTH) -> str:
    """Return the name of a tile or, at the level `entries`, of a bundle."""
    groups = [f"{index % 1000:03d}"]
    while index := index // 1000:
        groups.insert(0, f"x{index % 1000:03d}")
    partial = f".p/{width}" if width < WIDTH else ""
    return f"{PREFIX}tile/{level}/{'/'.join(groups)}{partial}"


def place_of(name: str) -> tuple[str, int, int] | None:
    """Return level, index and width of the tile `name`, or None for another file."""
    match = _NAME.match(name)
    if match is None:
        return None
    index, width = int(match[2].replace("x", "").replace("/", "")), int(match[3] or WIDTH)
    return (match[1], index, width) if tile_name(match[1], index, width) == name else None


def end_of(level: str, index: int, width: int = WIDTH) -> int:
    """Return how many entries of the tree a tile and all before it cover."""
    below = 1 if level == ENTRIES else 1 << LEVELS * int(level)
    return (index * WIDTH + width) * below


def bundle(entries: Sequence[bytes]) -> bytes:
    """Return entries as one file: each with its length before it, in two bytes."""
    return b"".join(len(entry).to_bytes(2, "big") + entry for entry in entries)


def unbundle(data: bytes) -> list[bytes]:
    """Return the entries of a bundle. Raises `ValueError` when it is torn."""
    entries, at = [], 0
    while at < len(data):
        end = at + 2 + int.from_bytes(data[at : at + 2], "big")
        if end > len(data) or at + 2 > len(data):
            raise ValueError("a bundle ends within an entry")
        entries.append(data[at + 2 : end])
        at = end
    return entries


class Tree:
    """A tree that grows by entries and keeps only its right edge.

    Law: `root()` after n entries is `merkle.root` over them, in O(log n) space.
    """

    def __init__(self) -> None:
        self.size = 0
        self._entries: list[bytes] = []
        self._levels: list[list[bytes]] = []

    @classmethod
    def resumed(cls, store: Store, size: int) -> "Tree":
        """Return the tree of `size` with the right edge that its tiles in `store` hold.

        They are not judged: compare `root()` with a signed one. Raises `NotStored` or
        `ValueError` when a tile is missing or torn.
        """
        tree = cls()
        tree.size = size
        if size % WIDTH:
            data = store.get(tile_name(ENTRIES, size // WIDTH, size % WIDTH))
            tree._entries = unbundle(data)
        level = 0
        while rest := size >> LEVELS * level:
            width = rest % WIDTH
            data = store.get(tile_name(level, rest // WIDTH, width)) if width else b""
            tree._levels.append(_hashes(data, width))
            level += 1
        return tree

    def add(self, entry: bytes) -> list[tuple[str, bytes]]:
        """Add an entry; return the tiles that it filled, with their names."""
        if len(entry) > ENTRY_BYTES_MAX:
            raise ValueError(f"an entry has at most {ENTRY_BYTES_MAX} bytes")
        filled = []
        self._entries.append(entry)
        self.size += 1
        if len(self._entries) == WIDTH:
            filled.append((tile_name(ENTRIES, self.size // WIDTH - 1), bundle(self._entries)))
            self._entries = []
        hashed, level = merkle.leaf_hash(entry), 0
        while True:
            if level == len(self._levels):
                self._levels.append([])
            row = self._levels[level]
            row.append(hashed)
            if len(row) < WIDTH:
                return filled
            index = (self.size >> LEVELS * (level + 1)) - 1
            filled.append((tile_name(level, index), b"".join(row)))
            hashed = merkle.fold(row)
            row.clear()
            level += 1

    def partial(self) -> list[tuple[str, bytes]]:
        """Return the tiles at the right edge that are not full, with their names."""
        tiles = []
        if self._entries:
            name = tile_name(ENTRIES, self.size // WIDTH, len(self._entries))
            tiles.append((name, bundle(self._entries)))
        for level, row in enumerate(self._levels):
            if row:
                index = self.size >> LEVELS * (level + 1)
                tiles.append((tile_name(level, index, len(row)), b"".join(row)))
        return tiles

    def root(self) -> bytes:
        """Return the root over all entries so far."""
        right = None
        for row in self._levels:
            if row:
                right = merkle.fold(row, right)
        return merkle.EMPTY if right is None else right


class StoredTree:
    """The tree of `size` as its tiles in `store` have it, read as proofs need it.

    Nothing here is believed: what is made from it is a proof, or compared with a signed root.
    """

    def __init__(self, store: Store, size: int) -> None:
        self.size = size
        self._store = store
        self._tiles: dict[tuple[int, int], list[bytes]] = {}

    def node(self, level: int, index: int) -> bytes:
        """Return a node for `merkle`. Raises `IntegrityError` when its tile is missing or torn."""
        tile_level, inside = divmod(level, LEVELS)
        start = index << inside
        tile, offset = divmod(start, WIDTH)
        row = self._row(tile_level, tile)
        part = row[offset : offset + (1 << inside)]
        if len(part) != 1 << inside:
            raise IntegrityError(f"{tile_name(tile_level, tile)} is too short (R020)")
        return merkle.fold(part)

    def entry(self, index: int) -> dict[str, Any]:
        """Return an entry as JSON."""
        tile, offset = divmod(index, WIDTH)
        try:
            value: dict[str, Any] = msgspec.json.decode(self._bundle(tile)[offset])
        except (IndexError, ValueError) as error:
            raise IntegrityError(f"{tile_name(ENTRIES, tile)} is torn (R020)") from error
        return value

    def entries(self) -> Iterator[bytes]:
        """Yield every entry in order."""
        for tile in range((self.size + WIDTH - 1) // WIDTH):
            yield from self._bundle(tile)

    def _bundle(self, tile: int) -> list[bytes]:
        width = min(WIDTH, self.size - tile * WIDTH)
        return unbundle(self._get(ENTRIES, tile, width))[:width]

    def _row(self, level: int, tile: int) -> list[bytes]:
        if (level, tile) not in self._tiles:
            width = min(WIDTH, (self.size >> LEVELS * level) - tile * WIDTH)
            try:
                data = self._get(level, tile, width)[: width * HASH_BYTES]
                self._tiles[level, tile] = _hashes(data, width)
            except ValueError as error:
                raise IntegrityError(f"{tile_name(level, tile, width)} is torn (R020)") from error
        return self._tiles[level, tile]

    def _get(self, level: int | str, tile: int, width: int) -> bytes:
        """Return a tile; where a mirror has dropped a partial one, the full one has it too."""
        name = tile_name(level, tile, width)
        if not self._store.exists(name) and self._store.exists(tile_name(level, tile)):
            name = tile_name(level, tile)
        if self._store.size(name) > TILE_BYTES_MAX:
            raise ValueError(f"{name} is larger than any tile")
        return self._store.get(name)


def _hashes(data: bytes, width: int) -> list[bytes]:
    if len(data) != width * HASH_BYTES:
        raise ValueError(f"a tile of {width} hashes has {len(data)} bytes")
    return [data[at : at + HASH_BYTES] for at in range(0, len(data), HASH_BYTES)]
