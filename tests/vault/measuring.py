"""A child process: looks for the tensors in PATH, and prints what that took of memory and time."""

import json
import sys
import time
from pathlib import Path

from emeritus.vault.tensor_files import tensors_of


def _peak() -> int:
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))


def main() -> None:
    """Print a JSON object: bytes of memory, seconds, tensors, and why there are none."""
    path = Path(sys.argv[1])
    before, began = _peak(), time.monotonic()
    tensors, reason = tensors_of(path, path.stat().st_size)
    took = {"seconds": time.monotonic() - began, "bytes": _peak() - before}
    sys.stdout.write(json.dumps({**took, "tensors": len(tensors), "reason": reason}) + "\n")


if __name__ == "__main__":
    main()
