"""Import, promises, policies, inventory and export, as a person would use them."""

import json
from pathlib import Path

from emeritus.lifecycle.shipped import policy_text
from tests.cli.test_cli import Shell

DATA = Path(__file__).parent.parent / "excerpts" / "deprecations"


def test_other_people_s_history_is_imported_and_counted(shell: Shell) -> None:
    """The table comes in once, and `promises` shows the notice that each provider gave."""
    shell.run("init")
    table = ("record", "import", DATA / "table.csv", "--sources", DATA / "sources.csv")
    assert "--sources FILE" in shell.run("record", "import", DATA / "table.csv", code=2)
    done = shell.document(*table)
    assert (done["models"], done["known"]) == (13, 0)
    assert "SDK says June 30" in done["unread"][0]
    assert shell.document(*table)["added"] == 0
    ledger = {row["provider"]: row for row in shell.document("promises")["providers"]}
    assert ledger["Anthropic"]["median"] == 63
    assert ledger["OpenAI"]["median"] == 182.5
    assert "182.5" in shell.run("promises")
    shown = shell.run("promises", "openai")
    assert "openai/code-davinci-002" in shown
    assert "others say 3" in shown
    assert "is on record" in shell.run("promises", "nobody", code=2)
    assert "of somebody else" in shell.run("status", "openai/o3", code=2)
    assert shell.document("status")["models"] == []
    assert "lifecycle.observed" in shell.run("record", "show", "openai/o3")
    assert shell.run("record", "openai/o3") == shell.run("record", "show", "openai/o3")


def test_an_import_without_a_day_takes_the_one_that_is_named(shell: Shell) -> None:
    """LiteLLM's list says no day; the person who fetched it does."""
    shell.run("init")
    file = DATA / "litellm.json"
    assert "no day" in shell.run("record", "import", file, "--seen-on", "today", code=2)
    shell.run("record", "import", file, "--seen-on", "2026-11-20")
    events = shell.document("record", "show")["events"]
    assert events[-1]["event"]["seen_on"] == "2026-11-20"


def test_our_promises_are_shown_beside_what_was_kept(shell: Shell, sparrow: Path) -> None:
    """Every promise about a model of ours has a line, before and after its end."""
    shell.run("init")
    shell.run("add", sparrow, "--id", "acme/aster-1")
    due = {row["promise"]: row["outcome"] for row in shell.document("promises")["models"]}
    assert due["weights"] == "due"
    shell.run("preserve", "acme/aster-1")
    shell.run("retire", "acme/aster-1", "--emergency", "it leaks secrets")
    rows = shell.document("promises", "acme/aster-1")["models"]
    found = {row["promise"]: row["outcome"] for row in rows}
    assert found["weights"] == "kept"
    assert found["notice"] == found["interview"] == found["report"] == "broken"
    assert "60 days: 0 days on api" in shell.run("promises")


def test_a_policy_is_adopted_and_its_loosening_shown(shell: Shell) -> None:
    """`policy list` and `status` say where it asks for less than the one before."""
    shell.run("init")
    looser = policy_text("default").replace("days_min = 60", "days_min = 14")
    (shell.root / "ours.toml").write_text(looser)
    assert "14 days of notice instead of 60" in shell.run("policy", "adopt", "ours.toml")
    shown = shell.run("status")
    assert "14 days of notice instead of 60 in its version 1" in shown
    versions = shell.document("policy", "list")["policies"]
    assert [bool(version["loosened"]) for version in versions] == [False, True]
    assert "already" in shell.run("policy", "adopt", "ours.toml", code=2)


def test_inventory_and_status_say_what_is_missing(shell: Shell, sparrow: Path) -> None:
    """A stranger in a folder, a model that should be covered, and why, in words."""
    shell.run("init")
    shell.run("add", sparrow, "--id", "acme/aster-1")
    shell.run("cover", "acme/aster-1", "--not", "--reason", "an experiment")
    explained = shell.run("status", "--explain")
    assert "not covered: an experiment (decided by steward" in explained
    assert "it is public" in explained
    (shell.root / "tree" / "rumour").mkdir(parents=True)
    for name in ("config.json", "model.safetensors"):
        (shell.root / "tree" / "rumour" / name).touch()
    (shell.root / "usage.csv").write_text("day,model,requests\n2027-01-01,rumour,10000\n")
    words = ("inventory", "--folder", "tree", "--usage", "usage.csv")
    shown = shell.run(*words, code=4)
    assert "served but not registered: rumour" in shown
    assert "significant internal use" in shown
    assert "registered but not covered: acme/aster-1" in shown
    shell.run("cover", "acme/aster-1", "--reason", "public after all")
    aliased = (*words, "--alias", "rumour=acme/aster-1", "--record")
    assert shell.document(*aliased)["waiting"] == 0
    assert "asked 10000 times" in shell.run("status", "acme/aster-1", "--explain")
    assert "NAME=ID" in shell.run(*words, "--alias", "x", code=2)


def test_the_lifecycle_is_exported_in_standard_words(shell: Shell, sparrow: Path) -> None:
    """One CLE document for a namespace and an offering."""
    shell.run("init")
    shell.run("add", sparrow, "--id", "acme/aster-1")
    shell.run("deprecate", "acme/aster-1", "--retire-on", "2099-01-31", "--successor", "acme/b")
    shell.run("record", "export", "--cle", "out")
    document = json.loads((shell.root / "out" / "acme" / "api.cle.json").read_text())
    assert [event["type"] for event in document["events"]] == [
        "supersededBy",
        "endOfLife",
        "released",
    ]
    assert "--cle" in shell.run("record", "export", "out", code=2)


def test_schemas_are_printed(shell: Shell) -> None:
    """A kind's schema as JSON, the list for people, and a wrong kind by name."""
    schema = json.loads(shell.run("record", "schema", "model.retired"))
    assert schema["properties"]["kind"] == {"enum": ["model.retired"]}
    assert "object.erased" in shell.run("record", "schema")
    assert "model.retired" in shell.document("record", "schema")["kinds"]
    assert "no kind of event" in shell.run("record", "schema", "model.vanished", code=2)
