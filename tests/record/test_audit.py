"""Old checkpoints against the record: what somebody with all the keys did to it has a name."""

import itertools
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emeritus.record import HybridSigner, check, checkpointing, merkle, tiles
from emeritus.record import checkpoint as heads
from emeritus.record import format as disk
from emeritus.record import note as notes
from emeritus.record.audit import Old
from emeritus.record.checkpoint import Checkpoint
from emeritus.record.checkpointing import Kept
from emeritus.record.comparison import compare, identity
from emeritus.record.events import KeyAdded, KeyRevoked, Role
from emeritus.testing.stores import MemoryStore
from tests.record.histories import (
    CLOCK,
    ID,
    ROOT,
    SECONDS,
    checkpointed,
    covered,
    recorded,
    rewritten,
)

LETTERS = "abcdef"


def _old(kept: Kept, source: MemoryStore | None = None) -> Old:
    return Old("old.note", kept.note, kept.checkpoint, source)


def _codes(store: MemoryStore, *against: Old) -> set[str]:
    return {finding.code for finding in check(store, ID, against=against)}


def _rewritten(store: MemoryStore, letters: str) -> MemoryStore:
    return rewritten(store, [[covered(letter)] for letter in letters])


@pytest.mark.parametrize(
    ("now", "code"),
    [
        ("abc", "R014"),
        ("", "R014"),
        ("abXdef", "R015"),
        ("Xbcdef", "R015"),
        ("abdef", "R015"),
        ("abdcef", "R016"),
        ("fedcba", "R016"),
        ("abXcdef", "R017"),
        ("abcabcdef", "R017"),
        ("abcXYZ", "R018"),
        ("abcXYZUVW", "R018"),
        ("XYZ", "R018"),
    ],
)
def test_a_history_that_was_signed_anew_is_found_and_named(now: str, code: str) -> None:
    """Chain and signatures are sound: only the checkpoint that somebody kept shows it."""
    store, record = recorded(*LETTERS)
    kept = checkpointed(store, record)
    other = _rewritten(store, now)
    assert _codes(other) == set()
    assert _codes(other, _old(kept, store)) == {code}
    # With the note alone it is found too; what was done is told as far as a size can tell it.
    alone = "R014" if len(now) < len(LETTERS) else "R018"
    assert _codes(other, _old(kept)) == {alone}


def test_a_history_that_only_grew_is_what_it_was() -> None:
    """Any checkpoint of it, at any later size, finds nothing."""
    store, record = recorded()
    olds = []
    for letter in LETTERS:
        record.append([covered(letter)], ROOT, CLOCK)
        olds.append(_old(checkpointed(store, record)))
    assert _codes(store, *olds) == set()


@pytest.mark.parametrize(("now", "code"), [("abc", "R014"), ("abXdef", "R015"), ("badcfe", "R016")])
def test_the_archive_s_own_checkpoints_are_held_against_its_commits(now: str, code: str) -> None:
    """Who rewrites the commits and leaves the tiles is found with nothing from outside."""
    store, record = recorded(*LETTERS)
    checkpointed(store, record)
    other = _rewritten(store, now)
    beside = {name: data for name, data in store.files.items() if disk.sequence_of(name) is None}
    other.files |= beside
    assert _codes(other) == {code}


def test_tiles_that_reach_beyond_the_record_show_that_it_was_cut() -> None:
    """Even where no checkpoint is left: tiles are written behind the commits."""
    store, record = recorded(*LETTERS)
    kept = checkpointed(store, record)
    del store.files[kept.name]
    assert _codes(store) == set()  # a checkpoint that was stopped leaves sound tiles
    del store.files[disk.name_of(7)]
    assert _codes(store) == {"R014"}


def test_a_commit_that_was_lost_is_named_by_both() -> None:
    """The chain names the commit, and the checkpoint says that an event is gone."""
    store, record = recorded(*LETTERS)
    kept = checkpointed(store, record)
    del store.files[disk.name_of(4)]
    assert {"R001", "R015"} <= _codes(store, _old(kept))


