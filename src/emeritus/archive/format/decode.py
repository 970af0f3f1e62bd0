#!/usr/bin/env python3
"""Restore a model from an archive of Emeritus with Python and a zstd library alone.

    python3 -I decode.py ARCHIVE MODEL DEST      for example: decode.py . acme/aster-1 ./aster-1

Exit code 0: every file is restored. 3: something is damaged; what is intact is restored, and what
is not is named. 2: wrong use, or DEST cannot be written. The same line goes on where it stopped.

Needs Python 3.9 or newer with `compression.zstd` (3.14), `zstandard`, or the program `zstd`. It
imports nothing of Emeritus. The rules are those of record.md and vault.md, which lie beside it. Of
the record it compares chain and events with their SHA-256, and follows what agrees; whether the
right people signed it, `check.py` tells. Every file is compared with its recorded SHA-256 before it
gets its name.
"""

import base64
import glob
import hashlib
import json
import os
import shutil
import subprocess
import sys

COMMIT_DOMAIN = b"emeritus-record/1/commit\0"
EVENT_DOMAIN = b"emeritus-record/1/event\0"
COMMIT_BYTES_MAX = 16 * 1024 * 1024
COMMITS_PER_FOLDER = 10000
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


class Damaged(Exception):
    """Stored bytes are not what they should be; the message says which."""


class Encrypted(Exception):
    """What was asked for is encrypted: no damage, and nothing that this program opens."""


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
        pass
    if shutil.which("zstd") is None:
        return None
    command = ["zstd", "-dcq"]
    quiet = subprocess.DEVNULL
    return lambda data, _: (
        subprocess.run(command, input=data, stdout=subprocess.PIPE, stderr=quiet, check=True).stdout
    )


decompress = load_zstd()


def unpack(plane, size):
    """Return the bytes of a plane: zeros, stored as they are, or a zstd frame that is shorter."""
    if not plane:
        return bytes(size)
    data = plane if len(plane) == size else decompress(plane, size)
    if len(data) != size:
        raise Damaged("a plane has %d bytes instead of %d" % (len(data), size))
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


