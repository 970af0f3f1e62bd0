"""Whatever a model folder may hold comes back byte for byte, or is refused with a reason."""

import json
import os
import socket
import stat
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from emeritus.errors import UserError
from emeritus.safetensors import WIDTHS
from emeritus.testing.stores import MemoryStore
from emeritus.vault import LocalStore, Vault
from emeritus.vault.format import BLOCK_BYTES, EXPONENT_BITS, RECORDS
from emeritus.vault.tensors import NUMPY
from tests.vault.folders import GGML, float32, gguf, safetensors
from tests.vault.test_vault import tree, write_record

Tensor = tuple[str, tuple[int, ...], bytes]

SMALL = 256 * 1024  # bytes: every plane is long enough to be packed


def _comes_back(source: Path, tmp_path: Path) -> tuple[Vault, str]:
    vault = Vault(LocalStore(tmp_path / "archive"))
    receipt = vault.preserve(source)
    vault.restore(receipt.manifest, tmp_path / "back")
    assert list(vault.check(deep=True)) == []
    return vault, receipt.manifest


def _every_type(path: Path, size: int) -> dict[str, tuple[str, int]]:
    """Write a GGUF file with a tensor of each type, of at least `size` bytes."""
    tensors = {}
    for name, (_, elements, record) in GGML.items():
        tensors[f"blk.0.{name}"] = name, (size // record + 1) * elements
    gguf(path, tensors)
    return tensors


@pytest.mark.parametrize(
    "size", [SMALL + 999, pytest.param(BLOCK_BYTES + 999, marks=pytest.mark.long)]
)
def test_every_type_of_ggml_comes_back(size: int, tmp_path: Path) -> None:
    """Each is a tensor of its own whose records lie across blocks."""
    tensors = _every_type(tmp_path / "m.gguf", size)
    vault, manifest = _comes_back(tmp_path / "m.gguf", tmp_path)
    assert (tmp_path / "back" / "m.gguf").read_bytes() == (tmp_path / "m.gguf").read_bytes()
    opened = vault.open_tensors(manifest)
    assert {name: each.dtype for name, each in opened.items()} == {
        name: dtype for name, (dtype, _) in tensors.items()
    }


@pytest.mark.parametrize("dtype", ["Q4_0", "Q3_K", "Q6_K", "IQ1_M", "NVFP4"])
def test_records_may_lie_across_blocks(dtype: str, tmp_path: Path) -> None:
    """Rows are read from the middle of a tensor whose records are cut by a block's end."""
    _, elements, record = GGML[dtype]
    count = BLOCK_BYTES // record + 300
    gguf(tmp_path / "m.gguf", {"first": (dtype, elements), "w": (dtype, count * elements)})
    vault, manifest = _comes_back(tmp_path / "m.gguf", tmp_path)
    data = (tmp_path / "m.gguf").read_bytes()
    rows = vault.open_tensors(manifest)["w"][count - 310 : count - 280]
    assert rows.shape == (30, record)
    assert rows.tobytes() in data
    assert (tmp_path / "back" / "m.gguf").read_bytes() == data


def test_the_one_file_decoder_knows_every_type(tmp_path: Path) -> None:
    """Each type of ggml and of safetensors, alone and as a difference, by the decoder alone."""
    import importlib.resources

    _every_type(tmp_path / "m.gguf", 2000)
    gguf(tmp_path / "across.gguf", {"w": ("Q6_K", (SMALL // 210 + 9) * 256)})
    vault = Vault(LocalStore(tmp_path / "archive"))
    events = []
    models = {"acme/a": tmp_path / "m.gguf", "acme/b": tmp_path / "across.gguf"}
    base = None
    for number, name in enumerate(("acme/base", "acme/tuned")):
        models[name] = tmp_path / name.replace("/", "-")
        models[name].mkdir()
        safetensors(models[name] / "m.safetensors", _tensors(3000, number))
    for name, source in models.items():
        receipt = vault.preserve(source, base=base if name == "acme/tuned" else None)
        base = receipt.manifest
        said = {"manifest": receipt.manifest, "manifest_sha256": receipt.manifest_sha256}
        events.append({"kind": "weights.preserved", "model": name, **said})
    write_record(tmp_path / "archive", events)
    program = Path(str(importlib.resources.files("emeritus.archive"))) / "format" / "decode.py"
    for name, source in models.items():
        dest = tmp_path / ("back-" + name.replace("/", "-"))
        command = [sys.executable, "-I", str(program), str(tmp_path / "archive"), name, str(dest)]
        subprocess.run(command, check=True, capture_output=True)
        (restored,) = dest.iterdir()
        original = source if source.is_file() else source / restored.name
        assert restored.read_bytes() == original.read_bytes()


def _tensors(count: int, step: int) -> dict[str, Tensor]:
    """Return a tensor of each type of safetensors: weights, of which `step` moves a few."""
    tensors: dict[str, Tensor] = {}
    for dtype, width in WIDTHS.items():
        rng = np.random.default_rng(list(WIDTHS).index(dtype))
        words = rng.integers(0, 1 << (8 * width - 3), count, f"<u{width}")
        words[::5] += np.array(step, words.dtype)
        data = (words & 1).tobytes() if dtype == "BOOL" else words.tobytes()
        tensors[f"w.{dtype}"] = dtype, (count,), data
    return tensors


@pytest.mark.parametrize("count", [1, 77, SMALL + 3])
def test_every_type_of_safetensors_comes_back(count: int, tmp_path: Path) -> None:
    """Floats of all widths, 8-bit floats, integers, flags; alone, and as a difference."""
    vault = Vault(MemoryStore())
    base = None
    for step in range(2):
        source = tmp_path / f"model-{step}"
        source.mkdir()
        tensors = _tensors(count, step)
        safetensors(source / "m.safetensors", tensors)
        receipt = vault.preserve(source, base=base)
        vault.restore(receipt.manifest, tmp_path / f"back-{step}")
        assert tree(tmp_path / f"back-{step}") == tree(source)
        opened = vault.open_tensors(receipt.manifest)
        for name, (dtype, shape, data) in tensors.items():
            assert bytes(opened[name].raw()) == data
            if dtype in NUMPY:
                assert opened[name].numpy().shape == shape
        base = receipt.manifest
    if count > 77:
        assert receipt.bytes_delta_raw == sum(
            len(data) for dtype, _, data in tensors.values() if dtype in EXPONENT_BITS
        )


NAMES = [
    b"plain", b"with space", b" leading", b"-rf", b"~", b"a\nb", b"a\tb", b"back\\slash", b"q'\"q",
    b"*", b"?", b"[x]", b"$HOME", b"%41", b"\xff\xfe", b"half-\xc3", b"\xed\xa0\x80", "ñ".encode(),
    b"n\xcc\x83", b"N\xcc\x83", "日本語".encode(), "🙂".encode(), "\u202er".encode(), b"\1",
    b"x" * 255, "é".encode() * 127, b".git", b"...", b"..x", b"CON", b"nul.", b"PLAIN",
]  # fmt: skip


def test_any_name_comes_back(tmp_path: Path) -> None:
    """Names are bytes: of files, of folders, and of folders that hold nothing."""
    source = tmp_path / "model"
    for number, name in enumerate(NAMES):
        path = os.fsdecode(name)
        (source / "files" / path).mkdir(parents=True)
        (source / "files" / path / path).write_bytes(b"%d" % number)
        (source / "empty" / path).mkdir(parents=True)
    _comes_back(source, tmp_path)
    assert _names(tmp_path / "back") == _names(source)


def _names(root: Path) -> dict[bytes, bytes | None]:
    found: dict[bytes, bytes | None] = {}
    for folder, folders, files in os.walk(os.fsencode(root)):
        for name in (*folders, *files):
            path = os.path.join(folder, name)  # noqa: PTH118 - bytes
            content = None if name in folders else Path(os.fsdecode(path)).read_bytes()
            found[path.removeprefix(os.fsencode(root))] = content
    return found


@pytest.mark.parametrize("mode", [0o400, 0o444, 0o600, 0o644, 0o755, 0o777, 0o4755, 0o1644])
def test_modes_come_back(mode: int, tmp_path: Path) -> None:
    """All permission bits of a file."""
    (tmp_path / "run").write_bytes(b"x")
    (tmp_path / "run").chmod(mode)
    _comes_back(tmp_path / "run", tmp_path)
    assert stat.S_IMODE((tmp_path / "back" / "run").stat().st_mode) == mode


def test_a_sharded_model_with_its_index_comes_back(tmp_path: Path) -> None:
    """The index that says which file holds which tensor is a file like any other."""
    source = tmp_path / "model"
    source.mkdir()
    names = {f"w{each}": f"model-{each:05}-of-00003.safetensors" for each in range(3)}
    for number, (name, file) in enumerate(names.items()):
        safetensors(source / file, {name: float32((50, 40), number)})
    (source / "model.safetensors.index.json").write_text(json.dumps({"weight_map": names}))
    vault, manifest = _comes_back(source, tmp_path)
    assert tree(tmp_path / "back") == tree(source)
    assert list(vault.open_tensors(manifest)) == list(names)


def test_old_and_compressed_checkpoints_come_back(tmp_path: Path) -> None:
    """A bare pickle, a pickle in a zip with a comment, members that are compressed."""
    source = tmp_path / "model"
    source.mkdir()
    (source / "old.pt").write_bytes(b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02M\xe9\x03.")
    (source / "bare.pkl").write_bytes(b"\x80\x04cos\nsystem\n(S'echo'\ntR.")
    for name, method in (("a.pth", zipfile.ZIP_STORED), ("b.ckpt", zipfile.ZIP_DEFLATED)):
        with zipfile.ZipFile(source / name, "w", method) as archive:
            archive.writestr("m/data.pkl", b"\x80\x02.")
            archive.writestr("m/data/0", float32((300, 99), 1)[2])
            archive.writestr("m/data/1", b"")
            archive.comment = b"PK\5\6 is not here"
    _comes_back(source, tmp_path)
    assert tree(tmp_path / "back") == tree(source)


@pytest.mark.parametrize("kind", ["fifo", "socket", "device", "link", "dangling", "linked folder"])
@pytest.mark.parametrize("inside", [True, False])
def test_what_is_no_file_is_refused_by_name(kind: str, inside: bool, tmp_path: Path) -> None:
    """Pipes, sockets, devices, links: at once, with the place, alone or within a folder."""
    source = tmp_path / "model"
    source.mkdir()
    (source / "w.bin").write_bytes(b"x")
    place = source / "config.json"
    if kind == "fifo":
        os.mkfifo(place)
    elif kind == "socket":
        with socket.socket(socket.AF_UNIX) as opened:
            opened.bind(os.path.relpath(place))
    elif kind == "device":
        try:
            os.mknod(place, stat.S_IFCHR | 0o666, os.makedev(1, 5))  # endless zeros
        except PermissionError:
            pytest.skip("only root makes devices")
    else:
        target = {"link": "w.bin", "dangling": "nothing", "linked folder": "."}[kind]
        place.symlink_to(target)
    if kind == "linked folder" and not inside:
        return  # what is named may lie behind a link; what is in it may not
    with pytest.raises(UserError, match=r"config\.json"):
        Vault(MemoryStore()).preserve(source if inside else place)


def test_hard_links_come_back_as_files(tmp_path: Path) -> None:
    """Two names of one file are two files with the same bytes, which are stored once."""
    source = tmp_path / "model"
    source.mkdir()
    (source / "a.bin").write_bytes(os.urandom(300_000))
    os.link(source / "a.bin", source / "b.bin")
    vault, manifest = _comes_back(source, tmp_path)
    assert tree(tmp_path / "back") == tree(source)
    assert sum(vault.store.size(name) for name in vault.packs(manifest)) < 400_000


@pytest.mark.parametrize("depth", [256, 257, 700])
def test_folders_in_folders_have_an_end(depth: int, tmp_path: Path) -> None:
    """As deep as a program can go without care; beyond it a clear refusal."""
    place = source = tmp_path / "model"
    source.mkdir()
    for _ in range(depth):
        place = place / "d"
        place.mkdir()
    (place / "w").write_bytes(b"x")
    if depth > 256:
        with pytest.raises(UserError, match="256 deep"):
            Vault(MemoryStore()).preserve(source)
        return
    _comes_back(source, tmp_path)
    assert tree(tmp_path / "back") == tree(source)


@pytest.mark.long
def test_a_file_of_more_than_4_gib_comes_back(tmp_path: Path) -> None:
    """Offsets, lengths and counts beyond 32 bits, in a safetensors file of one tensor."""
    size = (1 << 32) + 12_345
    header = {"w": {"dtype": "U8", "shape": [size], "data_offsets": [0, size]}}
    text = json.dumps(header).encode()
    source = tmp_path / "m.safetensors"
    marks = [0, (1 << 31) - 3, (1 << 32) - 4, size - 10]
    with source.open("wb") as opened:
        opened.write(len(text).to_bytes(8, "little") + text)
        opened.truncate(8 + len(text) + size)
        for each in marks:
            opened.seek(8 + len(text) + each)
            opened.write(b"%10d" % each)
    vault = Vault(LocalStore(tmp_path / "archive"))
    receipt = vault.preserve(source)
    assert (receipt.tensors, receipt.bytes_raw) == (1, 8 + len(text) + size)
    assert receipt.bytes_stored < 1_000_000
    tensor = vault.open_tensors(receipt.manifest)["w"]
    for each in marks:
        assert tensor[each : each + 10].tobytes() == b"%10d" % each
    vault.restore(receipt.manifest, tmp_path / "back")  # compares both digests of all bytes
    assert (tmp_path / "back" / source.name).stat().st_size == source.stat().st_size


def test_every_packed_type_has_columns_here() -> None:
    """The types that these tests write are all that the codec splits."""
    assert {name for name, (_, elements, _) in GGML.items() if elements > 1} == set(RECORDS)
