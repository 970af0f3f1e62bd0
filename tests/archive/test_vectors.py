"""The histories beside the format's page: both readers say what the page says they must."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.archive.readers import checker_says, folder_of, program_says
from tests.record.vectors import FILE, render

VECTORS: list[dict[str, Any]] = json.loads(FILE.read_text(encoding="utf-8"))


def test_the_file_is_what_is_written_today() -> None:
    """Else somebody's reader is tested against another format."""
    assert FILE.read_text(encoding="utf-8") == render()


@pytest.mark.parametrize("vector", VECTORS, ids=lambda each: each["name"])
def test_both_readers_accept_what_they_have_to(tmp_path: Path, vector: dict[str, Any]) -> None:
    """And refuse the rest, each wrong in one thing."""
    store = folder_of(tmp_path, [each.encode() for each in vector["commits"]])
    said = program_says(store, part=False), checker_says(tmp_path, part=False)
    assert said == (vector["accept"],) * 2
