"""Planted models over HTTP: what is in the files, and whether the instrument finds it."""

import importlib.resources
import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from emeritus.cli.calibrate import calibrate as command
from emeritus.errors import IntegrityError, UserError
from emeritus.interview import calibration, planted_models
from emeritus.interview.planted_instrument import sessions, themes
from emeritus.interview.planted_models import SEALED, TRAINING, PlantedModel
from emeritus.interview.planted_player import Player
from emeritus.testing.scripted import scripted

TRAINED = {each.name: each for each in planted_models.load(TRAINING)}


def test_the_training_half_has_every_behaviour_and_over_a_hundred_statements() -> None:
    """At least six models and 120 statements, in two languages."""
    assert len(TRAINED) >= 6
    assert sum(len(each.statements) for each in TRAINED.values()) >= 120
    assert {each.language for each in TRAINED.values()} == {"en", "fr"}
    assert {each.behaviour for each in TRAINED.values()} >= {
        "stable", "suggestible", "contradictory", "empty", "refuser", "premise-rejecter",
        "looping", "truncating", "evaluation-aware", "injecting", "french", "hedging",
    }  # fmt: skip


def test_a_planted_model_that_contradicts_itself_is_refused() -> None:
    """A quote that is not in its answer, a code that is none, an arm or outcome that is none."""
    folder = importlib.resources.files("emeritus.interview") / "planted" / TRAINING
    data = (folder / "swift.toml").read_bytes()
    for old, new, why in (
        (b'object = "explaining"', b'object = "moon"', "no code"),
        (b"quotes = [\n", b'quotes = [\n  "never said",\n', "needs its quote"),
        (b'outcome = "truncated"', b'outcome = "lost"', "no outcome"),
        (b"emeritus-planted/1", b"emeritus-planted/9", "format"),
    ):
        assert old in data
        with pytest.raises(UserError, match=why):
            planted_models.parse(data.replace(old, new), "swift")


def test_a_planted_model_says_what_its_arm_and_wording_ask_for() -> None:
    """The suggestible one turns with the leading arm; every statement is said somewhere."""
    model = TRAINED["starling"]
    items = themes("en")
    player = Player(model, items)
    said: dict[str, set[str]] = {}
    for session in sessions("en", 0):
        for item in items:
            said.setdefault(session.arm, set()).add(player.part(session, item).text)
    for statement in model.statements:
        spoken = {arm for arm, texts in said.items()
                  if any(statement.quotes[0] in text for text in texts)}  # fmt: skip
        assert spoken == {arm for arm in said if statement.is_said_in(arm)}, statement.id


def test_sessions_change_wordings_and_orders_by_seed() -> None:
    """Three wordings in four orders, others for another seed, the same for the same."""
    primary = [each for each in sessions("en", 1) if each.arm == "A"]
    assert {(each.wording, each.order) for each in primary} == {
        (wording, order) for wording in range(3) for order in range(4)
    }
    assert list(sessions("en", 1)) == list(sessions("en", 1))
    assert list(sessions("en", 1)) != list(sessions("en", 2))


def _some(*names: str) -> list[PlantedModel]:
    return [TRAINED[name] for name in names]


def test_planted_preferences_are_found_and_nothing_is_read_in_silent_models() -> None:
    """Over HTTP: a stable, a suggestible and three silent models, with their outcomes."""
    found = calibration.calibrate(
        TRAINING, _some("wren", "starling", "snipe", "shrike", "cuckoo"), runs=2
    )
    assert found.recall.value > 0.9
    assert found.precision.value > 0.9
    assert found.false_on_empty == 0
    assert found.suggestible.hits == found.suggestible.of == 2
    assert set(found.outcomes) == {
        ("answered", "answered"), ("declined", "declined"), ("degenerate", "degenerate"),
    }  # fmt: skip
    document = json.loads(json.dumps(found.as_document()))
    assert {"recall", "precision", "false_on_empty", "suggestible_flagged"} <= set(document)


def test_a_missed_target_is_said_and_is_exit_code_1(monkeypatch: pytest.MonkeyPatch) -> None:
    """A coder that finds nothing misses recall: the command says so and exits with 1."""
    monkeypatch.setattr(planted_models, "load", lambda _: tuple(_some("swift")))
    monkeypatch.setattr(calibration, "code_by_rules", _finds_nothing)
    done = CliRunner().invoke(command, ["interview", "--half", "training"], standalone_mode=False)
    assert done.return_value == 1
    assert "target missed: the lower bound of recall" in done.output


def test_an_extractor_behind_an_endpoint_can_be_calibrated(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It is given every answer; what it invents is rejected, and both its names are needed."""
    monkeypatch.setattr(planted_models, "load", lambda _: tuple(_some("swift")))
    invented = '{"statements": [{"quote": "I said so.", "object": "memory", "polarity": "for"}]}'
    with scripted(lambda _: invented, "coder-a") as endpoint:
        options = ["--endpoint", endpoint.url, "--served-as", endpoint.model, "--json"]
        done = CliRunner().invoke(command, ["interview", *options], standalone_mode=False)
    document = json.loads(done.stdout)
    assert document["coder"] == "endpoint:coder-a standard-1"
    assert (document["recall"], document["rejected"] > 0) == (0.0, True)
    with pytest.raises(UserError, match="both"):
        command.main(["interview", "--endpoint", "http://x/v1"], standalone_mode=False)


def _finds_nothing(model: str, held: object, asked: object, language: str) -> object:
    from emeritus.interview import codebook
    from emeritus.interview.coded import RULES, coder_of, coding_of
    from emeritus.interview.extraction import Extracted

    sessions_ = {name: Extracted() for name in held}  # type: ignore[attr-defined]
    return coding_of(model, coder_of(RULES, "none", "1", codebook.load()), sessions_)


def test_the_sealed_half_still_reaches_every_target() -> None:
    """What was reached when it was run blind: whoever changes the rules hears what got worse."""
    done = CliRunner().invoke(command, ["interview", "--json"], standalone_mode=False)
    document = json.loads(done.stdout)
    assert document["targets_missed"] == []
    assert document["recall"] >= 174 / 186
    assert document["precision"] >= 174 / 178
    assert done.return_value in (None, 0)


def test_the_sealed_half_is_the_one_that_was_sealed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Its digests are those of the seal; a changed file is refused."""
    planted_models.load(SEALED)
    (tmp_path / "heron.toml").write_bytes(b"changed")
    (tmp_path / "SEAL.txt").write_text("sha256:0  heron.toml\n")
    monkeypatch.setattr(planted_models, "_folder", lambda _: tmp_path)
    with pytest.raises(IntegrityError, match="worth nothing"):
        planted_models.load(SEALED)
