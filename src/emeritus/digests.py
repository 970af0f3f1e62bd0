"""Digests as tagged text (`sha256:…`, `blake3:…`), so that an algorithm can be replaced in time.

SHA-256 stands wherever a bare Python or `sha256sum` must be able to check; BLAKE3 inside the vault.
"""

import dataclasses
import hashlib
import re
from collections.abc import Iterable

from blake3 import blake3

_TAGGED = re.compile(r"(sha256|blake3):[0-9a-f]{64}\Z")


@dataclasses.dataclass(frozen=True, slots=True)
class FileDigest:
    """What identifies a whole file: its length in bytes and both digests, tagged."""

    size: int
    sha256: str
    blake3: str


def sha256(data: bytes | bytearray | memoryview) -> str:
    """Return `sha256:` and 64 lower-case hex digits."""
    return "sha256:" + hashlib.sha256(data).hexdigest()


def blake3_of(data: bytes | bytearray | memoryview) -> str:
    """Return `blake3:` and 64 lower-case hex digits."""
    return "blake3:" + blake3(data).hexdigest()


def is_digest(text: str) -> bool:
    """Tell whether `text` is a tagged digest of a known algorithm."""
    return _TAGGED.match(text) is not None


def of_chunks(chunks: Iterable[bytes | bytearray | memoryview]) -> FileDigest:
    """Return size and digests of a stream, reading each chunk once."""
    running = RunningDigest()
    for chunk in chunks:
        running.update(chunk)
    return running.finish()


class RunningDigest:
    """Size and both digests of bytes that arrive in order."""

    def __init__(self) -> None:
        self._size = 0
        self._sha256 = hashlib.sha256()
        self._blake3 = blake3()

    def update(self, chunk: bytes | bytearray | memoryview) -> None:
        """Take the next bytes."""
        self._size += memoryview(chunk).nbytes
        self._sha256.update(chunk)
        self._blake3.update(chunk)

    def finish(self) -> FileDigest:
        """Return the digests of everything taken so far."""
        return FileDigest(
            self._size,
            "sha256:" + self._sha256.hexdigest(),
            "blake3:" + self._blake3.hexdigest(),
        )
