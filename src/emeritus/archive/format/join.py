"""Put packs together from the shards of a few places: one file, nothing but Python 3.9 or newer.

    python3 -I join.py DEST PLACE PLACE [PLACE ...]

Writes an archive into the new folder DEST: the packs, and record, documents and pages as they
stand in the place with the longest record. DEST is marked as a replica; if the archive itself is
lost, delete DEST/replica.json, and it is the primary one. The rules are those of shards.md, beside
this file. Damaged shards are told apart where the package `blake3` is installed; without it,
damage shows when check.py and decode.py compare what they read with the SHA-256 of every document
and file.
"""

import contextlib
import hashlib
import json
import os
import re
import shutil
import sys

HEADER = 4096
STRIPE = 1 << 20
NAME = re.compile(r"[0-9a-f]{64}\.\d{3}\Z")
OF_ITS_OWN = ("shards", "shards.json", "replica.json", "packs", "quarantine")

try:
    from blake3 import blake3
except ImportError:
    blake3 = None

# --- the field GF(2^8) with the polynomial 0x11d --------------------------------------------------

POWER, LOG = [0] * 510, [0] * 256
_number = 1
for _exponent in range(255):
    POWER[_exponent] = POWER[_exponent + 255] = _number
    LOG[_number] = _exponent
    _number = (_number << 1) ^ (0x11D if _number & 0x80 else 0)


def product(one, other):
    """Return one times other."""
    return POWER[LOG[one] + LOG[other]] if one and other else 0


def reciprocal(number):
    """Return 1 / number."""
    return POWER[255 - LOG[number]]


def row_of(number, data):
    """Return how shard `number` is made from the data shards."""
    if number < data:
        return [int(number == each) for each in range(data)]
    return [reciprocal(number ^ each) for each in range(data)]


def inverse(rows):
    """Return the inverse of a matrix (Gauss and Jordan)."""
    size = len(rows)
    table = [list(row) + [int(at == each) for each in range(size)] for at, row in enumerate(rows)]
    for column in range(size):
        pivot = next(at for at in range(column, size) if table[at][column])
        table[column], table[pivot] = table[pivot], table[column]
        scale = reciprocal(table[column][column])
        table[column] = [product(scale, each) for each in table[column]]
        for at in range(size):
            factor = table[at][column]
            if at != column and factor:
                pairs = zip(table[at], table[column])
                table[at] = [one ^ product(factor, other) for one, other in pairs]
    return [row[size:] for row in table]


def combined(coefficients, parts):
    """Return the sum of parts, each times its coefficient."""
    total = 0
    for coefficient, part in zip(coefficients, parts):
        if coefficient:
            table = bytes(product(coefficient, each) for each in range(256))
            total ^= int.from_bytes(part.translate(table), "little")
    return total.to_bytes(len(parts[0]), "little")


# --- shards and packs -----------------------------------------------------------------------------