def index_inside(path):
    """Return what the footer of a pack says is its index."""
    with open(path, "rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - 64))
        footer = file.read(64)
        file.seek(min(size, int.from_bytes(footer[8:16], "little")))
        return file.read(min(size, int.from_bytes(footer[16:24], "little")))


def index_beside(path):
    """Return the copy of the index that lies beside a pack."""
    return read_file(path[: -len(".pack")] + ".idx")


class Packs:
    """All packs of an archive, by the objects that they hold."""

    def __init__(self, archive):
        self.places, self.damaged = {}, []
        for path in sorted(glob.glob(os.path.join(glob.escape(archive), "packs", "*", "*.pack"))):
            index = self.index_of(path)
            if index is None:
                self.damaged.append("%s: its index is damaged" % path)
                continue
            for entry in json.loads(index)["objects"]:
                self.places.setdefault(entry["id"], (path, entry))

    @staticmethod
    def index_of(path):
        """Return the index of a pack, or its copy beside it: the one that the pack is named for."""
        name = os.path.basename(path)[: -len(".pack")]
        for read in (index_inside, index_beside):
            try:
                index = read(path)
            except OSError:
                continue
            if hashlib.sha256(index).hexdigest() == name:
                return index
        return None

    def blocks(self, object_id, is_base=False):
        """Yield the raw blocks of an object, in order."""
        if object_id not in self.places:
            raise Damaged("no pack with a sound index holds %s" % object_id)
        path, entry = self.places[object_id]
        if entry.get("encrypted"):
            raise Damaged("%s is encrypted; vault.md says how its blocks are opened" % object_id)
        if is_base and entry.get("base"):
            raise Damaged("%s is a difference to a difference" % object_id)
        bases = self.blocks(entry["base"], True) if entry.get("base") else None
        dtype = entry.get("dtype", "U8")
        for number, (offset, _, _, _, codec, lengths) in enumerate(entry["blocks"]):
            base = next(bases) if bases is not None else None
            size = min(BLOCK, entry["size"] - number * BLOCK)
            try:
                with open(path, "rb") as file:
                    file.seek(offset)
                    planes = [file.read(each) for each in lengths]
                raw = self.block(planes, codec, size, dtype, number * BLOCK, base)
            except Exception as error:  # noqa: BLE001  damaged bytes make any step fail
                raise Damaged("block %d of %s: %s" % (number, object_id, error)) from error
            yield raw

    @staticmethod
    def block(planes, codec, size, dtype, phase, base):
        """Decode one block from its planes."""
        if codec == BYTES:
            return unpack(planes[0], size)
        if codec in (PLANES, PAIRS):
            return undo_planes(planes, size, dtype, codec == PAIRS)
        if codec == COLUMNS:
            return undo_columns(planes, size, dtype, phase)
        return undo_delta(planes, base, dtype)

    def read(self, object_id):
        """Return a whole object."""
        return b"".join(self.blocks(object_id))


# --- the record -----------------------------------------------------------------------------------


def read_file(path, size_max=-1):
    """Return the bytes of a file, or none when it is not there."""
    if not os.path.isfile(path):
        return b""
    with open(path, "rb") as file:
        return file.read(size_max)


def canonical(value):
    """Return the canonical JSON (RFC 8785) of a value without fractions."""
    if isinstance(value, dict):
        names = sorted(value, key=lambda name: name.encode("utf-16-be", "surrogatepass"))
        parts = [canonical(name) + b":" + canonical(value[name]) for name in names]
        return b"{" + b",".join(parts) + b"}"
    if isinstance(value, list):
        return b"[" + b",".join(canonical(item) for item in value) + b"]"
    return json.dumps(value, ensure_ascii=False).encode("utf-8")


def link(domain, value):
    """Return the digest of a header or an event."""
    return "sha256:" + hashlib.sha256(domain + canonical(value)).hexdigest()


def name_of(number):
    """Return where a commit lies in an archive."""
    return "record/%04d/%08d.json" % (number // COMMITS_PER_FOLDER, number)


def read_record(archive, found):
    """Yield (id, event) for what the record says, and name in `found` what does not agree.

    The commits are read by their names, from 1 without gaps, as long as each names the one before.
    """
    number, before = 1, None
    while os.path.isfile(os.path.join(archive, name_of(number))):
        try:
            data = read_file(os.path.join(archive, name_of(number)), COMMIT_BYTES_MAX)
            commit = json.loads(data.decode("utf-8"))
            header, events = commit["header"], commit["events"]
            if (header["sequence"], header["prev"]) != (number, before):
                raise Damaged("it does not name the commit before it")
            before, leaves = link(COMMIT_DOMAIN, header), header["leaves"]
            if len(leaves) != len(events):
                raise Damaged("%d events, %d signed" % (len(events), len(leaves)))
            digests = [link(EVENT_DOMAIN, event) for event in events]
        except (Damaged, OSError, KeyError, TypeError, ValueError, RecursionError) as error:
            found.append("%s: %s; nothing from there on was read" % (name_of(number), error))
            break
        for position, event in enumerate(events):
            if digests[position] == leaves[position]:
                yield "%d.%d" % (number, position), event
            else:
                found.append(
                    "%s: event %d.%d is not the one that was signed; it was passed over"
                    % (name_of(number), number, position)
                )
        number += 1
    read = {name_of(each) for each in range(1, number)}
    pattern = os.path.join(glob.escape(archive), "record", "*", "*.json")
    for path in sorted(glob.glob(pattern)):
        name = os.path.relpath(path, archive).replace(os.sep, "/")
        if name not in read:
            say("note: %s is no commit that follows; it was not read" % name)


def find_manifest(archive, model, packs, found):
    """Return the newest manifest of a model that the record names, from a pack or its rendering."""
    newest = None
    for event_id, event in read_record(archive, found):
        if event.get("kind") == "weights.preserved" and event.get("model") == model:
            newest = event_id, event
    if newest is None:
        return None
    event_id, event = newest
    if event.get("encrypted"):
        raise Encrypted("the weights of %s are encrypted; vault.md says how they open" % model)
    object_id, sha256 = event["manifest"], event["manifest_sha256"]
    document = "models/%s/manifest-%s.json" % (model, event_id.partition(".")[0])
    try:
        data = packs.read(object_id)
    except Damaged as error:
        found.append("the manifest: %s" % error)
        data = read_file(os.path.join(archive, document))
    if "sha256:" + hashlib.sha256(data).hexdigest() != sha256:
        raise Damaged(
            "the manifest that event %s cites is in no pack and not in models/" % event_id
        )
    return json.loads(data)


# --- the files ------------------------------------------------------------------------------------


def path_in(entry):
    """Return the path of a file or a folder, also one that is not UTF-8, in any locale."""
    path = entry.get("path")
    return os.fsdecode(
        path.encode() if path is not None else base64.b64decode(entry["path_base64"])
    )


def path_of(dest, name):
    """Return where a file belongs, inside DEST."""
    if "\0" in name or any(part in ("", ".", "..") for part in name.split("/")):
        raise Damaged("it would lie outside the folder")
    return os.path.join(dest, name)


def sha256_of(path):
    """Return the SHA-256 of a file that is there, else None."""
    if os.path.islink(path) or not os.path.isfile(path):
        return None
    hasher = hashlib.sha256()
    with open(path, "rb") as file:
        for part in iter(lambda: file.read(BLOCK), b""):
            hasher.update(part)
    return "sha256:" + hasher.hexdigest()


def restore(packs, file, target, part):
    """Write one file by way of `part`; it gets its name when its SHA-256 is the recorded one."""
    if os.path.lexists(target):
        if sha256_of(target) != file["sha256"]:
            raise Damaged("another file is there already; it was not touched")
        return
    os.makedirs(os.path.dirname(target), exist_ok=True)
    hasher = hashlib.sha256()
    try:
        with open(part, "wb") as out:
            for object_id, offset, length in file["recipe"]:
                at = 0
                for raw in packs.blocks(object_id):
                    piece = raw[max(0, offset - at) : max(0, offset + length - at)]
                    hasher.update(piece)
                    out.write(piece)
                    at += len(raw)
        if "sha256:" + hasher.hexdigest() != file["sha256"]:
            raise Damaged("what was decoded does not have its recorded SHA-256")
        os.chmod(part, file["mode"])
        os.replace(part, target)
    finally:
        if os.path.lexists(part):
            os.remove(part)


def restore_all(packs, manifest, dest, found):
    """Restore every file that is intact; return how many. Name the others in `found`."""
    files, done = {}, 0
    for file in manifest["files"]:
        files[path_in(file)] = file
    part = ".decoding"
    while any(name.split("/")[0] == part for name in files):
        part += "-"
    part = os.path.join(dest, part)
    if os.path.lexists(part):
        os.remove(part)  # of a run that was killed
    for folder in manifest.get("empty_folders", ()):
        os.makedirs(path_of(dest, path_in(folder)), exist_ok=True)
    for name, file in files.items():
        try:
            restore(packs, file, path_of(dest, name), part)
        except Damaged as error:
            found.append("%s: %s" % (name, error))
            continue
        done += 1
        say("%s  %s" % (file["sha256"].partition(":")[2], name))
    say("%d of %d files restored in %s" % (done, len(files), dest))


def say(text):
    """Print a line without characters that a terminal would obey."""
    shown = (c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
    print("".join(shown))


def main(arguments):
    """Restore the model that is named; return the exit code."""
    if len(arguments) != 3:
        print(__doc__)
        return 2
    archive, model, dest = arguments
    if decompress is None:
        say("this needs zstd: Python 3.14, the package zstandard, or the program zstd")
        return 2
    if not os.path.isfile(os.path.join(archive, name_of(1))):
        say("%s is no archive: it has no %s" % (archive, name_of(1)))
        return 2
    packs, found, manifest = Packs(archive), [], None
    try:
        manifest = find_manifest(archive, model, packs, found)
        if manifest is None:
            say("the record names no weights of %s" % model)
        else:
            restore_all(packs, manifest, dest, found)
    except Encrypted as error:
        say("%s" % error)
        return 2
    except (Damaged, KeyError, TypeError, ValueError) as error:
        found.append("%s" % error)
    except OSError as error:
        say("%s: %s" % (error.filename or dest, error.strerror))
        return 2
    for each in packs.damaged + found:
        say("DAMAGED  %s" % each)
    if packs.damaged and not found:
        say("nothing that was asked for lies there")
    say("signatures were not checked: check.py does that")
    if found:
        return 3
    return 0 if manifest is not None else 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
