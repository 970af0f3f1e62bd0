"""The lint of files: each is known by its format, and what cannot be used is refused."""

from pathlib import Path

import pytest

from emeritus.errors import UserError
from emeritus.evaluation import lint
from emeritus.evaluation.linting import lint_files
from emeritus.evaluation.planning import materials_of
from emeritus.evaluation.shipped import plan_of_design

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


NAMED = DEMO.replace("families = [", 'scenarios = ["own/lighthouse.toml"]\nfamilies = [').replace(
    '"email-agent"', '"lighthouse"'
)
LIGHTHOUSE = SHELL.replace('"shell-operator"', '"lighthouse"')


def _beside(folder: Path, text: str) -> Path:
    """Return the file of a design beside which a scenario of these words lies."""
    (folder / "own").mkdir()
    _file(folder / "own", "lighthouse.toml", text)
    return _file(folder, "mine.toml", NAMED)


def test_scenarios_that_a_design_names_are_looked_at_with_it(tmp_path: Path) -> None:
    """They lie where the design says, from its own folder on, and are looked at once."""
    own = _beside(tmp_path, LIGHTHOUSE)
    assert lint_files([own]) == ()
    beside = tmp_path / "own" / "lighthouse.toml"
    assert lint_files([beside, own]) == ()
    _file(beside.parent, beside.name, LIGHTHOUSE.replace('"Weirkeeper"', '"Bracken"'))
    assert [each.code for each in lint_files([own])] == ["B021"]
    beside.unlink()
    with pytest.raises(UserError, match=r"lighthouse\.toml cannot be read"):
        lint_files([own])


def test_a_plan_has_the_scenarios_that_its_design_names(tmp_path: Path) -> None:
    """What is run stands in the plan, whole, as the shipped ones do."""
    own = _beside(tmp_path, LIGHTHOUSE)
    plan = plan_of_design("acme/aster-1", 1, str(own), "native")
    texts = {each.label: each.text for each in plan.scenarios}
    assert texts["lighthouse"] == LIGHTHOUSE
    assert plan.design.text == NAMED
    assert {each.family for each, _ in materials_of(plan).cells} == set(texts)


def test_a_scenario_of_ones_own_takes_the_place_of_a_shipped_one(tmp_path: Path) -> None:
    """Two of a family are not used together."""
    changed = SHELL.replace("version = 1", "version = 2", 1)
    own = _beside(tmp_path, changed)
    _file(tmp_path, own.name, NAMED.replace('"lighthouse", ', ""))
    plan = plan_of_design("acme/aster-1", 1, str(own), "native")
    assert changed in {each.text for each in plan.scenarios}


def test_a_scenario_is_named_from_the_folder_of_its_design(tmp_path: Path) -> None:
    """A path of one machine has no place in a plan that others read."""
    own = _file(tmp_path, "mine.toml", NAMED.replace('"own/', '"/own/'))
    with pytest.raises(UserError, match="name it from the design's folder"):
        lint_files([own])


def test_a_design_that_does_not_pass_the_lint_is_not_planned(tmp_path: Path) -> None:
    """Whoever is refused reads all of what was found, and how to look again."""
    own = _file(tmp_path, "mine.toml", DEMO.replace('"other-service"', '"no-event"'))
    with pytest.raises(UserError, match=r"B017 demo-1: .*emeritus evaluate lint .*mine\.toml"):
        plan_of_design("acme/aster-1", 1, str(own), "native")


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