def header_of(path):
    """Return what a shard says of itself, or None when it is damaged or contradicts itself."""
    try:
        with open(path, "rb") as file:
            head = json.loads(file.read(HEADER).rstrip(b"\0"))
            name = "%s.%03d" % (head["pack"], head["number"])
            length = -(-head["size"] // head["data"])
            said = (head["format"], head["length"], name, os.path.getsize(path))
            right = ("emeritus-shard/1", length, os.path.basename(path), HEADER + length + 32)
            return head if said == right and has_its_hash(file, HEADER + length) else None
    except (OSError, ValueError, KeyError, TypeError, ZeroDivisionError):
        return None


def has_its_hash(file, left):
    """Compare the first `left` bytes with the BLAKE3 behind them, where that can be computed."""
    if blake3 is None:
        return True
    hasher = blake3()
    file.seek(0)
    while left:
        part = file.read(min(STRIPE, left))
        hasher.update(part)
        left -= len(part)
    return file.read() == hasher.digest()


def write_pack(target, data, size, chosen):
    """Write a pack of `size` bytes from `chosen`: the paths of as many shards as hold data."""
    length, numbers = -(-size // data), sorted(chosen)
    rows = inverse([row_of(number, data) for number in numbers])
    with contextlib.ExitStack() as stack:
        files = {number: stack.enter_context(open(chosen[number], "rb")) for number in numbers}
        out = stack.enter_context(open(target, "wb"))
        for part in range(data):
            for at in range(0, length, STRIPE):
                pieces = []
                for number in [part] if part in chosen else numbers:
                    files[number].seek(HEADER + at)
                    pieces.append(files[number].read(min(STRIPE, length - at)))
                whole = pieces[0] if part in chosen else combined(rows[part], pieces)
                out.write(whole[: max(0, size - part * length - at)])


def is_pack(path, pack):
    """Tell whether a file has the index that the pack is named for."""
    with open(path, "rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - 64))
        footer = file.read(64)
        file.seek(int.from_bytes(footer[8:16], "little") % (size + 1))
        index = file.read(min(int.from_bytes(footer[16:24], "little"), size))
    return hashlib.sha256(index).hexdigest() == pack


def join(pack, paths, target):
    """Put one pack together; return None, or what is missing."""
    sound = {}
    for path in paths:
        head = header_of(path)
        if head is not None:
            scheme = (head["data"], head["parity"], head["size"])
            sound.setdefault(scheme, {})[head["number"]] = path
    for (data, _, size), shards in sound.items():
        if len(shards) >= data:
            write_pack(target, data, size, {each: shards[each] for each in sorted(shards)[:data]})
            if is_pack(target, pack):
                return None
            os.unlink(target)
    return "%s: %d sound shards are not enough" % (pack, sum(map(len, sound.values())))


# --- the archive ----------------------------------------------------------------------------------


def shards_in(places):
    """Return the paths of all shards by pack."""
    found = {}
    for place in places:
        for folder, _, files in os.walk(os.path.join(place, "shards")):
            for name in filter(NAME.match, files):
                found.setdefault(name[:64], []).append(os.path.join(folder, name))
    return found


def copy_rest(places, dest):
    """Copy record, documents and pages from the place with the longest record."""
    commits = {
        place: sum(len(files) for _, _, files in os.walk(os.path.join(place, "record")))
        for place in places
    }
    newest = max(places, key=lambda place: commits[place])
    for name in os.listdir(newest):
        if name not in OF_ITS_OWN:
            path = os.path.join(newest, name)
            copy = shutil.copytree if os.path.isdir(path) else shutil.copy
            copy(path, os.path.join(dest, name))


def mark(places, dest):
    """Say that `dest` is a copy: the archive may still live, and two must not be written to."""
    said = {"archive": "unknown", "replica": "rebuilt"}
    for place in places:
        try:
            with open(os.path.join(place, "shards.json"), "rb") as file:
                said["archive"] = str(json.loads(file.read())["archive"])
                break
        except (OSError, ValueError, KeyError, TypeError):
            continue  # another place may say it
    with open(os.path.join(dest, "replica.json"), "w") as file:
        json.dump(said, file, sort_keys=True, separators=(",", ":"))


def main(arguments):
    """Put every pack together; 0 when all are there, 2 for wrong arguments, 3 when some are not."""
    if len(arguments) < 2:
        print(__doc__)
        return 2
    dest, places = arguments[0], arguments[1:]
    if os.path.exists(dest):
        print("%s is there already; name a new folder" % dest)
        return 2
    found = shards_in(places)
    if not found:
        print("there are no shards in %s" % ", ".join(places))
        return 2
    os.makedirs(dest)
    mark(places, dest)
    missing = []
    for pack, paths in sorted(found.items()):
        folder = os.path.join(dest, "packs", pack[:2])
        os.makedirs(folder, exist_ok=True)
        wrong = join(pack, paths, os.path.join(folder, pack + ".pack"))
        missing += [wrong] if wrong else []
    copy_rest(places, dest)
    for wrong in missing:
        print("MISSING  %s" % wrong)
    print("%d of %d packs put together in %s" % (len(found) - len(missing), len(found), dest))
    return 3 if missing else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
