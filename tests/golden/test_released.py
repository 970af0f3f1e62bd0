"""What was released is read for ever: every golden archive by every later version."""

import io
import shutil
import tarfile
from pathlib import Path

import pytest
import zstandard

from tests.golden.judging import PROGRAMS, bare, digests, essence, remember_signatures, today
from tests.golden.life import PLACES
from tests.golden.opening import HERE, VERSION, Golden, opened, released
from tests.golden.packing import tree


@pytest.fixture(params=released(), ids=lambda path: f"format-{path.name}")
def golden(request: pytest.FixtureRequest, tmp_path: Path) -> Golden:
    """Each of them in turn."""
    return opened(request.param, tmp_path / "golden")


def test_each_format_that_promises_something_has_a_golden_archive() -> None:
    """It is kept for ever, and so is every earlier one."""
    names = [path.name for path in released() if path.parent == HERE]
    numbers = [str(number) for number in range(1, int(VERSION) + 1)]
    assert names == numbers, "run: python tests/golden/make.py"


def test_verify_finds_it_sound(golden: Golden) -> None:
    """Every block is decoded, every commit judged, against fingerprint, checkpoint and witness."""
    words = ["verify", "--deep", "--trust", golden.expected["fingerprint"]]
    words += ["--against", golden.given, "--witness", golden.expected["witness_keys"][1]]
    for said in (golden.run(*words), golden.run("verify", "--deep", archive="second")):
        assert said.code == 0, said.text


def test_checkers_accept_it(golden: Golden) -> None:
    """The program that lies in it, and that of today."""
    remember_signatures()
    trust = ("--trust", golden.expected["fingerprint"])
    against = ("--against", golden.given, "--witness", golden.expected["witness_keys"][0])
    for folder in ("archive", "second", *PLACES):
        root = golden.root / folder
        if folder in ("archive", PLACES[0]):
            code, said = bare(root / "format" / "check.py", root, *trust)
            assert code == 0, said
            assert "authentic by the fingerprint" in said
        code, said = today(root, *against)
        assert code == 0, said
        assert "co-signed by the witness that you trust" in said
        assert f"{golden.expected['commits']} commits" in said or folder != "archive"


def test_every_model_is_restored(golden: Golden, tmp_path: Path) -> None:
    """By the command, and by the program that lies in the archive: the same files."""
    program = golden.root / "archive" / "format" / "decode.py"
    for number, (model, expected) in enumerate(golden.expected["restored"].items()):
        said = golden.run("restore", model, tmp_path / f"one-{number}")
        assert said.code == 0, said.text
        assert digests(tmp_path / f"one-{number}") == expected
        for name, each in (("own", program), ("today", PROGRAMS / "decode.py")):
            dest = tmp_path / f"{name}-{number}"
            code, words = bare(each, golden.root / "archive", model, dest)
            assert code == 0, words
            assert digests(dest) == expected
    assert sorted(golden.expected["restored"]) == golden.expected["models"]


def test_status_says_what_it_said(golden: Golden) -> None:
    """Where each model stands and which gates it passed."""
    for model, expected in golden.expected["status"].items():
        assert essence(golden.run("status", model).document) == expected


def test_every_event_is_read(golden: Golden) -> None:
    """As many as were written, of as many kinds, and none of a kind that is not known any more."""
    shown = golden.run("record").document
    assert shown["fingerprint"] == golden.expected["fingerprint"]
    assert len(shown["events"]) == golden.expected["events"]
    assert len({each["event"]["kind"] for each in shown["events"]}) == golden.expected["kinds"]


def test_dossiers_are_accepted(golden: Golden, tmp_path: Path) -> None:
    """An excerpt in one packed file and the whole record in a folder, by both checkers."""
    trust = ("--trust", golden.expected["fingerprint"])
    packed, whole = golden.root / "excerpt.tar.zst", golden.root / "whole"
    plain = zstandard.ZstdDecompressor().stream_reader(packed.read_bytes()).read()
    with tarfile.open(fileobj=io.BytesIO(plain)) as opened_:
        opened_.extractall(tmp_path / "unpacked", filter="data")
    excerpt = tmp_path / "unpacked" / "excerpt"
    for dossier in (packed, excerpt, whole):
        said = golden.call("check", dossier, *trust)
        assert (said.code, said.document["authentic"]) == (0, True), said.text
        assert said.document["whole_record"] == (dossier == whole)
        if dossier.is_dir():
            for code, words in (today(dossier, *trust), bare(dossier / "check.py", dossier)):
                assert code == 0, words
    model = golden.call("check", whole).document
    assert any("in a model signing bundle" in line for line in model["proven"])


@pytest.mark.parametrize("lost", PLACES)
def test_shards_give_it_back(golden: Golden, lost: str, tmp_path: Path) -> None:
    """Without any one place, by the command and by the program that lies in each place."""
    left = [golden.root / place for place in PLACES if place != lost]
    shutil.rmtree(golden.root / lost)
    said = golden.call("shards", "rebuild", tmp_path / "again", *left)
    assert said.code == 0, said.text
    code, words = bare(left[0] / "format" / "join.py", tmp_path / "joined", *left)
    assert code == 0, words
    packs = tree(golden.root / "archive" / "packs")
    for folder in ("again", "joined"):
        rebuilt = tree(tmp_path / folder / "packs")
        assert {name: rebuilt[name] for name in packs if name.endswith(".pack")} == {
            name: data for name, data in packs.items() if name.endswith(".pack")
        }
        code, words = today(tmp_path / folder, "--trust", golden.expected["fingerprint"])
        assert code == 0, words
