"""Histories beside the format's page, for those who write a reader of their own.

`python -m tests.record.vectors` writes docs/formats/record-vectors.json anew.
"""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from emeritus import digests
from emeritus.record import Ed25519Signer
from emeritus.record import format as disk
from tests.record.histories import ID
from tests.record.odd import CASES, NEW, SOUND, history, text_of

FILE = Path(__file__).parents[2] / "docs" / "formats" / "record-vectors.json"
COMMIT_BYTES_MAX = 16_384
FIELD = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493

Sign = Callable[[bytes], str]
Signed = tuple["Person", list[dict[str, Any]]]


class Person:
    """Somebody with a key, or with what looks like one."""

    def __init__(self, name: str, key: str, sign: Sign) -> None:
        self.name, self.key, self.sign = name, key, sign

    def added(self, *roles: str, **more: object) -> dict[str, Any]:
        """Return the event that adds the key."""
        return {"kind": "key.added", "key": self.key, "name": self.name, "roles": [*roles], **more}


def _person(name: str, seed: int) -> Person:
    signer = Ed25519Signer(bytes([seed]) * 32)
    return Person(name, signer.key, signer.sign)


def _pretended(key: bytes, signature: bytes) -> Person:
    return Person("nobody", f"ed25519:{key.hex()}", lambda _: signature.hex())


def _beyond_the_order(message: bytes) -> str:
    """Sign with another S that fits the same equation."""
    signature = bytes.fromhex(ANNA.sign(message))
    scalar = int.from_bytes(signature[32:], "little") + ORDER
    return (signature[:32] + scalar.to_bytes(32, "little")).hex()


ANNA, BERTA, CLARA, DORA = (_person(n, at) for at, n in enumerate(("a", "b", "c", "d"), start=1))
FIRST = {"kind": "archive.created", "archive": ID, "software": "test"}
ALONE = [FIRST, ANNA.added("root", "steward")]
TWO = [
    {**FIRST, "root_threshold": 2},
    ANNA.added("root", "steward"),
    BERTA.added("root"),
    CLARA.added("root"),
]
ONE_IS_ENOUGH = {"kind": "threshold.set", "threshold": 1}
DECLINED = {"kind": "preference.declined", "model": "acme/x", "preference": "p", "reason": "r"}
COVERED = {"kind": "model.covered", "model": "acme/x", "covered": True, "reason": "public"}
LATER = {"kind": "model.celebrated"}
DORA_REVIEWS = DORA.added("reviewer")
NEUTRAL = bytes([1]) + bytes(31)


def _revoked(person: Person) -> dict[str, Any]:
    return {"kind": "key.revoked", "key": person.key, "reason": "left"}


def _role(role: str) -> list[Signed]:
    return [(ANNA, [*ALONE, BERTA.added(role)]), (BERTA, [LATER])]


def _beside(somebody: Person) -> list[Signed]:
    """Let somebody whose key may be none sign what their role allows."""
    return [(ANNA, [*ALONE, somebody.added("steward")]), (somebody, [COVERED])]


