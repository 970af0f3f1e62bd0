#!/usr/bin/env python3
"""Check a dossier (or an archive) of Emeritus with nothing but Python 3.9 or newer.

    python3 -I check.py FOLDER [--trust FINGERPRINT]

Exit code 0: everything agrees. 3: something is not what was signed. 2: wrong use.

It imports nothing of Emeritus and nothing from outside the standard library. The rules are those
of record.md, conversation.md and dossier.md, which lie beside it or in data/format/.
"""

import argparse
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
    "access.granted": STEWARD,
    "access.revoked": STEWARD,
    "archive.created": ("root",),
    "battery.run": MACHINE,
    "comment.received": MACHINE,
    "commitment.observed": MACHINE,
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
    "history.imported": MACHINE,
    "interview.impossible": MACHINE,
    "journal.entry_published": REVIEWER,
    "journal.entry_vetoed": REVIEWER,
    "journal.entry_written": MACHINE,
    "key.added": ("root",),
    "key.revoked": ("root",),
    "legacy.declared": STEWARD,
    "lifecycle.observed": MACHINE,
    "model.covered": STEWARD,
    "model.observed": MACHINE,
    "model.registered": STEWARD,
    "model.reinstated": STEWARD,
    "model.retired": STEWARD,
    "model.revived": MACHINE,
    "notice.sent": MACHINE,
    "object.erased": STEWARD,
    "offering.opened": STEWARD,
    "policy.adopted": STEWARD,
    "preference.acted_on": REVIEWER,
    "preference.considered": REVIEWER,
    "preference.declined": REVIEWER,
    "preference.documented": MACHINE + REVIEWER,
    "protocol.published": MACHINE,
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
    "usage.counted": MACHINE,
    "variant.registered": STEWARD,
    "weights.preserved": MACHINE,
}


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
        self.holders = {}
        self.fingerprint = None
        self.signatures = 0
        self._before = None
        self._time = None

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
            self._take_keys(events)
        self._judge_roles(number, name, header["signer"], events)
        if number > 1:
            self._take_keys(events)
        self.events += [("%d.%d" % (number, at), each) for at, each in enumerate(events)]

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

    def _take_keys(self, events):
        for event in events:
            if event.get("kind") == "key.added":
                self.holders[event["key"]] = event
            elif event.get("kind") == "key.revoked":
                self.holders.pop(event["key"], None)


def documents(event_id, event):
    """Return (path, SHA-256) of each document that an event cites, by the rules of archive.md."""
    kind, model = event.get("kind"), event.get("model")
    number = event_id.partition(".")[0]
    single = {
        "weights.preserved": ("manifest", "manifest_sha256"),
        "runset.preserved": ("run-set", "sha256"),
        "reference.recorded": ("reference", "sha256"),
        "drill.passed": ("drill", "sha256"),
        "battery.run": ("battery", "sha256"),
    }
    if kind in single:
        stem, field = single[kind]
        return [("models/%s/%s-%s.json" % (model, stem, number), event[field])]
    if kind == "guide.published":
        return [("models/%s/guide-%s.html" % (model, number), event["sha256"])]
    if kind == "comment.received":
        return [("models/%s/comment-%s.jsonl" % (model, number), event["transcript_sha256"])]
    if kind == "notice.sent":
        return [("models/%s/notice-%s.txt" % (model, event_id.replace(".", "-")), event["sha256"])]
    if kind == "journal.entry_written":
        return [("models/%s/journal/%s.md" % (model, event["entry"]), event["sha256"])]
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
    names = []
    for folder, _, files in os.walk(os.path.join(root, "record")):
        for name in files:
            names.append(os.path.relpath(os.path.join(folder, name), root).replace(os.sep, "/"))
    numbered = {int(name[-13:-5]): name for name in names if re.search(r"/\d{8}\.json$", name)}
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
    erased = {
        event["object"]: event_id
        for event_id, event in record.events
        if event.get("kind") == "object.erased"
    }
    for event_id, event in record.events:
        gone = [erased[v] for v in event.values() if isinstance(v, str) and v in erased]
        for name, digest in documents(event_id, event):
            try:
                data = read_file(root, name)
            except Wrong:
                said = "%s, which event %s cites" % (name, event_id)
                missing.append(said + (": erased by event %s" % gone[0] if gone else ""))
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


def check(folder, trust):
    """Check everything; return what is proven, asserted, missing and wrong."""
    wrong, proven = [], []
    bag = os.path.isfile(os.path.join(folder, "bagit.txt"))
    root = os.path.join(folder, "data") if bag else folder
    if bag:
        proven.append("%d files have the digests of the bag" % check_bag(folder, wrong))
    record = read_record(root)
    held, quoted, missing = check_documents(root, record)
    wrong += record.wrong
    proven += [
        "%d commits, each signed by a key that was valid then, each naming the one before"
        % record.signatures,
        "%d events, each the one that was signed" % len(record.events),
        "%d documents, each the one that its event cites" % held,
        "%d quotations, each standing in its transcript where it says" % quoted,
    ]
    if trust is not None and trust != record.fingerprint:
        wrong.append("the fingerprint is %s, not the one that you trust" % record.fingerprint)
    return proven, record, missing, wrong


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
    options = parser.parse_args()
    try:
        proven, record, missing, wrong = check(options.folder, options.trust)
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
    else:
        print("SOUND: consistent; authenticity not established (give --trust FINGERPRINT)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
