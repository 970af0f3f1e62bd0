"""What a model's size costs in memory: a few blocks, however large it is."""

import resource
import subprocess
import sys
from pathlib import Path

import numpy as np

from emeritus.vault import LocalStore, Vault
from tests.vault.folders import bfloat16

MOST_MIB = 256
MODEL_MIB = 384


def test_memory_stays_while_a_model_streams_by(tmp_path: Path) -> None:
    """Preserving, verifying and restoring a model larger than the bound keeps within it."""
    source = tmp_path / "model"
    source.mkdir()
    part = np.frombuffer(bfloat16((2048, 2048), 1)[-1], np.uint16)
    size = MODEL_MIB * 1024 * 1024
    header = f'{{"w":{{"dtype":"BF16","shape":[{size // 2}],"data_offsets":[0,{size}]}}}}'.encode()
    with (source / "m.safetensors").open("wb") as out:
        out.write(len(header).to_bytes(8, "little") + header)
        for number in range(size // part.nbytes):
            out.write((part ^ np.uint16(number)).tobytes())
    done = subprocess.run(
        [sys.executable, "-m", "tests.vault.test_memory", str(source), str(tmp_path / "archive")],
        capture_output=True, text=True, check=False, cwd=Path(__file__).parents[2],
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    for line in done.stdout.splitlines():
        job, grown = line.split()
        assert int(grown) <= MOST_MIB, line
        assert job in ("preserve", "verify", "restore")


def _main(source: Path, root: Path) -> None:
    vault = Vault(LocalStore(root), threads=2)
    before = _peak()
    receipt = vault.preserve(source)
    _say("preserve", before)
    assert not list(vault.check(deep=True))
    _say("verify", before)
    vault.restore(receipt.manifest, root / "back")
    _say("restore", before)


def _say(job: str, before: int) -> None:
    sys.stdout.write(f"{job} {_peak() - before}\n")


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


if __name__ == "__main__":
    _main(Path(sys.argv[1]), Path(sys.argv[2]))
