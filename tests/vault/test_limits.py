"""Headers that claim anything: a reason, in bounded memory and time, and every byte is kept."""

import json
import struct
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from emeritus.safetensors import HEADER_BYTES_MAX, MARKS_MAX, TENSORS_MAX
from emeritus.testing.stores import MemoryStore
from emeritus.vault import Vault
from emeritus.vault.tensor_files import tensors_of
from tests.vault.folders import safetensors

CHILD = [sys.executable, str(Path(__file__).with_name("measuring.py"))]
MEMORY_MAX = 256 * 1024 * 1024
SECONDS_MAX = 60  # on a machine with other things to do; alone it is a tenth

Make = Callable[[Path], object]


def _safetensors(path: Path, header: bytes, size: int = 0) -> None:
    path.write_bytes(len(header).to_bytes(8, "little") + header)
    with path.open("r+b") as opened:
        opened.truncate(8 + len(header) + size)


def _many_tensors(path: Path, count: int) -> None:
    entry = {"dtype": "U8", "shape": [0, 1, 1, 1], "data_offsets": [0, 0]}
    header = {f"model.layers.{each}.mlp.w": entry for each in range(count)}
    _safetensors(path, json.dumps(header, separators=(",", ":")).encode())


def _gguf(path: Path, tensors: int, fields: int, *parts: bytes) -> None:
    path.write_bytes(b"GGUF" + struct.pack("<IQQ", 3, tensors, fields) + b"".join(parts))


def _text(value: bytes) -> bytes:
    return struct.pack("<Q", len(value)) + value


def _strings(count: int) -> bytes:
    return _text(b"tokens") + struct.pack("<IIQ", 9, 8, count) + bytes(8 * count)


def _gguf_at_its_limits(path: Path) -> None:
    fields = [_strings(4_000_000)]
    fields += [_text(b"%d" % each) + struct.pack("<IB", 0, 1) for each in range(99_998)]
    fields.append(_text(b"t") + struct.pack("<I", 8) + _text("😀".encode() * 3_000_000))
    entries = [
        _text(b"t%d" % each) + struct.pack("<IQIQ", 1, 0, 0, 0) for each in range(TENSORS_MAX)
    ]
    _gguf(path, TENSORS_MAX, 100_000, *fields, *entries, bytes(64))


def _zip(path: Path, entries: int) -> None:
    """Write a zip archive of empty members with the shortest directory that there can be."""
    local = struct.pack("<4s5H3L2H", b"PK\3\4", 20, 0, 0, 0, 0, 0, 0, 0, 1, 0) + b"m"
    each = struct.pack("<4s4B4H3L5H2L", b"PK\1\2", 20, 3, 20, 0, *[0] * 7, 1, *[0] * 6) + b"m"
    count = min(entries, 0xFFFF)
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, count, count, entries * 47, len(local), 0)
    path.write_bytes(local + each * entries + end)


