"""Other ways to store the same bytes. What is not installed is left out, and said."""

import contextlib
import importlib.util
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import zstandard

from emeritus.vault import codec, kernels
from emeritus.vault.codec import Layout
from emeritus.vault.format import BLOCK_BYTES

ZIPNN_TYPES = {"BF16": "bfloat16", "F16": "float16", "F32": "float32"}
WIDTHS = {"BF16": 2, "F16": 2, "F32": 4}


class Codec(NamedTuple):
    """How to pack a block of raw bytes, and get it back.

    `settle` brings what was packed into the form in which a disk gives it back; it is not timed.
    """

    name: str
    encode: Callable[[bytes, str], Any]
    decode: Callable[[Any, str, int], Any]
    size: Callable[[Any], int]
    types: frozenset[str] | None = None
    settle: Callable[[Any], Any] = lambda stored: stored


def codecs() -> list[Codec]:
    """Return ours, and every rival that is installed."""
    found = [_ours("emeritus, NumPy", compiled=False)]
    if importlib.util.find_spec("numba"):
        found.append(_ours("emeritus, Numba", compiled=True))
    found.append(_zstd())
    for name, make in (("blosc2", _blosc2), ("zipnn", _zipnn), ("openzl", _openzl)):
        if importlib.util.find_spec(name):
            found.append(make())
        else:
            print(f"{name} is not installed and left out")
    return found


def use(compiled: bool) -> None:
    """Choose the kernels."""
    kernels.rest()
    kernels.WORTH_LOADING = 1 if compiled else 1 << 62
    kernels.hasten(1)


def _ours(name: str, *, compiled: bool) -> Codec:
    def encode(raw: bytes, dtype: str) -> Any:
        use(compiled)
        return codec.encode(raw, Layout(dtype))

    def settle(stored: Any) -> Any:
        return (stored[0], tuple(map(len, stored[1]))), b"".join(stored[1])

    def decode(stored: Any, dtype: str, size: int) -> Any:
        use(compiled)
        return codec.decode(stored[1], stored[0], size, Layout(dtype))

    return Codec(name, encode, decode, lambda stored: codec.total(stored[1]), settle=settle)


def _zstd() -> Codec:
    pack, unpack = zstandard.ZstdCompressor(level=3), zstandard.ZstdDecompressor()
    return Codec(
        "zstd -3", lambda raw, _: pack.compress(raw), lambda z, *_: unpack.decompress(z), len
    )


def _blosc2() -> Codec:
    import blosc2

    blosc2.set_nthreads(1)

    def encode(raw: bytes, dtype: str) -> Any:
        return blosc2.compress2(
            raw, typesize=WIDTHS.get(dtype, 1), codec=blosc2.Codec.ZSTD, clevel=1,
            filters=[blosc2.Filter.SHUFFLE], nthreads=1,
        )  # fmt: skip

    return Codec(
        "blosc2 shuffle, zstd -1", encode, lambda z, *_: blosc2.decompress2(z, nthreads=1), len
    )


def _zipnn() -> Codec:
    import zipnn

    made: dict[str, Any] = {}

    def of(dtype: str) -> Any:
        if dtype not in made:
            made[dtype] = zipnn.ZipNN(bytearray_dtype=ZIPNN_TYPES[dtype], threads=1)
        return made[dtype]

    def encode(raw: bytes, dtype: str) -> Any:
        return of(dtype).compress(bytearray(raw))  # it works in place, so it needs its own copy

    def decode(stored: Any, dtype: str, _: int) -> Any:
        return of(dtype).decompress(stored)

    return Codec("zipnn", encode, decode, len, frozenset(ZIPNN_TYPES))


def _openzl() -> Codec:
    import openzl.ext as zl

    nodes = {"BF16": zl.nodes.BFloat16Deconstruct, "F32": zl.nodes.Float32Deconstruct}

    def compressor(dtype: str) -> Any:
        made = zl.Compressor()
        made.set_parameter(zl.CParam.FormatVersion, zl.MAX_FORMAT_VERSION)
        store = zl.graphs.Huffman()(made)
        width = WIDTHS[dtype]
        graph = nodes[dtype]()(
            made, sign_frac=zl.graphs.Store()(made) if width == 4 else store, exponent=store
        )
        made.select_starting_graph(graph)
        return made

    def encode(raw: bytes, dtype: str) -> Any:
        context = zl.CCtx()
        context.ref_compressor(made[dtype])
        context.set_parameter(zl.CParam.FormatVersion, zl.MAX_FORMAT_VERSION)
        numbers = np.frombuffer(raw, f"<u{WIDTHS[dtype]}")
        return context.compress([zl.Input(zl.Type.Numeric, numbers)])

    def decode(stored: Any, _: str, __: int) -> Any:
        return zl.DCtx().decompress(stored)[0].content.as_nparray().tobytes()

    made = {}
    for dtype in nodes:
        with contextlib.suppress(Exception):  # its names change between 0.x versions
            made[dtype] = compressor(dtype)
    return Codec("openzl deconstruct, Huffman", encode, decode, len, frozenset(made))


def bitx(pairs: list[tuple[Any, Any]]) -> int:
    """Return how many bytes BitX takes: XOR with the base, sign rotated away, planes, zstd -1.

    Source: ZipLLM (arXiv 2505.06252), section 4.
    """
    pack = zstandard.ZstdCompressor(level=1)
    taken = 0
    for old, new in pairs:
        change = (old ^ new).reshape(-1)
        change = (change << np.uint16(1)) | (change >> np.uint16(15))
        taken += sum(
            len(pack.compress(plane.tobytes()))
            for plane in ((change >> np.uint16(8)).astype(np.uint8), change.astype(np.uint8))
        )
    return taken


def difference(pairs: list[tuple[Any, Any]]) -> int:
    """Return how many bytes our difference takes, each tensor in blocks of its own."""
    taken = 0
    for old, new in pairs:
        before, after = old.tobytes(), new.tobytes()
        for at in range(0, len(after), BLOCK_BYTES):
            raw, base = after[at : at + BLOCK_BYTES], before[at : at + BLOCK_BYTES]
            taken += codec.total(codec.encode(raw, Layout("BF16"), base)[1])
    return taken
