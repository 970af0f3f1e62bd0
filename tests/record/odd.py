"""Commits with something odd: what every reader has to accept, and what it has to refuse."""

import json
from collections.abc import Callable
from typing import Any

from emeritus import digests
from emeritus.record import format as disk
from tests.record.histories import ID, ROOT, covered, recorded

Commit = dict[str, Any]
Change = Callable[[Commit], bytes | None]
"""Changes a commit before it is signed; or returns the bytes of the file as they are."""

NULL = {"kind": "model.celebrated", "value": None}
P256 = "p256:02" + "6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"
ADDED = {"kind": "key.added", "key": P256, "name": "bundles", "roles": []}
DIGEST = "sha256:" + "0" * 64
NEW = {"kind": "key.added", "key": "ed25519:" + "5" * 64, "name": "new", "roles": ["auditor"]}
BEGUN = {"kind": "archive.created", "archive": ID, "software": "other 1"}
POLICY = {"kind": "policy.adopted", "name": "p", "text": "", "sha256": digests.sha256(b"")}
REGISTERED = {
    "kind": "model.registered",
    "model": "acme/x",
    "form": "safetensors",
    "architecture": "x",
    "parameters": 1,
}
ANNOUNCED = {
    "kind": "retirement.announced",
    "model": "acme/x",
    "offering": "api",
    "retire_on": "2027-02-01",
    "date_kind": "announced",
}


def text_of(value: object) -> bytes:
    """Return canonical JSON, also of what is too deep; names and text here are ASCII."""
    return json.dumps(value, separators=(",", ":"), sort_keys=True).encode()


def _leaf(event: object) -> str:
    return disk.leaf_of(text_of(event))


def signed(commit: Commit) -> Commit:
    """Return a commit with the digests of its events, unless it has others, and a signature."""
    header = commit["header"]
    header.setdefault("leaves", [_leaf(event) for event in commit["events"]])
    message = disk.COMMIT_DOMAIN.encode() + b"\0" + text_of(header)
    return {**commit, "signature": ROOT.sign(message)}


def _header(**members: object) -> Change:
    return lambda commit: commit["header"].update(members)


def _events(*events: object) -> Change:
    return lambda commit: commit.update(events=list(events))


def _unsigned(**members: object) -> Change:
    """Change what no signature is over, behind it."""
    return lambda commit: text_of({**signed(commit), **members})


def _bytes(change: Callable[[bytes], bytes]) -> Change:
    return lambda commit: change(text_of(signed(commit)))


def _deep(levels: int) -> Change:
    """An event of an unknown kind in which a number stands so many levels below the commit."""
    value: object = 1
    for _ in range(levels - 3):
        value = [value]
    return _events({"kind": "model.celebrated", "value": value})


def _long(size: int) -> Change:
    """An event whose entry has so many bytes."""

    def change(commit: Commit) -> None:
        event = disk.render_event(covered(""))
        head = commit["header"]
        place = {"commit": head["sequence"], "signer": head["signer"], "time": head["time"]}
        rest = len(text_of({**place, "event": event, "position": 0}))
        commit["events"] = [{**event, "reason": "x" * (size - rest)}]

    return change


def _fewer_leaves(commit: Commit) -> None:
    commit["header"]["leaves"] = [_leaf(commit["events"][0])]
    commit["events"] = [*commit["events"], {"kind": "threshold.set", "threshold": 1}]


def _key_in_capitals(commit: Commit) -> None:
    commit["header"]["signer"] = commit["header"]["signer"].upper().replace("ED25519", "ed25519")


