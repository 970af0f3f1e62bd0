"""Tensors are found in every format that has them, and are read without a restore."""

import json
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest

from emeritus.errors import IntegrityError, UserError
from emeritus.safetensors import read_header
from emeritus.testing.stores import MemoryStore
from emeritus.vault import LocalStore, Vault
from emeritus.vault.format import BLOCK_BYTES, RECORDS
from emeritus.vault.tensor_files import tensors_of
from tests.vault.folders import bfloat16, float32, gguf, safetensors, torch_zip


def test_gguf_is_kept_by_tensor(tmp_path: Path) -> None:
    """Packed and plain types are tensors, with their names, and the file comes back."""
    source = tmp_path / "m.gguf"
    tensors = {"a": ("Q4_0", 64 * 1000), "b": ("F32", 33), "c": ("Q6_K", 2560), "d": ("BF16", 7)}
    gguf(source, tensors)
    vault = Vault(LocalStore(tmp_path / "archive"))
    receipt = vault.preserve(source)
    assert receipt.tensors == 4
    assert receipt.opaque == ()
    opened = vault.open_tensors(receipt.manifest)
    assert opened["a"].numpy().shape == (2000, 18)
    assert opened["c"][3:5].shape == (2, 210)
    vault.restore(receipt.manifest, tmp_path / "back")
    assert (tmp_path / "back" / "m.gguf").read_bytes() == source.read_bytes()


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data[:30],
        lambda data: data[:4] + struct.pack("<I", 99) + data[8:],
        lambda data: data[:8] + struct.pack("<Q", 1 << 60) + data[16:],
        lambda data: data[:16] + struct.pack("<Q", 1 << 60) + data[24:],
        lambda data: data[:-40],
        lambda data: data.replace(struct.pack("<II", 4, 32), struct.pack("<II", 4, 0)),
        lambda data: data.replace(struct.pack("<Q", 64), struct.pack("<Q", 1 << 62)),
        lambda data: data.replace(b"\1\0\0\0\0\0\0\0b", b"\1\0\0\0\0\0\0\0a"),
    ],
)
def test_a_gguf_that_lies_is_kept_whole(tmp_path: Path, damage: object) -> None:
    """Wrong counts, sizes, offsets, names: a clear reason, no tensors, and every byte kept."""
    source = tmp_path / "m.gguf"
    gguf(source, {"a": ("Q8_0", 64), "b": ("F32", 32)})
    source.write_bytes(damage(source.read_bytes()))  # type: ignore[operator]
    vault = Vault(MemoryStore())
    receipt = vault.preserve(source)
    assert receipt.tensors == 0
    assert receipt.opaque[0][1].startswith("kept whole")
    vault.restore(receipt.manifest, tmp_path / "back")
    assert (tmp_path / "back" / "m.gguf").read_bytes() == source.read_bytes()


def test_a_pytorch_checkpoint_is_kept_by_storage(tmp_path: Path) -> None:
    """Storages are found from the zip and packed by the type that they look like."""
    weights = {"0": bfloat16((300, 300), 1)[2], "1": float32((200, 100), 2)[2], "2": b""}
    source = tmp_path / "pytorch_model.bin"
    torch_zip(source, weights)
    vault = Vault(MemoryStore())
    receipt = vault.preserve(source)
    assert receipt.bytes_stored < 0.8 * receipt.bytes_raw
    assert "never opened" in receipt.opaque[0][1]
    assert receipt.tensor_digest is None
    tensors = vault.open_tensors(receipt.manifest)
    assert tensors["model/data/0"].dtype == "BF16"
    assert tensors["model/data/1"].dtype == "F32"
    assert bytes(tensors["model/data/0"].raw()) == weights["0"]
    vault.restore(receipt.manifest, tmp_path / "back")
    assert (tmp_path / "back" / source.name).read_bytes() == source.read_bytes()


def test_a_tuned_pytorch_checkpoint_is_a_difference(tmp_path: Path) -> None:
    """The same storage of the base lends its bytes."""
    old = np.frombuffer(bfloat16((512, 512), 1)[2], np.uint16)
    new = old.copy()
    new[::5] += 1
    torch_zip(tmp_path / "old.bin", {"0": old.tobytes()})
    torch_zip(tmp_path / "new.bin", {"0": new.tobytes()})
    vault = Vault(MemoryStore())
    base = vault.preserve(tmp_path / "old.bin")
    receipt = vault.preserve(tmp_path / "new.bin", base=base.manifest)
    assert receipt.bytes_stored < 0.3 * receipt.bytes_raw


