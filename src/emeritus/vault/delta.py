"""The difference of a block to the same block of a base object.

A change has one scale in a tensor, and a step of a float scales with its exponent: so the
differences of one group of the base's exponents have one scale, and a Huffman table that fits them.
"""

import dataclasses
from collections.abc import Sequence
from typing import Final

import numpy as np

from emeritus.safetensors import WIDTHS
from emeritus.vault import kernels
from emeritus.vault.format import EXPONENT_BITS
from emeritus.vault.numpy_kernels import GROUPS, Bytes
from emeritus.vault.planes import Plane, Planes, pack, require, total, words_of

TRIAL_BYTES: Final = 16 * 1024  # of each group of differences, to choose how they are packed

SYMBOLS: Final = {2: 15, 4: 3, 8: 1}
"""Small numbers in one byte: how many, and the largest, which says that the rest follows."""

JOINED: Final = 255  # the mode of a group whose numbers are packed with those of the next one
JOINED_MOST: Final = 128 * 1024  # numbers; zstd changes its table that often anyway


def encode_delta(data: Bytes, base: Bytes, dtype: str) -> list[Plane]:
    """Return how the groups of each plane are packed, and then what they are packed into."""
    width = WIDTHS[dtype]
    reference = words_of(base, width)
    group, counts = kernels.current().group(reference, EXPONENT_BITS[dtype])
    modes, stored = bytearray(), list[Plane]()
    for plane in kernels.current().difference(words_of(data, width), reference, group, counts):
        for run in _runs(plane, counts.tolist()):
            modes += bytes([JOINED] * (run.groups - 1) + [run.mode])
            stored += run.planes
    return [bytes(modes), *stored]


def decode_delta(planes: Planes, base: Bytes, out: Bytes, dtype: str) -> None:
    """Undo `encode_delta` into `out`; raises `NotDecodable`."""
    width = WIDTHS[dtype]
    reference = words_of(base, width)
    group, counts = kernels.current().group(reference, EXPONENT_BITS[dtype])
    modes = planes.take(GROUPS * width).tolist()
    change = []
    for number in range(width):
        runs, joined = [], 0
        for mode, count in zip(modes[number * GROUPS :], counts.tolist(), strict=False):
            joined += count
            if mode != JOINED:
                runs.append(_unpack_small(planes, mode, joined))
                joined = 0
        require(joined == 0, "of runs that end")
        change.append(np.concatenate(runs))
    kernels.current().sum(change, reference, group, counts, words_of(out, width))


@dataclasses.dataclass(slots=True)
class _Run:
    """Neighbouring groups of one plane whose numbers are packed together."""

    start: int
    count: int
    mode: int
    planes: list[Plane]
    groups: int = 1


def _runs(plane: Bytes, counts: Sequence[int]) -> list[_Run]:
    """Pack the groups of a plane; short ones together where one table serves them better."""
    runs: list[_Run] = []
    start = 0
    for count in counts:
        run = _Run(start, count, *_pack_small(plane[start : start + count]))
        start += count
        if runs and runs[-1].count + count <= JOINED_MOST:
            last = runs[-1]
            mode, planes = _pack_small(plane[last.start : start])
            if total(planes) <= total(last.planes) + total(run.planes):
                run = _Run(last.start, last.count + count, mode, planes, last.groups + 1)
                runs.pop()
        runs.append(run)
    return runs


def _pack_small(numbers: Bytes) -> tuple[int, list[Plane]]:
    """Return how many numbers stand in a byte (0: all are zero), and the planes.

    A Huffman code spends at least one bit on a byte; where most numbers are 0, several of them
    in a byte come below one bit each.
    """
    if not numbers.any():
        return 0, []
    middle = max(0, (len(numbers) - TRIAL_BYTES) // 2)
    sample = numbers[middle : middle + TRIAL_BYTES]
    modes = [1, *(each for each in SYMBOLS if sample.mean() <= SYMBOLS[each])]
    sizes = {each: total(_small_planes(sample, each)) for each in modes} if modes[1:] else {1: 0}
    mode = min(sizes, key=lambda each: sizes[each])
    return mode, _small_planes(numbers, mode)


def _small_planes(numbers: Bytes, mode: int) -> list[Plane]:
    if mode == 1:
        return [pack(numbers)]
    most = np.uint8(SYMBOLS[mode])
    symbols = np.zeros(-(-len(numbers) // mode) * mode, np.uint8)
    np.minimum(numbers, most, out=symbols[: len(numbers)])
    packed = symbols[::mode].copy()
    for place in range(1, mode):
        packed |= symbols[place::mode] << np.uint8(place * 8 // mode)
    return [pack(packed), pack(numbers[numbers >= most] - most)]


def _unpack_small(planes: Planes, mode: int, count: int) -> Bytes:
    if mode == 0:
        return np.zeros(count, np.uint8)
    if mode == 1:
        return planes.take(count)
    require(mode in SYMBOLS, "of known modes")
    packed, most = planes.take(-(-count // mode)), np.uint8(SYMBOLS[mode])
    symbols = np.empty((len(packed), mode), np.uint8)
    for place in range(mode):
        symbols[:, place] = (packed >> np.uint8(place * 8 // mode)) & most
    numbers = symbols.reshape(-1)[:count]
    large = np.flatnonzero(numbers == most)
    numbers[large] += planes.take(len(large))
    return numbers
