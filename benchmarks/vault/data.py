"""Tensors that look like those of language models, and pairs before and after an update."""

import numpy as np
import numpy.typing as npt

Words = npt.NDArray[np.uint16]
Floats = npt.NDArray[np.float32]

ROWS, COLUMNS = 2048, 2048


def weights(rng: np.random.Generator, count: int) -> list[Floats]:
    """Return matrices: Gaussian rows of log-normal scale, a scale a matrix, outlier columns."""
    made = []
    for _ in range(count):
        scale = 0.02 * np.exp(rng.normal(0, 0.4)) * np.exp(rng.normal(0, 0.15, (ROWS, 1)))
        matrix = rng.standard_normal((ROWS, COLUMNS), np.float32) * scale.astype(np.float32)
        matrix[:, rng.integers(0, COLUMNS, 4)] *= 4
        made.append(matrix)
    return made


def bfloat16(values: Floats) -> Words:
    """Round to the nearest bfloat16, ties to even."""
    bits = np.ascontiguousarray(values).view(np.uint32)
    rounded = bits + np.uint32(0x7FFF) + ((bits >> np.uint32(16)) & np.uint32(1))
    return (rounded >> np.uint32(16)).astype(np.uint16)


def widened(words: Words) -> Floats:
    """Return bfloat16 words as float32."""
    return (words.astype(np.uint32) << np.uint32(16)).view(np.float32)


def float8(values: Floats) -> npt.NDArray[np.uint8]:
    """Round to e4m3 with a scale for the tensor, through a table of all its numbers."""
    code = np.arange(128)
    exponent, mantissa = code >> 3, code & 7
    table = np.where(
        exponent == 0, mantissa / 8 * 2.0**-6, (1 + mantissa / 8) * 2.0 ** (exponent - 7)
    )
    table = table[:127].astype(np.float32)
    scaled = values / np.abs(values).max() * 448
    middle = (table[1:] + table[:-1]) / 2
    found = np.searchsorted(middle, np.abs(scaled)).astype(np.uint8)
    return found | (np.signbit(scaled).astype(np.uint8) << np.uint8(7))


def packed4(values: Floats) -> npt.NDArray[np.uint8]:
    """Quantise groups of 32 to 4 bits by their largest, as Q4_0 of ggml lays them out."""
    groups = values.reshape(-1, 32)
    extreme = groups[np.arange(len(groups)), np.abs(groups).argmax(1)]
    scale = extreme / -8
    inverse = np.divide(1, scale, out=np.zeros_like(scale), where=scale != 0)
    quants = np.clip(np.trunc(groups * inverse[:, None] + 8.5), 0, 15).astype(np.uint8)
    low_high = quants[:, :16] | (quants[:, 16:] << np.uint8(4))
    scales = scale.astype(np.float16).view(np.uint8).reshape(-1, 2)
    return np.concatenate([scales, low_high], axis=1).reshape(-1)


def samples(size: int, seed: int = 7) -> dict[str, tuple[str, bytes]]:
    """Return about `size` bytes for each type, as (type name, little-endian bytes)."""
    rng = np.random.default_rng(seed)
    count = max(1, size // (4 * ROWS * COLUMNS))
    floats = weights(rng, 2 * count)
    return {
        "bf16": ("BF16", b"".join(bfloat16(each).tobytes() for each in floats)),
        "fp16": ("F16", b"".join(each.astype("<f2").tobytes() for each in floats)),
        "fp32": ("F32", b"".join(each.tobytes() for each in floats[:count])),
        "fp8 e4m3": ("F8_E4M3", b"".join(float8(each).tobytes() for each in floats)),
        "Q4_0": ("Q4_0", b"".join(packed4(each).tobytes() for each in floats)),
    }


def updated(size: int, relative: float, seed: int = 8) -> list[tuple[Words, Words]]:
    """Return bfloat16 matrices before and after noise of `relative` times their deviation."""
    rng = np.random.default_rng(seed)
    pairs = []
    for matrix in weights(rng, max(1, size // (2 * ROWS * COLUMNS))):
        old = bfloat16(matrix)
        noise = rng.standard_normal(matrix.shape, np.float32) * np.float32(relative * matrix.std())
        pairs.append((old, bfloat16(widened(old) + noise)))
    return pairs
