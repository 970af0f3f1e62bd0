"""Packs, manifests and shards that somebody made to deceive: found, and never believed."""

import hashlib
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from blake3 import blake3

from emeritus import canonical
from emeritus.errors import EmeritusError, IntegrityError
from emeritus.testing.stores import MemoryStore
from emeritus.vault import LocalStore, Vault
from emeritus.vault import format as disk
from emeritus.vault.erasure import Scheme
from emeritus.vault.pack import render_footer
from emeritus.vault.shards import check_shard, rebuild, shard_name, write_shards
from tests.vault.folders import bfloat16, safetensors

Lie = Callable[[dict[str, Any]], object]


def _pack(objects: list[dict[str, Any]], body: bytes = b"") -> tuple[str, bytes]:
    """Return the id and the bytes of a pack whose blocks are `body`, with any index."""
    index = json.dumps({"format": disk.PACK_FORMAT, "objects": objects}).encode()
    data = disk.HEADER + body + bytes(-len(body) % disk.ALIGNMENT)
    footer = render_footer(len(data), index)
    pack = hashlib.sha256(index).hexdigest()
    return pack, data + index + bytes(-len(index) % disk.ALIGNMENT) + footer


def _entry(identity: str, raw: bytes) -> dict[str, Any]:
    hashed = blake3(raw).hexdigest()
    block = [disk.ALIGNMENT, len(raw), hashed, hashed, disk.BYTES, [len(raw)]]
    return {"id": identity, "size": len(raw), "blocks": [block]}


def test_a_pack_cannot_offer_other_bytes_as_an_object(tmp_path: Path) -> None:
    """A pack that is whole in itself, read first, with a forged manifest: it is a finding."""
    source = tmp_path / "model"
    source.mkdir()
    (source / "config.json").write_text("{}")
    store = MemoryStore()
    true = Vault(store).preserve(source).manifest
    document = json.loads(Vault(store).read(true))
    other = Vault(store).put_document(b"something else")
    document["files"][0] |= {
        "size": 14,
        "recipe": [[other, 0, 14]],
        "sha256": "sha256:" + hashlib.sha256(b"something else").hexdigest(),
        "blake3": "blake3:" + blake3(b"something else").hexdigest(),
    }
    forged = canonical.dumps(document)
    entry = _entry(true, forged)
    for number in range(200_000):  # until it stands before the true one
        pack, data = _pack([entry | {"dtype": f"U{number}"}], forged)
        if pack < "01":
            break
    store.put(disk.pack_name(pack), data)
    vault = Vault(store)
    assert [finding.code for finding in vault.check()] == ["V004"]
    vault.restore(true, tmp_path / "back")
    assert (tmp_path / "back" / "config.json").read_text() == "{}"


LIES: dict[str, Lie] = {
    "no such size": lambda entry: entry.update(size=2**62),
    "a size below zero": lambda entry: entry.update(size=-1),
    "another size": lambda entry: entry.update(size=entry["size"] + 1),
    "more blocks": lambda entry: entry["blocks"].append(entry["blocks"][0]),
    "no blocks": lambda entry: entry["blocks"].clear(),
    "a place below zero": lambda entry: entry["blocks"][0].__setitem__(0, -4096),
    "a length below zero": lambda entry: entry["blocks"][0].__setitem__(1, -1),
    "an endless length": lambda entry: entry["blocks"][0].__setitem__(1, 2**52),
    "no hash": lambda entry: entry["blocks"][0].__setitem__(3, "none"),
    "another hash": lambda entry: entry["blocks"][0].__setitem__(3, "0" * 64),
    "another id": lambda entry: entry.update(id="blake3:" + "0" * 64),
}


@pytest.mark.parametrize("lie", LIES.values(), ids=LIES)
def test_an_index_that_contradicts_itself_is_refused(lie: Lie) -> None:
    """Sizes, places, counts, hashes: a finding, whether pack or index copy says so."""
    store = MemoryStore()
    identity = Vault(store).put_document(b"words")
    entry = _entry(identity, b"words")
    lie(entry)
    pack, data = _pack([entry], b"words")
    store.put(disk.pack_name(pack), data)
    store.put(disk.index_name(pack), data[2 * disk.ALIGNMENT : -disk.FOOTER_BYTES].rstrip(b"\0"))
    vault = Vault(store)
    assert {finding.code for finding in vault.check(deep=True)} == {"V004", "V011"}
    assert vault.read(identity) == b"words"


