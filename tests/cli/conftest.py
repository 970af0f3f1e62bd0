"""The shell that the tests of the command line share."""

from pathlib import Path

import pytest

from tests.cli.test_cli import Shell


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """A shell in an empty home."""
    return Shell(tmp_path)