def test_every_tile_is_compared_with_the_commits() -> None:
    """Any tile that is changed, torn or missing is R020, at its name."""
    store, record = recorded()
    for number in range(3):
        record.append([covered(f"{number}-{each}") for each in range(200)], ROOT, CLOCK)
        checkpointed(store, record)
    names = [name for name in store.files if name.startswith(tiles.PREFIX)]
    assert len(names) > 8
    for name in names:
        sound = store.files[name]
        for damaged in (sound[:-1] + bytes([sound[-1] ^ 1]), sound[:-1], sound + b"\0", b"", None):
            if damaged is None:
                del store.files[name]
            else:
                store.files[name] = damaged
            found = list(check(store, ID))
            assert [(each.code, each.where) for each in found] == [("R020", name)], damaged
            assert checkpointing.rebuilt(store, name) == sound
            store.files[name] = sound
    store.files["record/tiles/tile/0/x"] = b""
    store.files["record/checkpoints/x"] = b""
    assert _codes(store) == {"A001"}


def _signed_by(signer: HybridSigner, kept: Kept, **other: object) -> Kept:
    fields = {"origin": kept.checkpoint.origin, "size": kept.checkpoint.size}
    made = Checkpoint(**{**fields, "root": kept.checkpoint.root, **other})  # type: ignore[arg-type]
    note = heads.sign(made, signer, SECONDS)
    return Kept(kept.name, notes.render(note), note, made)


def test_a_checkpoint_counts_only_with_both_signatures_of_a_valid_key() -> None:
    """A stranger's, another log's, a changed one, and what is no note at all: R019."""
    store, record = recorded(*LETTERS)
    kept = checkpointed(store, record)
    stranger = HybridSigner(b"\7" * 32, b"\7" * 32)
    half = notes.Note(kept.note.text, kept.note.signatures[:1])
    flipped = bytearray(kept.data)
    flipped[-10] ^= 1
    for data in (
        _signed_by(stranger, kept).data,
        _signed_by(ROOT, kept, origin="emeritus/other").data,
        notes.render(half),
        bytes(flipped),
        b"nothing",
    ):
        store.files[kept.name] = data
        assert _codes(store) == {"R019"}
    store.files[kept.name] = kept.data
    assert _codes(store, _old(_signed_by(stranger, kept))) == {"R019"}


def test_a_key_signs_checkpoints_while_it_is_valid() -> None:
    """A checkpoint from before a revocation stays good; one after it, by the old key, is not."""
    store, record = recorded("a")
    before = checkpointed(store, record)
    new = HybridSigner(b"\7" * 32, b"\7" * 32)
    roles = (Role.ROOT, Role.STEWARD)
    added = KeyAdded(key=new.key, mldsa44=new.mldsa44, name="anna", roles=roles)
    record.append([added, KeyRevoked(key=ROOT.key, reason="yearly")], ROOT, CLOCK)
    checkpointing.write(store, ID, record.sequence, new, SECONDS)
    assert _codes(store, _old(before)) == set()
    head = checkpointing.newest(store)
    assert head is not None
    assert _codes(store, _old(_signed_by(ROOT, head))) == {"R019"}


def test_a_witness_that_is_asked_for_must_have_co_signed() -> None:
    """Its cosignature over this checkpoint, by that key; somebody else's does not do."""
    store, record = recorded("a")
    kept = checkpointed(store, record)
    one, other = (HybridSigner(bytes([n]) * 32, bytes([n]) * 32) for n in (8, 9))
    note = heads.cosign(kept.note, kept.checkpoint, "archive.example", one, SECONDS)
    for key in heads.witness_keys("archive.example", one):
        assert _codes(store, Old("x", note, kept.checkpoint, None, (key,))) == set()
    for key in heads.witness_keys("archive.example", other):
        assert _codes(store, Old("x", note, kept.checkpoint, None, (key,))) == {"R019"}


