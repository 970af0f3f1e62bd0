#!/usr/bin/env python3
"""Check a dossier (or an archive) of Emeritus with nothing but Python 3.9 or newer.

    python3 -I check.py FOLDER [--trust FINGERPRINT] [--against CHECKPOINT] [--witness KEY]

Exit code 0: everything agrees. 3: something is not what was signed. 2: wrong use.

It imports nothing of Emeritus and nothing from outside the standard library. The rules are those
of record.md, conversation.md and dossier.md, which lie beside it or in data/format/.
"""

import argparse
import base64
import datetime
import hashlib
import json
import os
import re
import sys

FILE_BYTES_MAX = 64 * 1024 * 1024
COMMIT_DOMAIN = b"emeritus-record/0/commit\0"
EVENT_DOMAIN = b"emeritus-record/0/event\0"
LINE_DOMAIN = b"emeritus-conversation/0/line\0"

# Which roles may sign which kind of event: the table of record.md.
STEWARD, REVIEWER, MACHINE = ("steward",), ("reviewer",), ("service", "steward")
SIGNED_BY = {
    "access.decided": STEWARD,
    "archive.created": ("root",),
    "battery.run": MACHINE,
    "comment.received": MACHINE,
    "damage.found": MACHINE,
    "damage.repaired": MACHINE,
    "date.moved": STEWARD,
    "deployment.registered": MACHINE,
    "drill.failed": MACHINE,
    "drill.passed": MACHINE,
    "fixity.checked": MACHINE,
    "gate.approved": ("approver",),
    "gate.waived": STEWARD,
    "guide.published": STEWARD,
    "interview.impossible": MACHINE,
    "key.added": ("root",),
    "key.revoked": ("root",),
    "legacy.declared": STEWARD,
    "model.covered": STEWARD,
    "model.registered": STEWARD,
    "model.reinstated": STEWARD,
    "model.retired": STEWARD,
    "offering.opened": STEWARD,
    "policy.adopted": STEWARD,
    "preference.acted_on": REVIEWER,
    "preference.considered": REVIEWER,
    "preference.declined": REVIEWER,
    "preference.documented": MACHINE + REVIEWER,
    "protocol.published": MACHINE,
    "record.renewed": STEWARD,
    "reference.recorded": MACHINE,
    "replica.added": STEWARD,
    "replica.synced": MACHINE,
    "report.signed": STEWARD,
    "retirement.announced": STEWARD,
    "runset.preserved": MACHINE,
    "session.held": MACHINE,
    "shards.placed": STEWARD,
    "shards.written": MACHINE,
    "stance.coded": MACHINE + REVIEWER,
    "threshold.set": ("root",),
    "variant.registered": STEWARD,
    "weights.preserved": MACHINE,
}
ROOT_EVENTS = ("key.added", "key.revoked", "threshold.set")


class Wrong(Exception):
    """Something is not what it should be; the message says what."""


# --- canonical JSON (RFC 8785, for values without fractions) --------------------------------------


def read_json(data, depth_max=64):
    """Read JSON strictly: UTF-8, no name twice in an object, no fractions, bounded depth."""

    def members(pairs):
        if len(dict(pairs)) != len(pairs):
            raise Wrong("a name stands twice in one object")
        return dict(pairs)

    def refuse(text):
        raise Wrong("the number %s has no place in a record" % text[:24])

    def integer(text):
        if len(text) > 17 or abs(int(text)) >= 2**53:
            raise Wrong("the integer %s is too large" % text[:24])
        return int(text)

    try:
        value = json.loads(
            data.decode("utf-8"),
            object_pairs_hook=members,
            parse_float=refuse,
            parse_constant=refuse,
            parse_int=integer,
        )
        if canonical(value, depth_max) != data:
            raise Wrong("it is not in canonical form")
    except (ValueError, RecursionError) as error:
        raise Wrong("it is no JSON: %s" % error)
    return value


def canonical(value, depth=64):
    """Return the canonical bytes of a value."""
    if depth == 0:
        raise Wrong("it is nested too deep")
    if isinstance(value, dict):
        # Names are ordered by their UTF-16 code units (RFC 8785, section 3.2.3).
        names = sorted(value, key=lambda name: name.encode("utf-16-be", "surrogatepass"))
        parts = [canonical(name) + b":" + canonical(value[name], depth - 1) for name in names]
        return b"{" + b",".join(parts) + b"}"
    if isinstance(value, list):
        return b"[" + b",".join(canonical(item, depth - 1) for item in value) + b"]"
    return json.dumps(value, ensure_ascii=False).encode("utf-8")