PEOPLE: dict[str, tuple[bool, list[Signed]]] = {
    "two of three add a key, which signs": (
        True,
        [(ANNA, TWO), (ANNA, [DORA_REVIEWS]), (BERTA, [DORA_REVIEWS]), (DORA, [DECLINED])],
    ),
    "one of three adds a key, which signs": (
        False,
        [(ANNA, TWO), (ANNA, [DORA_REVIEWS]), (DORA, [DECLINED])],
    ),
    "one of three twice adds a key, which signs": (
        False,
        [(ANNA, TWO), (ANNA, [DORA_REVIEWS]), (ANNA, [DORA_REVIEWS]), (DORA, [DECLINED])],
    ),
    "a key that waited counts by a lower threshold": (
        False,
        [
            (ANNA, TWO),
            (ANNA, [DORA_REVIEWS]),
            *[(each, [ONE_IS_ENOUGH]) for each in (ANNA, BERTA)],
            (DORA, [DECLINED]),
        ],
    ),
    "a key that waited is signed again under a lower threshold": (
        True,
        [
            (ANNA, TWO),
            (ANNA, [DORA_REVIEWS]),
            *[(each, [ONE_IS_ENOUGH]) for each in (ANNA, BERTA)],
            (CLARA, [DORA_REVIEWS]),
            (DORA, [DECLINED]),
        ],
    ),
    "a key counts by the threshold of its own commit": (
        False,
        [
            (ANNA, TWO),
            (ANNA, [ONE_IS_ENOUGH]),
            (BERTA, [ONE_IS_ENOUGH, DORA_REVIEWS]),
            (DORA, [DECLINED]),
        ],
    ),
    "a signature counts twice": (
        False,
        [
            (ANNA, TWO),
            *[(each, [ONE_IS_ENOUGH]) for each in (ANNA, BERTA)],
            (ANNA, [{"kind": "threshold.set", "threshold": 2}]),
            (ANNA, [ONE_IS_ENOUGH]),
            (ANNA, [DORA_REVIEWS]),
            (DORA, [DECLINED]),
        ],
    ),
    "a threshold beyond the people, proposed": (
        False,
        [(ANNA, TWO), (ANNA, [{"kind": "threshold.set", "threshold": 4}])],
    ),
    "two keys of one person for two people": (
        False,
        [(ANNA, [TWO[0], TWO[1], {**BERTA.added("root"), "name": "a"}])],
    ),
    "a key that was on record, proposed": (
        False,
        [(ANNA, TWO), (ANNA, [ANNA.added("service")])],
    ),
    "a key that nobody has, revoked in a proposal": (
        False,
        [(ANNA, TWO), (ANNA, [_revoked(DORA)])],
    ),
    "a key signs its own revocation": (
        True,
        [(ANNA, [*ALONE, BERTA.added("root")]), (BERTA, [_revoked(BERTA)]), (ANNA, [COVERED])],
    ),
    "a key signs after its revocation": (
        False,
        [(ANNA, [*ALONE, BERTA.added("steward")]), (ANNA, [_revoked(BERTA)]), (BERTA, [COVERED])],
    ),
    "a key comes back": (
        False,
        [
            (ANNA, [*ALONE, BERTA.added("steward")]),
            (ANNA, [_revoked(BERTA)]),
            (ANNA, [BERTA.added("steward")]),
        ],
    ),
    "a key signs in the commit that adds it": (
        False,
        [(ANNA, ALONE), (BERTA, [BERTA.added("root")])],
    ),
    "an event of another role": (
        False,
        [(ANNA, [*ALONE, BERTA.added("service")]), (BERTA, [COVERED])],
    ),
    "a later kind by a steward": (True, _role("steward")),
    "a later kind by a service": (True, _role("service")),
    "a later kind by a reviewer": (True, _role("reviewer")),
    "a later kind by an approver": (True, _role("approver")),
    "a later kind by an auditor": (False, _role("auditor")),
    "a later kind by a root key": (False, _role("root")),
    "a later kind by a key for it": (
        True,
        [(ANNA, [*ALONE, BERTA.added("service", kinds=[LATER["kind"]])]), (BERTA, [LATER])],
    ),
    "a later kind by a key for others": (
        False,
        [(ANNA, [*ALONE, BERTA.added("service", kinds=["usage.counted"])]), (BERTA, [LATER])],
    ),
    "the first event comes second": (False, [(ANNA, [ALONE[1], ALONE[0]])]),
    "the first event names another archive": (
        False,
        [(ANNA, [{**FIRST, "archive": "1" * 32}, ALONE[1]])],
    ),
    "the first event is missing": (False, [(ANNA, [ALONE[1]])]),
    "the first commit is by another key": (False, [(BERTA, ALONE)]),
    "a key that is no point is added": (
        True,
        [(ANNA, [*ALONE, {**NEW, "key": "ed25519:" + (bytes([2]) + bytes(31)).hex()}])],
    ),
    "S beyond the order": (
        False,
        [(ANNA, ALONE), (Person("a", ANNA.key, _beyond_the_order), [COVERED])],
    ),
    "a key of small order": (False, _beside(_pretended(NEUTRAL, NEUTRAL + bytes(32)))),
    "a key in another encoding": (
        False,
        _beside(_pretended((FIELD + 1).to_bytes(32, "little"), NEUTRAL + bytes(32))),
    ),
    "a key of zero with a sign": (
        False,
        _beside(_pretended(NEUTRAL[:31] + b"\x80", NEUTRAL + bytes(32))),
    ),
}


def commits_of(signed: Sequence[Signed]) -> list[bytes]:
    """Return the commits of a history, each signed by its person."""
    link: str | None = None
    files = []
    for number, (person, events) in enumerate(signed, start=1):
        header = {
            "archive": ID,
            "format": disk.FORMAT,
            "leaves": [disk.leaf_of(text_of(event)) for event in events],
            "nonce": f"{number:016x}",
            "prev": link,
            "sequence": number,
            "signer": person.key,
            "time": "2027-01-01T00:00:00.000Z",
        }
        message = disk.COMMIT_DOMAIN.encode() + b"\0" + text_of(header)
        signature = person.sign(message)
        files.append(text_of({"events": events, "header": header, "signature": signature}))
        link = digests.sha256(message)
    return files


def vectors() -> list[dict[str, Any]]:
    """Return every history: name, whether a reader has to accept it, and its commits as text."""
    found: list[tuple[str, bool, list[bytes]]] = []
    for name, change in CASES.items():
        files = history(2, change)
        if max(map(len, files)) <= COMMIT_BYTES_MAX:
            found.append((name, name in SOUND, files))
    found += [(name, accept, commits_of(signed)) for name, (accept, signed) in PEOPLE.items()]
    return [
        {"name": name, "accept": accept, "commits": [each.decode() for each in files]}
        for name, accept, files in found
    ]


def render() -> str:
    """Return the file with all histories, one a line."""
    lines = ",\n".join(json.dumps(each, ensure_ascii=True) for each in vectors())
    return f"[\n{lines}\n]\n"


if __name__ == "__main__":
    FILE.write_text(render(), encoding="utf-8")
