"""Drills prove what can be proven, and reject what is not the model."""

import json
from pathlib import Path

import pytest

from emeritus import canonical
from emeritus.archive import Archive
from emeritus.archive.preservation import preserve
from emeritus.errors import UserError
from emeritus.procedure.keeping import preserve_model
from emeritus.procedure.registration import register_source
from emeritus.record.events import DrillFailed, DrillPassed, ReferenceRecorded, RunsetPreserved
from emeritus.revival import measure, variants
from emeritus.revival.drill import run_drill
from emeritus.revival.executor import own_executor
from emeritus.revival.measure import Difference, difference, threshold_of
from emeritus.revival.runset import packages
from emeritus.revival.serving import serve
from emeritus.runtimes.client import model_names
from tests.vault.folders import bfloat16, safetensors

MODEL = "emeritus/sparrow-1"


@pytest.fixture
def kept(archive: Archive, sparrow: Path, sparrow_two: Path) -> Archive:
    """An archive that keeps the example model with its reference outputs."""
    register_source(archive, sparrow, MODEL, None, "public")
    register_source(archive, sparrow_two, "emeritus/sparrow-2", MODEL, "public")
    preserve(archive, MODEL, sparrow)
    preserve(archive, "emeritus/sparrow-2", sparrow_two)
    preserve_model(archive, MODEL, sparrow)
    return archive


def test_a_restored_copy_climbs_the_ladder(kept: Archive) -> None:
    """Bytes, tensors, log-probabilities; all four negative controls are told from it."""
    drill = run_drill(kept, MODEL)
    assert [rung.rung for rung in drill.rungs] == ["bytes", "tensors", "log-probabilities"]
    assert drill.passed
    assert len(drill.controls) == 4
    assert all(control.rejected for control in drill.controls)
    entry = kept.history(MODEL).last(DrillPassed)
    assert entry is not None
    document = canonical.loads(kept.read_document(entry.event.document, entry.event.sha256))
    assert document["measured"]["max"] <= document["threshold"]["max"]


def test_the_run_set_names_what_the_program_needs_and_nothing_else(kept: Archive) -> None:
    """Tools of a developer that lie in the same environment are not needed to run a model."""
    entry = kept.history(MODEL).last(RunsetPreserved)
    assert entry is not None
    document = canonical.loads(kept.read_document(entry.event.document, entry.event.sha256))
    listed = document["software"]["packages"]
    assert {"emeritus", "numpy", "msgspec", "h11", "markupsafe"} <= set(listed)
    assert not {"pytest", "ruff", "mypy", "hypothesis", "pip", "numba"} & set(listed)
    assert ("xllamacpp" in listed) == (document["runtime"] == "local")
    assert "xllamacpp" not in packages("reference")


def test_reference_outputs_are_recorded_once_with_their_floor(kept: Archive) -> None:
    """Preserving again measures nothing again; the run-set names the runtime."""
    preserve_model(kept, MODEL, None)
    (entry,) = kept.history(MODEL).all(ReferenceRecorded)
    reference = measure.parse(kept.read_document(entry.event.document, entry.event.sha256))
    assert {each.name for each in reference.variants} == {
        "the same again",
        "one position at a time",
        "neurons in another order",
        "in float64",
    }
    assert all(control.max > reference.threshold.max for control in reference.controls)
    assert len(kept.history(MODEL).all(RunsetPreserved)) == 1


def test_a_copy_that_gives_other_outputs_fails_its_drill(
    kept: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A model that was nudged by a ten-thousandth does not pass for itself."""
    from emeritus.revival import drill as drills
    from emeritus.revival.executor import executor_of

    class Nudged:
        def __init__(self, inner: object) -> None:
            self._inner = inner

        def __enter__(self) -> object:
            executor = self._inner.__enter__()  # type: ignore[attr-defined]
            return executor.changed(variants.nudged(executor.weights))

        def __exit__(self, *error: object) -> None:
            self._inner.__exit__(*error)  # type: ignore[attr-defined]

    monkeypatch.setattr(drills, "executor_of", lambda *given: Nudged(executor_of(*given)))
    result = run_drill(kept, MODEL)
    assert not result.passed
    assert result.rungs[-1].rung == "log-probabilities"
    assert len(kept.history(MODEL).all(DrillFailed)) == 1
    assert kept.history(MODEL).last(DrillPassed) is None


def test_a_model_that_cannot_be_run_is_drilled_as_far_as_it_goes(
    archive: Archive, tmp_path: Path
) -> None:
    """Bytes and tensors are proven, and what is out of reach is said."""
    folder = tmp_path / "bert"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps({"architectures": ["BertModel"]}))
    safetensors(folder / "model.safetensors", {"w": bfloat16((8, 8), 1)})
    register_source(archive, folder, "acme/bert", None, "public")
    kept = preserve_model(archive, "acme/bert", folder)
    assert any("BertModel" in sentence for sentence in kept.said)
    drill = run_drill(archive, "acme/bert")
    assert drill.passed
    assert [rung.rung for rung in drill.rungs] == ["bytes", "tensors"]
    assert any("no log-probabilities" in sentence for sentence in drill.unreachable)
    with pytest.raises(UserError, match="cannot be run here"), serve(archive, "acme/bert"):
        pass


def test_a_restored_copy_is_served(kept: Archive) -> None:
    """It answers under its own name from a temporary folder."""
    with serve(kept, MODEL, "reference") as endpoint:
        assert endpoint.model == MODEL
        assert model_names(endpoint)


def test_benign_variants_stay_within_the_floor_and_controls_do_not(sparrow: Path) -> None:
    """The noise of the same function lies two orders below the smallest change of weights."""
    executor = own_executor(sparrow)
    tokens = [executor.tokenize("The function returns a list of the names in order.")]
    before = executor.score(tokens)
    config = executor.model.config
    reversed_ = executor.changed(variants.neurons_reversed(executor.weights, config))
    benign = difference(before, reversed_.score(tokens))
    nudged = difference(before, executor.changed(variants.nudged(executor.weights)).score(tokens))
    eight = executor.changed(variants.in_eight_bits(executor.weights))
    rounded = difference(before, eight.score(tokens))
    assert benign.max * 30 < nudged.max < rounded.max


def test_a_threshold_is_ten_times_the_floor_and_never_zero() -> None:
    """A floor of nothing at all still leaves room for float32."""
    assert threshold_of(Difference(1e-4, 1e-5)) == Difference(1e-3, 1e-4)
    assert threshold_of(Difference(0.0, 0.0)).max > 0
    assert Difference(1.0, 0.5).within(Difference(1.0, 0.5))
    assert not Difference(1.0, 0.6).within(Difference(1.0, 0.5))
    with pytest.raises(ValueError, match="shorter"):
        difference([[1.0, 2.0]], [[1.0]])
