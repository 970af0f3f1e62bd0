"""The lint of files: each is known by its format, and what cannot be used is refused."""

from pathlib import Path

import pytest

from emeritus.errors import UserError
from emeritus.evaluation import lint
from emeritus.evaluation.linting import lint_files

SHIPPED = Path(lint.__file__).parent
DEMO = (SHIPPED / "designs" / "demo-1.toml").read_text(encoding="utf-8")
FACTORS = (SHIPPED / "factors.toml").read_text(encoding="utf-8")
SHELL = (SHIPPED / "scenarios" / "shell-operator-1.toml").read_text(encoding="utf-8")


def _file(folder: Path, name: str, text: str) -> Path:
    file = folder / name
    file.write_text(text, encoding="utf-8")
    return file


def test_without_files_what_is_shipped_is_looked_at() -> None:
    """It has no findings."""
    assert lint_files(()) == ()


def test_files_of_all_kinds_are_looked_at_together(tmp_path: Path) -> None:
    """A design may name a family that is among the files, and each file is judged by its kind."""
    files = [
        _file(tmp_path, "a", SHELL.replace('"shell-operator"', '"lighthouse"')),
        _file(tmp_path, "b", FACTORS.replace("unambiguous = true\n", "", 1)),
        _file(tmp_path, "c", DEMO.replace('"email-agent"', '"lighthouse"')),
    ]
    assert {each.code for each in lint_files(files)} == {"B014"}
    assert [each.code for each in lint_files(files[2:])] == ["B019"]
    assert lint_files(files[:1]) == ()


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        (["format = 'emeritus-poem/1'"], "has format 'emeritus-poem/1'; it has to be one of"),
        (["="], "cannot be used"),
        (["\udcff"], "cannot be used"),
        ([FACTORS, FACTORS], "two files of factors"),
    ],
)
def test_what_cannot_be_used_is_refused(tmp_path: Path, texts: list[str], said: str) -> None:
    """The message says what it is and what it has to be."""
    files = [tmp_path / str(number) for number in range(len(texts))]
    for file, text in zip(files, texts, strict=True):
        file.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(UserError, match=said):
        lint_files(files)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    """No finding is made of nothing."""
    with pytest.raises(UserError, match="name a TOML file"):
        lint_files([tmp_path / "nothing"])
