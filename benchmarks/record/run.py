"""Measure the record and its index, side by side in one run.

    python benchmarks/record/run.py --to DIR [--events 1000000] [--rounds 5]

Makes archives of three sizes below DIR, prints tables and writes DIR/record.json; the archives are
removed. Figures are medians [smallest..largest]; machines differ: compare the rows of one run only.
"""

import argparse
import json
import os
import platform
import random
import resource
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from data import Size, make, model_name, opened

from emeritus.lifecycle.costs import keeping_cost
from emeritus.lifecycle.moves import gates_of, state_of
from emeritus.lifecycle.overview import overview
from emeritus.record import check
from emeritus.record import format as disk
from emeritus.record.events import ModelCovered

SMALL_SHARES = (16, 4)  # of all events, for the smaller archives
ONE_EACH = 50  # of all events, for the archive whose commits hold one event
LOOKS = 50  # models whose status is asked in a round
APPENDS = 100  # in a round
SIGNATURES = 2000  # checked in a round, beside the commits

Found = dict[str, list[float]]


def main() -> None:
    """Make the archives, run every job in a process of its own, and write the results."""
    if sys.argv[1:2] == ["--job"]:
        print(json.dumps(JOBS[sys.argv[2]](Path(sys.argv[3]), *map(int, sys.argv[4:]))))
        return
    parser = argparse.ArgumentParser()
    parser.add_argument("--to", type=Path, required=True)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    chosen = parser.parse_args()
    chosen.to.mkdir(parents=True, exist_ok=True)
    sizes = [*(Size(chosen.events // share) for share in SMALL_SHARES), Size(chosen.events)]
    sizes.append(Size(chosen.events // ONE_EACH, commit=1))
    roots = {size: chosen.to / f"{size.events}-by-{size.commit}" for size in sizes}
    try:
        results = measure(roots, chosen.rounds)
    finally:
        for root in roots.values():
            shutil.rmtree(root, ignore_errors=True)
    show(results)
    document = {"machine": machine(), "rounds": chosen.rounds, "found": results}
    (chosen.to / "record.json").write_text(json.dumps(document, indent=1) + "\n")


def measure(roots: dict[Size, Path], rounds: int) -> dict[str, Found]:
    """Run every job for every size, one after the other, `rounds` times."""
    results: dict[str, Found] = {}
    for size, root in roots.items():
        shutil.rmtree(root, ignore_errors=True)
        run("make", root, size.events, size.commit)
    for number in range(rounds):
        for size, root in roots.items():
            name = f"{size.events} events, {size.models} models, commits of {size.commit}"
            found = results.setdefault(name, {})
            for job in ("verify", "rebuild", "look", "list", "append"):
                print(f"round {number + 1}: {name}: {job}", file=sys.stderr)
                for key, value in run(job, root, size.events, size.models).items():
                    found.setdefault(f"{job} {key}", []).append(value)
            found.setdefault("command ms", []).append(command(root, size))
    return results


def run(job: str, *words: object) -> dict[str, float]:
    """Run one job in a new process, so that its memory is its own."""
    line = [sys.executable, __file__, "--job", job, *map(str, words)]
    done = subprocess.run(line, check=True, stdout=subprocess.PIPE)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def command(root: Path, size: Size) -> float:
    """Return the milliseconds that the whole command takes, Python's own start included."""
    model = model_name(random.randrange(size.models))
    environment = {**os.environ, "XDG_CACHE_HOME": str(root / "xdg"), "HOME": str(root)}
    line = [sys.executable, "-m", "emeritus", "status", model, "--archive", str(root / "archive")]
    wall = 0.0
    for _ in range(2):  # the first one makes the index
        wall = time.perf_counter()
        subprocess.run(line, check=True, env=environment, stdout=subprocess.DEVNULL)
    return (time.perf_counter() - wall) * 1e3


def timed(work: Callable[[], Any], events: int) -> dict[str, float]:
    """Return events a second of wall and of processor time, and the memory of this process."""
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"events/s": events / wall, "events/CPU-s": events / cpu, "MiB": peak, "s": wall}


def job_make(root: Path, events: int, commit: int) -> dict[str, float]:
    """Make an archive."""
    return timed(lambda: make(root, Size(events, commit)), events)


def job_verify(root: Path, events: int, _models: int) -> dict[str, float]:
    """Check every commit: form, chain, signature, digests, keys and roles. Beside it: signatures."""
    archive = opened(root)
    findings: list[Any] = []
    found = timed(lambda: findings.extend(check(archive.store, archive.id)), events)
    if findings:
        raise SystemExit(f"the record is not sound: {findings[:3]}")
    return {**found, "bare signatures/CPU-s": signatures_checked()}


def signatures_checked() -> float:
    """Return how many signatures a CPU-second checks, when nothing else is done."""
    private = Ed25519PrivateKey.generate()
    public, message = private.public_key(), bytes(600)  # as long as a commit's header
    signature = private.sign(message)
    cpu = time.process_time()
    for _ in range(SIGNATURES):
        public.verify(signature, message)
    return SIGNATURES / (time.process_time() - cpu)


def job_rebuild(root: Path, events: int, _models: int) -> dict[str, float]:
    """Make the index anew from the files: all that `verify` does, and SQLite."""
    shutil.rmtree(root / "cache", ignore_errors=True)
    archive = opened(root)
    found = timed(archive.history, events)
    index = sum(path.stat().st_size for path in (root / "cache").rglob("*.sqlite*"))
    return {**found, "MB on disk": index / 1e6}


def job_look(root: Path, _events: int, models: int) -> dict[str, float]:
    """Ask for single models what `emeritus status ID` shows, each time as a new command does."""
    chance = random.Random(models)
    walls, cpus = [], []
    for _ in range(LOOKS):
        model = model_name(chance.randrange(models))
        wall, cpu = time.perf_counter(), time.process_time()
        archive = opened(root)
        state_of(archive, model), gates_of(archive, model), keeping_cost(archive, model)
        cpus.append((time.process_time() - cpu) * 1e3)
        walls.append((time.perf_counter() - wall) * 1e3)
    return {"ms": statistics.median(walls), "CPU-ms": statistics.median(cpus)}


def job_list(root: Path, events: int, models: int) -> dict[str, float]:
    """List every model, as `emeritus status` does."""
    archive = opened(root)
    listed: list[None] = []
    found = timed(lambda: listed.extend(None for _ in overview(archive)), events)
    if len(listed) != models:
        raise SystemExit(f"{len(listed)} of {models} models are listed")
    return {"s": found["s"], "CPU-ms a model": events / found["events/CPU-s"] / models * 1e3,
            "MiB": found["MiB"]}  # fmt: skip


def job_append(root: Path, _events: int, _models: int) -> dict[str, float]:
    """Append a commit, and beside it do with an equal file what the disk has to do for it."""
    archive = opened(root)
    archive.history()
    signer = archive.signer("steward")
    event = ModelCovered(model=model_name(0), covered=True, reason="offered to the public")
    bare = root / "bare"
    for folder in ("packs", "record"):
        (bare / folder).mkdir(parents=True, exist_ok=True)
    appended, alone = [], []
    for number in range(APPENDS):
        appended.append(taken(lambda: archive.record.append([event], signer, archive.clock)))
        data = archive.store.get(disk.name_of(archive.record.sequence))
        name = f"{archive.record.sequence}-{number}"
        alone.append(taken(partial(write_durably, bare, name, data)))
    (append, cpu), (floor, least) = (map(statistics.median, zip(*each, strict=True))
                                     for each in (appended, alone))  # fmt: skip
    return {"ms": append, "bare ms": floor, "ratio": append / floor,
            "CPU-ms": cpu, "bare CPU-ms": least}  # fmt: skip


def taken(work: Callable[[], Any]) -> tuple[float, float]:
    """Return the milliseconds of wall and of processor time that something takes."""
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return (time.perf_counter() - wall) * 1e3, (time.process_time() - cpu) * 1e3


def write_durably(folder: Path, name: str, data: bytes) -> None:
    """Create, write, fsync, link, fsync of the folder: what a commit cannot do without."""
    path = folder / "packs" / name
    opened_file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o444)
    os.write(opened_file, data)
    os.fsync(opened_file)
    os.link(path, folder / "record" / name)
    parent = os.open(folder / "record", os.O_RDONLY | os.O_DIRECTORY)
    os.fsync(parent)
    os.close(parent)
    os.close(opened_file)
    path.unlink()


JOBS: dict[str, Callable[..., dict[str, float]]] = {
    "make": job_make,
    "verify": job_verify,
    "rebuild": job_rebuild,
    "look": job_look,
    "list": job_list,
    "append": job_append,
}


def machine() -> str:
    """Return what this ran on."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    model = next((each.partition(":")[2].strip() for each in lines if "model name" in each), "")
    return f"{model}, {os.cpu_count()} CPUs, Python {platform.python_version()}"


def spread(values: list[float]) -> str:
    """Return median [smallest..largest]."""
    digits = 0 if statistics.median(values) >= 1000 else 2
    middle, least, most = statistics.median(values), min(values), max(values)
    return f"{middle:.{digits}f} [{least:.{digits}f}..{most:.{digits}f}]"


def show(results: dict[str, Found]) -> None:
    """Print one table: a row for each measure, a column for each size."""
    print(f"\n{machine()}\n")
    print("| | " + " | ".join(results) + " |")
    print("|---" * (len(results) + 1) + "|")
    for measure_name in next(iter(results.values())):
        cells = [spread(found[measure_name]) for found in results.values()]
        print(f"| {measure_name} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
