"""Keys, checkpoints and witnesses as people use them, on two machines."""

import shutil
from pathlib import Path

import pytest

from tests.cli.test_cli import Shell


@pytest.fixture
def steward(tmp_path: Path) -> Shell:
    """The steward's machine, with an archive in which two of three people change keys."""
    shell = Shell(tmp_path)
    shell.run("init", "archive", "--policy", "demo", "--root-keys", 3, "--root-threshold", 2)
    return shell


@pytest.fixture
def stranger(steward: Shell) -> Shell:
    """Another person's machine, which reads the same folder and has none of the keys."""
    shell = Shell(steward.root)
    shell.environment["HOME"] = str(steward.root / "elsewhere")
    return shell


def test_two_people_add_and_revoke_a_key(steward: Shell) -> None:
    """Each step says what is missing, and with which command it is done."""
    said = steward.run("keys", "create", "rita", "--role", "reviewer")
    assert "emeritus keys sign 2 --as NAME" in said
    waiting = steward.document("keys", "list")["waiting"]
    assert waiting == [{"commit": 2, "kind": "key.added", "signed": ["steward"]}]
    assert "another person" in steward.run("keys", "sign", 2, code=2)
    assert "counts from now on" in steward.run("keys", "sign", 2, "--as", "root-2")
    names = [each["name"] for each in steward.document("keys", "list")["keys"]]
    assert names == ["steward", "service", "root-2", "root-3", "model-signing", "rita"]
    steward.run("keys", "revoke", "rita", "--reason", "left", "--since", "2020-01-01")
    steward.run("keys", "sign", 4, "--as", "root-3")
    assert "has no valid key" in steward.run("keys", "rotate", "rita", code=2)


def test_a_key_that_is_made_elsewhere_never_comes_here(steward: Shell, stranger: Shell) -> None:
    """Only its public half is put on record; its holder signs on their own machine."""
    public = stranger.run("keys", "offer", "otto").strip()
    steward.run("keys", "create", "otto", "--role", "auditor", "--public", public)
    steward.run("keys", "sign", 2, "--as", "root-2")
    assert not list((steward.root / "home").rglob("otto.pem"))
    steward.run("record", "checkpoint", "--as", "otto", code=2)
    stranger.run("record", "checkpoint", "--as", "otto")
    steward.run("verify")


def test_a_witness_co_signs_and_an_old_note_finds_a_rewritten_history(
    steward: Shell, stranger: Shell
) -> None:
    """From the steward's checkpoint over the stranger's cosignature to the exit code 3."""
    fingerprint = steward.document("record")["fingerprint"]
    steward.run("record", "checkpoint", "--output", "head.note")
    assert "--trust" in stranger.run("witness", "head.note", "--from", "archive", code=2)
    words = ("witness", "head.note", "--from", "archive", "--as", "archive.example")
    done = stranger.document(*words, "--trust", fingerprint)
    assert done["before"] is None
    key = done["keys"][0]
    kept = steward.document("record", "keep", "head.note")
    assert kept["cosigners"] == ["archive.example"]
    steward.run("verify", "--against", "head.note", "--witness", key)
    other = key.replace("archive.example", "other.example")
    assert "no key" in steward.run("verify", "--against", "head.note", "--witness", other, code=2)
    (steward.root / "not.note").write_text("nothing")
    assert "no checkpoint" in steward.run("verify", "--against", "not.note", code=2)
    steward.run("record", "prove", "1.0", "--output", "event.tlog-proof")
    assert (steward.root / "event.tlog-proof").read_text().startswith("c2sp.org/tlog-proof@v1\n")
    steward.run("keys", "create", "rita", "--role", "reviewer")
    steward.run("record", "checkpoint", "--output", "newer.note")
    max((steward.root / "archive" / "record" / "0000").iterdir()).unlink()
    for folder in ("tiles", "checkpoints"):
        shutil.rmtree(steward.root / "archive" / "record" / folder)
    assert "R014" in steward.run("verify", "--against", "newer.note", code=3)
    steward.run("verify", "--trust", fingerprint)  # nothing in the folder shows it, and it goes on
    assert "R018" in steward.run("verify", "--against", "newer.note", code=3)


def test_a_renewal_is_on_record(steward: Shell) -> None:
    """The day on which the next one is due is a year later."""
    event = steward.document("renew")["event"]
    assert "record.renewed" in steward.run("record")
    assert event == "2.0"
    assert steward.document("verify")["renewal_due"] > "2027"
