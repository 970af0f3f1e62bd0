"""An archive that keeps a small model."""

from pathlib import Path

import pytest

from emeritus.archive import Archive
from emeritus.archive.documents import write_documents
from emeritus.archive.preservation import preserve
from emeritus.lifecycle.moves import register
from emeritus.record.events import ModelRegistered
from tests.vault.folders import bfloat16, safetensors

MODEL = "acme/aster-1"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A small model folder."""
    folder = tmp_path / "aster-1"
    folder.mkdir()
    safetensors(folder / "m.safetensors", {"w": bfloat16((128, 128), 1)})
    (folder / "config.json").write_text("{}")
    return folder


@pytest.fixture
def kept(archive: Archive, source: Path) -> Archive:
    """An archive that keeps that model."""
    register(
        archive,
        ModelRegistered(model=MODEL, form="hf-folder", architecture="X", parameters=1),
        "public",
    )
    preserve(archive, MODEL, source)
    write_documents(archive)
    return archive
