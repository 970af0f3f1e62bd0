"""Measure the vault beside its rivals, interleaved in one run.

    python benchmarks/vault/run.py --to DIR [--mib 64] [--rounds 5] [--model FOLDER] [--pairs DIR]

Prints tables and writes DIR/vault.json and DIR/vault.svg. Speeds are GB (1e9 bytes) of raw weights
per CPU-second, median [smallest..largest]; machines differ: compare the rows of one run only.
"""

import argparse
import hashlib
import json
import os
import platform
import resource
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import rivals
from blake3 import blake3
from chart import bars
from data import samples, updated

from emeritus.safetensors import read_header
from emeritus.vault import LocalStore, Vault
from emeritus.vault.format import BLOCK_BYTES
from emeritus.vault.parallel import keep_freed_memory

Rows = list[list[str]]


def main() -> None:
    """Run every part and write the results."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--to", type=Path, required=True)
    parser.add_argument("--mib", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--model", type=Path, help="a folder of your own, measured end to end")
    parser.add_argument("--pairs", type=Path, help="what train_pairs.py wrote")
    chosen = parser.parse_args()
    keep_freed_memory()  # as the vault does; it spares whatever else runs in this process as much
    size = chosen.mib << 20
    results: dict[str, Any] = {"machine": machine(), "rounds": chosen.rounds, "mib": chosen.mib}
    results["floors"] = floors(chosen.rounds)
    results["codecs"] = compare_codecs(samples(size), chosen.rounds)
    results["updates"] = compare_updates(size, chosen.pairs)
    results["end to end"] = end_to_end(size, chosen.model, chosen.rounds)
    chosen.to.mkdir(parents=True, exist_ok=True)
    (chosen.to / "vault.json").write_text(json.dumps(results, indent=1) + "\n")
    (chosen.to / "vault.svg").write_text(bars(results))


def machine() -> str:
    """Return what this ran on."""
    model = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        "",
    )
    return f"{model}, {os.cpu_count()} CPUs, Python {platform.python_version()}"


def timed(work: Callable[[], Any], gigabytes: float) -> tuple[float, float]:
    """Return GB per CPU-second and GB per second of wall time."""
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return gigabytes / (time.process_time() - cpu), gigabytes / (time.perf_counter() - wall)


def spread(values: list[float]) -> str:
    """Return median [smallest..largest]."""
    return f"{statistics.median(values):.2f} [{min(values):.2f}..{max(values):.2f}]"


def table(title: str, rows: Rows) -> None:
    """Print rows as Markdown, the first one as its head."""
    print(f"\n### {title}\n")
    for number, row in enumerate(rows):
        print("| " + " | ".join(row) + " |")
        if not number:
            print("|" + "---|" * len(row))


def floors(rounds: int) -> dict[str, list[float]]:
    """Measure what nothing can be faster than: copying, hashing, writing."""
    data = np.random.default_rng(0).integers(0, 256, 256 << 20, np.uint8)
    target = np.empty_like(data)
    with tempfile.TemporaryDirectory() as folder:
        store = LocalStore(Path(folder))
        works: dict[str, Callable[[], Any]] = {
            "copy in memory": lambda: np.copyto(target, data),
            "BLAKE3": lambda: blake3(data.data).digest(),
            "SHA-256": lambda: hashlib.sha256(data.data).digest(),
            "durable write": lambda: write(store, data),
        }
        found: dict[str, list[float]] = {name: [] for name in works}
        for _ in range(rounds):
            for name, work in works.items():
                found[name].append(timed(work, len(data) / 1e9)[0])
    table("Floors", [["", "GB/CPU-s"], *([name, spread(all_)] for name, all_ in found.items())])
    return found


def write(store: LocalStore, data: Any) -> None:
    """Write as the vault writes packs, and throw it away."""
    with store.writer() as writer:
        for at in range(0, len(data), BLOCK_BYTES):
            writer.write(data[at : at + BLOCK_BYTES].data)
        writer.commit(f"packs/{time.monotonic_ns()}")


def order_0(raw: bytes, dtype: str) -> float | None:
    """Return the order-0 bound of sign, exponent and mantissa as a share of the bytes."""
    shapes = {"BF16": (16, 8), "F16": (16, 5), "F32": (32, 8)}
    if dtype not in shapes:
        return None
    bits, exponent = shapes[dtype]
    words = np.frombuffer(raw, f"<u{bits // 8}")
    mantissa = bits - 1 - exponent
    fields = (words >> (bits - 1), (words >> mantissa) & ((1 << exponent) - 1))
    low = words & ((1 << mantissa) - 1)
    return (sum(map(entropy, fields)) + sum(map(entropy, split(low, mantissa)))) / bits


def split(words: Any, bits: int) -> list[Any]:
    """Cut a wide mantissa into bytes, whose entropies add up to at least its own."""
    return [(words >> at) & ((1 << min(8, bits - at)) - 1) for at in range(0, bits, 8)]


def entropy(values: Any) -> float:
    """Return the order-0 entropy in bits."""
    shares = np.bincount(values.astype(np.int64)) / len(values)
    shares = shares[shares > 0]
    return float(-(shares * np.log2(shares)).sum())


def compare_codecs(data: dict[str, tuple[str, bytes]], rounds: int) -> list[dict[str, Any]]:
    """Measure every codec on every type, one block after another, in one thread."""
    found = []
    rows: Rows = [["type", "codec", "stored", "order-0 bound", "encode", "decode"]]
    for kind, (dtype, raw) in data.items():
        bound = order_0(raw, dtype)
        blocks = [raw[at : at + BLOCK_BYTES] for at in range(0, len(raw), BLOCK_BYTES)]
        able = [each for each in rivals.codecs() if each.types is None or dtype in each.types]
        measured: dict[str, Any] = {each.name: ([], [], 0.0) for each in able}
        for number in range(rounds + 1):
            for each in able:
                encode, decode, share = there_and_back(each, dtype, blocks)
                before = measured[each.name] if number > 1 else ([], [], 0.0)  # round 0 warms up
                measured[each.name] = ([*before[0], encode], [*before[1], decode], share)
        for name, (encode, decode, share) in measured.items():
            found.append({"type": kind, "codec": name, "stored": share, "bound": bound,
                          "encode": encode, "decode": decode})  # fmt: skip
            shown = f"{bound:.4f}" if bound else ""
            rows.append([kind, name, f"{share:.4f}", shown, spread(encode), spread(decode)])
    table("Codecs, GB per CPU-second, one thread", rows)
    return found


def there_and_back(
    codec: rivals.Codec, dtype: str, blocks: list[bytes]
) -> tuple[float, float, float]:
    """Return encoding and decoding speed and the stored share, having compared every byte."""
    encoding = decoding = 0.0
    taken = 0
    for raw in blocks:  # one after another, as they stream by, so that nobody's memory grows
        started = time.process_time()
        packed = codec.encode(raw, dtype)
        encoding += time.process_time() - started
        taken += codec.size(packed)
        stored = codec.settle(packed)
        del packed
        started = time.process_time()
        back = codec.decode(stored, dtype, len(raw))
        decoding += time.process_time() - started
        if bytes(back) != raw:
            raise SystemExit(f"{codec.name} does not give {dtype} back")
    size = sum(map(len, blocks))
    return size / 1e9 / encoding, size / 1e9 / decoding, taken / size


def compare_updates(size: int, trained: Path | None) -> list[dict[str, Any]]:
    """Compare our difference with BitX and with the bound given the base's exponent."""
    cases = {f"noise {step:g} of the deviation": updated(size, step) for step in (1e-4, 1e-3, 1e-2)}
    if trained is not None:
        example = Path(__file__).parents[2] / "src/emeritus/examples/sparrow-1/model.safetensors"
        for folder in sorted({path.parent for path in trained.rglob("*.safetensors")}):
            own = folder / "base.safetensors"
            base = tensors(own if own.exists() else example)
            size = sum(each.nbytes for each in base.values()) / 1e6
            for path in sorted(set(folder.glob("*.safetensors")) - {own}):
                name = f"{path.stem}, {size:.1f} MB"
                cases[name] = [(base[name], new) for name, new in tensors(path).items()]
    else:
        print("\nwithout --pairs: no really trained updates are measured")
    rivals.use(compiled=True)
    found = []
    rows: Rows = [["update", "unchanged", "BitX", "emeritus", "of BitX", "bound", "of the bound"]]
    for name, pairs in cases.items():
        raw = sum(new.nbytes for _, new in pairs)
        ours, bitx = rivals.difference(pairs) / raw, rivals.bitx(pairs) / raw
        bound = given_exponent(pairs)
        same = np.mean(np.concatenate([(old == new).reshape(-1) for old, new in pairs]))
        found.append({"update": name, "unchanged": float(same), "bitx": bitx, "emeritus": ours,
                      "bound": bound})  # fmt: skip
        rows.append([name, f"{same:.1%}", f"{bitx:.4f}", f"{ours:.4f}", f"{ours / bitx:.2f}",
                     f"{bound:.4f}", f"{ours / bound:.3f}"])  # fmt: skip
    table("Updates, stored share of the bytes", rows)
    return found


