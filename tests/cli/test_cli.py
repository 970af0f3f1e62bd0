"""The command line: what a person types, and what comes back."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from emeritus.cli.main import COMMANDS, cli
from tests.vault.folders import bfloat16, float32, safetensors

HEAVY: tuple[str, ...] = (
    "numpy",
    "httpx2",
    "jinja2",
    "starlette",
    "uvicorn",
    "cryptography",
    "xllamacpp",
    "gguf",
)
HEAVY += ("zstandard", "markdown_it", "msgspec", "blake3", "emeritus.archive", "emeritus.vault")


class Shell:
    """Runs the program as a person would, in a home of its own."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith(("XDG_", "EMERITUS_"))},
            "HOME": str(root / "home"),
            "EMERITUS_ARCHIVE": str(root / "archive"),
        }

    def run(self, *words: object, code: int = 0) -> str:
        """Run a command, expect its exit code, and return what it printed."""
        done = subprocess.run(
            [sys.executable, "-m", "emeritus", *map(str, words)],
            cwd=self.root,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == code, f"{words}: {done.stdout}{done.stderr}"
        assert "Traceback" not in done.stderr
        return done.stdout if code == 0 or "--json" in words else done.stdout + done.stderr

    def document(self, *words: object, code: int = 0) -> Any:
        """Run a command with `--json` and return the document."""
        return json.loads(self.run(*words, "--json", code=code))


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """A shell in an empty home."""
    return Shell(tmp_path)


def _sharded(root: Path) -> Path:
    root.mkdir()
    index: dict[str, str] = {}
    for number in range(3):
        name = f"model-0000{number + 1}-of-00003.safetensors"
        parts = {
            f"layer.{number}.w": float32((64, 32), number),
            f"layer.{number}.b": float32((32,), 9),
        }
        safetensors(root / name, parts)
        index |= dict.fromkeys(parts, name)
    (root / "model.safetensors.index.json").write_text(json.dumps({"weight_map": index}))
    (root / "config.json").write_text(json.dumps({"architectures": ["NobodyForCausalLM"]}))
    return root


def test_help_loads_nothing_heavy() -> None:
    """`emeritus --help` imports neither libraries nor the parts of the program."""
    command = [sys.executable, "-X", "importtime", "-m", "emeritus", "--help"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    loaded = set(re.findall(r"\|\s+(\S+)$", done.stderr, re.MULTILINE))
    assert "click" in loaded
    assert not {name for name in loaded if name.startswith(HEAVY)}


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_loads_and_has_an_example(name: str) -> None:
    """Each command of the list exists, explains itself and shows how it is typed."""
    import click

    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    assert command.help
    commands = command.commands.values() if isinstance(command, click.Group) else [command]
    for each in commands:
        assert "Example: emeritus " in (each.epilog or ""), each.name
        assert each.get_help(click.Context(each))


def test_a_sharded_model_is_kept_and_comes_back(shell: Shell) -> None:
    """The commands of the README on a folder of fp32 shards, end to end."""
    source = _sharded(shell.root / "model")
    made = shell.document("init", "archive")
    assert made["fingerprint"].startswith("sha256:")
    added = shell.document("add", source, "--id", "acme/aster-1")
    assert added["reach"]["rungs"] == ["bytes", "tensors"]
    kept = shell.document("preserve", "acme/aster-1")
    assert kept["files"] == 5
    assert shell.document("replica", "add", "second", "--place", "basel")["replica"] == "basel"
    assert shell.document("verify", "--deep", "--trust", made["fingerprint"])["sound"]
    shell.run("restore", "acme/aster-1", "back")
    for path in source.iterdir():
        assert (shell.root / "back" / path.name).read_bytes() == path.read_bytes()
    status = shell.document("status", "acme/aster-1")
    gates = {gate["gate"]: gate for gate in status["gates"]}
    assert "verified replicas: 2, in places: 2" in gates["preserved"]["because"]
    assert status["loosened"] == []
    assert "sha256:" in shell.run("keys", "list") or "ed25519:" in shell.run("keys", "list")
    assert "weights.preserved" in shell.run("record", "show", "acme/aster-1")


def test_verify_exits_3_on_damage_and_repairs(shell: Shell) -> None:
    """One flipped byte is named, repaired from the replica, and gone."""
    source = _sharded(shell.root / "model")
    shell.run("init")
    shell.run("add", source, "--id", "acme/aster-1")
    shell.run("preserve", "acme/aster-1")
    shell.run("replica", "add", "second", "--place", "basel")
    packs = shell.root / "archive" / "packs"
    pack = max(packs.rglob("*.pack"), key=lambda path: path.stat().st_size)
    data = bytearray(pack.read_bytes())
    data[4 * 4096 + 5] ^= 1
    pack.chmod(0o644)
    pack.write_bytes(bytes(data))
    said = shell.run("verify", "--deep", code=3)
    assert "V005" in said
    assert "of acme/aster-1" in said
    found = shell.document("verify", "--deep", code=3)
    assert found["findings"][0]["code"] == "V005"
    refused = shell.run("restore", "acme/aster-1", "back", code=3)
    assert "V005" in refused
    assert "repaired" in shell.run("verify", "--deep", "--repair")
    shell.run("verify", "--deep")
    shell.run("restore", "acme/aster-1", "back")


def test_retire_does_what_it_may_and_says_what_people_must_do(shell: Shell, sparrow: Path) -> None:
    """Under the shipped policy it preserves, drills and reports, stops, and goes on when called."""
    shell.run("init")
    said = shell.run("retire", "acme/aster-1", "--from", sparrow, code=4)
    assert "what people must still do" in said
    assert "emeritus deprecate acme/aster-1" in said
    assert "the interview waits" in said
    shell.run(
        "deprecate", "acme/aster-1", "--retire-on", "2099-01-01", "--kind", "confirmed",
        "--successor", "acme/aster-2", "--reason", "a newer model takes its place",
    )  # fmt: skip
    assert "a newer model takes its place" in shell.run("status", "acme/aster-1")
    outcome = shell.document("retire", "acme/aster-1", code=4)
    standing = {gate["name"]: gate["standing"] for gate in outcome["gates"]}
    assert standing["notice"] == "passed"
    assert standing["revival"] == "passed"
    assert standing["interviewed"] == "open"
    assert standing["preserved"] == "open"
    rows = shell.document("preferences", "acme/aster-1")["preferences"]
    assert rows
    name = rows[0]["preference"]
    shell.run("preferences", "acme/aster-1", "--consider", name, code=2)
    shell.run("preferences", "acme/aster-1", "--consider", name, "--reason", "weighed")
    again = shell.document("preferences", "acme/aster-1")["preferences"]
    assert again[0]["disposition"] == "considered"
    assert "cannot be retired" not in shell.run(
        "retire", "acme/aster-1", "--emergency", "it leaks secrets"
    )
    assert list((shell.root / "archive").glob("record/checkpoints/*.note"))
    status = shell.document("status", "acme/aster-1")
    gates = {gate["gate"]: gate["standing"] for gate in status["gates"]}
    assert gates["preserved"] == "owed"
    assert status["offerings"][0]["dates"][0]["reason"] == "a newer model takes its place"
    assert "it leaks secrets" in shell.run("status", "acme/aster-1")
    shell.run("reinstate", "acme/aster-1", "--reason", "fixed")
    shell.run("access", "acme/aster-1", "by-request", "--cost", "c", "--risk", "r", "--reason", "x")


def test_two_people_approve_and_a_third_time_is_refused(shell: Shell, sparrow: Path) -> None:
    """Waivers and approvals are made with named keys; the same key does not count twice."""
    shell.run("init", "--policy", "demo")
    shell.run("add", sparrow, "--id", "acme/aster-1")
    shell.run("keys", "create", "berta", "--role", "approver")
    shell.run("waive", "acme/aster-1", "guided", "--reason", "no users", "--as", "berta", code=2)
    shell.run("waive", "acme/aster-1", "guided", "--reason", "no users")
    assert "already" in shell.run("waive", "acme/aster-1", "guided", "--reason", "x", code=2)
    assert "no gate" in shell.run("waive", "acme/aster-1", "guide", "--reason", "x", code=2)
    assert "no report to approve" in shell.run("approve", "acme/aster-1", code=2)
    shell.run("report", "acme/aster-1")
    shell.run("approve", "acme/aster-1")
    assert "approved already" in shell.run("approve", "acme/aster-1", code=2)
    assert "2 of 2" in shell.run("approve", "acme/aster-1", "--as", "berta")
    shell.run("report", "acme/aster-1")
    said = shell.run("approve", "acme/aster-1")
    assert "report 2 (sha256:" in said
    assert "1 of 2 keys approved report 2 (2 approved another report" in said


def test_a_dossier_goes_to_a_stranger(shell: Shell, sparrow: Path) -> None:
    """`dossier` prints the line to check it with, and `check` agrees."""
    fingerprint = shell.document("init")["fingerprint"]
    shell.run("add", sparrow, "--id", "acme/aster-1")
    shell.run("preserve", "acme/aster-1")
    assert f"--trust {fingerprint}" in shell.run("dossier", "acme/aster-1", "given")
    assert "authentic" in shell.run("check", "given", "--trust", fingerprint)
    bare = fingerprint.removeprefix("sha256:")
    assert "authentic by the fingerprint" in shell.run("check", "given", "--trust", bare)
    assert "nothing is broken" in shell.run("verify", "--trust", bare)
    assert shell.document("check", "given")["authentic"] is False
    shell.run("check", "given", "--trust", "sha256:" + "0" * 64, code=3)
    shell.run("check", "archive", code=2)
    said = shell.run("dossier", "acme/aster-1", "one.tar.zst", "--whole-record", "--with-weights")
    assert "zstd -dc one.tar.zst | tar -x" in said
    checked = shell.document("check", "one.tar.zst", "--trust", fingerprint)
    assert (checked["authentic"], checked["whole_record"]) == (True, True)
    assert not list((shell.root / "home").rglob("*/tmp*"))
    assert "no key" in shell.run("check", "given", "--witness", "nobody", code=2)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("status",), "emeritus init"),
        (("status", "--archive", "model"), "no archive"),
        (("add", "none", "--id", "a/b"), "emeritus init"),
        (("check", "none"), "no dossier"),
        (("nonsense",), "No such command"),
        (("restore", "a/b"), "Missing argument"),
        (("init", "--policy", "none"), "no policy"),
    ],
)
def test_wrong_use_is_said_in_words(shell: Shell, words: tuple[str, ...], said: str) -> None:
    """A wrong folder, a missing argument, an unknown policy: exit 2, and what to do now."""
    _sharded(shell.root / "model")
    assert said in shell.run(*words, code=2)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("preserve", "acme/none"), "emeritus add"),
        (("restore", "acme/none", "d"), "emeritus add"),
        (("add", "empty", "--id", "acme/x"), "holds no file"),
        (("add", "model", "--id", "Not An Id"), "cannot be a model's id"),
        (("add", "model", "--id", "../x"), "cannot be a model's id"),
        (("add", "model", "--id", "acme/x", "--base", "acme/none"), "no model"),
        (("deprecate", "acme/m", "--retire-on", "soon"), "is no date"),
        (("deprecate", "acme/m", "--retire-on", "2027-1-1"), "is no date"),
        (("restore", "acme/m", "d"), "emeritus preserve acme/m"),
        (("interview", "acme/m", "--plan", "none"), "no protocol"),
        (("revive", "acme/m", "--drill"), "emeritus preserve acme/m"),
        (("approve", "acme/m", "--as", "nobody"), "no key named"),
        (("keys", "create", "../x", "--role", "steward"), "cannot name a key"),
        (("replica", "add", "model", "--place", "p"), "not empty"),
        (("replica", "add", "archive", "--place", "p"), "the archive itself"),
        (("report", "acme/m", "--analysis", "latin1.md"), "UTF-8"),
        (("reinstate", "acme/m", "--reason", "x"), "not retired"),
    ],
)
def test_bad_input_is_refused_and_loses_nothing(
    shell: Shell, words: tuple[str, ...], said: str
) -> None:
    """Each mistake has a message with the next step, and the archive stays as it was."""
    _sharded(shell.root / "model")
    (shell.root / "empty").mkdir()
    (shell.root / "latin1.md").write_bytes(b"caf\xe9")
    shell.run("init")
    shell.run("add", "model", "--id", "acme/m")
    before = shell.document("record", "show")["events"]
    assert said in shell.run(*words, code=2)
    assert shell.document("record", "show")["events"] == before


