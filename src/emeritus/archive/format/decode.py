#!/usr/bin/env python3
"""Restore a model from an archive of Emeritus with Python and a zstd library alone.

    python3 -I decode.py ARCHIVE MODEL DEST      for example: decode.py . acme/aster-1 ./aster-1

Needs Python 3.9 or newer with `compression.zstd` (3.14), `zstandard`, or the program `zstd`. It
imports nothing of Emeritus. The rules are those of vault.md, which lies beside it. Every file is
compared with its recorded SHA-256 before it gets its name.
"""

import base64
import glob
import hashlib
import json
import os
import subprocess
import sys

BLOCK = 4 * 1024 * 1024
BYTES, PLANES, DELTA, COLUMNS, PAIRS = 0, 1, 2, 3, 4
GROUPS, JOINED = 16, 255
LARGEST = {2: 15, 4: 3, 8: 1}  # of the small numbers of which so many stand in one byte
WIDTHS = {
    "I16": 2,
    "U16": 2,
    "F16": 2,
    "BF16": 2,
    "I32": 4,
    "U32": 4,
    "F32": 4,
    "F64": 8,
    "I64": 8,
    "U64": 8,
}
EXPONENT_BITS = {"F16": 5, "BF16": 8, "F32": 8, "F64": 11}
RECORDS = {
    "Q4_0": (1, 1, 16),
    "Q4_1": (1, 1, 1, 1, 16),
    "Q5_0": (1, 1, 4, 16),
    "Q5_1": (1, 1, 1, 1, 4, 16),
    "Q8_0": (1, 1, 32),
    "Q2_K": (16, 64, 1, 1, 1, 1),
    "Q3_K": (32, 64, 12, 1, 1),
    "Q4_K": (1, 1, 1, 1, 12, 128),
    "Q5_K": (1, 1, 1, 1, 12, 32, 128),
    "Q6_K": (128, 64, 16, 1, 1),
    "Q8_K": (1, 1, 1, 1, 256, 32),
    "IQ1_S": (1, 1, 32, 16),
    "IQ1_M": (32, 16, 8),
    "IQ2_XXS": (1, 1, 64),
    "IQ2_XS": (1, 1, 64, 8),
    "IQ2_S": (1, 1, 64, 8, 8),
    "IQ3_XXS": (1, 1, 96),
    "IQ3_S": (1, 1, 64, 8, 32, 4),
    "IQ4_NL": (1, 1, 16),
    "IQ4_XS": (1, 1, 2, 4, 128),
    "TQ1_0": (48, 4, 1, 1),
    "TQ2_0": (64, 1, 1),
    "MXFP4": (1, 16),
    "NVFP4": (4, 32),
    "Q1_0": (1, 1, 16),
}


def load_zstd():
    """Return a function that decompresses one zstd frame of known length."""
    try:
        from compression import zstd

        return lambda data, _: zstd.decompress(data)
    except ImportError:
        pass
    try:
        import zstandard

        return lambda data, size: zstandard.ZstdDecompressor().decompress(
            data, max_output_size=size
        )
    except ImportError:
        return lambda data, _: (
            subprocess.run(["zstd", "-dc"], input=data, stdout=subprocess.PIPE, check=True).stdout
        )


decompress = load_zstd()


def unpack(plane, size):
    """Return the bytes of a plane: zeros, stored as they are, or a zstd frame that is shorter."""
    if not plane:
        return bytes(size)
    data = plane if len(plane) == size else decompress(plane, size)
    if len(data) != size:
        sys.exit("a plane has %d bytes instead of %d" % (len(data), size))
    return data


def interleave(planes, width):
    """Put the bytes of elements together again; the first plane is the most significant."""
    out = bytearray(len(planes[0]) * width)
    for position, plane in enumerate(planes):
        out[width - 1 - position :: width] = plane
    return out


def words(data, width):
    """Return the little-endian unsigned numbers in `data`."""
    return memoryview(bytes(data)).cast({2: "H", 4: "I", 8: "Q"}[width]).tolist()


