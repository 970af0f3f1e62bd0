"""The program and the checker of one file say the same of every commit, however odd."""

import json
import shutil
from pathlib import Path

import pytest

from emeritus import canonical
from emeritus.archive import Archive
from emeritus.archive.creation import render_description
from emeritus.archive.documents import write_documents
from emeritus.archive.dossier import write_dossier
from emeritus.archive.dossier_check import check_dossier
from emeritus.errors import UserError
from emeritus.record.events import SessionHeld, WeightsPreserved
from tests.archive.conftest import MODEL
from tests.archive.readers import checker_says, folder_of, program_says
from tests.archive.spoken import interview
from tests.archive.test_dossier import relist, verdicts
from tests.record.odd import CASES, DIGEST, SOUND, history, text_of


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("part", [False, True], ids=["record", "excerpt"])
def test_both_say_the_same_of_an_odd_commit(tmp_path: Path, name: str, part: bool) -> None:
    """Signed by who may sign it, in the middle of a record; in an excerpt it is judged alike."""
    store = folder_of(tmp_path, history(2, CASES[name]))
    said = program_says(store, part=part), checker_says(tmp_path, part=part)
    left_out = part and name == "an event that is null"
    assert said == ((name in SOUND) or left_out,) * 2


@pytest.mark.parametrize("name", CASES)
def test_both_say_the_same_of_an_odd_commit_behind_a_gap(tmp_path: Path, name: str) -> None:
    """In an excerpt, where there is nothing to compare its link with."""
    store = folder_of(tmp_path, history(3, CASES[name]), without=2)
    assert program_says(store, part=True) == checker_says(tmp_path, part=True)
    if name != "an event that is null":
        assert checker_says(tmp_path, part=True) == (name in SOUND)


@pytest.mark.parametrize("name", CASES)
def test_both_say_the_same_of_an_odd_first_commit(tmp_path: Path, name: str) -> None:
    """The commit that proves itself proves nothing about its form."""
    store = folder_of(tmp_path, history(1, CASES[name]))
    assert program_says(store, part=False) == checker_says(tmp_path, part=False)


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
    store = folder_of(tmp_path, history(0, CASES["as it was"]))
    path = tmp_path / "archive.json"
    assert path.read_bytes() == render_description(store)
    assert checker_says(tmp_path, part=False)
    path.write_bytes(canonical.dumps({**json.loads(path.read_bytes()), **change}))
    assert not checker_says(tmp_path, part=False)
    assert not checker_says(tmp_path, part=True)


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
    path.write_bytes(text_of({each: told for each, told in value.items() if told is not ...}))
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