def tensors(path: Path) -> dict[str, Any]:
    """Return the bfloat16 tensors of a safetensors file as words."""
    data = path.read_bytes()
    with path.open("rb") as opened:
        ranges = read_header(opened, len(data))
    return {each.name: np.frombuffer(data, "<u2", each.length // 2, each.offset) for each in ranges}


def given_exponent(pairs: list[tuple[Any, Any]]) -> float:
    """Return the order-0 entropy of all differences given the base's exponent, as a share."""
    old = np.concatenate([each.reshape(-1) for each, _ in pairs])
    new = np.concatenate([each.reshape(-1) for _, each in pairs])
    joint = ((old >> np.uint16(7)) & np.uint16(255)).astype(np.int64) << 16
    exponents = entropy(joint >> 16)
    return (entropy_sparse(joint | (new - old).astype(np.int64)) - exponents) / 16


def entropy_sparse(values: Any) -> float:
    """Return the order-0 entropy in bits of values that are far apart."""
    _, counts = np.unique(values, return_counts=True)
    shares = counts / counts.sum()
    return float(-(shares * np.log2(shares)).sum())


def end_to_end(size: int, model: Path | None, rounds: int) -> dict[str, Any]:
    """Preserve, preserve again, verify, restore and load a model, beside the same with others."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        if model is None:
            model = root / "model"
            write_model(model, samples(size * 4)["bf16"][1])
        raw = sum(path.stat().st_size for path in model.rglob("*") if path.is_file()) / 1e9
        found: dict[str, Any] = {}
        shares: dict[str, float] = {}
        all_cores = os.sched_getaffinity(0)
        for _ in range(rounds):
            for cores in ({min(all_cores)}, all_cores):
                os.sched_setaffinity(0, cores)
                measure(model, root, raw, f"{len(cores)} CPU", found, shares)
        os.sched_setaffinity(0, all_cores)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        rows: Rows = [["", "GB/CPU-s", "GB/s", "stored"]]
        for name, pairs in sorted(found.items(), key=lambda each: each[0].partition(", ")[2]):
            share = shares.get(name.partition(":")[0])
            rows.append([name, spread([a for a, _ in pairs]), spread([b for _, b in pairs]),
                         f"{share:.4f}" if share else ""])  # fmt: skip
        table(f"End to end, {raw:.2f} GB", rows)
        return {"speeds": found, "stored": shares, "gigabytes": raw, "peak_mib": peak}


def measure(
    model: Path, root: Path, raw: float, cores: str, found: dict[str, Any], shares: dict[str, float]
) -> None:
    """Do every job once, and add what it cost to `found`."""

    def note(name: str, work: Callable[[], Any]) -> None:
        cpu, wall = timed(work, raw)
        found.setdefault(f"{name}, {cores}", []).append((cpu, wall))

    for compiled in (False, True):
        name = "emeritus with Numba" if compiled else "emeritus with NumPy"
        rivals.use(compiled)
        place = root / "vault"
        vault = Vault(LocalStore(place))
        kept: list[Any] = []
        note(f"{name}: preserve", lambda: kept.append(vault.preserve(model)))
        receipt = kept[0]
        shares[name] = receipt.bytes_stored / receipt.bytes_raw
        note(f"{name}: preserve again", lambda: vault.preserve(model))
        list(vault.check())  # into the page cache, like what it is compared with
        note(f"{name}: verify", lambda: list(vault.check()))
        note("plain BLAKE3 of the same files", lambda: hash_files(place))
        back = root / "back"
        note(f"{name}: restore", lambda: vault.restore(receipt.manifest, back))
        shutil.rmtree(back)
        cold(place)
        opened = vault.open_tensors(receipt.manifest)
        note(f"{name}: load tensors, cold", lambda: [each.raw() for each in opened.values()])
        shutil.rmtree(place)
    others(model, root, note, shares)


def hash_files(folder: Path) -> None:
    """Read and hash every pack, with nothing else around it."""
    for path in folder.rglob("*.pack"):
        hasher = blake3()
        with path.open("rb", buffering=0) as opened:
            while part := opened.read(BLOCK_BYTES):
                hasher.update(part)


def others(model: Path, root: Path, note: Callable[..., None], shares: dict[str, float]) -> None:
    """The same work with zipnn (same hashes, blocks and sink), safetensors, borg and restic."""
    for name, codec in ((each.name, each) for each in rivals.codecs() if each.name == "zipnn"):
        target = root / "zipnn"
        note(f"{name}: preserve", lambda: zip_into(codec, model, target))
        shares[name] = sum(p.stat().st_size for p in target.rglob("*") if p.is_file()) / sum(
            p.stat().st_size for p in model.rglob("*") if p.is_file()
        )
        note(f"{name}: restore", lambda: unzip_from(codec, target, root / "back"))
        shutil.rmtree(target)
        shutil.rmtree(root / "back")
    try:
        from safetensors.numpy import load_file
    except ImportError:
        print("safetensors is not installed and left out")
    else:
        cold(model)
        files = sorted(model.rglob("*.safetensors"))
        note("safetensors: load_file, cold", lambda: [load_raw(load_file, each) for each in files])
    for tool in ("borg", "restic"):
        if shutil.which(tool):
            store = root / tool
            start(tool, store)
            note_child(note, f"{tool}: preserve", add(tool, store, model))
            shutil.rmtree(store)


def load_raw(load_file: Callable[[Path], dict[str, Any]], path: Path) -> None:
    """Load with the library and touch every page, since it maps the file."""
    try:
        for array in load_file(path).values():
            array.view(np.uint8).reshape(-1)[::4096].sum()
    except (TypeError, KeyError, AttributeError):  # NumPy has no bfloat16 of its own
        np.fromfile(path, np.uint8)


def zip_into(codec: Any, model: Path, target: Path) -> None:
    """Do with zipnn what preserve does: read once, hash alike, code by block, write durably."""
    store = LocalStore(target)
    with store.writer() as writer:
        for path in sorted(each for each in model.rglob("*") if each.is_file()):
            whole, sha256 = blake3(), hashlib.sha256()
            with path.open("rb", buffering=0) as opened:
                while raw := opened.read(BLOCK_BYTES):
                    whole.update(raw)
                    sha256.update(raw)
                    blake3(raw).digest()
                    even = raw if len(raw) % 2 == 0 else raw + b"\0"
                    stored = codec.encode(even, "BF16")
                    blake3(stored).digest()
                    writer.write(len(stored).to_bytes(8, "little") + len(raw).to_bytes(8, "little"))
                    writer.write(stored)
        writer.commit("packs/all")


def unzip_from(codec: Any, target: Path, back: Path) -> None:
    """Do with zipnn what restore does: check, decode, check, hash the whole, write."""
    back.mkdir()
    whole, sha256 = blake3(), hashlib.sha256()
    with (target / "packs" / "all").open("rb") as opened, (back / "all").open("wb") as out:
        while head := opened.read(16):
            stored, size = (int.from_bytes(head[at : at + 8], "little") for at in (0, 8))
            data = opened.read(stored)
            blake3(data).digest()
            raw = bytes(codec.decode(bytearray(data), "BF16", size))[:size]
            blake3(raw).digest()
            whole.update(raw)
            sha256.update(raw)
            out.write(raw)
        out.flush()
        os.fsync(out.fileno())


def cold(folder: Path) -> None:
    """Ask the system to forget what it has of these files; the host may still remember."""
    for path in folder.rglob("*"):
        if path.is_file():
            with path.open("rb") as opened:
                os.fsync(opened.fileno())
                os.posix_fadvise(opened.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def start(tool: str, store: Path) -> None:
    """Make a repository of borg or restic, without encryption where that can be had."""
    command = {"borg": ["borg", "init", "-e", "none", str(store)],
               "restic": ["restic", "init", "-r", str(store)]}[tool]  # fmt: skip
    subprocess.run(command, check=True, capture_output=True, env=environment())


def add(tool: str, store: Path, model: Path) -> list[str]:
    """Return the command that backs a folder up."""
    return {
        "borg": ["borg", "create", "-C", "zstd,1", f"{store}::one", str(model)],
        "restic": ["restic", "backup", "-r", str(store), str(model)],
    }[tool]


def environment() -> dict[str, str]:
    """Return the environment in which both work without asking."""
    return {
        **os.environ,
        "RESTIC_PASSWORD": "x",
        "BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK": "yes",
    }


def note_child(note: Callable[..., None], name: str, command: list[str]) -> None:
    """Measure a program of its own; its CPU time is that of our children."""

    def run() -> None:
        subprocess.run(command, check=True, capture_output=True, env=environment())

    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.process_time
    spent = lambda: sum(  # noqa: E731
        getattr(resource.getrusage(resource.RUSAGE_CHILDREN), each) - getattr(before, each)
        for each in ("ru_utime", "ru_stime")
    )
    time.process_time = spent  # type: ignore[assignment]
    try:
        note(name, run)
    finally:
        time.process_time = started  # type: ignore[assignment]


def write_model(folder: Path, raw: bytes) -> None:
    """Write a safetensors file of bfloat16 matrices."""
    folder.mkdir()
    width = 2048
    rows = len(raw) // 2 // width
    step = rows // 8
    header, at = {}, 0
    for number in range(8):
        count = (step if number < 7 else rows - 7 * step) * width * 2
        header[f"layer.{number}"] = {"dtype": "BF16", "shape": [count // 2 // width, width],
                                     "data_offsets": [at, at + count]}  # fmt: skip
        at += count
    text = json.dumps(header).encode()
    with (folder / "model.safetensors").open("wb") as out:
        out.write(len(text).to_bytes(8, "little") + text)
        out.write(raw[:at])


if __name__ == "__main__":
    main()