@pytest.mark.parametrize("place", ["directory", "member", "end"])
def test_a_zip_that_lies_is_kept_whole(tmp_path: Path, place: str) -> None:
    """A directory that points elsewhere gives no storages, and no byte is lost."""
    source = tmp_path / "m.pt"
    torch_zip(source, {"0": bytes(1000), "1": bytes(1000)})
    data = bytearray(source.read_bytes())
    if place == "directory":
        at = data.index(b"PK\1\2", data.index(b"PK\1\2") + 4)
        data[at + 42 : at + 46] = b"\xff\xff\xff\x7f"
    elif place == "member":
        at = data.index(b"PK\3\4", 10)
        data[at : at + 4] = b"none"
    else:
        del data[-10:]
    source.write_bytes(data)
    vault = Vault(MemoryStore())
    receipt = vault.preserve(source)
    assert receipt.opaque[0][1].startswith("kept whole")
    vault.restore(receipt.manifest, tmp_path / "back")
    assert (tmp_path / "back" / source.name).read_bytes() == bytes(data)


def test_a_compressed_zip_is_never_inflated(tmp_path: Path) -> None:
    """A bomb in a checkpoint's clothes stays as it is."""
    with zipfile.ZipFile(tmp_path / "m.pt", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("model/data/0", bytes(50_000_000))
    found, _ = tensors_of(tmp_path / "m.pt", (tmp_path / "m.pt").stat().st_size)
    assert found == []


def _model(root: Path) -> dict[str, tuple[str, tuple[int, ...], bytes]]:
    root.mkdir()
    rows = BLOCK_BYTES // 2 // 512
    tensors = {
        "big": bfloat16((rows * 2 + 5, 512), 1),
        "norm": float32((512,), 2),
        "empty": ("F16", (0, 4), b""),
        "scalar": ("I64", (), bytes(range(8))),
    }
    safetensors(root / "m.safetensors", tensors)
    return tensors


def test_tensors_open_without_a_restore(tmp_path: Path) -> None:
    """Whole tensors and ranges of rows are what was preserved."""
    pytest.importorskip("ml_dtypes", reason="the extra `tensors` is not installed")
    tensors = _model(tmp_path / "model")
    vault = Vault(LocalStore(tmp_path / "archive"))
    opened = vault.open_tensors(vault.preserve(tmp_path / "model").manifest)
    assert set(opened) == set(tensors)
    for name, (dtype, shape, data) in tensors.items():
        array = opened[name].numpy()
        assert array.tobytes() == data
        assert (opened[name].dtype, array.shape) == (dtype, shape)
    whole = opened["big"].numpy()
    rows = whole.shape[0]
    for rows_of in (slice(0, 1), slice(rows // 2 - 3, rows // 2 + 4), slice(-2, None), slice(9, 3)):
        assert np.array_equal(opened["big"][rows_of], whole[rows_of])
    assert np.asarray(opened["norm"], np.float64).dtype == np.float64
    with pytest.raises(UserError, match="rows"):
        opened["scalar"][0:1]


def test_a_damaged_tensor_is_never_given_out(tmp_path: Path) -> None:
    """Only what is asked for is read; what is damaged raises."""
    _model(tmp_path / "model")
    store = MemoryStore()
    vault = Vault(store)
    receipt = vault.preserve(tmp_path / "model")
    name = max((each for each in store.files if each.endswith(".pack")), key=store.size)
    damaged = bytearray(store.files[name])
    damaged[len(damaged) // 3] ^= 1
    store.files[name] = bytes(damaged)
    opened = Vault(store).open_tensors(receipt.manifest)
    assert opened["norm"].numpy().shape == (512,)
    with pytest.raises(IntegrityError, match="V005"):
        opened["big"].raw()


def test_chosen_tensors_are_exported(tmp_path: Path) -> None:
    """The file is a safetensors file of exactly these tensors; a wrong name is helped."""
    tensors = _model(tmp_path / "model")
    vault = Vault(LocalStore(tmp_path / "archive"))
    receipt = vault.preserve(tmp_path / "model")
    vault.export_tensors(receipt.manifest, ["norm", "scalar"], tmp_path / "out")
    path = tmp_path / "out" / "tensors.safetensors"
    with path.open("rb") as file:
        found = {each.name: each for each in read_header(file, path.stat().st_size)}
    assert set(found) == {"norm", "scalar"}
    data = path.read_bytes()
    for name, each in found.items():
        assert data[each.offset :][: each.length] == tensors[name][2]
    with pytest.raises(UserError, match="norm"):
        vault.export_tensors(receipt.manifest, ["nrom"], tmp_path / "other")


def test_packed_tensors_are_exported_as_records(tmp_path: Path) -> None:
    """What safetensors cannot say stands in its metadata."""
    gguf(tmp_path / "m.gguf", {"a": ("Q8_0", 640)})
    vault = Vault(MemoryStore())
    receipt = vault.preserve(tmp_path / "m.gguf")
    vault.export_tensors(receipt.manifest, ["a"], tmp_path / "out")
    data = (tmp_path / "out" / "tensors.safetensors").read_bytes()
    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    assert json.loads(header["__metadata__"]["a"]) == {"dtype": "Q8_0", "shape": [640]}


def test_every_known_type_of_ggml_has_columns() -> None:
    """The header reader and the codec agree on the length of a record."""
    from emeritus.gguf_header import _TYPES

    packed = {name: record for name, elements, record in _TYPES.values() if elements > 1}
    assert {name: sum(columns) for name, columns in RECORDS.items()} == packed
