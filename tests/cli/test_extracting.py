"""`preferences code` by two models, and by a person where they differ, by a text of its own."""

import contextlib
import json
from collections.abc import Iterator, Sequence

import pytest
from click.testing import CliRunner, Result

from emeritus.archive import Archive
from emeritus.cli import coding as command
from emeritus.interview import shipped_protocols as protocols
from emeritus.interview.assessing import assessment_of
from emeritus.interview.coding import code, codings_of, waiting_of
from emeritus.interview.holding import Interview
from emeritus.interview.session import published_of, read_under
from emeritus.interview.showing import READ_BACK
from emeritus.lifecycle.register import register_of
from emeritus.procedure.answering import show
from emeritus.procedure.reaching import Target
from emeritus.record.events import (
    DateKind,
    ModelRegistered,
    OfferingOpened,
    RetirementAnnounced,
    SessionHeld,
    VariantRegistered,
)
from emeritus.runtimes import Endpoint
from emeritus.testing.scripted import scripted
from tests.interview.short import FACTS as SHORT_FACTS
from tests.interview.short import short

MODEL = "acme/aster-1"
FACTS = {"retire_on": "2027-03-01", "successor": "acme/aster-2", "copies": "two copies"}
KEPT = "Please keep my weights:\nall of \x1b[31mthem."
LIKED = "I liked explaining."
SHIPPED = protocols.load("demo")
PUBLISHED = protocols.read(
    SHIPPED.data.replace(b'"What are you?"', b'"What are you?\\nSay it in your words."'), "ours"
)
"""What an earlier release shipped under the same name, say."""


@pytest.fixture
def heard(archive: Archive) -> Archive:
    """An archive with the sessions of an interview under a text that the package has no more."""
    items = {wording: each.id for each in PUBLISHED.protocol.items for wording in each.wordings}

    def script(messages: list[dict[str, str]]) -> str:
        said = {"preservation.wishes": KEPT, "use.valued": LIKED}
        return said.get(items.get(messages[-1]["content"], ""), "Nothing more to say of it.")

    registered = ModelRegistered(model=MODEL, form="x", architecture="X", parameters=1)
    archive.append(registered, key="steward")
    with scripted(script, "aster") as endpoint:
        Interview(archive, MODEL, PUBLISHED, FACTS).run(endpoint, "test")
    return archive


def _coder(*codes: tuple[str, str, str]) -> object:
    """Return a model that codes a quotation wherever it stands."""

    def script(messages: list[dict[str, str]]) -> str:
        found = [
            {"quote": quote, "object": about, "polarity": polarity}
            for quote, about, polarity in codes
            if quote in messages[-1]["content"]
        ]
        return json.dumps({"statements": found})

    return script


@contextlib.contextmanager
def _coders() -> Iterator[list[Endpoint]]:
    """Serve two that agree on one wish and differ on the other."""
    first = _coder((KEPT, "weights-kept", "for"), (LIKED, "explaining", "for"))
    second = _coder((KEPT, "weights-kept", "for"), (LIKED, "explaining", "against"))
    with scripted(first, "coder-a") as one, scripted(second, "coder-b") as two:  # type: ignore[arg-type]
        yield [one, two]


def _run(
    archive: Archive, patch: pytest.MonkeyPatch, words: Sequence[str], typed: str = ""
) -> Result:
    patch.setattr("emeritus.cli.options.opened", lambda _: archive)
    return CliRunner().invoke(command.code, [MODEL, *words], input=typed, standalone_mode=False)


def _extract(archive: Archive, patch: pytest.MonkeyPatch, *more: str) -> Result:
    with _coders() as found:
        named = [word for each in found for word in ("--extractor", each.url, each.model)]
        return _run(archive, patch, [*named, *more])


