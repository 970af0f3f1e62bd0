"""Writes files past the page cache where the file system can.

What was just written is not read again soon, should not push out what is, and costs a third of
the processor's time this way.
"""

import contextlib
import errno
import fcntl
import mmap
import os
from typing import Final

BUFFER_BYTES: Final = 4 * 1024 * 1024


class DirectOutput:
    """Collects bytes for an open file, and writes whole buffers with `O_DIRECT`."""

    def __init__(self, descriptor: int) -> None:
        self._file = descriptor
        self._buffer = mmap.mmap(-1, BUFFER_BYTES)  # aligned to a page, as O_DIRECT asks
        self._filled = 0

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Add bytes. Raises `OSError`."""
        rest = memoryview(data).cast("B")
        while rest:
            part = rest[: BUFFER_BYTES - self._filled]
            self._buffer[self._filled : self._filled + len(part)] = part
            self._filled += len(part)
            rest = rest[len(part) :]
            if self._filled == BUFFER_BYTES:
                self._spill(direct=True)

    def sync(self) -> None:
        """Write what is left, and make all of it durable. Raises `OSError`."""
        self._spill(direct=False)
        os.fsync(self._file)

    def _spill(self, *, direct: bool) -> None:
        with memoryview(self._buffer) as buffer:
            _set_direct(self._file, direct)
            rest = buffer[: self._filled]
            while rest:
                try:
                    rest = rest[os.write(self._file, rest) :]
                except OSError as error:
                    if error.errno != errno.EINVAL or not direct:
                        raise
                    # Refused, perhaps behind a part that was taken: the rest goes the usual way.
                    direct = False
                    _set_direct(self._file, False)
        self._filled = 0


def write_all(descriptor: int, data: bytes | bytearray | memoryview) -> None:
    """Write all of `data`, however little of it the system takes at a time."""
    rest = memoryview(data).cast("B")
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def _set_direct(descriptor: int, direct: bool) -> None:
    """Go past the page cache from now on, or through it again; a file system may refuse."""
    flags = fcntl.fcntl(descriptor, fcntl.F_GETFL)
    wanted = flags | os.O_DIRECT if direct else flags & ~os.O_DIRECT
    if wanted != flags:
        with contextlib.suppress(OSError):
            fcntl.fcntl(descriptor, fcntl.F_SETFL, wanted)
