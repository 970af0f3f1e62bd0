"""README and tutorial, typed word by word in a fresh shell and an empty home."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture
def clone(tmp_path: Path, sparrow: Path) -> Path:
    """A folder that looks like a clone after `make setup`, beside a model of one's own."""
    (tmp_path / ".venv").symlink_to(sys.prefix)
    (tmp_path / "aster-1").symlink_to(sparrow)
    return tmp_path


def _type(text: str, folder: Path) -> str:
    """Run shell lines as a new user would; return what they print."""
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("XDG_", "EMERITUS_", "VIRTUAL_ENV"))
    }
    environment |= {"HOME": str(folder / "home"), "PATH": "/usr/local/bin:/usr/bin:/bin"}
    done = subprocess.run(
        ["sh", "-c", text],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert "not found" not in done.stderr, done.stderr
    assert "Traceback" not in done.stderr, done.stderr
    return done.stdout + done.stderr


def _block(page: str, heading: str, number: int = 0) -> str:
    text = (ROOT / page).read_text(encoding="utf-8").partition(heading)[2]
    found = re.findall(r"```\n(.*?)```", text, re.DOTALL)
    return "\n".join(line.strip() for line in str(found[number]).splitlines())


def test_the_path_of_the_readme_keeps_a_model_as_the_policy_asks(clone: Path) -> None:
    """As it stands, only the discs are others; the gate `preserved` passes at its end."""
    typed = _block("README.md", "## Retire your own model").replace("/mnt/", f"{clone}/mnt-")
    said = _type(typed, clone)
    assert "✓ preserved" in said
    assert "✗ preserved" not in said
    assert (clone / "home" / ".config" / "emeritus" / "keys").is_dir()


def test_the_tutorial_breaks_and_repairs_the_demonstration(clone: Path) -> None:
    """Its lines work without anything exported, and no key lands outside of the folder."""
    _type(".venv/bin/emeritus demo", clone)
    said = _type(_block("docs/tutorial/first-retirement.md", "**Break something.**"), clone)
    assert "something is broken" in said
    assert "of emeritus/sparrow-" in said
    assert "repaired" in said
    assert said.rstrip().endswith("nothing is broken")
    assert not (clone / "home").exists()
