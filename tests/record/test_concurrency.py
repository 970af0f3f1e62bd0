"""Several processes write to one record at once: nothing is lost and there is one history."""

import subprocess
import sys
from pathlib import Path

import pytest

from emeritus.record import Record, check
from emeritus.record.events import ArchiveCreated, KeyAdded, ModelCovered, Role
from emeritus.vault import LocalStore
from tests.record.appending import CLOCK, ID, SIGNER, STORES

ROOT = Path(__file__).parent.parent.parent
WRITERS, EACH = 4, 12


def _write_together(folder: Path, store: str) -> list[list[str]]:
    """Let the writers go at once; return the ids that each was told."""
    words = [sys.executable, "-m", "tests.record.appending", str(folder), store, str(EACH)]
    writers = [
        subprocess.Popen(words, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(WRITERS)
    ]
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.write("go\n")
        writer.stdin.flush()
    outputs = [writer.communicate(timeout=120)[0].split() for writer in writers]
    assert [writer.returncode for writer in writers] == [0] * WRITERS
    return outputs


@pytest.mark.parametrize("store", STORES)
def test_processes_that_append_at_once_all_succeed(tmp_path: Path, store: str) -> None:
    """Each writer's events are there, in its order, exactly once: also where the store misleads."""
    # All say the same thing at the same moment: only the bytes that stand tell whose commit it is.
    genesis = [
        ArchiveCreated(archive=ID, software="test"),
        KeyAdded(key=SIGNER.key, name="anna", roles=(Role.ROOT, Role.STEWARD)),
    ]
    Record(LocalStore(tmp_path), ID).append(genesis, SIGNER, CLOCK)
    told = _write_together(tmp_path, store)
    for ids in told:
        places = [int(each.split(".")[0]) for each in ids]
        assert places == sorted(places)
        assert len(ids) == EACH
    entries = Record(LocalStore(tmp_path), ID).entries()
    covered = [entry.id for entry in entries if isinstance(entry.event, ModelCovered)]
    assert sorted(each for ids in told for each in ids) == sorted(covered)
    assert len(set(covered)) == WRITERS * EACH
    assert list(check(LocalStore(tmp_path), ID)) == []
