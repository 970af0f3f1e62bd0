"""Proofs that an event is in the record, which anyone checks offline (c2sp.org/tlog-proof)."""

import base64
import dataclasses
import re
from typing import Final

from emeritus.record import checkpoint as heads
from emeritus.record import merkle
from emeritus.record.checkpoint import Checkpoint
from emeritus.record.note import NotANote, Note

HEADER: Final = "c2sp.org/tlog-proof@v1"
PROOF_BYTES_MAX: Final = 512 * 1024

_INDEX = re.compile(r"index (0|[1-9][0-9]{0,18})\Z")


@dataclasses.dataclass(frozen=True, slots=True)
class Proof:
    """An entry, its index and audit path, and the checkpoint that it leads to."""

    entry: bytes
    index: int
    path: tuple[bytes, ...]
    note: Note
    checkpoint: Checkpoint

    @property
    def holds(self) -> bool:
        """Whether the entry is in the tree; who signed the checkpoint is another question."""
        leaf = merkle.leaf_hash(self.entry)
        size, root = self.checkpoint.size, self.checkpoint.root
        return merkle.includes(self.index, size, leaf, self.path, root)


def render(entry: bytes, index: int, path: list[bytes], checkpoint: bytes) -> bytes:
    """Return a proof; the entry rides along as the extra line, which the path makes good."""
    lines = [HEADER, f"extra {_text(entry)}", f"index {index}", *map(_text, path), ""]
    return "\n".join(lines).encode() + b"\n" + checkpoint


def parse(data: bytes) -> Proof:
    """Read a proof. Raises `NotANote`; ask it whether it `holds`."""
    head, empty, rest = data[:PROOF_BYTES_MAX].partition(b"\n\n")
    try:
        lines = head.decode("ascii").split("\n")
        match = _INDEX.match(lines[2])
        if not empty or match is None or lines[0] != HEADER or not lines[1].startswith("extra "):
            raise NotANote("it is no proof of an event")
        entry = base64.b64decode(lines[1].removeprefix("extra "), validate=True)
        path = tuple(base64.b64decode(line, validate=True) for line in lines[3:])
    except (ValueError, IndexError) as error:
        raise NotANote("it is no proof of an event") from error
    note, checkpoint = heads.read(rest)
    return Proof(entry, int(match[1]), path, note, checkpoint)


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()