def to_bytes(numbers, width):
    """Return numbers as little-endian bytes."""
    return b"".join(number.to_bytes(width, "little") for number in numbers)


def undo_pairs(packed, escaped, size):
    """Return a plane whose bytes stand two in one, as how far they are below the first byte."""
    packed = unpack(packed, 1 + (size + 1) // 2)
    out = bytearray(2 * len(packed) - 2)
    top = packed[0]
    out[0::2] = bytes((top - (both & 15)) % 256 for both in packed[1:])
    out[1::2] = bytes((top - (both >> 4)) % 256 for both in packed[1:])
    del out[size:]
    places = [at for at, byte in enumerate(out) if (top - byte) % 256 == 15]
    for at, byte in zip(places, unpack(escaped, len(places))):
        out[at] = byte
    return bytes(out)


def undo_planes(planes, size, dtype, paired):
    """Codecs PLANES and PAIRS: byte planes, of floats with the sign rotated to the low end."""
    width = WIDTHS[dtype]
    first = [undo_pairs(planes[0], planes[1], size // width)] if paired else []
    rest = planes[2:] if paired else planes
    data = interleave([*first, *(unpack(plane, size // width) for plane in rest)], width)
    if dtype not in EXPONENT_BITS:
        return bytes(data)
    top = 8 * width - 1
    return to_bytes([(w >> 1) | ((w & 1) << top) for w in words(data, width)], width)


def undo_columns(planes, size, dtype, phase):
    """Codec COLUMNS: the bytes of each column of the records, wherever the first one begins."""
    columns = []
    for number, width in enumerate(RECORDS[dtype]):
        columns += [number] * width
    at = [columns[(phase + place) % len(columns)] for place in range(size)]
    parts = []
    for number, plane in enumerate(planes):
        parts.append(iter(unpack(plane, at.count(number))))
    return bytes(next(parts[column]) for column in at)


def unpack_small(mode, count, take):
    """Return `count` small numbers, of which `mode` stand in a byte."""
    if mode == 0:
        return bytes(count)
    if mode == 1:
        return take(count)
    largest, bits = LARGEST[mode], 8 // mode
    out = bytearray()
    for byte in take(-(-count // mode)):
        out += bytes((byte >> (bits * place)) & largest for place in range(mode))
    del out[count:]
    large = [at for at, number in enumerate(out) if number == largest]
    for at, rest in zip(large, take(len(large))):
        out[at] += rest
    return bytes(out)


def undo_delta(planes, base, dtype):
    """Codec DELTA: differences to the base, grouped by the base's exponent, zigzag, packed."""
    width = WIDTHS[dtype]
    bits = 8 * width
    shift, mask = bits - 1 - EXPONENT_BITS[dtype], (1 << EXPONENT_BITS[dtype]) - 1
    reference = words(base, width)
    exponents = [(w >> shift) & mask for w in reference]
    largest = max(exponents, default=0)
    groups = [[] for _ in range(GROUPS)]
    for at, exponent in enumerate(exponents):
        groups[min(largest - exponent, GROUPS - 1)].append(at)
    left = iter(planes)

    def take(size):
        return unpack(next(left), size)

    modes = take(GROUPS * width)
    parts = []
    for number in range(width):
        plane, joined = bytearray(), 0
        for group in range(GROUPS):
            joined += len(groups[group])
            mode = modes[number * GROUPS + group]
            if mode != JOINED:
                plane += unpack_small(mode, joined, take)
                joined = 0
        parts.append(plane)
    out = [0] * len(reference)
    order = [at for group in groups for at in group]
    for at, z in zip(order, words(interleave(parts, width), width)):
        change = (z >> 1) ^ -(z & 1)
        out[at] = (reference[at] + change) & ((1 << bits) - 1)
    return to_bytes(out, width)


class Packs:
    """All packs of an archive, by the objects that they hold."""

    def __init__(self, archive):
        self.places = {}
        for path in sorted(glob.glob(os.path.join(archive, "packs", "*", "*.pack"))):
            with open(path, "rb") as file:
                file.seek(-64, os.SEEK_END)
                footer = file.read(64)
                offset, size = (int.from_bytes(footer[at : at + 8], "little") for at in (8, 16))
                file.seek(offset)
                index = file.read(size)
            if hashlib.sha256(index).digest() != footer[32:]:
                sys.exit("%s: its index is damaged" % path)
            for entry in json.loads(index)["objects"]:
                self.places.setdefault(entry["id"], (path, entry))

    def blocks(self, object_id):
        """Yield the raw blocks of an object, in order."""
        if object_id not in self.places:
            sys.exit("no pack holds %s" % object_id)
        path, entry = self.places[object_id]
        bases = self.blocks(entry["base"]) if entry.get("base") else None
        with open(path, "rb") as file:
            for number, (offset, length, _, _, codec, lengths) in enumerate(entry["blocks"]):
                file.seek(offset)
                stored = file.read(length)
                size = min(BLOCK, entry["size"] - number * BLOCK)
                base = next(bases) if bases is not None else None
                dtype = entry.get("dtype", "U8")
                planes, at = [], 0
                for plane in lengths:
                    planes.append(stored[at : at + plane])
                    at += plane
                if codec == BYTES:
                    yield unpack(planes[0], size)
                elif codec in (PLANES, PAIRS):
                    yield undo_planes(planes, size, dtype, codec == PAIRS)
                elif codec == COLUMNS:
                    yield undo_columns(planes, size, dtype, number * BLOCK)
                else:
                    yield undo_delta(planes, base, dtype)

    def read(self, object_id):
        """Return a whole object."""
        return b"".join(self.blocks(object_id))


def find_manifest(archive, model):
    """Return the id and SHA-256 of the newest manifest of a model, from the record."""
    found = None
    for path in sorted(glob.glob(os.path.join(archive, "record", "*", "*.json"))):
        with open(path, encoding="utf-8") as file:
            # None stands for an event that an excerpt of the record leaves out.
            for event in filter(None, json.load(file)["events"]):
                if event.get("kind") == "weights.preserved" and event.get("model") == model:
                    found = event["manifest"], event["manifest_sha256"]
    if found is None:
        sys.exit("the record names no weights of %s" % model)
    return found


def restore(packs, file, dest):
    """Write one file, and give it its name when its SHA-256 is the recorded one."""
    name = file.get("path") or os.fsdecode(base64.b64decode(file["path_base64"]))
    if name.startswith("/") or ".." in name.split("/"):
        sys.exit("%r would lie outside the folder" % name)
    target = os.path.join(dest, name)
    os.makedirs(os.path.dirname(target), exist_ok=True)
    hasher = hashlib.sha256()
    with open(target + ".part", "wb") as out:
        for object_id, offset, length in file["recipe"]:
            at = 0
            for raw in packs.blocks(object_id):
                part = raw[max(0, offset - at) : max(0, offset + length - at)]
                hasher.update(part)
                out.write(part)
                at += len(raw)
    if "sha256:" + hasher.hexdigest() != file["sha256"]:
        sys.exit("%s does not have its recorded SHA-256" % name)
    os.chmod(target + ".part", file["mode"])
    os.replace(target + ".part", target)
    print("%s  %s" % (hasher.hexdigest(), name))


def main():
    """Restore the model that is named."""
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    archive, model, dest = sys.argv[1:]
    if os.path.exists(dest):
        sys.exit("%s exists; name a new folder" % dest)
    manifest_id, sha256 = find_manifest(archive, model)
    packs = Packs(archive)
    data = packs.read(manifest_id)
    if "sha256:" + hashlib.sha256(data).hexdigest() != sha256:
        sys.exit("the manifest is not the one on record")
    for file in json.loads(data)["files"]:
        restore(packs, file, dest)


if __name__ == "__main__":
    main()
