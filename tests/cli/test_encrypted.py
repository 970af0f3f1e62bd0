"""Encrypted transcripts, as the how-to page goes through them."""

import json
from pathlib import Path

from emeritus.lifecycle.shipped import policy_text
from tests.cli.test_cli import Shell


def test_transcripts_are_encrypted_read_and_erased(shell: Shell, sparrow: Path) -> None:
    """The policy asks for it, a person reads one and erases one, and everything verifies."""
    lasting = '[retention.transcripts]\nkeep = "lifetime"'
    text = policy_text("demo").replace(lasting, f"{lasting}\nencrypted = true")
    (shell.root / "ours.toml").write_text(text)
    shell.run("init", "--policy", "ours.toml")
    shell.run("add", sparrow, "--id", "acme/aster-1")
    shell.run("preserve", "acme/aster-1")
    ends = ("--retire-on", "2099-01-01", "--successor", "acme/aster-2", "--kind", "confirmed")
    shell.run("deprecate", "acme/aster-1", *ends, "--reason", "a newer model takes its place")
    assert "nothing is kept encrypted" in shell.run("encrypted", "list")
    shell.run("interview", "acme/aster-1", "--plan", "demo")
    listed = shell.document("encrypted", "list", "acme/aster-1")["encrypted"]
    names = [each["document"].rpartition("/")[2] for each in listed]
    assert sum(name.endswith(".jsonl.encrypted") for name in names) == 3
    assert {name.partition("-")[0] for name in names[3:]} == {"coding", "merging"}
    assert all(each["key_here"] and each["erased"] is None for each in listed)
    name = listed[0]["document"]
    assert name in shell.run("encrypted", "list")
    assert (shell.root / "archive" / name).read_bytes().startswith(b"emeritus-encrypted/")
    shell.run("encrypted", "read", name, "session.jsonl")
    lines = (shell.root / "session.jsonl").read_text().splitlines()
    assert json.loads(lines[0])["model"] == "acme/aster-1"
    erase = ("encrypted", "erase", name, "--ground")
    assert "lifetime" in shell.run(*erase, "retention", "--reason", "its time is up", code=2)
    event = shell.document(*erase, "takedown", "--reason", "order 7")["event"]
    assert f"erased by event {event}" in shell.run("encrypted", "list")
    assert "nobody can read it" in shell.run("encrypted", "read", name, "again.jsonl", code=2)
    assert "[kept encrypted]" in shell.run("report", "acme/aster-1", "--comment")
    shell.run("verify", "--deep")
    assert "object.erased" in shell.run("record", "show")
    shell.run("dossier", "acme/aster-1", "dossier")
    assert f"{name} says: erased by event {event}" in shell.run("check", "dossier")


def test_a_policy_cannot_ask_for_what_is_not_written(shell: Shell) -> None:
    """Encrypted weights have a form, and no writer yet: nobody is told otherwise."""
    lasting = '[retention.weights]\nkeep = "lifetime"'
    text = policy_text("demo").replace(lasting, f"{lasting}\nencrypted = true")
    (shell.root / "ours.toml").write_text(text)
    said = shell.run("init", "--policy", "ours.toml", code=2)
    assert "encrypts transcripts and letters, and no others" in said