def link(domain, value):
    """Return the digest of a value in a chain."""
    return "sha256:" + hashlib.sha256(domain + canonical(value)).hexdigest()


# --- Ed25519 (RFC 8032, section 5.1; the formulas of its section 6, in extended coordinates) ------

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
ROOT = pow(2, (P - 1) // 4, P)


def point_add(a, b):
    """Add two points (x, y, z, t) with x = X/Z, y = Y/Z, xy = T/Z."""
    one, two = (a[1] - a[0]) * (b[1] - b[0]) % P, (a[1] + a[0]) * (b[1] + b[0]) % P
    three, four = 2 * a[3] * b[3] * D % P, 2 * a[2] * b[2] % P
    e, f, g, h = two - one, four - three, four + three, two + one
    return (e * f % P, g * h % P, f * g % P, e * h % P)


def point_multiply(scalar, point):
    """Multiply a point by a number."""
    result = (0, 1, 1, 0)
    while scalar:
        if scalar & 1:
            result = point_add(result, point)
        point = point_add(point, point)
        scalar >>= 1
    return result


def point_equal(a, b):
    """Compare two points."""
    return (a[0] * b[2] - b[0] * a[2]) % P == 0 and (a[1] * b[2] - b[1] * a[2]) % P == 0


def point_read(data):
    """Decode a point, or return None."""
    y = int.from_bytes(data, "little")
    sign, y = y >> 255, y & ((1 << 255) - 1)
    if y >= P:
        return None
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * ROOT % P
    if (x * x - square) % P or (x == 0 and sign):
        return None
    if x & 1 != sign:
        x = P - x
    return (x, y, 1, x * y % P)


BASE = point_read((4 * pow(5, P - 2, P) % P).to_bytes(32, "little"))


def verifies(key, signature, message):
    """Tell whether a signature (64 bytes) over a message was made with a key (32 bytes)."""
    if len(key) != 32 or len(signature) != 64:
        return False
    public, commitment = point_read(key), point_read(signature[:32])
    scalar = int.from_bytes(signature[32:], "little")
    if public is None or commitment is None or scalar >= L:
        return False
    digest = hashlib.sha512(signature[:32] + key + message).digest()
    challenge = int.from_bytes(digest, "little") % L
    right = point_add(commitment, point_multiply(challenge, public))
    return point_equal(point_multiply(scalar, BASE), right)


# --- the record ----------------------------------------------------------------------------------


class Record:
    """Reads commits one after another and remembers what is wrong, and what they say."""

    def __init__(self, archive):
        self.archive = archive
        self.wrong = []
        self.notes = []
        self.events = []
        self.entries = []
        self.ends = {}
        self.pairs = {}
        self.holders = {}
        self.revoked = set()
        self.threshold = 1
        self.fingerprint = None
        self.signatures = 0
        self._before = None
        self._time = None
        self._last = {}
        self._waiting = {}

    def take(self, number, name, data):
        """Judge commit `number`, stored as `name`."""
        try:
            commit = read_json(data)
            header, events = commit["header"], commit["events"]
            signature = bytes.fromhex(commit["signature"])
            key = bytes.fromhex(header["signer"].partition("ed25519:")[2])
            leaves = header["leaves"]
            moment = datetime.datetime.fromisoformat(header["time"].replace("Z", "+00:00"))
        except (Wrong, KeyError, TypeError, ValueError, AttributeError) as error:
            self.wrong.append("%s is no commit: %s" % (name, error))
            self._before = None
            return
        self._judge(number, name, header)
        if verifies(key, signature, COMMIT_DOMAIN + canonical(header)):
            self.signatures += 1
        else:
            self.wrong.append("%s: its signature does not verify" % name)
        if len(leaves) != len(events):
            self.wrong.append("%s: %d events, %d signed" % (name, len(events), len(leaves)))
        for position, event in enumerate(events):
            kind = event.get("kind") if isinstance(event, dict) else None
            if position < len(leaves) and link(EVENT_DOMAIN, event) != leaves[position]:
                self.wrong.append(
                    "%s: event %d.%d (%s) is not the one that was signed"
                    % (name, number, position, kind)
                )
        if self._time is not None and moment < self._time:
            self.notes.append("%s: its time is before that of the commit before it" % name)
        self._before, self._time = link(COMMIT_DOMAIN, header), moment
        if number == 1:
            self.fingerprint = self._before
            self._pin(events)
        self._judge_roles(number, name, header["signer"], events)
        if number > 1:
            self._count(header["signer"], events, leaves)
        self._last[header["signer"]] = (number, header["time"])
        self.events += [("%d.%d" % (number, at), each) for at, each in enumerate(events)]
        place = {"commit": number, "signer": header["signer"], "time": header["time"]}
        for at, each in enumerate(events):
            self.entries.append(canonical(dict(place, event=each, position=at)))
        self.ends[len(self.entries)] = dict(self.holders)
        self.pairs.update(self.holders)

    def _judge(self, number, name, header):
        if header.get("format") != "emeritus-record/0":
            self.wrong.append("%s: its format is %r" % (name, header.get("format")))
        if header.get("archive") != self.archive:
            self.wrong.append("%s: it belongs to another archive" % name)
        if header.get("sequence") != number:
            self.wrong.append("%s: it calls itself %r" % (name, header.get("sequence")))
        if header.get("prev") != self._before:
            self.wrong.append("%s: it does not name the commit before it" % name)

    def _judge_roles(self, number, name, signer, events):
        holder = self.holders.get(signer)
        if holder is None:
            self.wrong.append("%s: its key was not valid then" % name)
            return
        for position, event in enumerate(events):
            kind = event.get("kind")
            if kind not in SIGNED_BY:
                self.notes.append("event %d.%d has the unknown kind %r" % (number, position, kind))
            elif not set(holder["roles"]) & set(SIGNED_BY[kind]):
                self.wrong.append(
                    "%s: %s may not sign event %d.%d (%s)"
                    % (name, holder["name"], number, position, kind)
                )
            elif holder.get("kinds") and kind not in holder["kinds"]:
                self.wrong.append(
                    "%s: %s is limited to other kinds than event %d.%d (%s)"
                    % (name, holder["name"], number, position, kind)
                )
        unfit = self._unfit([] if number == 1 else events)
        if unfit:
            self.wrong.append("%s: %s" % (name, unfit))

    # Root events: each counts when enough people with a root key have signed the same one.

    def _pin(self, events):
        for event in events:
            if event.get("kind") == "archive.created":
                self.threshold = event.get("root_threshold", 1)
                self._apply([each for each in events if each.get("kind") in ROOT_EVENTS])

    def _count(self, signer, events, leaves):
        holder = self.holders.get(signer)
        if holder is None or "root" not in holder["roles"]:
            return
        people, enough = root_people(self.holders), []
        for event, leaf in zip(events, leaves):
            if event.get("kind") in ROOT_EVENTS:
                names = self._waiting.pop(leaf, set()) | {holder["name"]}
                if len(names & people) >= self.threshold:
                    enough.append(event)
                else:
                    self._waiting[leaf] = names
        self._apply(enough)

    def _apply(self, events):
        for event in events:
            if event["kind"] == "key.added":
                self.holders[event["key"]] = event
            elif event["kind"] == "key.revoked":
                self.holders.pop(event["key"], None)
                self.revoked.add(event["key"])
                number, time = self._last.get(event["key"], (0, ""))
                if event.get("since") and time[:10] >= event["since"]:
                    self.notes.append(
                        "commit %d is by a key that was later revoked from %s on"
                        % (number, event["since"])
                    )
            else:
                self.threshold = event["threshold"]

    def _unfit(self, events):
        """Return why nobody at all may sign these root events, or None."""
        holders, gone, threshold = dict(self.holders), set(self.revoked), self.threshold
        for event in events:
            kind, key = event.get("kind"), event.get("key")
            if kind == "key.added" and (key in holders or key in gone):
                return "a key is added that was on record before"
            if kind == "key.revoked" and key not in holders:
                return "a key is revoked that is not valid"
            if kind == "key.added":
                holders[key] = event
            elif kind == "key.revoked":
                gone.add(key)
                del holders[key]
            elif kind == "threshold.set":
                threshold = event["threshold"]
        if not 1 <= threshold <= len(root_people(holders)):
            return "too few people would have a root key"
        return None


def root_people(holders):
    """Return the names of those who hold a root key."""
    return {holder["name"] for holder in holders.values() if "root" in holder["roles"]}


# --- checkpoints and tiles (c2sp.org/tlog-checkpoint, tlog-cosignature, tlog-tiles) ---------------

NOTE_ED25519, NOTE_COSIGNED, NOTE_MLDSA44 = 1, 4, 6


class Tree:
    """The Merkle tree of RFC 9162, section 2.1, growing by leaf hashes."""

    def __init__(self):
        self._whole = []  # (height, hash) of whole subtrees, the widest first

    def add(self, leaf):
        """Add a leaf hash."""
        height = 0
        while self._whole and self._whole[-1][0] == height:
            leaf = node_hash(self._whole.pop()[1], leaf)
            height += 1
        self._whole.append((height, leaf))

    def root(self):
        """Return the root over the leaves so far."""
        if not self._whole:
            return hashlib.sha256(b"").digest()
        running = self._whole[-1][1]
        for _, left in reversed(self._whole[:-1]):
            running = node_hash(left, running)
        return running


def leaf_hash(entry):
    """Return the hash of an entry."""
    return hashlib.sha256(b"\0" + entry).digest()


def node_hash(left, right):
    """Return the hash of a node."""
    return hashlib.sha256(b"\1" + left + right).digest()


def read_note(data):
    """Return origin, size, root, text and signature lines (name, key id, rest) of a checkpoint."""
    text, empty, signed = data.decode("utf-8").rpartition("\n\n")
    lines, signatures = text.split("\n"), []
    if not empty or len(lines) != 3 or not re.match(r"(0|[1-9][0-9]{0,18})$", lines[1]):
        raise Wrong("it is no checkpoint")
    root = base64.b64decode(lines[2], validate=True)
    for line in signed.splitlines():
        match = re.match("\u2014 ([^\\s+]+) ([A-Za-z0-9+/]+={0,2})$", line)
        if match is None:
            raise Wrong("a line of it is no signature")
        raw = base64.b64decode(match.group(2), validate=True)
        signatures.append((match.group(1), raw[:4], raw[4:]))
    if len(root) != 32:
        raise Wrong("its root is none")
    return lines[0], int(lines[1]), root, text + "\n", signatures


def key_id(name, kind, public):
    """Return the four bytes that name a key on a signature line."""
    return hashlib.sha256(name.encode() + b"\n" + bytes([kind]) + public).digest()[:4]


def note_signed(note, name, kind, public):
    """Tell whether a key signed a note: True, False, or None where that cannot be checked here."""
    origin, size, root, text, signatures = note
    found = False
    for other, given, body in signatures:
        if (other, given) != (name, key_id(name, kind, public)):
            continue
        seconds = int.from_bytes(body[:8], "big")
        if kind == NOTE_ED25519:
            found = found or verifies(public, body, text.encode())
        elif kind == NOTE_COSIGNED:
            message = ("cosignature/v1\ntime %d\n" % seconds + text).encode()
            found = found or verifies(public, body[8:], message)
        else:
            message = b"subtree/v1\n\0" + opaque(name) + body[:8] + opaque(origin) + bytes(8)
            message += size.to_bytes(8, "big") + root
            verdict = mldsa44_verifies(public, body[8:], message)
            if verdict is None:
                return None
            found = found or verdict
    return found


def opaque(text):
    """Return text with its length before it."""
    return bytes([len(text.encode())]) + text.encode()


def mldsa44_verifies(public, signature, message):
    """Tell whether an ML-DSA-44 signature holds; None without the Python package cryptography."""
    try:
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PublicKey
    except ImportError:
        return None
    try:
        MLDSA44PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def check_checkpoint(name, data, record, roots):
    """Return whether a checkpoint fits the record; add what is wrong, or not checked."""
    try:
        note = read_note(data)
    except (Wrong, ValueError) as error:
        record.wrong.append("%s is no checkpoint: %s" % (name, error))
        return None
    origin, size, root = note[:3]
    if origin != "emeritus/%s" % record.archive:
        record.wrong.append("%s is of another log" % name)
        return None
    if size > len(record.entries):
        record.wrong.append(
            "the record was cut off: it holds %d events, and %s was over %d"
            % (len(record.entries), name, size)
        )
    elif roots(size) != root:
        record.wrong.append("the first %d events are not those that %s was over" % (size, name))
    same = size <= len(record.entries) and roots(size) == root
    holders = record.ends.get(size, {}) if same else record.pairs
    verdicts = [pair_signed(note, holder) for holder in holders.values()]
    if True in verdicts:
        return note
    if None in verdicts:
        record.notes.append(
            "%s: its Ed25519 signature holds; its ML-DSA-44 signature was not checked, "
            "which needs the Python package cryptography" % name
        )
        return note
    record.wrong.append("%s: no key that was valid then signed it" % name)
    return None


def pair_signed(note, holder):
    """Tell whether both keys of a holder who may sign checkpoints signed a note."""
    may = {"steward", "service", "auditor"} & set(holder["roles"])
    if not may or holder.get("kinds") or not holder.get("mldsa44"):
        return False
    first = bytes.fromhex(holder["key"].partition(":")[2])
    second = bytes.fromhex(holder["mldsa44"].partition(":")[2])
    if not note_signed(note, note[0], NOTE_ED25519, first):
        return False
    return note_signed(note, note[0], NOTE_MLDSA44, second)


def tile_levels(entries):
    """Return the bytes of every tile as (level, index) to a list of its parts."""
    rows = {"entries": [len(e).to_bytes(2, "big") + e for e in entries]}
    row, level = [leaf_hash(entry) for entry in entries], 0
    while row:
        rows[str(level)] = row
        above = []
        for start in range(0, len(row) - 255, 256):
            tree = Tree()
            for each in row[start : start + 256]:
                tree.add(each)
            above.append(tree.root())
        row, level = above, level + 1
    return rows


def check_tree(root, record, against, witnesses):
    """Check tiles, checkpoints, and old checkpoints against the commits; return lines of proof."""
    names = sorted(walk(root, "record"))
    tiles = [name for name in names if name.startswith("record/tiles/")]
    kept = [(n, read_file(root, n)) for n in names if n.startswith("record/checkpoints/")]
    for path in against:
        with open(path, "rb") as file:
            kept.append((path, file.read(FILE_BYTES_MAX)))
    if not (tiles or kept):
        return [], False
    rows, tree = tile_levels(record.entries), Tree()
    heads = [tree.root()]
    for leaf in rows.get("0", []):
        tree.add(leaf)
        heads.append(tree.root())
    good, co_signed = 0, False
    for position, (name, data) in enumerate(kept):
        note = check_checkpoint(name, data, record, heads.__getitem__)
        good += note is not None
        if note is not None and position >= len(kept) - len(against):
            for key in witnesses:
                if check_witness(note, key, name, record):
                    co_signed = True
    for name in tiles:
        match = re.match(r"record/tiles/tile/(entries|\d{1,2})/([x\d/]+?)(?:\.p/(\d{1,3}))?$", name)
        if match is None:
            record.wrong.append("%s is no tile" % name)
            continue
        index = int(match.group(2).replace("x", "").replace("/", ""))
        width = int(match.group(3) or 256)
        row = rows.get(match.group(1), [])[index * 256 : index * 256 + width]
        if len(row) != width or read_file(root, name) != b"".join(row):
            record.wrong.append("%s does not agree with the commits" % name)
    proven = ["%d tiles, each what the commits make of it" % len(tiles)] if tiles else []
    if kept:
        proven.append("%d checkpoints, each over the events that stand there" % good)
    return proven, co_signed


def check_witness(note, key, name, record):
    """Tell whether the witness with this verifier key co-signed a checkpoint."""
    who, _, rest = key.partition("+")
    raw = base64.b64decode(rest.partition("+")[2])
    verdict = note_signed(note, who, raw[0], raw[1:])
    if verdict is None:
        record.notes.append("%s: the cosignature of %s was not checked" % (name, who))
    elif not verdict:
        record.wrong.append("%s: %s did not co-sign it" % (name, who))
    return bool(verdict)


def walk(root, folder):
    """Yield the names of all files below a folder."""
    for path, _, files in os.walk(os.path.join(root, folder)):
        for name in files:
            yield os.path.relpath(os.path.join(path, name), root).replace(os.sep, "/")


def documents(event_id, event):
    """Return (path, SHA-256) of each document that an event cites, by the rules of archive.md."""
    kind, model = event.get("kind"), event.get("model")
    number = event_id.partition(".")[0]
    single = {
        "weights.preserved": ("manifest", "manifest_sha256"),
        "runset.preserved": ("run-set", "sha256"),
        "reference.recorded": ("reference", "sha256"),
        "drill.passed": ("drill", "sha256"),
    }
    if kind in single:
        stem, field = single[kind]
        return [("models/%s/%s-%s.json" % (model, stem, number), event[field])]
    if kind == "protocol.published":
        return [("protocols/%s.toml" % event["protocol"], event["sha256"])]
    if kind == "session.held":
        path = "models/%s/sessions/%s.jsonl" % (model, event["session"])
        return [(path, event["transcript_sha256"])]
    if kind == "report.signed":
        stem = "models/%s/report-%s" % (model, event["number"])
        return [(stem + ".html", event["html_sha256"]), (stem + ".md", event["markdown_sha256"])]
    return []


def read_transcript(data):
    """Return the turns of a transcript by number, after judging its chain."""
    turns, before = {}, None
    for raw in data.rstrip(b"\n").split(b"\n"):
        line = read_json(raw)
        if line.get("prev") != before:
            raise Wrong("a line of it does not name the line before")
        before = link(LINE_DOMAIN, line)
        if line.get("line") == "turn":
            turns[line["turn"]] = line
    return turns


def check_span(span, turns):
    """Return why a quotation does not hold, or None."""
    turn = turns.get(span["turn"])
    if turn is None:
        return "there is no such turn"
    digest = "sha256:" + hashlib.sha256(turn["text"].encode("utf-8")).hexdigest()
    if digest != span["turn_sha256"]:
        return "the turn is another one"
    if turn["text"][span["start"] : span["end"]] != span["text"]:
        return "other words stand there"
    return None


# --- the folder ----------------------------------------------------------------------------------


def read_file(root, name):
    """Return the bytes of a regular file inside `root`."""
    path = os.path.join(root, *name.split("/"))
    if os.path.islink(path) or not os.path.isfile(path):
        raise Wrong("%s is missing or no regular file" % name)
    if os.path.getsize(path) > FILE_BYTES_MAX:
        raise Wrong("%s is larger than this program reads" % name)
    with open(path, "rb") as file:
        return file.read()


def check_bag(root, wrong):
    """Check the payload of a BagIt bag (RFC 8493) against its manifest; return how many files."""
    listed = {}
    for line in read_file(root, "manifest-sha256.txt").decode("utf-8").splitlines():
        digest, _, name = line.partition("  ")
        name = name.replace("%0D", "\r").replace("%0A", "\n").replace("%25", "%")
        if ".." in name.split("/") or name.startswith("/"):
            wrong.append("the manifest names %s, outside the dossier" % name)
            continue
        listed[name] = digest
    present = set()
    for folder, _, names in os.walk(os.path.join(root, "data")):
        for name in names:
            path = os.path.relpath(os.path.join(folder, name), root).replace(os.sep, "/")
            present.add(path)
    wrong += ["%s is listed and missing" % name for name in sorted(set(listed) - present)]
    wrong += ["%s is there and not listed" % name for name in sorted(present - set(listed))]
    for name in sorted(present & set(listed)):
        hasher = hashlib.sha256()
        with open(os.path.join(root, *name.split("/")), "rb") as file:
            for block in iter(lambda: file.read(1 << 20), b""):
                hasher.update(block)
        if hasher.hexdigest() != listed[name]:
            wrong.append("%s does not have the digest in the manifest" % name)
    return len(present & set(listed))


def read_record(root):
    """Return the record in `root`, judged."""
    archive = read_json(read_file(root, "archive.json"))
    record = Record(archive.get("id"))
    names = [name for name in walk(root, "record") if re.search(r"/\d{8}\.json$", name)]
    numbered = {int(name[-13:-5]): name for name in names}
    for number in range(1, max(numbered, default=0) + 1):
        if number not in numbered:
            record.wrong.append("commit %d is missing" % number)
            record._before = None
            continue
        record.take(number, numbered[number], read_file(root, numbered[number]))
    if not numbered:
        record.wrong.append("there is no commit")
    elif archive.get("genesis") != record.fingerprint:
        record.wrong.append("archive.json names another first commit")
    return record


def check_documents(root, record):
    """Return how many documents and quotations hold, and which documents are missing."""
    held, quoted, missing, transcripts = 0, 0, [], {}
    for event_id, event in record.events:
        for name, digest in documents(event_id, event):
            try:
                data = read_file(root, name)
            except Wrong:
                missing.append("%s, which event %s cites" % (name, event_id))
                continue
            if "sha256:" + hashlib.sha256(data).hexdigest() != digest:
                record.wrong.append("%s is not the document that event %s cites" % (name, event_id))
                continue
            held += 1
            if event.get("kind") == "session.held":
                try:
                    transcripts[event["session"]] = read_transcript(data)
                except (Wrong, KeyError) as error:
                    record.wrong.append("%s: %s" % (name, error))
        for span in event.get("spans", ()):
            turns = transcripts.get(span.get("session"))
            if turns is None:
                missing.append(
                    "the transcript of %s, which event %s quotes" % (span.get("session"), event_id)
                )
                continue
            why = check_span(span, turns)
            if why is None:
                quoted += 1
            else:
                record.wrong.append("a quotation of event %s does not hold: %s" % (event_id, why))
    return held, quoted, missing


def check(folder, trust, against=(), witnesses=()):
    """Return what is proven, the record, what is missing, what is wrong, and whether co-signed."""
    wrong, proven = [], []
    bag = os.path.isfile(os.path.join(folder, "bagit.txt"))
    root = os.path.join(folder, "data") if bag else folder
    if bag:
        proven.append("%d files have the digests of the bag" % check_bag(folder, wrong))
    record = read_record(root)
    grown, co_signed = check_tree(root, record, against, witnesses)
    held, quoted, missing = check_documents(root, record)
    wrong += record.wrong
    proven += [
        "%d commits, each signed by a key that was valid then, each naming the one before"
        % record.signatures,
        "%d events, each the one that was signed" % len(record.events),
        "%d documents, each the one that its event cites" % held,
        "%d quotations, each standing in its transcript where it says" % quoted,
        *grown,
    ]
    if trust is not None and trust != record.fingerprint:
        wrong.append("the fingerprint is %s, not the one that you trust" % record.fingerprint)
    return proven, record, missing, wrong, co_signed


def asserted(record):
    """Return what is signed and cannot be confirmed by anything in the folder."""
    said = ["times are what the signing machine said"]
    kinds = {event.get("kind") for _, event in record.events}
    if "session.held" in kinds:
        said.append("that the answers came from this model, and not from another")
    if "fixity.checked" in kinds or "replica.synced" in kinds:
        said.append("that the replicas exist in other places and were read through")
    if "drill.passed" in kinds:
        said.append("that the drill was run (repeat it: restore the model, score it)")
    return said


def show(text):
    """Return text on one line without characters that a terminal would obey."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def main():
    """Run the program; return its exit code."""
    parser = argparse.ArgumentParser(description="Check a dossier or an archive of Emeritus.")
    parser.add_argument("folder")
    parser.add_argument("--trust", metavar="FINGERPRINT", help="known from somewhere else")
    parser.add_argument("--against", metavar="FILE", action="append", default=[],
                        help="an old checkpoint")  # fmt: skip
    parser.add_argument("--witness", metavar="KEY", action="append", default=[],
                        help="who must have co-signed it: name+id+key")  # fmt: skip
    options = parser.parse_args()
    try:
        proven, record, missing, wrong, co_signed = check(
            options.folder, options.trust, options.against, options.witness
        )
    except (Wrong, OSError, KeyError, TypeError, AttributeError, ValueError) as error:
        print(show("NOT SOUND: %s cannot be read as a dossier: %s" % (options.folder, error)))
        return 3
    blocks = [("WRONG", wrong)] if wrong else [("PROVEN", proven)]
    blocks += [("ONLY ASSERTED", asserted(record)), ("MISSING", missing), ("NOTES", record.notes)]
    for title, lines in blocks:
        if lines:
            print(title)
            for line in lines:
                print(show("  " + line))
    print(show("fingerprint %s" % record.fingerprint))
    if wrong:
        print("NOT SOUND")
        return 3
    if options.trust:
        print("SOUND: consistent, and authentic by the fingerprint that you trust")
    elif co_signed:
        print("SOUND: consistent, and it begins as the checkpoint of the witness that you trust")
    else:
        print("SOUND: consistent; authenticity not established (give --trust FINGERPRINT)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
