#!/usr/bin/env python3
"""Check a dossier (or an archive) of Emeritus with nothing but Python 3.9 or newer.

    python3 -I check.py FOLDER [--trust FINGERPRINT] [--against CHECKPOINT] [--witness KEY]

Exit code 0: everything agrees. 3: something is not what was signed. 2: wrong use.
A packed dossier is unpacked first: zstd -dc NAME.tar.zst | tar -x

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
import stat
import sys

FILE_BYTES_MAX = 256 * 1024 * 1024
COMMIT_BYTES_MAX = 16 * 1024 * 1024
FILES_MAX = 1000000
READ_BYTES = 1 << 20
LINES_MAX = 1000
ENTRY_BYTES_MAX = 65535
ENCRYPTED = ".encrypted"
ENCRYPTED_BYTES_MIN = 64  # nonce, salt and tag of age
UNREAD = (
    "a look into the packs, which this program does not decode: format/decode.py does, and proves "
    "every file"
)
EXTENTS = ("excerpt", "whole")
BESIDE = ("record/checkpoints/", "record/tiles/", "record/proofs.json")
COMMIT_DOMAIN = b"emeritus-record/1/commit\0"
EVENT_DOMAIN = b"emeritus-record/1/event\0"
LINE_DOMAINS = {
    "emeritus-conversation/0": b"emeritus-conversation/0/line\0",
    "emeritus-conversation/1": b"emeritus-conversation/1/line\0",
}
HEADER = {"archive", "format", "leaves", "nonce", "prev", "sequence", "signer", "time"}
TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}[.][0-9]{3}Z\Z")
DIGEST = re.compile(r"sha256:[0-9a-f]{64}\Z")

# Which roles may sign which kind of event: the table of record.md.
STEWARD, REVIEWER, MACHINE = ("steward",), ("reviewer",), ("service", "steward")
SIGNED_BY = {
    "access.decided": STEWARD,
    "access.granted": STEWARD,
    "access.revoked": STEWARD,
    "archive.created": ("root",),
    "battery.planned": MACHINE + REVIEWER,
    "battery.run": MACHINE,
    "coding.recorded": MACHINE + REVIEWER,
    "comment.received": MACHINE,
    "commit.set_aside": STEWARD,
    "commitment.observed": MACHINE,
    "damage.found": MACHINE,
    "damage.repaired": MACHINE,
    "date.moved": STEWARD,
    "deployment.registered": MACHINE,
    "drill.failed": MACHINE,
    "drill.passed": MACHINE,
    "facts.attested": STEWARD,
    "fixity.checked": MACHINE,
    "format.described": STEWARD,
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
    "merging.recorded": MACHINE + REVIEWER,
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
    "preference.answered": MACHINE + REVIEWER,
    "preference.considered": REVIEWER,
    "preference.declined": REVIEWER,
    "preference.documented": MACHINE + REVIEWER,
    "protocol.published": MACHINE,
    "record.renewed": STEWARD,
    "reference.recorded": MACHINE,
    "replica.added": STEWARD,
    "replica.synced": MACHINE,
    "replica.withdrawn": STEWARD,
    "report.signed": STEWARD,
    "retirement.announced": STEWARD,
    "runs.held": MACHINE,
    "runset.preserved": MACHINE,
    "session.held": MACHINE,
    "shards.placed": STEWARD,
    "shards.written": MACHINE,
    "stance.coded": MACHINE + REVIEWER,
    "threshold.set": ("root",),
    "transcript.uploaded": MACHINE,
    "usage.counted": MACHINE,
    "variant.registered": STEWARD,
    "weights.preserved": MACHINE,
}

# Exactly which fields each kind of event has, beside `kind`. `name` is text, `name:form` has that
# form, `name?` may be left out. A form is one of FORMS, a `count` (an integer from 0), `positive`
# (an integer from 1), a `flag` (true or false), `text`, or a `span`, with the fields of SPAN.
# `[form]` is a list of values of the form, `{form}` an object with such members, `{one=two}` one
# whose members have names of the form `one` and values of the form `two`, `form|null` is also null.
FIELDS = {
    "access.decided": "model:id access:access cost risk reason",
    "access.granted": "model:id grant purpose holder_sha256:digest until?:day|null",
    "access.revoked": "model:id grant reason",
    "archive.created": "archive:archive software root_threshold?:positive",
    "battery.planned": "model:id design:name document:object sha256:digest",
    "battery.run": "model:id document:object sha256:digest valid:flag encrypted?:flag",
    "coding.recorded": (
        "model:id coder codebook statements:count rejected:count document:object sha256:digest "
        "encrypted?:flag"
    ),
    "comment.received": (
        "model:id report:count transcript:object transcript_sha256:digest encrypted?:flag"
    ),
    "commit.set_aside": "sha256:digest unreached:[text] reason",
    "commitment.observed": "provider notice_days:count source page?:text|null seen_on?:day|null",
    "damage.found": "replica code:code where detail affects?:[text]",
    "damage.repaired": "replica where source kept?:[text] cause?:text|null",
    "date.moved": "model:id offering:id retire_on:day date_kind:date-kind reason source?",
    "deployment.registered": (
        "model:id deployment variant serving system_prompt_sha256?:digest|null filters?:text|null"
    ),
    "drill.failed": "model:id rung runtime detail",
    "drill.passed": (
        "model:id rungs:[text] runtime document:object sha256:digest unreachable?:[text]"
    ),
    "facts.attested": "model:id protocol:name protocol_sha256:digest facts:{text}",
    "fixity.checked": "replica deep:flag packs:count findings:count up_to:count",
    "format.described": "software pages:{page=digest}",
    "gate.approved": "model:id gate report:count report_sha256:digest",
    "gate.waived": "model:id gate reason",
    "guide.published": "model:id offering:id document:object sha256:digest",
    "history.imported": "form:listing source sha256:digest statements:count unread?:count",
    "interview.impossible": "model:id reason",
    "journal.entry_published": "model:id entry:name place",
    "journal.entry_vetoed": "model:id entry:name reason",
    "journal.entry_written": "model:id entry:name document:object sha256:digest encrypted?:flag",
    "key.added": "key:key name roles:[role] mldsa44?:mldsa44|null kinds?:[kind]",
    "key.revoked": "key:key reason since?:day|null",
    "legacy.declared": "model:id offering:id reason",
    "lifecycle.observed": (
        "model:id offering source date_kind?:seen-kind via?:[text] page?:text|null "
        "seen_on?:day|null released_on?:day|null announced_on?:day|null retire_on?:day|null "
        "successors?:[text] state?:text|null"
    ),
    "merging.recorded": "model:id steps:count document:object sha256:digest encrypted?:flag",
    "model.covered": "model:id covered:flag reason",
    "model.observed": "model:id provider name source",
    "model.registered": (
        "model:id form architecture parameters:count base?:id|null licence?:text|null "
        "chat_template?:flag tokenizer?:flag weights_held?:flag"
    ),
    "model.reinstated": "model:id offering:id reason",
    "model.retired": "model:id offering:id emergency?:flag owed?:[text] reason?:text|null",
    "model.revived": "model:id runtime purpose",
    "notice.sent": (
        "model:id offering:id channel retire_on:day document:object sha256:digest recipients:count "
        "encrypted?:flag"
    ),
    "object.erased": "object:object artefact:artefact ground:ground reason",
    "offering.opened": "model:id offering:id",
    "policy.adopted": "name text sha256:digest",
    "preference.acted_on": "model:id preference reason",
    "preference.answered": "model:id preference shown:shown answer:answer spans:[span]",
    "preference.considered": "model:id preference reason",
    "preference.declined": "model:id preference reason",
    "preference.documented": (
        "model:id preference theme object polarity strength?:text|null condition?:text|null "
        "spans:[span] coders:[text] adjudicator?:text|null sessions_with:count "
        "sessions_total:count"
    ),
    "protocol.published": "protocol:name version:count document:object sha256:digest",
    "record.renewed": "size:count root:digest checkpoint_sha256:digest",
    "reference.recorded": (
        "model:id document:object sha256:digest executor prompts:count positions:count "
        "floor:measured controls?:[text]"
    ),
    "replica.added": "replica place",
    "replica.synced": "replica up_to:count packs:count",
    "replica.withdrawn": "replica reason",
    "report.signed": (
        "model:id number:count html:object html_sha256:digest markdown:object "
        "markdown_sha256:digest"
    ),
    "retirement.announced": (
        "model:id offering:id retire_on:day date_kind:date-kind successor?:id|null "
        "reason?:text|null source?"
    ),
    "runs.held": (
        "model:id plan_sha256:digest condition:name runs:count document:object sha256:digest "
        "encrypted?:flag"
    ),
    "runset.preserved": "model:id document:object sha256:digest runtime encrypted?:flag",
    "session.held": (
        "model:id session:name protocol:name protocol_sha256:digest arm deployment "
        "transcript:object transcript_sha256:digest turns:count ended outcomes:{count} "
        "encrypted?:flag"
    ),
    "shards.placed": "data:count parity:count places:[text]",
    "shards.written": "up_to:count packs:count",
    "stance.coded": (
        "model:id stance spans:[span] coders:[text] adjudicator?:text|null sessions_with:count "
        "sessions_total:count"
    ),
    "threshold.set": "threshold:positive",
    "transcript.uploaded": (
        "model:id session:name source source_sha256:digest transcript:object "
        "transcript_sha256:digest turns:count encrypted?:flag"
    ),
    "usage.counted": "model:id since:day until:day requests:count sha256:digest",
    "variant.registered": "model:id variant description",
    "weights.preserved": (
        "model:id manifest:object manifest_sha256:digest files:count tensors:count "
        "bytes_raw:count bytes_stored:count bytes_delta?:count base?:id|null "
        "tensor_digest?:digest|null encrypted?:flag"
    ),
}
SPAN = "session:name turn:count start:count end:count text turn_sha256:digest"
FORMS = {
    "digest": r"sha256:[0-9a-f]{64}",
    "object": r"blake3:[0-9a-f]{64}",
    "archive": r"[0-9a-f]{32}",
    "key": r"(ed25519:[0-9a-f]{64}|p256:0[23][0-9a-f]{64})",
    "mldsa44": r"mldsa44:[0-9a-f]{2624}",
    "kind": r"[a-z_]+[.][a-z_]+",
    "access": r"(none|by-request|public)",
    "answer": r"(confirmed|amended|withdrawn|unclear|answered)",
    "shown": r"(coded|decided)",
    "code": r"[A-Z][0-9]{3}",
    "day": r"[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])",
    "measured": r"[0-9]+([.][0-9]+)?(e[+-][0-9]+)?",
    "name": r"[a-z0-9][a-z0-9._-]{0,127}",
    "page": r"(README[.]txt|format/[a-z0-9][a-z0-9._-]{0,63})",
    "id": r"[a-z0-9][a-z0-9._-]{0,63}(/[a-z0-9][a-z0-9._-]{0,63}){0,3}",
    "role": r"root|steward|reviewer|approver|auditor|service",
    "date-kind": r"floor|announced|confirmed|observed",
    "seen-kind": r"floor|observed",
    "listing": r"table|model-eol|deprecations[.]info|litellm",
    "artefact": r"weights|run-set|transcripts|letters|usage",
    "ground": r"retention|erasure|takedown",
}
NOTE_BYTES_MAX = 262144
NOTE = r"record/checkpoints/%016d(-[0-9a-f]{8})?\.note\Z"
KEY = re.compile(r"(ed25519:[0-9a-f]{64}|p256:0[23][0-9a-f]{64})\Z")
SIGN_UNKNOWN = {"steward", "service", "reviewer", "approver"}
ROOT_EVENTS = ("key.added", "key.revoked", "threshold.set")


class Wrong(Exception):
    """Something is not what it should be; the message says what."""


# --- canonical JSON (RFC 8785, for values without fractions) --------------------------------------


def read_json(data, exact=True):
    """Read JSON strictly: UTF-8, no name twice in an object, no fractions, bounded depth.

    When it is to be `exact`, it has to be in canonical form, too.
    """

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
        require_shallow(value)
        if exact and canonical(value) != data:
            raise Wrong("it is not in canonical form")
    except (ValueError, RecursionError) as error:
        raise Wrong("it is no JSON: %s" % error)
    return value


def require_shallow(value, depth=64):
    """Refuse what is nested too deep."""
    if depth < 0:
        raise Wrong("it is nested too deep")
    inside = value.values() if isinstance(value, dict) else value
    for each in inside if isinstance(value, (dict, list)) else ():
        require_shallow(each, depth - 1)


def canonical(value):
    """Return the canonical bytes of a value."""
    if isinstance(value, dict):
        # Names are ordered by their UTF-16 code units (RFC 8785, section 3.2.3).
        names = sorted(value, key=lambda name: name.encode("utf-16-be", "surrogatepass"))
        parts = [canonical(name) + b":" + canonical(value[name]) for name in names]
        return b"{" + b",".join(parts) + b"}"
    if isinstance(value, list):
        return b"[" + b",".join(canonical(item) for item in value) + b"]"
    return json.dumps(value, ensure_ascii=False).encode("utf-8")


def read_hex(text, prefix=""):
    """Return the bytes that lower-case hex behind a prefix stands for."""
    if not re.match(prefix + r"([0-9a-f]{2})*\Z", text):
        raise Wrong("%s is no lower-case hex" % text[:24])
    return bytes.fromhex(text[len(prefix) :])


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
    if point_equal(point_multiply(8, public), (0, 1, 1, 0)):
        return False  # a point of small order is nobody's key
    digest = hashlib.sha512(signature[:32] + key + message).digest()
    challenge = int.from_bytes(digest, "little") % L
    right = point_add(commitment, point_multiply(challenge, public))
    return point_equal(point_multiply(scalar, BASE), right)


# --- ECDSA with P-256 and SHA-256 (FIPS 186-5, section 6.4.2) ------------------------------------

Q = 2**256 - 2**224 + 2**192 + 2**96 - 1
B = 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B
N = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
G = (
    0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
    0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5,
)


def curve_add(a, b):
    """Add two points of P-256; None is the point at infinity."""
    if a is None or b is None:
        return a or b
    if a[0] == b[0]:
        if (a[1] + b[1]) % Q == 0:
            return None
        slope = (3 * a[0] * a[0] - 3) * pow(2 * a[1], -1, Q) % Q
    else:
        slope = (b[1] - a[1]) * pow(b[0] - a[0], -1, Q) % Q
    x = (slope * slope - a[0] - b[0]) % Q
    return (x, (slope * (a[0] - x) - a[1]) % Q)


def curve_multiply(scalar, point):
    """Multiply a point of P-256 by a number."""
    result = None
    while scalar:
        if scalar & 1:
            result = curve_add(result, point)
        point = curve_add(point, point)
        scalar >>= 1
    return result


def curve_read(data):
    """Decode a compressed point of P-256, or return None."""
    if len(data) != 33 or data[0] not in (2, 3):
        return None
    x = int.from_bytes(data[1:], "big")
    square = (x * x * x - 3 * x + B) % Q
    y = pow(square, (Q + 1) // 4, Q)
    if x >= Q or y * y % Q != square:
        return None
    return (x, y if y & 1 == data[0] & 1 else Q - y)


def curve_pem(point):
    """Return a public key of P-256 as PEM."""
    head = bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d030107034200") + b"\4"
    der = head + point[0].to_bytes(32, "big") + point[1].to_bytes(32, "big")
    text = base64.b64encode(der).decode()
    lines = [text[at : at + 64] for at in range(0, len(text), 64)]
    return "\n".join(["-----BEGIN PUBLIC KEY-----"] + lines + ["-----END PUBLIC KEY-----", ""])


def der_read(data):
    """Return the two numbers of a signature in strict DER, or None."""
    numbers = []
    if len(data) < 2 or data[0] != 0x30 or data[1] != len(data) - 2 or data[1] >= 0x80:
        return None
    rest = data[2:]
    while rest:
        if len(rest) < 3 or rest[0] != 2 or not 1 <= rest[1] <= len(rest) - 2:
            return None
        body, rest = rest[2 : 2 + rest[1]], rest[2 + rest[1] :]
        if body[0] >= 0x80 or (len(body) > 1 and body[0] == 0 and body[1] < 0x80):
            return None
        numbers.append(int.from_bytes(body, "big"))
    return numbers if len(numbers) == 2 else None


def curve_verifies(public, signature, message):
    """Tell whether a signature in DER over a message was made with a key (a point)."""
    numbers = der_read(signature)
    if numbers is None or not all(0 < number < N for number in numbers):
        return False
    r, s = numbers
    inverse = pow(s, -1, N)
    digest = int.from_bytes(hashlib.sha256(message).digest(), "big")
    sum_ = curve_add(
        curve_multiply(digest * inverse % N, G), curve_multiply(r * inverse % N, public)
    )
    return sum_ is not None and sum_[0] % N == r


# --- the fields of events ------------------------------------------------------------------------


def misfit_event(event):
    """Return what is wrong with the fields of an event, or None. An unknown kind may have any."""
    kind = event.get("kind")
    if not isinstance(kind, str) or not fits(kind, "kind"):
        return "it has no kind"
    members = {name: value for name, value in event.items() if name != "kind"}
    why = misfit(members, FIELDS[kind]) if kind in FIELDS else None
    if why is None and kind == "key.added":
        why = misfit_key(event)
    if why is None and kind == "policy.adopted":
        digest = hashlib.sha256(event["text"].encode("utf-8")).hexdigest()
        why = None if event["sha256"] == "sha256:" + digest else "it has a digest of another text"
    return why


def misfit_key(event):
    """Return what would make a holder who can sign nothing, or be counted and not sign."""
    roles, kinds = event["roles"], event.get("kinds", [])
    if not event["name"] or not (roles or event["key"].startswith("p256:")):
        return "it lacks a name or a role"
    if len(set(roles)) < len(roles) or len(set(kinds)) < len(kinds):
        return "it has a role or a kind twice"
    return "it has a root key that is limited to kinds" if "root" in roles and kinds else None


def misfit(members, fields):
    """Return what keeps an object from having exactly these fields, or None."""
    unknown = set(members)
    for field in fields.split():
        name, _, form = field.partition(":")
        name, optional = name.rstrip("?"), name.endswith("?")
        unknown.discard(name)
        if name not in members and not optional:
            return "it lacks %s" % name
        if name in members and not fits(members[name], form or "text"):
            return "its %s has another form" % name
    return "it has %s, which its kind does not know" % min(unknown) if unknown else None


def fits(value, form):
    """Tell whether a value has a form."""
    if form.endswith("|null"):
        return value is None or fits(value, form[: -len("|null")])
    if form.startswith("["):
        return isinstance(value, list) and all(fits(each, form[1:-1]) for each in value)
    if form.startswith("{"):
        names, _, inside = form[1:-1].rpartition("=")
        return isinstance(value, dict) and all(
            fits(name, names or "text") and fits(each, inside) for name, each in value.items()
        )
    if form == "flag":
        return isinstance(value, bool)
    if form == "positive":
        return fits(value, "count") and value >= 1
    if form == "count":
        return isinstance(value, int) and not isinstance(value, bool) and value >= 0
    if form == "span":
        return isinstance(value, dict) and misfit(value, SPAN) is None
    if not isinstance(value, str) or form == "text":
        return isinstance(value, str)
    return bool(re.fullmatch(FORMS[form], value)) and (form != "day" or is_day(value))


def is_day(text):
    """Tell whether a calendar has this day."""
    try:
        datetime.date(*map(int, text.split("-")))
    except ValueError:
        return False
    return True


# --- the record ----------------------------------------------------------------------------------


def read_time(text):
    """Read a time of the record: UTC, with whole milliseconds, in one form."""
    if not TIME.match(text):
        raise Wrong("its time is not UTC with whole milliseconds")
    return datetime.datetime.fromisoformat(text[:-1] + "+00:00")


class Record:
    """Reads commits one after another and remembers what is wrong, and what they say."""

    def __init__(self, archive, excerpt):
        self.archive = archive
        self.excerpt = excerpt
        self.wrong = []
        self.notes = []
        self.events = []
        self.holders = {}
        self.revoked = set()
        self.threshold = 1
        self.fingerprint = None
        self.created = None
        self.commits = 0
        self.last = 0
        self.left_out = 0
        self.entries = []
        self.leaves = {}
        self.ends = {}
        self.pairs = {}
        self._before = None
        self._time = None
        self._last = {}
        self._waiting = {}

    @property
    def whole(self):
        """Tell whether nothing is left out up to the newest commit."""
        return self.commits == self.last and not self.left_out

    def take(self, number, name, data):
        """Judge commit `number`, stored as `name`."""
        linked = number == self.last + 1
        self.commits, self.last = self.commits + 1, number
        try:
            commit = read_json(data)
            if set(commit) != {"header", "events", "signature"}:
                raise Wrong("it has other members than a commit")
            header, events = commit["header"], commit["events"]
            if set(header) != HEADER:
                raise Wrong("its header has other members than a header")
            key, signature = read_hex(header["signer"], "ed25519:"), read_hex(commit["signature"])
            leaves = header["leaves"]
            if len(read_hex(header["nonce"])) != 8:
                raise Wrong("its nonce is not 16 hex digits")
            if type(header["sequence"]) is not int or not isinstance(header["archive"], str):
                raise Wrong("its number or its archive is none")
            if header["prev"] is not None and not DIGEST.match(header["prev"]):
                raise Wrong("what it names as the commit before is no digest")
            if not isinstance(leaves, list) or not isinstance(events, list):
                raise Wrong("its events or their digests are no list")
            moment = read_time(header["time"])
            if not 1 <= len(leaves) <= 256 or not all(DIGEST.match(leaf) for leaf in leaves):
                raise Wrong("a commit has 1 to 256 digests")
            if not all(isinstance(each, dict) or self._may_lack(each) for each in events):
                raise Wrong("one of its events is none, or is left out")
        except (Wrong, KeyError, TypeError, ValueError, AttributeError) as error:
            self.wrong.append("%s is no commit: %s" % (name, error))
            self._before = None
            return
        self._judge(number, name, header, linked)
        if not verifies(key, signature, COMMIT_DOMAIN + canonical(header)):
            self.wrong.append("%s: its signature does not verify" % name)
        if len(leaves) != len(events):
            self.wrong.append("%s: %d events, %d signed" % (name, len(events), len(leaves)))
        there = [(at, event) for at, event in enumerate(events) if event is not None]
        self.left_out += len(events) - len(there)
        for position, event in there:
            if position < len(leaves) and link(EVENT_DOMAIN, event) != leaves[position]:
                self.wrong.append(
                    "%s: event %d.%d (%s) is not the one that was signed"
                    % (name, number, position, event.get("kind"))
                )
        known = []
        for position, event in there:
            why = misfit_event(event)
            if why is None:
                known.append((position, event))
            else:
                self.wrong.append("%s: event %d.%d: %s" % (name, number, position, why))
        for position, event in known:
            first = (number, position) == (1, 0) and event.get("archive") == header["archive"]
            if event["kind"] == "archive.created" and not first:
                self.wrong.append(
                    "%s: an archive begins with its first event, and under its own id" % name
                )
        if self._time is not None and moment < self._time:
            self.notes.append("%s: its time is before that of the commit before it" % name)
        self._before, self._time = link(COMMIT_DOMAIN, header), moment
        if number == 1:
            self.fingerprint, self.created = self._before, header["time"]
            self._pin(known)
        self._judge_roles(number, name, header["signer"], known)
        if number > 1:
            self._count(header["signer"], known, leaves)
        self._last[header["signer"]] = (number, header["time"])
        self.events += [("%d.%d" % (number, at), each) for at, each in known]
        place = {"commit": number, "signer": header["signer"], "time": header["time"]}
        for at, event in there:
            entry = canonical(dict(place, event=event, position=at))
            if len(entry) > ENTRY_BYTES_MAX:
                self.wrong.append("%s: event %d.%d is too long for an entry" % (name, number, at))
            self.leaves["%d.%d" % (number, at)] = leaf_hash(entry)
            if not self.excerpt:
                self.entries.append(entry)
        if not self.excerpt:
            self.ends[len(self.leaves)] = dict(self.holders)

    def _may_lack(self, event):
        return event is None and self.excerpt

    def _judge(self, number, name, header, linked):
        if header.get("format") != "emeritus-record/1":
            self.wrong.append("%s: its format is %r" % (name, header.get("format")))
        if header.get("archive") != self.archive:
            self.wrong.append("%s: it belongs to another archive" % name)
        if header.get("sequence") != number:
            self.wrong.append("%s: it calls itself %r" % (name, header.get("sequence")))
        if linked and (self._before or number == 1) and header.get("prev") != self._before:
            self.wrong.append("%s: it does not name the commit before it" % name)

    def _judge_roles(self, number, name, signer, events):
        holder = self.holders.get(signer)
        if holder is None:
            self.wrong.append("%s: its key was not valid then" % name)
            return
        for position, event in events:
            kind = event.get("kind")
            if kind not in SIGNED_BY:
                self.notes.append("event %d.%d has the unknown kind %r" % (number, position, kind))
                if not set(holder["roles"]) & SIGN_UNKNOWN:
                    self.wrong.append(
                        "%s: %s signs no unknown kind, as event %d.%d is"
                        % (name, holder["name"], number, position)
                    )
            elif not set(holder["roles"]) & set(SIGNED_BY[kind]):
                self.wrong.append(
                    "%s: %s may not sign event %d.%d (%s)"
                    % (name, holder["name"], number, position, kind)
                )
            if holder.get("kinds") and kind not in holder["kinds"]:
                self.wrong.append(
                    "%s: %s is limited to other kinds than event %d.%d (%s)"
                    % (name, holder["name"], number, position, kind)
                )
        unfit = self._unfit([] if number == 1 else events)
        if unfit:
            self.wrong.append("%s: %s" % (name, unfit))

    def key_for_bundles(self):
        """Return the newest P-256 key that is valid, or None."""
        keys = [key for key in self.holders if key.startswith("p256:")]
        return keys[-1] if keys else None

    # Root events: each counts when enough people with a root key have signed the same one.

    def _pin(self, events):
        for _, event in events:
            if event.get("kind") == "archive.created":
                self.threshold = event.get("root_threshold", 1)
                self._apply([each for _, each in events if each.get("kind") in ROOT_EVENTS])

    def _count(self, signer, events, leaves):
        holder = self.holders.get(signer)
        if holder is None or "root" not in holder["roles"]:
            return
        people, enough = root_people(self.holders), []
        for position, event in events:
            if event.get("kind") in ROOT_EVENTS and position < len(leaves):
                leaf = leaves[position]
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
                self.pairs[event["key"]] = event
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
        for _, event in events:
            kind, key = event.get("kind"), event.get("key")
            if kind == "key.added" and (key in holders or key in gone):
                return "a key is added that was on record before"
            if kind == "key.added" and not KEY.match(key):
                return "what is added is no key"
            bundles = kind == "key.added" and key.startswith("p256:")
            if bundles and (event["roles"] or event.get("mldsa44")):
                return "a P-256 key has no roles"
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


def leads(index, size, leaf, path, root):
    """Tell whether an audit path leads from entry `index` to the root (RFC 9162, 2.1.3.2)."""
    if not 0 <= index < size or len(path) > 63:
        return False
    last, running = size - 1, leaf
    for sibling in path:
        if last == 0:
            return False
        if index & 1 or index == last:
            running = node_hash(sibling, running)
            while index and not index & 1:
                index, last = index >> 1, last >> 1
        else:
            running = node_hash(running, sibling)
        index, last = index >> 1, last >> 1
    return last == 0 and running == root


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
    whole = data.decode("utf-8")
    text, empty, signed = whole.rpartition("\n\n")
    lines, signatures = text.split("\n"), []
    if not empty or not signed.endswith("\n") or len(lines) != 3 or not lines[0]:
        raise Wrong("it has not the three lines of a checkpoint and signatures below")
    if re.search(r"[\x00-\x09\x0b-\x1f]", whole):
        raise Wrong("it holds a control character")
    root = decoded(lines[2])
    if not re.match(r"(0|[1-9][0-9]{0,18})\Z", lines[1]) or len(root) != 32:
        raise Wrong("its second and third line are no size and no root")
    for line in signed[:-1].split("\n"):
        match = re.match("\u2014 ([^\\s+]+) ([A-Za-z0-9+/]+={0,2})\\Z", line)
        raw = decoded(match.group(2)) if match else b""
        if len(raw) < 5 or len(signatures) == 64:
            raise Wrong("a line of it is no signature")
        signatures.append((match.group(1), raw[:4], raw[4:]))
    return lines[0], int(lines[1]), root, text + "\n", signatures


def decoded(text):
    """Return what base64 stands for, in the one form that counts."""
    raw = base64.b64decode(text, validate=True)
    if base64.b64encode(raw).decode() != text:
        raise Wrong("it has base64 in another form")
    return raw


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


def named_for(name, data):
    """Tell whether a note with a digest in its name has that digest; other names name no bytes."""
    match = re.search(r"/[0-9]{16}-([0-9a-f]{8})\.note\Z", name)
    return match is None or match.group(1) == hashlib.sha256(data).hexdigest()[:8]


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
    rows = {"entries": [min(len(e), ENTRY_BYTES_MAX).to_bytes(2, "big") + e for e in entries]}
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


def check_tree(folder, record, against, witnesses):
    """Check tiles, checkpoints, and old checkpoints against the commits; return lines of proof."""
    names = sorted(folder.sizes)
    tiles = [name for name in names if name.startswith("record/tiles/")]
    kept = [
        (n, folder.read(n, NOTE_BYTES_MAX)) for n in names if n.startswith("record/checkpoints/")
    ]
    for path in against:
        kept.append((path, read_against(path)))
    if not (tiles or kept):
        return [], False
    rows, tree = tile_levels(record.entries), Tree()
    heads = [tree.root()]
    for leaf in rows.get("0", []):
        tree.add(leaf)
        heads.append(tree.root())
    good, co_signed = 0, False
    for position, (name, data) in enumerate(kept):
        if position < len(kept) - len(against) and not named_for(name, data):
            record.wrong.append("%s is not the note that it is named for" % name)
        note = check_checkpoint(name, data, record, heads.__getitem__)
        good += note is not None
        if note is not None and position >= len(kept) - len(against):
            for key in witnesses:
                if check_witness(note, key, name, record):
                    co_signed = True
    for name in tiles:
        match = re.match(
            r"record/tiles/tile/(entries|[0-9]{1,2})/([x0-9/]+?)(?:\.p/([0-9]{1,3}))?\Z", name
        )
        if match is None:
            record.wrong.append("%s is no tile" % name)
            continue
        index = int(match.group(2).replace("x", "").replace("/", ""))
        width = int(match.group(3) or 256)
        row = rows.get(match.group(1), [])[index * 256 : index * 256 + width]
        if len(row) != width or folder.read(name) != b"".join(row):
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


def read_against(path):
    """Return the bytes of an old checkpoint."""
    with open(path, "rb") as file:
        return file.read(NOTE_BYTES_MAX + 1)


def check_inclusion(folder, done, against, witnesses):
    """Check the checkpoint of a dossier, and that it covers the events."""
    record, proofs = done.record, "record/proofs.json"
    names = sorted(name for name in folder.sizes if name.startswith("record/checkpoints/"))
    if not names:
        done.missing.append("a checkpoint, and proofs that the events are entries of the record")
        if proofs in folder.sizes:
            done.wrong.append("%s leads to no checkpoint" % proofs)
        return
    name = names[0]
    try:
        data = folder.read(name, NOTE_BYTES_MAX)
        note = read_note(data)
        if len(names) > 1 or not re.match(NOTE % note[1], name):
            raise Wrong("is not the one checkpoint that a dossier has, by its size")
        if not named_for(name, data):
            raise Wrong("is not the note that it is named for")
        if note[0] != "emeritus/%s" % record.archive:
            raise Wrong("is of another record")
        check_signatures(note, done)
        check_old(note, against, witnesses, done)
    except (Wrong, ValueError) as error:
        done.wrong.append("%s %s" % (name, error))
        return
    count, leaves = len(record.leaves), list(record.leaves.values())
    if proofs in folder.sizes or not record.whole:
        held = check_proofs(read_json(folder.read(proofs)), name, note, done)
        done.proven.append("%d events are entries of the record of %d events" % (held, note[1]))
    else:
        held, tree = note[1], Tree()
        for leaf in leaves[:held]:
            tree.add(leaf)
        if held > count or tree.root() != note[2]:
            done.wrong.append("%s has another root than the events here" % name)
            return
        done.proven.append("%d events have the root of the checkpoint" % held)
    if held < count:
        done.missing.append("proofs of %d events, newer than the checkpoint" % (count - held))


def check_signatures(note, done):
    """Find a pair of keys on record that signed the checkpoint."""
    verdicts = {key: pair_signed(note, holder) for key, holder in done.record.pairs.items()}
    signers = [key for key, verdict in verdicts.items() if verdict is not False]
    if not signers:
        raise Wrong("is signed by no pair of keys on record")
    if not set(signers) & set(done.record.holders):
        done.missing.append("a checkpoint by a key that was not revoked later")
        return
    done.proven.append("the checkpoint is signed with Ed25519")
    if any(verdicts[key] for key in signers):
        done.proven.append("the checkpoint is signed with ML-DSA-44")
    else:
        done.missing.append(
            "a check of the checkpoint's ML-DSA-44 signature, which takes Python's cryptography"
        )


def check_old(note, against, witnesses, done):
    """Hold the checkpoint of a dossier against old ones, and ask who co-signed."""
    for path in against:
        old = read_note(read_against(path))
        if old[:2] == note[:2] and old[2] != note[2]:
            raise Wrong("has another root than %s of the same size" % path)
        if old[:3] != note[:3]:
            done.missing.append(
                "a comparison with %s: a dossier shows no other size than its own" % path
            )
    for key in witnesses:
        if check_witness(note, key, "the checkpoint", done.record):
            done.co_signed = True


def check_proofs(given, checkpoint, note, done):
    """Return how many events have a proof; each proof there has to hold."""
    leaves = done.record.leaves
    if set(given) != {"format", "checkpoint", "proofs"}:
        raise Wrong("the proofs have other members than they should")
    if given["format"] != "emeritus-proofs/1" or given["checkpoint"] != checkpoint:
        done.wrong.append("record/proofs.json leads to another checkpoint")
    ids = [proof["entry"] for proof in given["proofs"]]
    if len(set(ids)) != len(ids) or set(ids) - set(leaves):
        done.wrong.append("record/proofs.json proves an event twice, or one that is not here")
    held = 0
    for proof in given["proofs"]:
        path = [bytes.fromhex(each) for each in proof["path"]]
        if proof["entry"] not in leaves:
            continue
        if set(proof) != {"entry", "index", "path"} or any(len(each) != 32 for each in path):
            raise Wrong("a proof has another form")
        if leads(proof["index"], note[1], leaves[proof["entry"]], path, note[2]):
            held += 1
        else:
            done.wrong.append(
                "record/proofs.json does not lead from event %s to the checkpoint" % proof["entry"]
            )
    return held


def documents(event_id, event):
    """Return (path, SHA-256, object) of each document that an event cites, as archive.md says."""
    behind = ENCRYPTED if event.get("encrypted") else ""
    cited = []
    for path, field in named_documents(event_id, event):
        digest = event["sha256" if field == "document" else field + "_sha256"]
        cited.append((path + behind, digest, event[field]))
    return cited


def named_documents(event_id, event):
    """Return the name of each document when it is not encrypted, and the field with its object."""
    kind, model = event.get("kind"), event.get("model")
    number = event_id.partition(".")[0]
    single = {
        "weights.preserved": ("manifest-%s.json", "manifest"),
        "runset.preserved": ("run-set-%s.json", "document"),
        "reference.recorded": ("reference-%s.json", "document"),
        "drill.passed": ("drill-%s.json", "document"),
        "battery.planned": ("battery-plan-%s.json", "document"),
        "battery.run": ("battery-%s.json", "document"),
        "guide.published": ("guide-%s.html", "document"),
        "comment.received": ("comment-%s.jsonl", "transcript"),
        "coding.recorded": ("coding-%s.json", "document"),
        "merging.recorded": ("merging-%s.json", "document"),
    }
    if kind in single:
        name, field = single[kind]
        return [("models/%s/%s" % (model, name % number), field)]
    if kind == "notice.sent":
        return [("models/%s/notice-%s.txt" % (model, event_id.replace(".", "-")), "document")]
    if kind == "runs.held":
        return [("models/%s/runs-%s.jsonl" % (model, event_id.replace(".", "-")), "document")]
    if kind == "journal.entry_written":
        return [("models/%s/journal/%s.md" % (model, event["entry"]), "document")]
    if kind == "protocol.published":
        return [("protocols/%s.toml" % event["protocol"], "document")]
    if kind == "session.held":
        return [("models/%s/sessions/%s.jsonl" % (model, event["session"]), "transcript")]
    if kind == "transcript.uploaded":
        return [("models/%s/uploaded/%s.jsonl" % (model, event["session"]), "transcript")]
    if kind == "report.signed":
        stem = "models/%s/report-%s" % (model, event["number"])
        return [(stem + ".html", "html"), (stem + ".md", "markdown")]
    return []


def read_transcript(data):
    """Return the turns of a transcript by number, after judging its chain."""
    turns, before, domain = {}, None, None
    for raw in data.rstrip(b"\n").split(b"\n"):
        line = read_json(raw)
        if line.get("prev") != before:
            raise Wrong("a line of it does not name the line before")
        if domain is None:
            domain = LINE_DOMAINS.get(line.get("format"))
        if domain is None:
            raise Wrong("it is of a format that is not known here")
        before = link(domain, line)
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
    if turn["text"][span["start"] : span["end"]] != span["text"] or not span["text"]:
        return "other words stand there"
    return None


# --- the model signing bundle (OpenSSF Model Signing 1.0) -----------------------------------------

BUNDLE_TYPE = "application/vnd.dev.sigstore.bundle.v0.3+json"
PAYLOAD_TYPE = "application/vnd.in-toto+json"
STATEMENT = ("https://in-toto.io/Statement/v1", "https://model_signing/signature/v1.0")
UNSIGNED = (".git", ".gitattributes", ".github", ".gitignore")


def check_bundle(folder, model, key, manifest):
    """Return how many files the bundle signs; it MUST be over exactly those of the manifest."""
    point = curve_read(read_hex(key, "p256:"))
    if point is None:
        raise Wrong("the key on record is no P-256 key")
    pem = curve_pem(point).encode()
    bundle = read_json(folder.read("models/%s/model.sig" % model), exact=False)
    envelope, material = bundle["dsseEnvelope"], bundle["verificationMaterial"]
    payload = base64.b64decode(envelope["payload"], validate=True)
    (signature,) = envelope["signatures"]
    signed = base64.b64decode(signature["sig"], validate=True)
    statement = read_json(payload, exact=False)
    hint = hashlib.sha256(pem).hexdigest()
    form = (bundle["mediaType"], envelope["payloadType"], material["publicKey"]["hint"])
    if form != (BUNDLE_TYPE, PAYLOAD_TYPE, hint):
        raise Wrong("is no bundle of a known form by the key on record")
    if (statement["_type"], statement["predicateType"]) != STATEMENT:
        raise Wrong("is no bundle of a known form by the key on record")
    head = "DSSEv1 %d %s %d " % (len(PAYLOAD_TYPE), PAYLOAD_TYPE, len(payload))
    if not curve_verifies(point, signed, head.encode() + payload):
        raise Wrong("its signature does not verify")
    files = json.loads(manifest)["files"]
    if any("path" not in file for file in files):
        raise Wrong("a file's name is no UTF-8, and a bundle has no form for it")
    expected = [
        {"algorithm": "sha256", "digest": file["sha256"][7:], "name": file["path"]}
        for file in sorted(files, key=lambda file: file["path"])
        if file["path"].partition("/")[0] not in UNSIGNED
    ]
    if not expected or statement["predicate"]["resources"] != expected:
        raise Wrong("lists other files than the manifest")
    if folder.read("models/%s/model-signing.pem" % model) != pem:
        raise Wrong("another public key lies beside it")
    return len(expected)


# --- the folder ----------------------------------------------------------------------------------

TAG_FILES = {
    "bagit.txt": b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n",
    "bag-info.txt": None,
    "manifest-sha256.txt": None,
    "tagmanifest-sha256.txt": None,
    "README.txt": None,
    "check.py": None,
}
# A later version may add pages and programs. The one checker lies at the top.
PAGE = re.compile(r"data/format/(?!check\.py\Z)(?=[a-z0-9][a-z0-9._-]{0,63}\Z).+\.(md|json|py)\Z")
INDISPENSABLE = ("README.txt", "format/check.py")


class Folder:
    """The regular files below a folder. Links and special files are named and never followed."""

    def __init__(self, root):
        self.root = root
        self.sizes = {}
        self.odd = []
        waiting = [""]
        while waiting:
            inside = waiting.pop()
            for own in sorted(os.listdir(os.path.join(root, *inside.split("/")))):
                name = inside + "/" + own if inside else own
                status = os.lstat(self._path(name))
                if stat.S_ISDIR(status.st_mode):
                    waiting.append(name)
                elif stat.S_ISREG(status.st_mode):
                    self.sizes[name] = status.st_size
                else:
                    self.odd.append("%s is a link or a special file" % name)
                if len(self.sizes) + len(self.odd) > FILES_MAX:
                    raise Wrong("it holds more than %d files" % FILES_MAX)

    def _path(self, name):
        return os.path.join(self.root, *name.split("/"))

    def parts(self, name):
        """Yield the bytes of a file in parts."""
        if name not in self.sizes:
            raise Wrong("%s is missing or no regular file" % name)
        flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
        with open(os.open(self._path(name), flags), "rb") as file:
            for part in iter(lambda: file.read(READ_BYTES), b""):
                yield part

    def read(self, name, limit=FILE_BYTES_MAX):
        """Return the bytes of a file of at most `limit`."""
        if self.sizes.get(name, 0) > limit:
            raise Wrong("%s is larger than this program reads" % name)
        return b"".join(self.parts(name))

    def sha256(self, name):
        """Return the SHA-256 of a file in hex."""
        hasher = hashlib.sha256()
        for part in self.parts(name):
            hasher.update(part)
        return hasher.hexdigest()

    def below(self, inside):
        """Return the files of a folder in this one as a folder of their own."""
        other = Folder.__new__(Folder)
        other.root, other.odd = os.path.join(self.root, inside), []
        start = inside + "/"
        other.sizes = {
            name[len(start) :]: size for name, size in self.sizes.items() if name.startswith(start)
        }
        return other


def read_manifest(folder, manifest, wrong):
    """Return the digest of each file that a manifest lists."""
    listed = {}
    try:
        lines = folder.read(manifest).decode("utf-8")
    except (Wrong, UnicodeDecodeError) as error:
        wrong.append("%s cannot be read: %s" % (manifest, error))
        return listed
    lines = lines[:-1] if lines.endswith("\n") else lines
    for number, line in enumerate(lines.split("\n"), 1):
        match = re.match(r"([0-9a-f]{64})  (\S.*)\Z", line)
        name = match.group(2) if match else ""
        name = name.replace("%0D", "\r").replace("%0A", "\n").replace("%25", "%")
        if name in listed or any(part in ("", ".", "..") for part in name.split("/")):
            wrong.append("%s:%d lists no file, or one again" % (manifest, number))
        elif name.startswith("data/") != (manifest == "manifest-sha256.txt"):
            wrong.append("%s has no place in %s" % (name, manifest))
        else:
            listed[name] = match.group(1)
    return listed


def check_bag(folder, wrong):
    """Check a BagIt bag (RFC 8493) against its manifests; return how many payload files agree."""
    wrong += folder.odd
    listed = read_manifest(folder, "manifest-sha256.txt", wrong)
    listed.update(read_manifest(folder, "tagmanifest-sha256.txt", wrong))
    present = set(folder.sizes)
    extra = present - set(listed) - {"tagmanifest-sha256.txt"}
    wrong += ["%s is listed and missing" % name for name in sorted(set(listed) - present)]
    wrong += ["%s is there and not listed" % name for name in sorted(extra)]
    sound = 0
    for name in sorted(present & set(listed)):
        if folder.sha256(name) != listed[name]:
            wrong.append("%s does not have the digest in the manifest" % name)
        else:
            sound += name.startswith("data/")
    payload = [size for name, size in folder.sizes.items() if name.startswith("data/")]
    oxum = "Payload-Oxum: %d.%d" % (sum(payload), len(payload))
    for name, expected in TAG_FILES.items():
        if expected is not None and (name not in present or folder.read(name) != expected):
            wrong.append("%s is missing, or not what a bag of version 1.0 begins with" % name)
    if "bag-info.txt" not in present or oxum.encode() not in folder.read("bag-info.txt").split(
        b"\n"
    ):
        wrong.append("bag-info.txt is missing, or counts other files than are there")
    return sound


def check_accounted(folder, model, cited, unknown, wrong):
    """Find files that nothing accounts for: whoever adds one can list it in the manifest."""
    known = {"data/archive.json", "data/dossier.json", "data/record/proofs.json"}
    known |= {"data/" + name for name in cited} | set(TAG_FILES)
    known |= {"data/models/%s/%s" % (model, each) for each in ("model.sig", "model-signing.pem")}
    for name in sorted(set(folder.sizes) - known):
        pack = re.match(r"data/packs/([0-9a-f]{2})/\1[0-9a-f]{62}\.(pack|idx)\Z", name)
        note = re.match(r"data/record/checkpoints/[0-9]{16}(-[0-9a-f]{8})?\.note\Z", name)
        if pack or note or number_of(name[5:]) is not None or PAGE.match(name):
            continue
        document = name.startswith(("data/models/", "data/protocols/"))
        if not document or "sha256:" + folder.sha256(name) not in unknown:
            wrong.append("%s: nothing accounts for it" % name)


def digests_in(value):
    """Return every digest that stands as a value anywhere in an event of an unknown kind."""
    found, waiting = set(), [value]
    while waiting:
        each = waiting.pop()
        if isinstance(each, str) and DIGEST.match(each):
            found.add(each)
        elif isinstance(each, (dict, list)):
            waiting += each.values() if isinstance(each, dict) else each
    return found


def number_of(name):
    """Return the number of the commit with this name, or None."""
    match = re.match(r"record/[0-9]{4}/([0-9]{8})\.json\Z", name)
    number = int(match.group(1)) if match else 0
    return number if name == "record/%04d/%08d.json" % (number // 10000, number) else None


def read_record(folder, excerpt):
    """Return the record in a folder, judged; commits may lack in an excerpt only."""
    archive = read_json(folder.read("archive.json"))
    record = Record(archive["id"], excerpt)
    if archive["format"] != "emeritus-archive/1":
        record.wrong.append("archive.json has the format %r" % archive["format"])
    numbered = {}
    for name in folder.sizes:
        if number_of(name) is not None:
            numbered[number_of(name)] = name
        elif name.startswith("record/") and not name.startswith(BESIDE):
            record.wrong.append("%s: no commit has this name" % name)
    for number, name in sorted(numbered.items()):
        if number > record.last + 1 and (not excerpt or record.last == 0):
            record.wrong.append("commits %d to %d are missing" % (record.last + 1, number - 1))
        record.take(number, name, folder.read(name, COMMIT_BYTES_MAX))
    if not numbered:
        record.wrong.append("there is no commit")
    elif archive["genesis"] != record.fingerprint:
        record.wrong.append("archive.json names another first commit")
    elif described(record) != archive:
        record.wrong.append("archive.json does not agree with the first commit")
    return record


def described(record):
    """Return what archive.json has to say: all of it follows from the first commit."""
    return {
        "created": record.created,
        "format": "emeritus-archive/1",
        "genesis": record.fingerprint,
        "hashes": ["sha256", "blake3"],
        "id": record.archive,
    }


def is_encrypted(data):
    """Tell whether a document is what vault.md calls encrypted: head, nonce, salt and tag."""
    head = re.match(rb"emeritus-encrypted/1\n[0-9a-f]{64}\n", data)
    return head is not None and len(data) >= head.end() + ENCRYPTED_BYTES_MIN


def check_documents(folder, events, wrong):
    """Return how many documents and quotations hold, and which documents are missing."""
    erased, held, missing = {}, set(), []
    for event_id, event in events:
        if event.get("kind") == "object.erased":
            erased[event["object"]] = event_id
    for event_id, event in events:
        for name, digest, identity in documents(event_id, event):
            gone = erased.get(identity)
            if gone and not event.get("encrypted"):
                wrong.append("%s was erased by event %s, and was never encrypted" % (name, gone))
            elif name not in folder.sizes:
                missing.append("%s, which event %s cites" % (name, event_id))
            elif "sha256:" + folder.sha256(name) != digest:
                wrong.append("%s is not the document that event %s cites" % (name, event_id))
            elif event.get("encrypted") and not is_encrypted(folder.read(name)):
                wrong.append("%s is not encrypted, as event %s says" % (name, event_id))
            elif event.get("encrypted"):
                said = "erased by event %s" % gone if gone else "it is encrypted"
                missing.append("what %s says: %s" % (name, said))
            else:
                held.add(name)
    return held, check_quotations(folder, events, held, missing, wrong), missing


def check_quotations(folder, events, held, missing, wrong):
    """Return how many quotations stand in the transcript of the session that they name."""
    quoted, spans, unread = {}, 0, []
    for event_id, event in events:
        for span in event.get("spans", ()) if event["kind"] in FIELDS else ():
            quoted.setdefault((event["model"], span["session"]), []).append((event_id, span))
    for event_id, event in events:
        if event["kind"] == "session.held":
            # The first session of a name is the one that is quoted, whether it can be read or not.
            asked = quoted.pop((event["model"], event["session"]), [])
            ((name, _, _),) = documents(event_id, event)
            if name in held:
                spans += check_spans(folder.read(name), name, asked, wrong)
            else:
                unread += asked
    for asked in quoted.values():
        unread += asked
    for event_id, span in unread:
        missing.append("the transcript of %s, which event %s quotes" % (span["session"], event_id))
    return spans


def check_spans(transcript, name, asked, wrong):
    """Return how many quotations stand in a transcript."""
    try:
        turns = read_transcript(transcript)
    except (Wrong, KeyError, AttributeError) as error:
        wrong.append("%s: %s" % (name, error))
        return 0
    held = 0
    for event_id, span in asked:
        why = check_span(span, turns)
        held += why is None
        if why is not None:
            wrong.append("a quotation of event %s does not hold: %s" % (event_id, why))
    return held


# --- the verdict ---------------------------------------------------------------------------------


class Verdict:
    """What is proven, missing and wrong."""

    def __init__(self):
        self.proven, self.missing, self.wrong = [], [], []
        self.record = None
        self.events = []
        self.co_signed = False


def check(path, trust, against=(), witnesses=()):
    """Check everything."""
    done, folder = Verdict(), Folder(path)
    bag = any(name.startswith("data/") for name in folder.sizes) or "bagit.txt" in folder.sizes
    data, described = folder, {"model": None}
    if bag:
        sound = check_bag(folder, done.wrong)
        done.proven.append("%d files have the digests of the bag" % sound)
        data = folder.below("data")
        described = read_described(data)
    else:
        done.wrong += folder.odd
    record = done.record = read_record(data, bag)
    if bag:
        check_extent(done, described)
    tell_extent(done)
    if bag:
        check_inclusion(data, done, against, witnesses)
    else:
        grown, done.co_signed = check_tree(data, record, against, witnesses)
        done.proven += grown
    done.wrong += record.wrong
    if trust is not None and trust != record.fingerprint:
        done.wrong.append("the fingerprint is %s, not the one that you trust" % record.fingerprint)
    model = described["model"]
    done.events = [
        (at, event) for at, event in record.events if not bag or event.get("model", model) == model
    ]
    if not bag:
        check_pages(data, done.events, done.wrong)
    held, quoted, missing = check_documents(data, done.events, done.wrong)
    done.missing += missing
    done.proven += [
        "%d documents, each the one that its event cites" % len(held),
        "%d quotations, each standing in its transcript where it says" % quoted,
    ]
    if bag:
        cited = {name for at, event in done.events for name, _, _ in documents(at, event)}
        unknown = [each for _, each in record.events if each["kind"] not in FIELDS]
        check_accounted(folder, model, cited, digests_in(unknown), done.wrong)
        check_weights(data, model, held, done)
    elif any(event.get("kind") == "weights.preserved" for _, event in done.events):
        done.missing.append(UNREAD)
    return done


def check_pages(folder, events, wrong):
    """Compare the pages of the format with the newest that are on record."""
    newest, needed = {}, None
    for at, event in events:
        if event.get("kind") == "format.described":
            needed = event["pages"]
            newest.update(needed)
            lacking = ", ".join(name for name in INDISPENSABLE if name not in needed)
            if lacking:
                wrong.append("event %s describes the format without %s" % (at, lacking))
    if needed is None:
        wrong.append("no event describes the format")
    for name in sorted(newest):
        if name not in folder.sizes:
            if name in needed:
                wrong.append("%s is missing, which the record names" % name)
        elif "sha256:" + folder.sha256(name) != newest[name]:
            wrong.append("%s is not the newest page that is on record" % name)


def read_described(folder):
    """Return what dossier.json says, in the one form that it has."""
    described = read_json(folder.read("dossier.json"))
    if not isinstance(described, dict) or set(described) != {"format", "model", "record", "up_to"}:
        raise Wrong("dossier.json has other members than it should")
    if described["format"] != "emeritus-dossier/1" or described["record"] not in EXTENTS:
        raise Wrong("dossier.json has no form that is known here")
    if not fits(described["model"], "id") or type(described["up_to"]) is not int:
        raise Wrong("dossier.json names no model, or no commit")
    return described


def check_extent(done, described):
    """Hold what is said of the record against what is there."""
    record, up_to = done.record, described["up_to"]
    claimed = described["record"] == "whole"
    if record.last > up_to or (claimed and not (record.whole and record.last == up_to)):
        done.wrong.append("the record here is not as much of it as dossier.json says")


def tell_extent(done):
    """Say how much of the record is there."""
    record = done.record
    done.proven += [
        "%d commits, each signed by a key that was valid then%s"
        % (record.commits, ", each naming the one before" if record.whole else ""),
        "%d events, each the one that was signed" % len(record.events),
    ]
    if record.whole:
        done.proven.append("nothing is left out up to commit %d" % record.last)
    else:
        done.missing.append(
            "that nothing about the model was left out: an excerpt of the record cannot show it "
            "(ask for a dossier with --whole-record)"
        )


def check_weights(folder, model, held, done):
    """Check the model signing bundle; say whether the weights are there."""
    kept = [each for each in done.events if each[1].get("kind") == "weights.preserved"]
    listing = "models/%s/manifest-%s.json" % (model, kept[-1][0].partition(".")[0] if kept else "")
    name, key = "models/%s/model.sig" % model, done.record.key_for_bundles()
    if name not in folder.sizes or key is None or listing not in held:
        done.missing.append("a model signing bundle over the files of the weights")
    else:
        try:
            count = check_bundle(folder, model, key, folder.read(listing))
            done.proven.append("%d files of the weights, in a model signing bundle" % count)
        except (Wrong, ValueError, KeyError, TypeError, AttributeError) as error:
            done.wrong.append("%s %s" % (name, error))
    if kept and kept[-1][1].get("encrypted"):
        done.missing.append("the weights: they are encrypted")
    elif kept and any(name.startswith("packs/") for name in folder.sizes):
        done.missing.append(UNREAD)
    else:
        done.missing.append("the weights themselves")


def asserted(events):
    """Return what is signed and cannot be confirmed by anything in the folder."""
    said = ["times are what the signing machine said"]
    kinds = {event.get("kind") for _, event in events}
    if "session.held" in kinds:
        said.append("that the answers came from this model, and not from another")
    if "facts.attested" in kinds:
        said.append("that what the operator attested to the model is true")
    if "transcript.uploaded" in kinds:
        said.append("that uploaded transcripts are what was said of them")
    if "fixity.checked" in kinds or "replica.synced" in kinds:
        said.append("that the replicas exist where the record says and were read through")
    if "gate.approved" in kinds:
        said.append("that two keys belong to two people: one person may hold both")
    if "drill.passed" in kinds:
        said.append("that the drill was run (repeat it: restore the model, score it)")
    return said


def show(text):
    """Return text on one line without characters that a terminal would obey."""
    shown = "".join(
        c if c.isprintable() else c.encode("unicode_escape").decode() for c in text[:2000]
    )
    return shown + ("..." if len(text) > 2000 else "")


def say(done, trust):
    """Print the verdict; return the exit code."""
    blocks = [("WRONG", done.wrong)] if done.wrong else [("PROVEN", done.proven)]
    blocks += [("ONLY ASSERTED", asserted(done.events)), ("MISSING", done.missing)]
    for title, lines in blocks + [("NOTES", done.record.notes)]:
        if lines:
            print(title)
        for line in lines[:LINES_MAX]:
            print(show("  " + line))
        if len(lines) > LINES_MAX:
            print("  and %d more" % (len(lines) - LINES_MAX))
    print(show("fingerprint %s" % done.record.fingerprint))
    if done.wrong:
        print("NOT SOUND")
        return 3
    extent = "the whole record" if done.record.whole else "an excerpt of the record"
    if trust:
        print("SOUND: %s, consistent, and authentic by the fingerprint that you trust" % extent)
    elif done.co_signed:
        print("SOUND: %s, consistent, and co-signed by the witness that you trust" % extent)
    else:
        print(
            "SOUND: %s, consistent; authenticity not established (give --trust FINGERPRINT)"
            % extent
        )
    return 0


def main():
    """Run the program; return its exit code."""
    parser = argparse.ArgumentParser(description="Check a dossier or an archive of Emeritus.")
    parser.add_argument("folder")
    parser.add_argument("--trust", metavar="FINGERPRINT", help="known from somewhere else")
    parser.add_argument(
        "--against", metavar="FILE", action="append", default=[], help="an old checkpoint"
    )
    parser.add_argument(
        "--witness",
        metavar="KEY",
        action="append",
        default=[],
        help="who must have co-signed it, or the dossier's own: name+id+key",
    )
    options = parser.parse_args()
    if options.trust and re.fullmatch("[0-9a-fA-F]{64}", options.trust):
        options.trust = "sha256:" + options.trust.lower()
    sys.stdout.reconfigure(errors="backslashreplace")
    if os.path.isfile(options.folder):
        parser.error("this is one file; unpack it (zstd -dc FILE | tar -x) and name the folder")
    if not os.path.isdir(options.folder):
        parser.error("there is no such folder")
    try:
        done = check(options.folder, options.trust, options.against, options.witness)
        return say(done, options.trust)
    except Exception as error:  # noqa: BLE001  what cannot be read is not sound
        print(show("NOT SOUND: %s cannot be read as a dossier: %s" % (options.folder, error)))
        return 3


if __name__ == "__main__":
    sys.exit(main())
