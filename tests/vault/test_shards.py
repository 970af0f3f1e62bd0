"""Any places that are enough give every pack back; fewer say so."""

import itertools
import random
from pathlib import Path

import numpy as np
import pytest

from emeritus.errors import IntegrityError, UserError
from emeritus.testing.stores import MemoryStore
from emeritus.vault import Vault
from emeritus.vault.erasure import Scheme, combine
from emeritus.vault.format import ALIGNMENT, pack_of
from emeritus.vault.shards import (
    check_shard,
    packs_in,
    read_header,
    rebuild,
    shard_name,
    shard_parts,
    write_shards,
)
from tests.vault.folders import bfloat16, safetensors


@pytest.mark.parametrize(("data", "parity"), [(1, 1), (2, 1), (3, 2), (8, 4), (10, 4)])
def test_any_parts_that_are_enough_give_the_whole(data: int, parity: int) -> None:
    """Every way to lose as many parts as the scheme allows (1,001 of them for 10+4)."""
    scheme = Scheme(data, parity)
    rng = np.random.default_rng(1)
    parts = list(rng.integers(0, 256, (data, 64), np.uint8))
    everything = parts + scheme.parity_of(parts)
    for left in itertools.combinations(range(scheme.total), data):
        rows = scheme.coefficients(left)
        found = combine(rows, [everything[each] for each in left])
        assert np.array_equal(found, parts), left


def test_the_field_is_the_one_on_the_page() -> None:
    """Known products and reciprocals of the field with the polynomial 0x11d."""
    from emeritus.vault.erasure import _products, _reciprocal

    table = _products()
    assert table[2, 128] == 0x1D
    assert table[0x53, 1] == 0x53
    assert (table == table.T).all()
    assert all(table[each, _reciprocal(each)] == 1 for each in range(1, 256))
    assert _reciprocal(2) == 0x8E


def test_the_matrix_is_that_of_isa_l() -> None:
    """What we write, the well-kept library decodes: the payloads agree byte for byte."""
    driver = pytest.importorskip("pyeclib.ec_iface", reason="pyeclib is not installed")
    library = driver.ECDriver(k=8, m=4, ec_type="isa_l_rs_cauchy")
    data = np.random.default_rng(1).integers(0, 256, (8, 4096), np.uint8)
    fragments = library.encode(data.tobytes())
    theirs = [np.frombuffer(each[-4096:], np.uint8) for each in fragments]
    ours = [*data, *Scheme(8, 4).parity_of(list(data))]
    assert all(np.array_equal(one, other) for one, other in zip(ours, theirs, strict=True))


@pytest.mark.parametrize(("data", "parity"), [(0, 1), (1, 0), (100, 100), (-1, 4)])
def test_what_is_no_scheme_is_refused(data: int, parity: int) -> None:
    """Nothing to keep, nothing to lose, or more parts than the field has room for."""
    with pytest.raises(UserError, match="scheme"):
        Scheme(data, parity)


@pytest.fixture
def packed(tmp_path: Path) -> tuple[MemoryStore, str]:
    """A store with one larger pack."""
    source = tmp_path / "model"
    source.mkdir()
    safetensors(source / "m.safetensors", {"w": bfloat16((900, 999), 1)})
    store = MemoryStore()
    Vault(store).preserve(source)
    name = max((each for each in store.files if pack_of(each)), key=store.size)
    return store, str(pack_of(name))


def _spread(store: MemoryStore, pack: str, scheme: Scheme, places: int) -> list[MemoryStore]:
    folders = [MemoryStore() for _ in range(places)]
    targets = {number: folders[number % places] for number in range(scheme.total)}
    write_shards(store, pack, scheme, targets)
    return folders


def test_the_loss_of_any_one_place_is_survived(packed: tuple[MemoryStore, str]) -> None:
    """8+4 over three places: each place holds half of the bytes, and any two give all back."""
    store, pack = packed
    name = next(each for each in store.files if pack_of(each) == pack)
    folders = _spread(store, pack, Scheme(8, 4), 3)
    stored = sum(len(data) for folder in folders for data in folder.files.values())
    assert stored < 1.5 * len(store.files[name]) + 12 * (ALIGNMENT + 100)
    for lost in range(3):
        target = MemoryStore()
        rebuild(pack, [each for at, each in enumerate(folders) if at != lost], target)
        assert target.files[name] == store.files[name]
    with pytest.raises(IntegrityError, match="V013"):
        rebuild(pack, folders[:1], MemoryStore())


def test_damaged_shards_are_named_and_left_out(packed: tuple[MemoryStore, str]) -> None:
    """Up to four flips in four shards change nothing; the fifth is too much, and said."""
    store, pack = packed
    name = next(each for each in store.files if pack_of(each) == pack)
    folders = _spread(store, pack, Scheme(8, 4), 3)
    rng = random.Random(1)
    for count, number in enumerate(rng.sample(range(12), 5), start=1):
        folder = folders[number % 3]
        data = bytearray(folder.files[shard_name(pack, number)])
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
        folder.files[shard_name(pack, number)] = bytes(data)
        finding = check_shard(folder, pack, number)
        assert finding is not None
        assert finding.code == "V013"
        target = MemoryStore()
        if count < 5:
            rebuild(pack, folders, target)
            assert target.files[name] == store.files[name]
            continue
        with pytest.raises(IntegrityError, match="V013"):
            rebuild(pack, folders, target)


def test_one_shard_is_written_anew(packed: tuple[MemoryStore, str]) -> None:
    """The same bytes as at first; and what is there is not written again."""
    store, pack = packed
    scheme = Scheme(5, 3)
    (folder,) = _spread(store, pack, scheme, 1)
    assert packs_in(folder) == {pack: list(range(8))}
    for number in range(scheme.total):
        anew = b"".join(shard_parts(store, pack, scheme, number))
        assert anew == folder.files[shard_name(pack, number)]
        assert check_shard(folder, pack, number) is None
    assert read_header(folder, pack, 7).size == store.size(f"packs/{pack[:2]}/{pack}.pack")
    before = dict(folder.files)
    write_shards(store, pack, scheme, dict.fromkeys(range(scheme.total), folder))
    assert folder.files == before


def test_every_byte_of_a_header_is_guarded(packed: tuple[MemoryStore, str]) -> None:
    """Header, padding and hash: no byte changes without a finding."""
    store, pack = packed
    (folder,) = _spread(store, pack, Scheme(2, 1), 1)
    name = shard_name(pack, 2)
    whole = folder.files[name]
    for place in [*range(0, ALIGNMENT, 5), *range(len(whole) - 40, len(whole))]:
        folder.files[name] = whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :]
        assert check_shard(folder, pack, 2), f"byte {place}"