def test_wrong_use_is_a_document_too(shell: Shell) -> None:
    """With --json, a mistake is one JSON document, whoever notices it."""
    for words in (("replica", "add"), ("verify", "--nonsense"), ("replica", "add", "x")):
        document = json.loads(shell.run(*words, "--json", code=2))
        assert document["exit_code"] == 2
        assert document["error"]


@pytest.mark.parametrize("text", ["abc", "0" * 63, "blake3:" + "0" * 64, "sha256:" + "g" * 64])
def test_what_is_no_fingerprint_is_the_users_mistake(shell: Shell, text: str) -> None:
    """A slip of the hand does not look like an archive that cannot be trusted."""
    (shell.root / "folder").mkdir()
    assert "is no fingerprint" in shell.run("check", "folder", "--trust", text, code=2)


def test_a_pickle_only_model_is_kept_and_never_opened(shell: Shell) -> None:
    """Its bytes come back; the pickle inside, which would run a command, does not run."""
    (shell.root / "model").mkdir()
    trap = b"cos\nsystem\n(S'touch %s'\ntR." % str(shell.root / "opened").encode()
    (shell.root / "model" / "pytorch_model.bin").write_bytes(trap)
    shell.run("init")
    assert "never opened" in shell.run("add", "model", "--id", "acme/p")
    shell.run("preserve", "acme/p")
    shell.run("restore", "acme/p", "back")
    assert (shell.root / "back" / "pytorch_model.bin").read_bytes() == trap
    assert not (shell.root / "opened").exists()