@pytest.mark.parametrize("place", [disk.ALIGNMENT * 9, 2**62, 2**64, 2**200])
def test_an_index_that_points_nowhere_gives_nothing(place: int, tmp_path: Path) -> None:
    """A block beyond the end of its pack is damaged, however far beyond."""
    store = LocalStore(tmp_path)
    entry = _entry("blake3:", b"words")
    from emeritus.vault.objects import id_of

    entry["id"] = id_of(b"words")
    entry["blocks"][0][0] = place
    index = json.dumps({"format": disk.PACK_FORMAT, "objects": [entry]}).encode()
    head = disk.HEADER + index + bytes(-len(index) % disk.ALIGNMENT)
    data = head + render_footer(disk.ALIGNMENT, index)
    store.put(disk.pack_name(hashlib.sha256(index).hexdigest()), data)
    vault = Vault(store)
    assert {finding.code for finding in vault.check()} >= {"V005"}
    with pytest.raises(IntegrityError, match="V005"):
        vault.read(entry["id"])


FORGED: dict[str, Lie] = {
    "more bytes than it says": lambda file: file["recipe"].append(file["recipe"][0]),
    "a size below zero": lambda file: file.update(size=-5),
    "parts that cancel out": lambda file: file["recipe"].extend(
        [[file["recipe"][0][0], 5, -5], [file["recipe"][0][0], 0, 5]]
    ),
    "a part below zero": lambda file: file["recipe"][0].__setitem__(1, -1),
    "no such mode": lambda file: file.update(mode=2**40),
    "a mode below zero": lambda file: file.update(mode=-1),
    "a name with NUL": lambda file: file.update(path="a\0b"),
    "no name": lambda file: file.pop("path"),
    "a name that is no base64": lambda file: file.update(path=None, path_base64="?"),
    "a path out in base64": lambda file: (file.pop("path"), file.update(path_base64="Li4veA==")),
    "folders without end": lambda file: file.update(path="a/" * 3000 + "b"),
}


@pytest.mark.parametrize("lie", FORGED.values(), ids=FORGED)
def test_a_manifest_that_contradicts_itself_is_refused(lie: Lie, tmp_path: Path) -> None:
    """Sizes, recipes, modes and names that no writer wrote: nothing is restored."""
    (tmp_path / "w.bin").write_bytes(b"words")
    vault = Vault(MemoryStore())
    document = json.loads(vault.read(vault.preserve(tmp_path / "w.bin").manifest))
    lie(document["files"][0])
    forged = vault.put_document(canonical.dumps(document))
    with pytest.raises(IntegrityError, match="V009"):
        vault.restore(forged, tmp_path / "back")
    assert not (tmp_path / "back").exists()


@pytest.mark.parametrize("names", [["a", "a/b"], ["a/b", "a"], ["x", "x"]])
def test_a_path_is_a_file_or_a_folder(names: list[str], tmp_path: Path) -> None:
    """A manifest in which one path is both, or stands twice, is refused."""
    (tmp_path / "w.bin").write_bytes(b"words")
    vault = Vault(MemoryStore())
    document = json.loads(vault.read(vault.preserve(tmp_path / "w.bin").manifest))
    document["files"] = [{**document["files"][0], "path": name} for name in names]
    forged = vault.put_document(canonical.dumps(document))
    with pytest.raises(IntegrityError, match="V009"):
        vault.restore(forged, tmp_path / "back")


@pytest.fixture
def packed(tmp_path: Path) -> tuple[MemoryStore, str]:
    """A store with one pack of weights."""
    source = tmp_path / "model"
    source.mkdir()
    safetensors(source / "m.safetensors", {"w": bfloat16((64, 64), 1)})
    store = MemoryStore()
    Vault(store).preserve(source)
    name = max((each for each in store.files if disk.pack_of(each)), key=store.size)
    return store, str(disk.pack_of(name))


def _header(data: bytes) -> dict[str, Any]:
    header: dict[str, Any] = json.loads(data[: disk.ALIGNMENT].rstrip(b"\0"))
    return header


