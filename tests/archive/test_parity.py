"""The program and the checker of one file say the same of every commit, however odd."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from emeritus import canonical, digests
from emeritus.archive import Archive
from emeritus.archive.creation import render_description
from emeritus.archive.documents import write_documents
from emeritus.archive.dossier import write_dossier
from emeritus.archive.dossier_check import check_dossier
from emeritus.errors import UserError
from emeritus.record import check as check_record
from emeritus.record import excerpt
from emeritus.record import format as disk
from emeritus.record.events import SessionHeld, WeightsPreserved
from emeritus.record.verification import blocking
from emeritus.vault import LocalStore
from tests.archive.conftest import MODEL
from tests.archive.spoken import interview
from tests.archive.test_dossier import checker, relist, verdicts
from tests.record.histories import ID, ROOT, covered, recorded

Commit = dict[str, Any]
Change = Callable[[Commit], bytes | None]
"""Changes a commit before it is signed; or returns the bytes of the file as they are."""

NULL = {"kind": "model.celebrated", "value": None}
P256 = "p256:02" + "6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"
ADDED = {"kind": "key.added", "key": P256, "name": "bundles", "roles": []}
DIGEST = "sha256:" + "0" * 64


def _text(value: object) -> bytes:
    """Return canonical JSON, also of what is too deep; names and text here are ASCII."""
    return json.dumps(value, separators=(",", ":"), sort_keys=True).encode()


def _leaf(event: object) -> str:
    return disk.leaf_of(_text(event))


def _signed(commit: Commit) -> Commit:
    """Return a commit with the digests of its events, unless it has others, and a signature."""
    header = commit["header"]
    header.setdefault("leaves", [_leaf(event) for event in commit["events"]])
    message = disk.COMMIT_DOMAIN.encode() + b"\0" + _text(header)
    return {**commit, "signature": ROOT.sign(message)}


def _header(**members: object) -> Change:
    return lambda commit: commit["header"].update(members)


def _events(*events: object) -> Change:
    return lambda commit: commit.update(events=list(events))


def _unsigned(**members: object) -> Change:
    """Change what no signature is over, behind it."""
    return lambda commit: _text({**_signed(commit), **members})


def _bytes(change: Callable[[bytes], bytes]) -> Change:
    return lambda commit: change(_text(_signed(commit)))


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
        rest = len(_text({**place, "event": event, "position": 0}))
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


def _folder(root: Path, number: int, change: Change, *, behind_gap: bool = False) -> LocalStore:
    """Write a record of three commits, of which commit `number` is changed as by its signer."""
    before, _ = recorded("public", "public")
    link: str | None = None
    described: dict[str, object] = {"format": "emeritus-archive/1", "hashes": ["sha256", "blake3"]}
    for at in range(1, 4):
        commit = json.loads(before.files[disk.name_of(at)])
        del commit["header"]["leaves"]
        commit["header"]["prev"] = link
        data = change(commit) if at == number else None
        if data is None:
            commit = _signed(commit)
            data = _text(commit)
        path = root / disk.name_of(at)
        path.parent.mkdir(parents=True, exist_ok=True)
        if not (behind_gap and at == number - 1):
            path.write_bytes(data)
        commit["header"].setdefault("leaves", [])
        link = digests.sha256(disk.COMMIT_DOMAIN.encode() + b"\0" + _text(commit["header"]))
        if at == 1:
            described |= {"id": ID, "created": commit["header"]["time"], "genesis": link}
    (root / "archive.json").write_bytes(_text(described))
    return LocalStore(root)


def _program_says(store: LocalStore, part: bool) -> bool:
    found = excerpt.read(store, ID).findings if part else tuple(check_record(store, ID))
    return not blocking(found)


def _checker_says(root: Path, part: bool) -> bool:
    names = checker()
    try:
        return not names["read_record"](names["Folder"](str(root)), part).wrong
    except names["Wrong"]:
        return False


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("part", [False, True], ids=["record", "excerpt"])
def test_both_say_the_same_of_an_odd_commit(tmp_path: Path, name: str, part: bool) -> None:
    """Signed by who may sign it, in the middle of a record; in an excerpt it is judged alike."""
    store = _folder(tmp_path, 2, CASES[name])
    said = _program_says(store, part), _checker_says(tmp_path, part)
    left_out = part and name == "an event that is null"
    assert said == ((name in SOUND) or left_out,) * 2


@pytest.mark.parametrize("name", CASES)
def test_both_say_the_same_of_an_odd_commit_behind_a_gap(tmp_path: Path, name: str) -> None:
    """In an excerpt, where there is nothing to compare its link with."""
    store = _folder(tmp_path, 3, CASES[name], behind_gap=True)
    assert _program_says(store, True) == _checker_says(tmp_path, True)
    if name != "an event that is null":
        assert _checker_says(tmp_path, True) == (name in SOUND)


@pytest.mark.parametrize("name", CASES)
def test_both_say_the_same_of_an_odd_first_commit(tmp_path: Path, name: str) -> None:
    """The commit that proves itself proves nothing about its form."""
    store = _folder(tmp_path, 1, CASES[name])
    assert _program_says(store, False) == _checker_says(tmp_path, False)


@pytest.mark.parametrize(
    "change",
    [
        {"format": "emeritus-archive/9"},
        {"hashes": ["md5"]},
        {"hashes": None},
        {"created": "2027-01-01T00:00:00.001Z"},
        {"genesis": DIGEST},
        {"id": "1" * 32},
        {"id": None},
        {"note": "x"},
    ],
    ids=str,
)
def test_the_description_is_what_the_first_commit_gives(
    tmp_path: Path, change: dict[str, object]
) -> None:
    """`archive.json` follows from commit 1, with no member more and none that is another."""
    store = _folder(tmp_path, 0, CASES["as it was"])
    path = tmp_path / "archive.json"
    assert path.read_bytes() == render_description(store)
    assert _checker_says(tmp_path, False)
    path.write_bytes(canonical.dumps({**json.loads(path.read_bytes()), **change}))
    assert not _checker_says(tmp_path, False)
    assert not _checker_says(tmp_path, True)


# --- dossiers -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("dossier.json", {"up_to": None}),
        ("dossier.json", {"up_to": True}),
        ("dossier.json", {"up_to": 1}),
        ("dossier.json", {"model": None}),
        ("dossier.json", {"model": "../x"}),
        ("dossier.json", {"model": "9" * 300}),
        ("dossier.json", {"record": "half"}),
        ("dossier.json", {"note": 1}),
        ("archive.json", {"format": "emeritus-archive/9"}),
        ("archive.json", {"hashes": ["md5"]}),
        ("archive.json", {"hashes": ...}),
        ("archive.json", {"created": "2027-01-01T00:00:00.001Z"}),
        ("archive.json", {"note": 1}),
        ("record/proofs.json", {"proofs": None}),
        ("record/proofs.json", {"proofs": [{"entry": "1.0", "index": False, "path": [1]}]}),
        ("models/acme/aster-1/model.sig", {"note": 2**53}),
    ],
    ids=str,
)
def test_what_describes_a_dossier_has_one_form_for_both(
    kept: Archive, tmp_path: Path, name: str, change: dict[str, object]
) -> None:
    """What leaves something out, or says more than it may, is refused in words by both."""
    given = write_dossier(kept, MODEL, tmp_path / "d").path
    path = given / "data" / name
    value = {**json.loads(path.read_bytes()), **change}
    path.write_bytes(_text({each: told for each, told in value.items() if told is not ...}))
    relist(given)
    assert not verdicts(given)[0].sound


@pytest.mark.parametrize("odd", [b"\xc3\xa9", b"\xff", b"\n", b"=" * 40])
def test_an_odd_checkpoint_is_refused_in_words_by_both(
    kept: Archive, tmp_path: Path, odd: bytes
) -> None:
    """No byte of a note makes a program stop with an error of its own."""
    given = write_dossier(kept, MODEL, tmp_path / "d").path
    (path,) = (given / "data/record/checkpoints").iterdir()
    lines = path.read_bytes().split(b"\n")
    for place in range(len(lines)):
        changed = [*lines[:place], odd + lines[place][1:], *lines[place + 1 :]]
        path.write_bytes(b"\n".join(changed))
        relist(given)
        assert not verdicts(given)[0].sound


@pytest.mark.parametrize("packs", [False, True])
def test_both_say_that_weights_are_encrypted(kept: Archive, tmp_path: Path, packs: bool) -> None:
    """In the same words, also where packs were added; damage in those is found all the same."""
    given = write_dossier(kept, MODEL, tmp_path / "x", with_weights=True).path / "data/packs"
    document, sha256 = kept.put_document(b"{}", encrypted=True)
    event = WeightsPreserved(
        model=MODEL, manifest=document, manifest_sha256=sha256, files=1, tensors=1, bytes_raw=1,
        bytes_stored=1, encrypted=True,
    )  # fmt: skip
    kept.append(event)
    write_documents(kept)
    folder = write_dossier(kept, MODEL, tmp_path / "d").path
    if packs:
        shutil.copytree(given, folder / "data/packs")
        relist(folder)
    examined, lines = verdicts(folder)
    assert examined.sound, examined.findings
    assert "the weights: they are encrypted" in examined.missing
    assert "  the weights: they are encrypted" in lines
    with pytest.raises(UserError, match="are encrypted"):
        write_dossier(kept, MODEL, tmp_path / "y", with_weights=True)
    if packs:
        pack = next((folder / "data/packs").rglob("*.pack"))
        data = bytearray(pack.read_bytes())
        data[4100] ^= 1
        pack.chmod(0o644)
        pack.write_bytes(bytes(data))
        relist(folder)
        assert not check_dossier(folder).sound


def test_a_quotation_is_from_the_first_session_of_its_name(kept: Archive, tmp_path: Path) -> None:
    """One that nobody can read proves nothing by another that has its name."""
    document, sha256 = kept.put_document(b"something else", encrypted=True)
    held = SessionHeld(
        model=MODEL, session="s-1", protocol="p", protocol_sha256=DIGEST, arm="a", deployment="d",
        transcript=document, transcript_sha256=sha256, turns=1, ended="complete", outcomes={},
        encrypted=True,
    )  # fmt: skip
    kept.append(held)
    interview(kept, MODEL, "s-1")
    write_documents(kept)
    examined, lines = verdicts(write_dossier(kept, MODEL, tmp_path / "d").path)
    assert examined.sound, examined.findings
    said = "0 quotations, each standing in its transcript where it says"
    assert said in examined.proven
    assert f"  {said}" in lines
