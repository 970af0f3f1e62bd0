"""Copies on the command line: what is said of those that are gone, behind, damaged or strange."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.test_cli import Shell
from tests.vault.folders import bfloat16, safetensors

TENSORS = 12


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """A shell with an archive that keeps a model of many tensors, and a replica in basel."""
    shell = Shell(tmp_path)
    (tmp_path / "model").mkdir()
    tensors = {f"w{number}": bfloat16((64, 64), number) for number in range(TENSORS)}
    safetensors(tmp_path / "model" / "m.safetensors", tensors)
    (tmp_path / "model" / "config.json").write_text('{"architectures": ["Nobody"]}')
    shell.run("init")
    shell.run("add", "model", "--id", "acme/m")
    shell.run("preserve", "acme/m")
    shell.run("replica", "add", "second", "--place", "basel")
    return shell


def test_verify_says_what_it_read_and_what_it_did_not(shell: Shell) -> None:
    """Commits are counted in each copy; one that is gone is named, with its last check."""
    commits = len(list((shell.root / "archive" / "record").rglob("*.json")))
    said = shell.run("verify", "--deep")
    assert f"primary: {commits} commits and" in said
    assert f"basel: {commits} commits and" in said
    assert said.endswith("nothing is broken\n")
    assert "behind" not in said
    (shell.root / "model" / "more.txt").write_text("x")
    shell.run("preserve", "acme/m", "--again")
    said = shell.run("verify")
    assert f"basel: {commits} commits and" in said
    assert "behind by 2 commits; run: emeritus replica sync" in said
    assert "basel: copied" in shell.run("replica", "sync")
    shutil.move(shell.root / "second", shell.root / "gone")
    said = shell.run("verify")
    assert "basel: not reached: no folder lies at" in said
    assert "last read 2" in said
    assert "nothing is broken in what was read; not reached: basel" in said
    document = shell.document("verify")
    assert [each["reached"] for each in document["copies"]] == [True, False]
    assert "not reached" in shell.run("replica", "sync")
    assert "the replica basel is not reached now" in shell.run("status", "acme/m")


def test_the_commands_of_the_readme_close_the_gate(shell: Shell) -> None:
    """Three replicas in two places, each said to be so, and read through."""
    said = shell.run("replica", "add", "third", "--place", "oslo")
    assert "3 replicas in 3 places; the policy asks for 3 in 2" in said
    shell.run("verify", "--deep")
    gates = {each["gate"]: each for each in shell.document("status", "acme/m")["gates"]}
    assert gates["preserved"]["standing"] == "passed"


def test_a_disc_that_is_not_mounted_is_left_alone(shell: Shell) -> None:
    """Its empty folder is refused with what to do; a removed replica is not asked for any more."""
    shutil.move(shell.root / "second", shell.root / "gone")
    (shell.root / "second").mkdir()
    said = shell.run("replica", "sync", code=2)
    assert "not marked as a copy" in said
    assert "emeritus replica add" in said
    assert not list((shell.root / "second").iterdir())
    shell.run("replica", "remove", "basel", "--reason", " ", code=2)
    said = shell.run("replica", "remove", "basel", "--reason", "the disc died")
    assert "not counted on any more" in said
    assert "basel" not in shell.run("replica", "list")
    assert "replica.withdrawn" in shell.run("record")


def test_shards_are_listed_and_left_alone_too(shell: Shell) -> None:
    """Which shards lie where; a place whose folder was emptied is not filled by a sync."""
    assert "no shards" in shell.run("shards", "list")
    shell.run("shards", "place", "a=pa", "b=pb", "c=pc")
    said = shell.run("shards", "list")
    assert "8+4 shards of every pack" in said
    assert "1, 4, 7, 10" in said
    assert "nothing was missing" in shell.run("shards", "sync")
    shutil.rmtree(shell.root / "pb")
    (shell.root / "pb").mkdir()
    assert "emeritus shards place" in shell.run("shards", "sync", code=2)


def test_much_damage_of_one_kind_is_summed_up(shell: Shell) -> None:
    """The first few tensors are named, the others counted; programs get all of them."""
    pack = max((shell.root / "archive" / "packs").rglob("*.pack"), key=lambda p: p.stat().st_size)
    pack.unlink()
    said = shell.run("verify", code=3)
    assert said.count("affects") == 3
    assert f"and {TENSORS + 2 - 3} more affected; --json lists all" in said
    assert "emeritus verify --deep --repair" in said
    assert "consistent with itself" not in said
    pack.with_suffix(".idx").unlink()
    said = shell.run("verify", code=3)
    assert said.count("V008  ") == 3
    assert "more V008 in primary; --json lists all" in said
    assert len(shell.document("verify", code=3)["findings"]) > TENSORS
    assert "from basel" in shell.run("verify", "--repair")


def test_a_torn_commit_has_a_way_out_that_is_named(shell: Shell) -> None:
    """A copy heals it; without one, the program says how a person replaces it for good."""
    last = max((shell.root / "archive" / "record").rglob("*.json"))
    whole = last.read_bytes()
    last.chmod(0o644)
    last.write_bytes(whole[:100])
    said = shell.run("verify", code=3)
    assert "basel: not reached: not looked at" in said
    shell.run("verify", "--repair")
    assert last.read_bytes() == whole
    last = max((shell.root / "archive" / "record").rglob("*.json"))
    shutil.rmtree(shell.root / "second")
    last.chmod(0o644)
    last.write_bytes(b"")
    said = shell.run("verify", "--repair", code=3)
    assert "--set-aside REASON" in said
    said = shell.run("verify", "--set-aside", "the disc was full")
    assert "quarantine" in said
    assert "the disc was full" in shell.run("verify")


def test_damage_that_no_copy_heals_is_healed_from_the_original(shell: Shell) -> None:
    """`verify --repair` says so, and `preserve --from` does it."""
    shell.run("replica", "remove", "basel", "--reason", "x")
    pack = max((shell.root / "archive" / "packs").rglob("*.pack"), key=lambda p: p.stat().st_size)
    data = bytearray(pack.read_bytes())
    data[4 * 4096 + 5] ^= 1
    pack.chmod(0o644)
    pack.write_bytes(bytes(data))
    assert "emeritus preserve ID --from SOURCE" in shell.run("verify", "--repair", code=3)
    assert "emeritus verify --deep --repair" in shell.run("restore", "acme/m", "back", code=3)
    assert shell.document("retire", "acme/m", code=3)["exit_code"] == 3
    said = shell.run("preserve", "acme/m", "--from", "model")
    assert "wrote anew from model what was damaged in: packs/" in said
    shell.run("verify", "--deep")
    shell.run("restore", "acme/m", "back")


def test_strange_files_and_fingerprints_are_told_from_damage(shell: Shell) -> None:
    """A file of the operating system comes with advice; what is no fingerprint is your input."""
    (shell.root / "archive" / ".DS_Store").write_bytes(b"x")
    assert "move it out of the archive" in shell.run("verify", code=3)
    (shell.root / "archive" / ".DS_Store").unlink()
    assert "is no fingerprint" in shell.run("verify", "--trust", "abc", code=2)
    assert "is a file" in shell.run("replica", "add", "model/config.json", "--place", "x", code=2)
    said = shell.run("verify", "--trust", "sha256:" + "0" * 64, code=3)
    assert "R012" in said
    assert "basel:" in said


def test_a_check_that_leaves_no_trace_says_so(shell: Shell) -> None:
    """Somebody without keys may check everything, and is told that nothing was recorded."""
    shutil.rmtree(shell.root / "home" / ".config")
    said = shell.run("verify")
    assert "this check is not recorded: the service key is not on this machine" in said
    assert shell.document("verify")["recorded"] is False


def test_verify_leaves_what_another_version_wrote_for_people(tmp_path: Path) -> None:
    """It is noted, with what to do; a command that records something writes it anew."""
    shell = Shell(tmp_path)
    before = "import emeritus; emeritus.__version__ = '0.0.7'; from emeritus.cli.main import cli; "
    command = [sys.executable, "-c", before + "cli(['init'])"]
    subprocess.run(command, cwd=tmp_path, env=shell.environment, check=True, capture_output=True)
    page = tmp_path / "archive" / "index.md"
    assert "Written by emeritus 0.0.7 " in page.read_text()
    said = shell.run("verify")
    assert "A007  primary: index.md" in said
    assert "run: emeritus renew" in said
    assert "--repair" not in said
    assert "Written by emeritus 0.0.7 " in page.read_text()
    (tmp_path / "model").mkdir()
    safetensors(tmp_path / "model" / "m.safetensors", {"w": bfloat16((4, 4), 1)})
    (tmp_path / "model" / "config.json").write_text('{"architectures": ["Nobody"]}')
    shell.run("add", "model", "--id", "acme/m")
    assert "Written by emeritus 0.0.7 " not in page.read_text()
    said = shell.run("verify")
    assert "A007" not in said
    assert "emeritus renew" not in said
