"""Measure what a turn of an interview costs, side by side in one run.

    python benchmarks/interview/run.py --to DIR [--inspect PYTHON] [--rounds 3] [--sessions 200]

Holds sessions against a local server that answers after 50 ms, in three ways: with the engine, with
a bare loop that fsyncs each line, and with Inspect AI. Each runs in a process of its own, and what
counts is the processor time of the whole process, its start included, a turn. Prints a table and
writes DIR/interview.json. Machines differ: compare the rows of one run only.
"""

import argparse
import contextlib
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).parent
LATENCY = 0.05
TARGETS = {"ours / bare": 1.5, "ours / inspect": 0.3}
INSTALL = "uv venv V && uv pip install --python V/bin/python 'inspect-ai==0.3.*' openai"


def main() -> None:
    """Run every holder, one after the other, in every round."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--to", type=Path, required=True)
    parser.add_argument("--inspect", help="a Python in which inspect-ai is installed")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--sessions", type=int, default=200)
    parser.add_argument("--turns", type=int, default=40)
    parser.add_argument("--concurrency", type=int, default=32)
    chosen = parser.parse_args()
    pythons = {"bare": sys.executable, "ours": sys.executable}
    if chosen.inspect and has_inspect(chosen.inspect):
        pythons["inspect"] = chosen.inspect
    else:
        print(f"Inspect AI: not installed; {INSTALL}, then --inspect V/bin/python")
    chosen.to.mkdir(parents=True, exist_ok=True)
    counts = (chosen.sessions, chosen.turns, chosen.concurrency)
    found: dict[str, list[dict[str, float]]] = {kind: [] for kind in pythons}
    for number in range(chosen.rounds):
        for kind, python in pythons.items():
            print(f"round {number + 1}: {kind}", file=sys.stderr)
            with served() as url:
                found[kind].append(measured(kind, python, url, counts, chosen.to))
    ratios = show(found)
    document = {
        "machine": {"python": platform.python_version(), "cores": os.cpu_count(),
                    "processor": platform.processor() or platform.machine()},
        "sessions": chosen.sessions, "turns": chosen.turns, "concurrency": chosen.concurrency,
        "latency": LATENCY, "found": found, "ratios": ratios,
    }  # fmt: skip
    (chosen.to / "interview.json").write_text(json.dumps(document, indent=1) + "\n")


def has_inspect(python: str) -> bool:
    """Tell whether a Python can import Inspect AI."""
    line = [
        python,
        "-c",
        "import importlib.util as u, sys; sys.exit(not u.find_spec('inspect_ai'))",
    ]
    with contextlib.suppress(OSError):
        return subprocess.run(line, check=False).returncode == 0
    return False


@contextlib.contextmanager
def served() -> Iterator[str]:
    """Give the address of a server in a process of its own."""
    line = [sys.executable, str(HERE / "server.py"), str(LATENCY)]
    with subprocess.Popen(line, stdout=subprocess.PIPE, text=True) as server:
        try:
            port = int(server.stdout.readline()) if server.stdout else 0
            yield f"http://127.0.0.1:{port}/v1"
        finally:
            server.kill()


def measured(
    kind: str, python: str, url: str, counts: tuple[int, int, int], place: Path
) -> dict[str, float]:
    """Run one holder; return milliseconds of processor time a turn, and seconds in all."""
    folder = Path(tempfile.mkdtemp(dir=place))
    line = [python, str(HERE / "holders.py"), kind, url, str(folder), *map(str, counts)]
    environment = {**os.environ, "INSPECT_LOG_DIR": str(folder)}
    began = time.perf_counter()
    try:
        with (folder / "said").open("wb+") as said:
            holder = subprocess.Popen(line, stdout=said, env=environment)
            _, status, usage = os.wait4(holder.pid, 0)
            holder.returncode = os.waitstatus_to_exitcode(status)
            said.seek(0)
            answered = said.read().split()[-1:]
        wall = time.perf_counter() - began
        if holder.returncode or answered != [str(counts[0] * counts[1]).encode()]:
            raise SystemExit(f"{kind} failed: exit {holder.returncode}, answered {answered}")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    turns = counts[0] * counts[1]
    cpu = usage.ru_utime + usage.ru_stime
    return {"CPU-ms a turn": cpu / turns * 1e3, "turns/s": turns / wall, "s": wall,
            "MiB": usage.ru_maxrss / 1024}  # fmt: skip


def show(found: dict[str, list[dict[str, float]]]) -> dict[str, list[float]]:
    """Print medians [smallest..largest], and the ratios of each round with their targets."""
    for kind, rounds in found.items():
        cells = "  ".join(f"{name} {spread([each[name] for each in rounds])}" for name in rounds[0])
        print(f"{kind:8} {cells}")
    ratios: dict[str, list[float]] = {}
    for name, target in TARGETS.items():
        other = name.rpartition(" ")[2]
        if other not in found:
            continue
        pairs = zip(found["ours"], found[other], strict=True)
        ratios[name] = [one["CPU-ms a turn"] / two["CPU-ms a turn"] for one, two in pairs]
        said = "reached" if max(ratios[name]) <= target else "MISSED"
        print(f"{name}: {spread(ratios[name])} (target: at most {target}): {said}")
    return ratios


def spread(values: list[float]) -> str:
    """Return the median with the smallest and the largest."""
    return f"{statistics.median(values):.3g} [{min(values):.3g}..{max(values):.3g}]"


if __name__ == "__main__":
    main()
