"""Entries and hashes as static files: names, bytes, and a tree that goes on from them."""

import json
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emeritus import canonical, digests
from emeritus.errors import IntegrityError, UserError
from emeritus.record import Record, merkle, tiles
from emeritus.record import format as disk
from emeritus.record.events import PolicyAdopted
from emeritus.record.tiles import StoredTree, Tree
from emeritus.testing.stores import MemoryStore
from tests.record.histories import CLOCK, ID, ROOT, founded
from tests.record.trees import definition


def _grown(size: int) -> tuple[MemoryStore, Tree, list[bytes]]:
    """A tree of small entries with all its tiles stored."""
    store, tree = MemoryStore(), Tree()
    entries = [b"%d" % number for number in range(size)]
    for entry in entries:
        store.files |= dict(tree.add(entry))
    store.files |= dict(tree.partial())
    return store, tree, entries


def test_names_are_those_of_tlog_tiles() -> None:
    """The example of the specification, and back again."""
    name = tiles.tile_name(0, 1234067)
    assert name == "record/tiles/tile/0/x001/x234/067"
    assert tiles.tile_name(1, 0, 17) == "record/tiles/tile/1/000.p/17"
    assert tiles.tile_name("entries", 273, 112) == "record/tiles/tile/entries/273.p/112"
    assert tiles.place_of(name) == ("0", 1234067, 256)
    for other in ("000.p/0", "000.p/256", "x000/000", "0000", "../000", "000.p/1/2"):
        assert tiles.place_of(f"record/tiles/tile/0/{other}") is None


def test_a_tree_of_70000_has_the_tiles_that_the_specification_lists() -> None:
    """273 full tiles at level 0 and one of 112; one full at level 1, one of 17; one of 1 above."""
    store, _, _ = _grown(70_000)
    places = [tiles.place_of(name) for name in store.files]
    levels = {
        level: sorted(place[2] for place in places if place and place[0] == level)
        for level in ("entries", "0", "1", "2")
    }
    assert len(places) == sum(map(len, levels.values()))
    assert levels["entries"] == levels["0"] == [112, *[256] * 273]
    assert levels["1"] == [17, 256]
    assert levels["2"] == [1]
    assert all(len(store.files[tiles.tile_name(0, n)]) == 8192 for n in range(273))


def test_a_tree_of_256_has_a_full_tile_and_one_hash_above() -> None:
    """The other example of the specification."""
    store, tree, entries = _grown(256)
    assert set(store.files) == {
        tiles.tile_name("entries", 0),
        tiles.tile_name(0, 0),
        tiles.tile_name(1, 0, 1),
    }
    assert store.files[tiles.tile_name(1, 0, 1)] == tree.root()
    assert tiles.unbundle(store.files[tiles.tile_name("entries", 0)]) == entries


@given(st.integers(0, 1500), st.integers(0, 700), st.randoms())
def test_a_tree_goes_on_from_its_tiles(size: int, more: int, chance: random.Random) -> None:
    """From the right edge alone it has the root of the definition, and so have its proofs."""
    store, tree, entries = _grown(size)
    assert tree.root() == definition([*map(merkle.leaf_hash, entries)])
    again = Tree.resumed(store, size)
    assert again.root() == tree.root()
    for number in range(more):
        entry = b"more %d" % number
        entries.append(entry)
        store.files |= dict(again.add(entry))
    store.files |= dict(again.partial())
    new, head = size + more, again.root()
    assert head == definition([*map(merkle.leaf_hash, entries)])
    stored = StoredTree(store, new)
    assert merkle.root(new, stored.node) == head
    proof = merkle.consistency(size, new, stored.node)
    assert merkle.consistent(size, new, tree.root(), head, proof)
    if new:
        index = chance.randrange(new)
        path = merkle.inclusion(index, new, stored.node)
        assert merkle.includes(index, new, merkle.leaf_hash(entries[index]), path, head)
        assert list(stored.entries()) == entries


def test_a_mirror_that_dropped_partial_tiles_is_read_from_the_full_ones() -> None:
    """The specification allows that, once the full tile is there."""
    store, tree, entries = _grown(300)
    for level in ("entries", 0):
        del store.files[tiles.tile_name(level, 1, 44)]
    for entry in [b"more"] * 212:
        store.files |= dict(tree.add(entry))
    stored = StoredTree(store, 300)
    leaves = [*map(merkle.leaf_hash, entries)]
    path = merkle.inclusion(299, 300, stored.node)
    assert merkle.includes(299, 300, leaves[299], path, definition(leaves))
    assert list(stored.entries()) == entries


def test_an_entry_is_canonical_and_says_where_it_stands() -> None:
    """Commit, event, position, signer and time, and nothing else."""
    store, _ = founded()
    commit = disk.parse(store.files[disk.name_of(1)])
    for position, entry in enumerate(tiles.entries_of(1, store.files[disk.name_of(1)])):
        value = json.loads(entry)
        assert value == {
            "commit": 1,
            "event": commit.events[position],
            "position": position,
            "signer": ROOT.key,
            "time": commit.header.time,
        }
        assert entry == canonical.dumps(value)


def test_an_event_that_fits_no_entry_is_refused() -> None:
    """Two bytes hold the length of an entry; what is longer belongs into the vault."""
    store, record = founded()
    before = len(store.files)
    text = "x" * 65_536
    policy = PolicyAdopted(name="long", text=text, sha256=digests.sha256(text.encode()))
    with pytest.raises(UserError, match=r"policy\.adopted takes 6\d{4} bytes"):
        record.append([policy], ROOT, CLOCK)
    assert len(store.files) == before
    text = "x" * 65_000
    fits = PolicyAdopted(name="long", text=text, sha256=digests.sha256(text.encode()))
    record.append([fits], ROOT, CLOCK)
    assert Record(store, ID).entries()[-1].event == fits


def test_torn_tiles_are_named() -> None:
    """A bundle that ends within an entry, and a tile that is too short."""
    with pytest.raises(ValueError, match="ends within"):
        tiles.unbundle(b"\0\5abc")
    with pytest.raises(ValueError, match="ends within"):
        tiles.unbundle(b"\0")
    store, _, _ = _grown(300)
    store.files[tiles.tile_name(0, 0)] = b"\0" * 8191
    with pytest.raises(IntegrityError, match="torn"):
        merkle.inclusion(0, 300, StoredTree(store, 300).node)