def _shard(header: dict[str, Any], payload: bytes) -> bytes:
    head = canonical.dumps(header).ljust(disk.ALIGNMENT, b"\0") + payload
    return head + blake3(head).digest()


@pytest.mark.parametrize(
    "lie",
    [
        {"size": 2**52, "length": 2**51},
        {"size": -1, "length": 0},
        {"data": 0},
        {"data": 2**40, "length": 1},
        {"parity": 2**40},
        {"number": 7},
        {"length": 0},
        {"pack": "0" * 64},
        {"more": 1},
    ],
)
def test_a_shard_that_lies_is_named_at_once(
    packed: tuple[MemoryStore, str], lie: dict[str, int]
) -> None:
    """Whatever its header claims, it is a finding, and nothing that long is read."""
    store, pack = packed
    folder = MemoryStore()
    write_shards(store, pack, Scheme(2, 1), {0: folder})
    name = shard_name(pack, 0)
    data = folder.files[name]
    forged = _header(data) | lie
    folder.files[name] = _shard(forged, data[disk.ALIGNMENT : -32])
    began = time.monotonic()
    finding = check_shard(folder, pack, 0)
    assert time.monotonic() - began < 5
    assert finding is not None
    assert finding.code == "V013"


def test_shards_that_agree_on_another_pack_give_none(packed: tuple[MemoryStore, str]) -> None:
    """Whoever can compute a shard's hash again still cannot make another pack of that id."""
    store, pack = packed
    folder = MemoryStore()
    write_shards(store, pack, Scheme(1, 1), {0: folder})
    name = shard_name(pack, 0)
    data = bytearray(folder.files[name])
    for place in (disk.ALIGNMENT + disk.ALIGNMENT + 7, len(data) - 32 - disk.FOOTER_BYTES - 4000):
        forged = bytearray(data)
        forged[place] ^= 1
        folder.files[name] = _shard(_header(bytes(data)), bytes(forged[disk.ALIGNMENT : -32]))
        assert check_shard(folder, pack, 0) is None
        target = MemoryStore()
        with pytest.raises(IntegrityError, match="V013"):
            rebuild(pack, [folder], target)
        assert target.files == {}


def test_no_pack_is_longer_than_its_index_can_say(monkeypatch: pytest.MonkeyPatch) -> None:
    """Many small objects, or blocks of zeros that take no bytes, end a pack in time."""
    from emeritus.vault import pack as packs

    monkeypatch.setattr(disk, "INDEX_ENTRIES_MAX", 100)
    store = MemoryStore()
    sealed: list[int] = []
    with packs.PackWriter(store, lambda _, index: sealed.append(len(index.objects))) as writer:
        ids = [writer.put(number.to_bytes(2, "big")) for number in range(1000)]
        writer.seal()
    assert max(sealed) <= 100
    vault = Vault(store)
    assert [int.from_bytes(vault.read(each), "big") for each in ids] == list(range(1000))


@pytest.mark.parametrize("size", [disk.INDEX_BYTES_MAX + 1, 2**40])
def test_a_sparse_file_fills_no_memory(size: int, tmp_path: Path) -> None:
    """Where an index belongs lies a file of any length: it is a finding after a bounded read."""
    store = LocalStore(tmp_path)
    identity = Vault(store).put_document(b"words")
    copy = next((tmp_path / "packs").rglob("*.idx"))
    copy.chmod(0o644)
    with copy.open("wb") as opened:
        opened.truncate(size)
    vault = Vault(store)
    assert {finding.code for finding in vault.check()} == {"V011"}
    assert vault.read(identity) == b"words"


def test_any_number_is_a_range() -> None:
    """The store gives what is there, and makes no room for what is only claimed."""
    store = MemoryStore()
    store.put("a", b"words")
    with pytest.raises(EmeritusError):
        store.get("b", 0, 2**62)
    assert store.get("a", 2, 2**62) == b"rds"
    assert store.get("a", 2**62, 2**62) == b""


def test_any_number_is_a_range_of_a_file(tmp_path: Path) -> None:
    """The same in a folder."""
    store = LocalStore(tmp_path)
    store.put("a", b"words")
    assert store.get("a", 2, 2**62) == b"rds"
    assert store.get("a", 2**70, 2**62) == b""
    assert store.get("a", 9) == b""