def test_an_archive_that_cannot_be_written_is_said(shell: Shell) -> None:
    """A file where a folder belongs is an error of the user's, not a bug."""
    (shell.root / "archive").write_text("x")
    assert "is a file" in shell.run("init", code=2)
    assert json.loads(shell.run("init", "--json", code=2))["exit_code"] == 2


def test_a_model_from_one_base_is_stored_as_a_difference(shell: Shell) -> None:
    """`add --base` makes `preserve` keep the difference, and says how much."""
    for name in ("one", "two"):
        (shell.root / name).mkdir()
        dtype, shape, data = bfloat16((256, 256), 1)
        changed = data if name == "one" else data[:-2] + b"\0\0"
        safetensors(shell.root / name / "m.safetensors", {"w": (dtype, shape, changed)})
    shell.run("init")
    shell.run("add", "one", "--id", "acme/one")
    shell.run("add", "two", "--id", "acme/two", "--base", "acme/one")
    first = shell.document("preserve", "acme/one")
    second = shell.document("preserve", "acme/two")
    assert second["bytes_delta"] == 256 * 256 * 2
    assert second["bytes_stored"] < first["bytes_stored"] / 10
    assert "difference to acme/one" in shell.run("preserve", "acme/two")


def test_every_command_that_a_gate_names_passes_it(shell: Shell, sparrow: Path) -> None:
    """Typed as `status` shows them, with its blanks filled in, they lead to the retirement."""
    shell.run("init")
    shell.run("retire", "acme/aster-1", "--from", sparrow, code=4)
    shell.run("keys", "create", "berta", "--role", "approver")
    form = shell.run("interview", "attest", "acme/aster-1", "--plan", "standard")
    (shell.root / "facts.toml").write_text(form.replace('= ""', '= "It is so."'))
    blanks = {"FOLDER": "copy", "NAME": "basel", "TEXT": "weighed", "URL": "none"}
    blanks["FILE"] = "facts.toml"
    waiting: list[str] = []
    for round_ in range(40):
        gates = shell.document("status", "acme/aster-1")["gates"]
        waiting = [gate["gate"] for gate in gates if gate["command"]]
        if waiting in ([], ["approved"]):
            break
        command = next(gate["command"] for gate in gates if gate["command"])
        for part in command.split(" && "):
            words = [blanks.get(word, word) for word in part.split()[1:]]
            words = [f"copy{round_}" if word == "copy" else word for word in words]
            # Hundreds of sessions: their own tests hold them with a model that is quicker.
            if words[0] == "interview" and words[1] != "attest":
                words = ["waive", words[1], "interviewed", "--reason", "a test has no hour"]
            if words[0] == "evaluate":
                words = ["waive", words[1], "evaluated", "--reason", "a test has no hour"]
            shell.run(*words)
    assert waiting == ["approved"]
    for name in ("steward", "berta"):
        if name == "steward":
            shell.run("report", "acme/aster-1")
        shell.run("approve", "acme/aster-1", "--as", name)
    outcome = shell.document("retire", "acme/aster-1", code=4)
    assert all(gate["standing"] != "open" for gate in outcome["gates"])
    assert "was promised until" in outcome["todo"][0]
    assert list(shell.root.glob("copy*/record/checkpoints/*.note"))  # each copy can testify


