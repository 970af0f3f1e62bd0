"""A steward in a process of its own: appends the same event again and again.

python -m tests.record.appending FOLDER STORE COUNT, after a line on standard input
"""

import datetime
import random
import sys
import time
from pathlib import Path

from emeritus.clock import FixedClock
from emeritus.record import Ed25519Signer, Record
from emeritus.record.events import ModelCovered
from emeritus.vault import LocalStore

ID = "0" * 32
SIGNER = Ed25519Signer(b"\1" * 32)
CLOCK = FixedClock(datetime.datetime(2027, 1, 1, tzinfo=datetime.UTC))
COVERED = ModelCovered(model="acme/aster-1", covered=True, reason="public")


class RacingStore(LocalStore):
    """A double whose answers are worth nothing: every writer may be told that it won, or lost.

    Servers exist that ignore the condition of a conditional write where versions are kept: all
    writers are told that they won, and the first version stands. And an answer that got lost makes
    a client ask again, to hear that the name is taken: by itself.
    """

    def put(self, name: str, data: bytes) -> bool:
        """Store `data` unless the name is taken, and say whatever comes to mind."""
        time.sleep(random.random() / 200)
        super().put(name, data)
        return random.random() < 0.5


STORES = {"local": LocalStore, "racing": RacingStore}


def main() -> None:
    """Append, and print the id of each event."""
    folder, store, count = Path(sys.argv[1]), STORES[sys.argv[2]], int(sys.argv[3])
    record = Record(store(folder), ID)
    sys.stdin.readline()
    for _ in range(count):
        for entry in record.append([COVERED], SIGNER, CLOCK):
            sys.stdout.write(entry.id + "\n")


if __name__ == "__main__":
    main()
