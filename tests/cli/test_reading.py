"""`interview read` and `interview upload`, as they are typed."""

import json
from pathlib import Path

from tests.cli.test_cli import Shell

CHAT = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello \x1b[2J."}]


def test_an_upload_is_kept_and_read(shell: Shell, sparrow: Path) -> None:
    """From a file of somebody else to a page, lines and a log; no other file is touched."""
    shell.run("init")
    shell.run("add", sparrow, "--id", "acme/aster-1")
    said = shell.run("interview", "read", "acme/aster-1", "--out", "r.html", code=2)
    assert "was not interviewed yet" in said
    chat = shell.root / "chat.json"
    chat.write_text(json.dumps(CHAT))
    upload = ("interview", "upload", "acme/aster-1", "chat.json", "--source", "a friend")
    assert "uploaded, not conducted by us" in shell.run(*upload)
    kept = shell.document(*upload)
    assert kept["sessions"][0]["turns"] == 2
    assert shell.document("evaluate", *upload[1:]) == kept
    read = ("interview", "read", "acme/aster-1", "--out")
    assert shell.document(*read, "r.html")["form"] == "page"
    assert "Hello \\x1b[2J." in (shell.root / "r.html").read_text()
    shell.run(*read, "r.html", "--all")
    assert shell.document(*read, "r.jsonl", "--jsonl")["form"] == "lines"
    assert shell.document(*read, "r.json", "--inspect")["form"] == "inspect"
    assert "name one of" in shell.run(*read, "r.json", "--inspect", "--jsonl", code=2)
    assert "was not written by this command" in shell.run(*read, "chat.json", code=2)
    assert json.loads(chat.read_text()) == CHAT
    assert "nothing is broken" in shell.run("verify")