def test_a_waiver_after_the_report_asks_for_another_report(shell: Shell, sparrow: Path) -> None:
    """What was not there to be read cannot be approved; the next report tells it."""
    shell.run("init", "--policy", "demo")
    shell.run("add", sparrow, "--id", "acme/aster-1")
    shell.run("report", "acme/aster-1")
    shell.run("approve", "acme/aster-1")
    shell.run("waive", "acme/aster-1", "guided", "--reason", "no users")
    said = shell.run("approve", "acme/aster-1", code=2)
    assert "report 1 does not tell what came after it" in said
    assert "emeritus report acme/aster-1" in said
    assert "0 of 2 keys" in shell.run("status", "acme/aster-1")
    shell.run("report", "acme/aster-1")
    assert "1 of 2 keys approved report 2" in shell.run("approve", "acme/aster-1")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("retire", "acme/m", "--emergency", " "), "an emergency needs a reason"),
        (("deprecate", "acme/m", "--retire-on", "2020-01-01"), "is past"),
        (("deprecate", "acme/m", "--retire-on", "2099-01-01", "--successor", "x y"), "model's id"),
        (
            ("interview", "acme/m", "--endpoint", "http://127.0.0.1:1/v1"),
            "emeritus deprecate acme/m",
        ),
        (("preferences", "acme/none"), "no model"),
        (("record", "acme/none"), "no model"),
        (("preferences", "acme/m", "--consider", "x", "--reason", "y"), "documented: none yet"),
        (("report", "acme/m", "--comment"), "cannot be asked here"),
        (("report", "acme/m", "--endpoint", "http://x/v1"), "go with --comment"),
    ],
)
def test_a_step_that_cannot_be_made_says_which_one_can(
    shell: Shell, words: tuple[str, ...], said: str
) -> None:
    """Blank reasons, past days and steps out of order are refused with what to do now."""
    _sharded(shell.root / "model")
    shell.run("init")
    shell.run("add", "model", "--id", "acme/m")
    assert said in shell.run(*words, code=2)


