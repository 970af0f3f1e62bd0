"""The identity of an object: a hash of its raw bytes, never of how they are stored."""

from collections.abc import Iterable

from blake3 import blake3

from emeritus.vault.format import BLOCK_BYTES, OBJECT_DOMAIN


def object_id(size: int, block_hashes: Iterable[bytes]) -> str:
    """Return the id of an object of `size` bytes with these BLAKE3 hashes of its 4 MiB blocks."""
    hasher = blake3(OBJECT_DOMAIN + size.to_bytes(8, "little"))
    for block_hash in block_hashes:
        hasher.update(block_hash)
    return "blake3:" + hasher.hexdigest()


class ObjectHash:
    """The id of bytes that arrive in order, in parts of any size."""

    def __init__(self) -> None:
        self._size = 0
        self._hashes: list[bytes] = []
        self._block = blake3()
        self._filled = 0

    def update(self, data: bytes | memoryview) -> None:
        """Take the next bytes."""
        rest = memoryview(data)
        self._size += len(rest)
        while rest:
            part, rest = rest[: BLOCK_BYTES - self._filled], rest[BLOCK_BYTES - self._filled :]
            self._block.update(part)
            self._filled += len(part)
            if self._filled == BLOCK_BYTES:
                self._close_block()

    def finish(self) -> str:
        """Return the id of everything taken so far."""
        if self._filled:
            self._close_block()
        return object_id(self._size, self._hashes)

    def _close_block(self) -> None:
        self._hashes.append(self._block.digest())
        self._block, self._filled = blake3(), 0


def id_of(data: bytes) -> str:
    """Return the id of an object that is in memory."""
    hasher = ObjectHash()
    hasher.update(data)
    return hasher.finish()