def test_a_note_that_is_named_for_its_bytes_has_them() -> None:
    """Lines by keys that are not known here are ignored, and their bytes are guarded."""
    store, record = recorded("a")
    kept = checkpointed(store, record)
    one = HybridSigner(b"\x08" * 32, b"\x08" * 32)
    note = heads.cosign(kept.note, kept.checkpoint, "archive.example", one, SECONDS)
    name = checkpointing.keep(store, notes.render(note)).name
    assert _codes(store) == set()
    sound = store.files[name]
    for at in range(len(sound) - 40, 0, -97):
        store.files[name] = sound[:at] + bytes([sound[at] ^ 1]) + sound[at + 1 :]
        assert "R019" in _codes(store), at


def test_a_checkpoint_within_a_commit_is_none_of_ours() -> None:
    """Its root is right, and no key is known to be valid in the middle of a commit."""
    store, record = recorded()
    record.append([covered("a"), covered("b")], ROOT, CLOCK)
    entries = [e for n in (1, 2) for e in tiles.entries_of(n, store.files[disk.name_of(n)])]
    tree = tiles.Tree()
    for entry in entries[:-1]:
        tree.add(entry)
    inside = Checkpoint(heads.origin_of(ID), tree.size, tree.root())
    note = heads.sign(inside, ROOT, SECONDS)
    assert _codes(store, Old("x", note, inside)) == {"R019"}


def _edit(events: list[bytes], chance: random.Random) -> set[str]:
    events[chance.randrange(len(events))] = b'{"kind":"other"}'
    return {"R015", "R018"}  # the last one changed is a fork of one event


def _swap(events: list[bytes], chance: random.Random) -> set[str]:
    one, other = chance.sample(range(len(events)), 2)
    events[one], events[other] = events[other], events[one]
    return {"R016"}


def _drop(events: list[bytes], chance: random.Random) -> set[str]:
    del events[chance.randrange(len(events))]
    return {"R014", "R015"}  # the last one dropped is a truncation


def _double(events: list[bytes], chance: random.Random) -> set[str]:
    at = chance.randrange(len(events) - 1)
    events.insert(at, events[at])
    return {"R017"}


def _entries(events: list[bytes]) -> list[bytes]:
    text = b'{"commit":%d,"event":%b,"position":0,"signer":"ed25519:0","time":"2027"}'
    return [text % (number, event) for number, event in enumerate(events, start=1)]


def test_ten_thousand_edits_swaps_drops_and_duplications_are_found() -> None:
    """Each random change to one of 40 events, signed anew, has another root and a code."""
    chance = random.Random(1)
    events = [b'{"kind":"%d"}' % number for number in range(40)]
    old = _entries(events)
    root = merkle.fold([*map(merkle.leaf_hash, old)])
    for _, change in zip(range(10_000), itertools.cycle((_edit, _swap, _drop, _double))):
        changed = list(events)
        codes = change(changed, chance)
        new = _entries(changed)
        assert merkle.fold([*map(merkle.leaf_hash, new[:40])]) != root
        found = compare("x", [*map(identity, old)], [*map(identity, new)])
        assert found is not None
        assert found.code in codes, change


@given(st.lists(st.integers(0, 5)), st.lists(st.integers(0, 5)))
def test_a_comparison_finds_nothing_exactly_when_one_begins_with_the_other(
    old: list[int], new: list[int]
) -> None:
    """Also where the same thing was said several times."""
    found = compare("x", [bytes([n]) for n in old], [bytes([n]) for n in new])
    assert (found is None) == (new[: len(old)] == old)


def test_any_flipped_bit_of_a_commit_is_a_finding_and_no_error() -> None:
    """Also in a key, which is no key then, and in a text, which is no UTF-8 then."""
    store, record = recorded("a")
    checkpointed(store, record)
    for name in (disk.name_of(1), disk.name_of(2)):
        sound = store.files[name]
        for at in range(0, len(sound), 13):
            for bit in (1, 7):
                flipped = bytearray(sound)
                flipped[at] ^= 1 << bit
                store.files[name] = bytes(flipped)
                assert _codes(store), (name, at, bit)
        store.files[name] = sound
    assert not _codes(store)