SOUND: dict[str, Change] = {
    "as it was": _header(),
    "nested as deep as may be": _deep(64),
    "an entry as long as may be": _long(65_535),
    "256 events": _events(*[NULL] * 256),
    "a time before": _header(time="2020-01-01T00:00:00.000Z"),
    "a key for bundles": _events(ADDED),
    "a key": _events(NEW),
    "a key for a kind": _events({**NEW, "kinds": ["model.celebrated"]}),
    "a kind of tomorrow": _events({"kind": "model.celebrated"}),
    "a policy": _events(POLICY),
    "a successor": _events({**ANNOUNCED, "successor": "acme/next"}),
    "a base": _events({**REGISTERED, "base": "acme/base-1"}),
}
UNSOUND: dict[str, Change] = {
    "a number that is true": _header(sequence=True),
    "a number that is text": _header(sequence="2"),
    "another number": _header(sequence=9),
    "a day for a time": _header(time="2027-01-01"),
    "a week for a time": _header(time="2027-W01-1T12:00:00+05:00"),
    "a time with an offset": _header(time="2027-01-01T12:00:00.000+00:00"),
    "a time with microseconds": _header(time="2027-01-01T12:00:00.000000Z"),
    "a time without milliseconds": _header(time="2027-01-01T12:00:00Z"),
    "a time with a space": _header(time="2027-01-01 12:00:00.000Z"),
    "a time that no clock shows": _header(time="2027-01-01T24:00:00.000Z"),
    "a second too many": _header(time="2027-01-01T23:59:60.000Z"),
    "a time that no calendar has": _header(time="2027-02-30T12:00:00.000Z"),
    "a time that is none": _header(time=None),
    "a nonce that is short": _header(nonce="0" * 14),
    "a nonce in capitals": _header(nonce="A" * 16),
    "a nonce that is a number": _header(nonce=1),
    "another format": _header(format="emeritus-record/2"),
    "another archive": _header(archive="1" * 32),
    "an archive that is a number": _header(archive=0),
    "a member more in the header": _header(note=None),
    "no signer": _header(signer=None),
    "a signer in capitals": _key_in_capitals,
    "a link that is no digest": _header(prev="first"),
    "a link that is true": _header(prev=True),
    "a leaf of another hash": _header(leaves=["blake3:" + "0" * 64]),
    "leaves that are an object": _header(leaves={DIGEST: 0}),
    "a leaf that is null": _header(leaves=[None]),
    "no events": _events(),
    "257 events": _events(*[NULL] * 257),
    "an event that is null": _events(None),
    "an event that is null, by another hash": lambda commit: commit.update(
        events=[None], header={**commit["header"], "leaves": ["blake3:" + "0" * 64]}
    ),
    "an event that is a list": _events([]),
    "fewer leaves than events": _fewer_leaves,
    "more leaves than events": _header(leaves=[DIGEST] * 3),
    "nested too deep": _deep(65),
    "an entry that is too long": _long(65_536),
    "a key for bundles with a role": _events({**ADDED, "roles": ["steward"]}),
    "a key without a role": _events({**NEW, "roles": []}),
    "a key without a name": _events({**NEW, "name": ""}),
    "a role twice": _events({**NEW, "roles": ["auditor", "auditor"]}),
    "a kind twice": _events({**NEW, "kinds": ["gate.waived", "gate.waived"]}),
    "a root key that is limited": _events({**NEW, "roles": ["root"], "kinds": ["gate.waived"]}),
    "a kind that is no name": _events({"kind": "Model celebrated"}),
    "a kind without a dot": _events({"kind": "celebrated"}),
    "a threshold of nobody": _events({"kind": "threshold.set", "threshold": 0}),
    "a policy with another digest": _events({**POLICY, "sha256": DIGEST}),
    "a second beginning": _events(BEGUN),
    "a second beginning of another": _events({**BEGUN, "archive": "1" * 32}),
    "a successor that is no id": _events({**ANNOUNCED, "successor": "The Next One"}),
    "a base that is no id": _events({**REGISTERED, "base": "../up"}),
    "a member more in the commit": _unsigned(note=None),
    "a signature in capitals": _unsigned(signature="A" * 128),
    "a signature that is short": _unsigned(signature="00"),
    "a signature that is null": _unsigned(signature=None),
    "events that are an object": _unsigned(events={}),
    "a header that is a list": _unsigned(header=sorted(disk.Header.__struct_fields__)),
    "a line feed behind it": _bytes(lambda data: data + b"\n"),
    "a mark before it": _bytes(lambda data: b"\xef\xbb\xbf" + data),
    "a member that stands twice": _bytes(lambda data: b'{"events":[],' + data[1:]),
    "spaces": _bytes(lambda data: data.replace(b'":', b'": ', 1)),
    "a number with a fraction": _bytes(lambda data: data.replace(b'"sequence":', b'"sequence":1.')),
    "half of a character": _bytes(lambda data: data.replace(b'"public"', b'"\\ud800"')),
    "nothing": lambda _: b"",
    "a list": lambda _: b"[]",
    "deep brackets": lambda _: b"[" * 100_000,
}
CASES = {**SOUND, **UNSOUND}


def history(number: int, change: Change) -> list[bytes]:
    """Return three commits, of which commit `number` is changed as by its signer."""
    before, _ = recorded("public", "public")
    link: str | None = None
    files = []
    for at in range(1, 4):
        commit = json.loads(before.files[disk.name_of(at)])
        del commit["header"]["leaves"]
        commit["header"] |= {"prev": link, "nonce": f"{at:016x}"}
        data = change(commit) if at == number else None
        if data is None:
            commit = signed(commit)
            data = text_of(commit)
        files.append(data)
        commit["header"].setdefault("leaves", [])
        link = digests.sha256(disk.COMMIT_DOMAIN.encode() + b"\0" + text_of(commit["header"]))
    return files
