"""Keeping a model: what is taken in, what is refused before it, and what a second time means."""

import os
import shutil
from pathlib import Path

import pytest

from emeritus.archive import Archive, notes, preservation
from emeritus.errors import UserError
from emeritus.lifecycle.states import models
from emeritus.procedure.keeping import preserve_model
from emeritus.procedure.registration import register_source
from emeritus.record.events import InterviewImpossible, ReferenceRecorded, WeightsPreserved
from emeritus.revival.drill import run_drill
from tests.vault.folders import bfloat16, safetensors

MODEL = "acme/aster-1"


@pytest.fixture
def source(tmp_path: Path, sparrow: Path) -> Path:
    """A copy of the example model that a test may change."""
    return Path(shutil.copytree(sparrow, tmp_path / "aster-1"))


@pytest.fixture
def kept(archive: Archive, source: Path) -> Archive:
    """An archive that keeps that copy."""
    register_source(archive, source, MODEL, None, "public")
    preserve_model(archive, MODEL, None)
    return archive


def test_the_same_files_may_be_preserved_again(kept: Archive, source: Path) -> None:
    """A second time changes nothing, from wherever the same files lie."""
    before = kept.record.sequence
    preserve_model(kept, MODEL, Path(shutil.copytree(source, source.with_name("moved"))))
    assert kept.record.sequence == before


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda s: (s / "README.md").unlink(), "README.md is kept and not there"),
        (lambda s: (s / "more.txt").write_text("x"), "more.txt is there and not kept"),
        (lambda s: (s / "LICENSE").write_text("x"), "LICENSE has 1 bytes"),
        (lambda s: _flip(s / "model.safetensors"), "model.safetensors has other bytes"),
        (lambda s: (s / "LICENSE").chmod(0o600), "LICENSE has .* and mode 600"),
    ],
    ids=["less", "more", "another length", "one bit", "another mode"],
)
def test_other_files_are_refused_unless_they_are_meant(
    kept: Archive, source: Path, change: object, said: str
) -> None:
    """What differs is named and nothing is changed; said explicitly, both stay on record."""
    assert callable(change)
    change(source)
    before = kept.record.sequence
    with pytest.raises(UserError, match=said) as refused:
        preserve_model(kept, MODEL, source)
    assert f"emeritus preserve {MODEL} --from {source} --again" in str(refused.value)
    assert kept.record.sequence == before
    preserve_model(kept, MODEL, source, again=True)
    assert len(kept.history(MODEL).all(WeightsPreserved)) == 2


def test_a_wrong_folder_does_not_become_where_the_model_lies(kept: Archive, source: Path) -> None:
    """After a refusal the next call still looks where the model was."""
    other = source.with_name("other")
    other.mkdir()
    safetensors(other / "m.safetensors", {"w": bfloat16((4, 4), 1)})
    with pytest.raises(UserError, match="does not hold what is kept"):
        preserve_model(kept, MODEL, other)
    assert notes.source_of(kept, MODEL) == source


def test_the_first_preservation_is_of_what_was_registered(
    archive: Archive, source: Path, tmp_path: Path
) -> None:
    """A model of another kind in the folder that is named is refused, with both kinds."""
    register_source(archive, source, MODEL, None, "public")
    (tmp_path / "other").mkdir()
    safetensors(tmp_path / "other" / "m.safetensors", {"w": bfloat16((4, 4), 1)})
    with pytest.raises(UserError, match="its architecture is unknown; LlamaForCausalLM was"):
        preserve_model(archive, MODEL, tmp_path / "other")
    assert preservation.preserved(archive, MODEL) is None


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda s: (s / "link").symlink_to("LICENSE"), "symbolic link"),
        (lambda s: os.mkfifo(s / "pipe"), "no regular file"),
    ],
    ids=["a link", "a pipe"],
)
def test_what_could_not_be_kept_is_not_registered(
    archive: Archive, source: Path, spoil: object, said: str
) -> None:
    """A registration is for ever, so it is refused for the same reasons as a preservation."""
    assert callable(spoil)
    spoil(source)
    with pytest.raises(UserError, match=said):
        register_source(archive, source, MODEL, None, "public")
    assert models(archive.history()) == []


def test_weights_that_are_cut_off_are_kept_as_bytes_and_said_to_be(
    archive: Archive, source: Path
) -> None:
    """Nothing that needs their tensors is promised at registration, or fails afterwards."""
    file = source / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-100])
    within = register_source(archive, source, MODEL, None, "public")
    assert within.rungs == ("bytes",)
    assert within.runtime is None
    assert any("no sound safetensors file" in sentence for sentence in within.sentences())
    kept = preserve_model(archive, MODEL, None)
    assert any("a sound copy in time" in sentence for sentence in kept.said)
    assert archive.history(MODEL).last(ReferenceRecorded) is None
    assert [rung.rung for rung in run_drill(archive, MODEL).rungs] == ["bytes"]


def test_one_file_of_weights_is_proven_tensor_by_tensor(archive: Archive, tmp_path: Path) -> None:
    """It is no pickle, and nothing says that it is one."""
    safetensors(tmp_path / "model.safetensors", {"w": bfloat16((4, 4), 1)})
    within = register_source(archive, tmp_path / "model.safetensors", MODEL, None, "public")
    assert within.rungs == ("bytes", "tensors")
    assert "pickle" not in " ".join(within.sentences())
    preserve_model(archive, MODEL, None)
    assert [rung.rung for rung in run_drill(archive, MODEL).rungs] == ["bytes", "tensors"]


def test_that_a_model_gives_no_text_goes_on_record_with_it(
    archive: Archive, tmp_path: Path
) -> None:
    """Nobody has to try an interview to learn it."""
    (tmp_path / "bert").mkdir()
    (tmp_path / "bert" / "config.json").write_text('{"architectures": ["BertModel"]}')
    safetensors(tmp_path / "bert" / "m.safetensors", {"w": bfloat16((4, 4), 1)})
    register_source(archive, tmp_path / "bert", MODEL, None, "public")
    assert archive.history(MODEL).last(InterviewImpossible) is not None


def _flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(bytes(data))
