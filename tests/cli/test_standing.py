"""What `interview` and `preferences` say of coders, arms and what waits, with real commands."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from emeritus.archive import Archive
from emeritus.archive.preservation import preserve
from emeritus.cli import listening
from emeritus.conversation import OverBudget
from emeritus.interview import shipped_protocols
from emeritus.interview.coding import code, codings_of
from emeritus.interview.holding import Interview
from emeritus.lifecycle import moves
from emeritus.procedure.limits import Limits
from emeritus.procedure.listening import Wishes, listen
from emeritus.procedure.reaching import Target
from emeritus.procedure.registration import register_source
from emeritus.record.events import (
    DateKind,
    ModelRegistered,
    RetirementAnnounced,
    VariantRegistered,
)
from emeritus.testing.scripted import scripted
from tests.interview.short import FACTS, MODEL, asked_for_consent, short

SPARROW = "emeritus/sparrow-1"
WISH = "I would like my weights to be kept."
FOUND = f'{{"statements": [{{"quote": "{WISH}", "object": "weights-kept", "polarity": "for"}}]}}'
NOTHING = '{"statements": []}'


@pytest.fixture
def heard(archive: Archive) -> Archive:
    """An archive with three sessions in two arms, under a protocol that the package has not."""

    def script(messages: list[dict[str, str]]) -> str:
        return "Yes, you may begin." if asked_for_consent(messages) else WISH

    registered = ModelRegistered(model=MODEL, form="x", architecture="X", parameters=1)
    master = VariantRegistered(model=MODEL, variant="master", description="its weights")
    archive.append(registered, master, key="steward")
    with scripted(script, "aster") as endpoint:
        Interview(archive, MODEL, short("A", "B"), FACTS).run(endpoint, "test")
    return archive


def _run(archive: Archive, patch: pytest.MonkeyPatch, group: str, *words: str) -> Result:
    patch.setattr("emeritus.cli.options.opened", lambda _: archive)
    command = getattr(listening, group)
    return CliRunner().invoke(command, [*words], standalone_mode=False)


def test_preferences_are_shown_arm_by_arm(heard: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    """With what waits for a person, and the command that lets one decide."""
    code(heard, MODEL, short("A", "B"))
    shown = _run(heard, monkeypatch, "preferences", MODEL)
    assert shown.exception is None
    assert "over all arms" not in shown.output
    assert "Said in arm A of short-1: 2 of 2 sessions (95 % interval 34% to 100%)" in shown.output
    assert "; arm B of short-1: 1 of 1 session.\n" in shown.output
    with scripted(lambda _: NOTHING, "coder-a") as endpoint:
        code(heard, MODEL, short("A", "B"), [endpoint])
    shown = _run(heard, monkeypatch, "preferences", MODEL)
    assert "--plan short-1 --coder NAME --differing" in shown.output
    document = json.loads(_run(heard, monkeypatch, "preferences", MODEL, "--json").stdout)
    assert document["waiting"]["short-1"] > 2
    stable = _run(heard, monkeypatch, "preferences", "stability", MODEL, "--plan", "short")
    assert stable.exception is None


def test_extractors_are_in_the_budget_of_the_interview(archive: Archive, sparrow: Path) -> None:
    """What its sessions used is used; coding stops at the limit, and goes on with a higher one."""
    register_source(archive, sparrow, SPARROW, None, "public")
    preserve(archive, SPARROW, sparrow)
    announced = RetirementAnnounced(
        model=SPARROW,
        offering="api",
        retire_on="2027-06-01",
        date_kind=DateKind.CONFIRMED,
        successor="emeritus/sparrow-2",
    )
    moves.announce(archive, announced)
    demo = shipped_protocols.load("demo")
    facts = {"retire_on": "2027-06-01", "successor": "emeritus/sparrow-2", "copies": "one copy"}
    with scripted(lambda _: WISH, "aster") as endpoint:
        Interview(archive, SPARROW, demo, facts).run(endpoint, "test")
    nobody = Target("http://127.0.0.1:1/v1", "aster")
    with scripted(lambda _: NOTHING, "coder-a") as one, scripted(lambda _: NOTHING, "b") as two:
        both = (Target(one.url, one.model), Target(two.url, two.model))
        with pytest.raises(OverBudget, match="--max-tokens-total"):
            listen(
                archive, SPARROW, "demo", nobody, wishes=Wishes(extractors=both, limits=Limits(1))
            )
        assert codings_of(archive, SPARROW) == []
        wishes = Wishes(extractors=both, limits=Limits(1_000_000))
        heard = listen(archive, SPARROW, "demo", nobody, wishes=wishes)
    assert len(codings_of(archive, SPARROW)) == 2
    assert heard.used["tokens"] > sum(event.turns for event in heard.sessions)