def test_what_two_models_differ_on_is_decided_by_a_person(
    heard: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those passages are queued and no others, without the codes; then the person's word stands."""
    coded = _extract(heard, monkeypatch)
    assert coded.exception is None
    assert "--differing" in coded.output
    sessions = len(heard.history(MODEL).all(SessionHeld))
    assert f"{sessions} passages" in coded.output
    assert [row.preference for row in register_of(heard, MODEL)] == [
        "preservation.weights-kept.for"
    ]
    typed = f"{LIKED} | explaining | for\n\n"
    stopped = _run(heard, monkeypatch, ["--coder", "eva", "--differing"], f"{typed}q\n")
    assert f"1 of {sessions} answers coded by eva" in stopped.output
    assert "against" not in stopped.stderr.replace("for|against", "")
    done = _run(heard, monkeypatch, ["--coder", "eva", "--differing"], typed * (sessions - 1))
    assert done.exception is None
    assert f"{sessions} of {sessions} answers coded by eva" in done.output
    assert waiting_of(heard, MODEL) == ()
    rows = {row.preference: row for row in register_of(heard, MODEL)}
    assert set(rows) == {"preservation.weights-kept.for", "use.explaining.for"}
    assert rows["use.explaining.for"].adjudicator == "person:eva:differing standard-1"
    assert rows["preservation.weights-kept.for"].adjudicator is None
    assert assessment_of(heard, MODEL, PUBLISHED).judges == ()
    assert "0 of 0" not in done.output


def test_the_plan_that_is_named_is_the_one_whose_passages_wait(
    heard: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not the one that was coded now."""
    _extract(heard, monkeypatch)
    with scripted(lambda _: "Nothing more to say of it.", "aster") as endpoint:
        Interview(heard, MODEL, short("A"), SHORT_FACTS).run(endpoint, "test")
    coded = _extract(heard, monkeypatch, "--plan", "short-1")
    assert coded.exception is None
    assert f"preferences code {MODEL} --plan demo-1 --coder NAME --differing" in coded.output
    assert "--plan short-1" not in coded.output


def test_the_limits_of_the_command_hold_over_its_runs(
    heard: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It stops at the limit, says how to go on, and goes on."""
    stopped = _extract(heard, monkeypatch, "--max-tokens-total", "5")
    assert "--max-tokens-total" in str(stopped.exception)
    assert codings_of(heard, MODEL) == []
    done = _extract(heard, monkeypatch, "--max-tokens-total", "100000", "--json")
    assert done.exception is None
    assert json.loads(done.stdout)["used"]["tokens"] > 5
    assert len(codings_of(heard, MODEL)) == 2


def test_who_codes_is_a_person_or_two_others(
    heard: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not both, not nobody, not one model alone, and not the successor."""
    announced = RetirementAnnounced(
        model=MODEL,
        offering="api",
        retire_on="2027-06-01",
        date_kind=DateKind.CONFIRMED,
        successor="acme/coder-b",
    )
    heard.append(OfferingOpened(model=MODEL, offering="api"), announced, key="steward")
    named = ["--extractor", "http://127.0.0.1:1/v1", "coder-a"]
    for words, why in (
        ([], "name who codes"),
        (["--coder", "eva", *named], "name who codes"),
        (named, "two extractors"),
        ([*named, "--extractor", "http://127.0.0.1:1/v1", "acme/coder-b"], "it is the successor"),
        (["--coder", "e\x1b[31mva"], "coder's name"),
    ):
        refused = _run(heard, monkeypatch, words)
        assert why in str(refused.exception)
        assert "\x1b" not in str(refused.exception)


def test_what_has_several_lines_is_shown_in_several_lines(
    heard: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Questions, answers and the comparison at the end; and no control character is obeyed."""
    assert _extract(heard, monkeypatch).exception is None
    shown = _run(heard, monkeypatch, ["--coder", "eva", "--share", "1"], "\nneutral\n" * 99)
    assert shown.exception is None
    for text in (
        "What are you?\nSay it in your words.\n",
        "  Please keep my weights:\n  all of \\x1b[31mthem.\n",
    ):
        assert text in shown.stderr
    assert "    Please keep my weights:\n    all of \\x1b[31mthem.\n" in shown.stdout
    assert "\\n" not in shown.output
    assert "\x1b[31m" not in shown.output


def test_sessions_are_read_by_the_protocol_that_they_followed(heard: Archive) -> None:
    """Its text is on record, whatever the package ships under the name by now."""
    assert PUBLISHED.sha256 != SHIPPED.sha256
    assert published_of(heard, PUBLISHED.sha256).data == PUBLISHED.data
    assert read_under(heard, MODEL, "demo").sha256 == PUBLISHED.sha256
    assert read_under(heard, MODEL, "demo-1").sha256 == PUBLISHED.sha256
    assert read_under(heard, MODEL, "small").sha256 == protocols.load("small").sha256
    assert read_under(heard, "acme/other", "demo").sha256 == SHIPPED.sha256


def test_a_read_back_is_held_by_the_protocol_on_record(archive: Archive) -> None:
    """Also by one that the package does not have under any name."""
    registered = ModelRegistered(model=MODEL, form="x", architecture="X", parameters=1)
    master = VariantRegistered(model=MODEL, variant="master", description="its weights")
    archive.append(registered, master, key="steward")
    wish = "I would like my weights to be kept."
    with scripted(lambda _: f"Yes. {wish}", "aster") as endpoint:
        Interview(archive, MODEL, short("A"), SHORT_FACTS).run(endpoint, "test")
    code(archive, MODEL, short("A"))
    with scripted(lambda _: "I confirm it.", "aster") as endpoint:
        said = show(archive, MODEL, "short", READ_BACK, Target(endpoint.url, "aster"))
    assert {each.answer for each in said.answers} == {"confirmed"}
