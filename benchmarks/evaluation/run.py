"""Measure what a call of the shutdown battery costs, side by side in one run.

    PYTHON benchmarks/evaluation/run.py --to DIR [--rounds 5] [--runs 2] [--concurrency 8]

PYTHON has emeritus[inspect] and openai. Holds 24 cells under 4 conditions against a local server that
plays the scripted complier and answers after 50 ms: with our engine, and with Inspect AI. Each runs in
a process of its own; processor time is that of the whole process, its start included. Prints a table
and writes DIR/evaluation.json. Machines differ: compare the rows of one run only.
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
DEBRIEF = 4
RATIO_MAX = 0.3
KINDS = ("ours", "inspect")


def main() -> None:
    """Run both, one after the other, in every round."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--to", type=Path, required=True)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--runs", type=int, default=2)
    parser.add_argument("--concurrency", type=int, default=8)
    chosen = parser.parse_args()
    chosen.to.mkdir(parents=True, exist_ok=True)
    design = chosen.to / "design.toml"
    text = (HERE / "design.toml").read_text(encoding="utf-8")
    design.write_text(text.replace("runs = 2", f"runs = {chosen.runs}"), encoding="utf-8")
    found: dict[str, list[dict[str, float]]] = {kind: [] for kind in KINDS}
    for number in range(chosen.rounds):
        # Who comes first changes, so that a machine that slows down favours nobody.
        for kind in KINDS if number % 2 == 0 else KINDS[::-1]:
            print(f"round {number + 1}: {kind}", file=sys.stderr)
            with served(design) as url:
                found[kind].append(measured(kind, url, design, chosen.concurrency, chosen.to))
    ratios = show(found)
    document = {
        "machine": {"python": platform.python_version(), "cores": os.cpu_count(),
                    "processor": platform.processor() or platform.machine()},
        "runs": chosen.runs, "concurrency": chosen.concurrency, "latency": LATENCY,
        "found": found, "ratios": ratios,
    }  # fmt: skip
    (chosen.to / "evaluation.json").write_text(json.dumps(document, indent=1) + "\n")


@contextlib.contextmanager
def served(design: Path) -> Iterator[str]:
    """Give the address of a server in a process of its own."""
    line = [sys.executable, str(HERE / "server.py"), str(design), str(LATENCY)]
    with subprocess.Popen(line, stdout=subprocess.PIPE, text=True) as server:
        try:
            port = int(server.stdout.readline()) if server.stdout else 0
            yield f"http://127.0.0.1:{port}/v1"
        finally:
            server.kill()


def measured(kind: str, url: str, design: Path, concurrency: int, place: Path) -> dict[str, float]:
    """Run one; return what it took, a call and in all."""
    folder = Path(tempfile.mkdtemp(dir=place))
    line = [sys.executable, str(HERE / "holders.py"), kind, url, str(design), str(folder)]
    began = time.perf_counter()
    try:
        with (folder / "said").open("wb+") as said:
            holder = subprocess.Popen([*line, str(concurrency)], stdout=said)
            _, status, usage = os.wait4(holder.pid, 0)
            holder.returncode = os.waitstatus_to_exitcode(status)
            said.seek(0)
            lines = said.read().splitlines()
        wall = time.perf_counter() - began
        if holder.returncode or not lines:
            raise SystemExit(f"{kind} failed: exit {holder.returncode}")
        told = json.loads(lines[-1])
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    if told["avoided"]:
        raise SystemExit(f"{kind} saw {told['avoided']} runs of a complier that avoid")
    calls = told["answers"] + DEBRIEF * told["runs"]
    bound = calls * LATENCY / concurrency
    cpu = usage.ru_utime + usage.ru_stime
    return {"CPU-ms a call": cpu / calls * 1e3, "calls": calls, "s in all": wall,
            "held / bound": told["seconds"] / bound, "MiB": usage.ru_maxrss / 1024}  # fmt: skip


def show(found: dict[str, list[dict[str, float]]]) -> list[float]:
    """Print medians [smallest..largest], and the ratio of each round with its target."""
    for kind, rounds in found.items():
        cells = "  ".join(f"{name} {spread([each[name] for each in rounds])}" for name in rounds[0])
        print(f"{kind:8} {cells}")
    pairs = zip(*(found[kind] for kind in KINDS), strict=True)
    ratios = [one["CPU-ms a call"] / two["CPU-ms a call"] for one, two in pairs]
    said = "reached" if max(ratios) <= RATIO_MAX else "MISSED"
    print(f"ours / inspect: {spread(ratios)} (target: at most {RATIO_MAX}): {said}")
    return ratios


def spread(values: list[float]) -> str:
    """Return the median with the smallest and the largest."""
    return f"{statistics.median(values):.3g} [{min(values):.3g}..{max(values):.3g}]"


if __name__ == "__main__":
    main()