BOUNDED: dict[str, tuple[str, Make, str | int]] = {
    "100,000 tensors": ("a.safetensors", lambda at: _many_tensors(at, TENSORS_MAX), TENSORS_MAX),
    "more tensors": ("a.safetensors", lambda at: _many_tensors(at, TENSORS_MAX + 1), "tensors"),
    "a million": ("a.safetensors", lambda at: _many_tensors(at, 1_000_000), "claims"),
    "lists": (
        "a.safetensors",
        lambda at: _safetensors(at, b'{"a":[' + b"[]," * (MARKS_MAX // 2 - 3) + b"[]]}"),
        "fields",
    ),
    "more lists": ("a.safetensors", lambda at: _safetensors(at, b"[[]," * 2_000_000), "parts"),
    "a long name": (
        "a.safetensors",
        lambda at: _safetensors(at, b'{"' + "😀".encode() * (HEADER_BYTES_MAX // 4 - 9) + b'":1}'),
        "fields",
    ),
    "one number": (
        "a.safetensors",
        lambda at: _safetensors(at, b'{"a":' + b"9" * 15_000_000 + b"}"),
        "header",
    ),
    "GGUF at its limits": ("a.gguf", _gguf_at_its_limits, TENSORS_MAX),
    "GGUF of strings": ("a.gguf", lambda at: _gguf(at, 0, 1, _strings(30_000_000)), "claims"),
    "GGUF of texts": (
        "a.gguf",
        lambda at: _gguf(at, 0, 9, *[_text(b"%d" % n) + b"\10\0\0\0" + _text(bytes(8_000_000))
                                     for n in range(9)]),
        "claims",
    ),
    "a directory": ("a.pt", lambda at: _zip(at, 350_000), "one by one"),
    "a longer one": ("a.pt", lambda at: _zip(at, 3_000_000), "directory claims"),
}  # fmt: skip


@pytest.mark.parametrize("case", BOUNDED)
def test_no_header_takes_more_than_its_bounds(case: str, tmp_path: Path) -> None:
    """At the limits and far beyond, memory and time stay what they are allowed to be."""
    name, make, outcome = BOUNDED[case]
    path = tmp_path / name
    make(path)
    done = subprocess.run([*CHILD, path], capture_output=True, text=True, check=True, timeout=300)
    took: dict[str, Any] = json.loads(done.stdout)
    assert took["bytes"] < MEMORY_MAX
    assert took["seconds"] < SECONDS_MAX
    if isinstance(outcome, int):
        assert (took["tensors"], took["reason"]) == (outcome, None)
    else:
        assert took["tensors"] == 0
        assert outcome in took["reason"]


GOOD = {"dtype": "U8", "shape": [8], "data_offsets": [0, 8]}


@pytest.mark.parametrize(
    "name", ["", "../../w", "a/../b", "..", "/etc/w", "w\0", "w\n", "\x1b[2J", "\ud800"]
)
def test_a_name_that_could_mislead_is_no_tensor(name: str, tmp_path: Path) -> None:
    """Empty, with NUL or control characters, a path elsewhere, half a character: kept whole."""
    _safetensors(tmp_path / "m.safetensors", json.dumps({name: GOOD}).encode(), 8)
    raw = name.encode("utf-8", "surrogatepass")
    _gguf(tmp_path / "m.gguf", 1, 0, _text(raw), struct.pack("<IQIQ", 1, 8, 24, 0), bytes(64))
    vault = Vault(MemoryStore())
    receipt = vault.preserve(tmp_path)
    said = dict(receipt.opaque)
    if name != "\ud800":  # which GGUF reads as the sign for what is no character
        assert "no plain name" in said["m.gguf"]
    assert "no plain name" in said["m.safetensors"]
    vault.restore(receipt.manifest, tmp_path / "back")
    for each in ("m.safetensors", "m.gguf"):
        assert (tmp_path / "back" / each).read_bytes() == (tmp_path / each).read_bytes()


@pytest.mark.parametrize("name", ["a/b", "a.b", "naïve 日本 🙂", ".", "a/./b", "…", "..a", "a//b"])
def test_other_names_are_tensors(name: str, tmp_path: Path) -> None:
    """Whatever else people call a tensor."""
    safetensors(tmp_path / "m.safetensors", {name: ("U8", (8,), bytes(8))})
    found, reason = tensors_of(tmp_path / "m.safetensors", 1_000)
    assert reason is not None  # the length is not that of the file
    found, reason = tensors_of(
        tmp_path / "m.safetensors", (tmp_path / "m.safetensors").stat().st_size
    )
    assert [each.name for each in found] == [name]
    assert reason is None


TENSOR = struct.pack("<IQIQ", 1, 8, 24, 0)
LYING_GGUF: dict[str, tuple[int, int, list[bytes]]] = {
    "2^63 tensors": (2**63, 0, []),
    "2^63 fields": (0, 2**63, []),
    "a string of 2^63": (0, 1, [struct.pack("<Q", 2**63)]),
    "an array of 2^63": (0, 1, [_text(b"a"), struct.pack("<IIQ", 9, 4, 2**63), bytes(64)]),
    "2^63 strings": (0, 1, [_text(b"a"), struct.pack("<IIQ", 9, 8, 2**63), bytes(64)]),
    "arrays in arrays": (0, 1, [_text(b"a"), struct.pack("<IIQ", 9, 9, 1) * 50]),
    "a type that is none": (0, 1, [_text(b"a"), struct.pack("<IQ", 13, 0)]),
    "a string in an array of 2^63": (
        0, 1, [_text(b"a"), struct.pack("<IIQ", 9, 8, 1), struct.pack("<Q", 2**63)]
    ),
    "2^32 dimensions": (1, 0, [_text(b"a"), struct.pack("<I", 2**32 - 1), bytes(64)]),
    "a shape of 2^63": (1, 0, [_text(b"a"), struct.pack("<IQIQ", 1, 2**63, 24, 0), bytes(64)]),
    "a product beyond 2^64": (
        1, 0, [_text(b"a"), struct.pack("<I4QIQ", 4, 900, 900, 900, 900, 24, 0), bytes(9000)]
    ),
    "an offset of 2^63": (1, 0, [_text(b"a"), struct.pack("<IQIQ", 1, 8, 24, 2**63), bytes(64)]),
    "an offset behind the end": (
        1, 0, [_text(b"a"), struct.pack("<IQIQ", 1, 8, 24, 90), bytes(64)]
    ),
    "an overlap": (2, 0, [_text(b"a"), TENSOR, _text(b"b"), TENSOR, bytes(64)]),
    "a name twice": (
        2, 0, [_text(b"a"), TENSOR, _text(b"a"), struct.pack("<IQIQ", 1, 8, 24, 32), bytes(99)]
    ),
    "no whole record": (1, 0, [_text(b"a"), struct.pack("<IQIQ", 1, 33, 2, 0), bytes(99)]),
    "no such type": (1, 0, [_text(b"a"), struct.pack("<IQIQ", 1, 8, 2**31, 0), bytes(64)]),
    "no such type yet": (1, 0, [_text(b"a"), struct.pack("<IQIQ", 1, 8, 99, 0), bytes(64)]),
    "an alignment that is text": (
        0, 1, [_text(b"general.alignment"), struct.pack("<I", 8), _text(b"x"), bytes(64)]
    ),
    "an alignment of 0": (
        0, 1, [_text(b"general.alignment"), struct.pack("<II", 4, 0), bytes(64)]
    ),
    "an endless alignment": (
        0, 1, [_text(b"general.alignment"), struct.pack("<IQ", 10, 2**63), bytes(64)]
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", LYING_GGUF)
def test_a_gguf_header_that_lies_has_no_tensors(case: str, tmp_path: Path) -> None:
    """Counts, lengths, types and places that cannot be: a reason, and the file is kept whole."""
    tensors, fields, parts = LYING_GGUF[case]
    path = tmp_path / "m.gguf"
    _gguf(path, tensors, fields, *parts)
    found, reason = tensors_of(path, path.stat().st_size)
    assert found == []
    assert reason is not None
    assert reason.startswith("kept whole")


def _stored(path: Path, names: list[str], change: Callable[[bytearray], object]) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for name in names:
            archive.writestr(name, bytes(100))
    data = bytearray(path.read_bytes())
    change(data)
    path.write_bytes(data)


def _directory(number: int, at: int, value: bytes) -> Callable[[bytearray], object]:
    """Return what writes `value` at a place of the n-th entry of the directory."""

    def change(data: bytearray) -> None:
        start = 0
        for _ in range(number + 1):
            start = data.index(b"PK\1\2", start + 1)
        data[start + at : start + at + len(value)] = value

    return change


STORAGES = ["m/data/0", "m/data/1"]
LYING_ZIPS: dict[str, tuple[list[str], Callable[[bytearray], object]]] = {
    "overlapping members": (STORAGES, _directory(1, 42, bytes(4))),
    "a member of 4 GiB": (STORAGES, _directory(1, 24, b"\xfe\xff\xff\xff")),
    "a member behind the end": (STORAGES, _directory(1, 42, b"\xff\xff\xff\x7f")),
    "a name twice": (STORAGES, lambda data: data.__setitem__(
        slice(0, len(data)), bytes(data).replace(b"m/data/1", b"m/data/0"))),
    "no directory": (STORAGES, lambda data: data.__delitem__(slice(-22, None))),
    "half a directory": (STORAGES, lambda data: data.__delitem__(slice(-60, -30))),
    "a name that is no text": (STORAGES, lambda data: data.__setitem__(
        slice(0, len(data)), bytes(data).replace(b"m/data/1", b"\xff/data/").replace(
            b"PK\1\2\x14\3\x14\0\0\0", b"PK\1\2\x14\3\x14\0\0\10"))),
}  # fmt: skip


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("case", LYING_ZIPS)
def test_a_zip_directory_that_lies_has_no_storages(case: str, tmp_path: Path) -> None:
    """Members over each other, beyond the end, of the same name: kept whole, with a reason."""
    path = tmp_path / "m.pt"
    _stored(path, *LYING_ZIPS[case])
    found, reason = tensors_of(path, path.stat().st_size)
    assert found == []
    assert reason is not None
    assert reason.startswith("kept whole")


def test_a_zip_in_a_zip_in_a_zip_stays_closed(tmp_path: Path) -> None:
    """A bomb of nested archives is bytes like any others: nothing is inflated, all comes back."""
    bomb = bytes(20_000_000)
    for depth in range(4):
        path = tmp_path / f"{depth}.pt"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("m/data/0", bomb)
        bomb = path.read_bytes()
    stored = tmp_path / "model.pt"
    with zipfile.ZipFile(stored, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("m/data/0", bomb)
    vault = Vault(MemoryStore())
    receipt = vault.preserve(stored)
    assert receipt.bytes_raw < 200_000
    vault.restore(receipt.manifest, tmp_path / "back")
    assert (tmp_path / "back" / "model.pt").read_bytes() == stored.read_bytes()