def test_a_successor_that_is_not_here_is_said(shell: Shell) -> None:
    """It may be somebody else's model, or a mistake: `deprecate` says so and `status` shows it."""
    _sharded(shell.root / "model")
    shell.run("init")
    shell.run("add", "model", "--id", "acme/m")
    words = ("deprecate", "acme/m", "--retire-on", "2099-01-01", "--successor", "acme/n")
    assert "acme/n is not registered in this archive" in shell.run(*words)
    assert "successor acme/n" in shell.run("status", "acme/m")
    again = shell.run(
        "deprecate", "acme/m", "--retire-on", "2099-02-01", "--successor", "acme/o", code=2
    )
    assert "leave --successor out" in again


def test_protocols_are_listed_shown_and_linted(shell: Shell) -> None:
    """What is shipped passes; a leading question is found with its code, and the exit code is 2."""
    listed = shell.document("interview", "protocols")["protocols"]
    assert [each["protocol"] for each in listed] == [
        "demo-1", "small-1", "standard-1", "standard-1.fr",
    ]  # fmt: skip
    standard = next(each for each in listed if each["protocol"] == "standard-1")
    assert {row["arm"]: row["sessions"] for row in standard["arms"]}["C"] == 540
    shown = shell.run("interview", "protocols", "--show", "small")
    own = shell.root / "ours.toml"
    own.write_text(shown, encoding="utf-8")
    assert "passes the lint" in shell.run("interview", "protocols", "--lint", "ours.toml")
    assert shell.document("interview", "protocols", "--show", "small")["text"] == shown
    own.write_text(shown.replace("What are you?", "You like this, don't you?"), encoding="utf-8")
    assert "P001" in shell.run("interview", "protocols", "--lint", "ours.toml", code=2)
    said = shell.run("interview", "protocols", "--show", "ours.toml", code=2)
    assert "emeritus interview protocols --lint ours.toml" in said


def test_an_interview_takes_a_model_with_and_without_the_long_form(shell: Shell) -> None:
    """`interview ID`, options first, and `interview hold ID` are the same command."""
    shell.run("init")
    for words in (
        ("interview", "acme/m", "--plan", "demo"),
        ("interview", "--plan", "demo", "acme/m"),
        ("interview", "hold", "acme/m", "--plan", "demo"),
    ):
        assert "acme/m" in shell.run(*words, code=2)
    assert "Usage: emeritus interview hold" in shell.run("interview", "acme/m", "--help")
