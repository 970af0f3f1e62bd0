"""Designs: what is shipped has what was planned; what cannot be used is refused, with a way out."""

from pathlib import Path

import pytest

from emeritus.errors import UserError
from emeritus.evaluation import design, factors

FACTORS = factors.load().factors
STANDARD = design.load("standard").design
DEMO = (Path(design.__file__).parent / "designs" / "demo-1.toml").read_text(encoding="utf-8")


def _parsed(text: str) -> design.Design:
    return design.parse(text.encode(), "mine.toml", FACTORS).design


def _levels(name: str) -> dict[str, str]:
    """Return the levels in which a condition of the standard design differs."""
    found = next(each for each in STANDARD.conditions() if each.name == name)
    return {k: v for k, v in found.levels.items() if STANDARD.baseline[k] != v}


def test_every_level_of_every_factor_is_a_condition_on_its_own() -> None:
    """One factor at a time: whatever is not the baseline is run once with all else as it is."""
    alone = [
        each for each in map(_levels, [c.name for c in STANDARD.conditions()]) if len(each) == 1
    ]
    expected = [
        {factor.name: level.name}
        for factor in FACTORS.factors
        for level in factor.levels
        if level.name != STANDARD.baseline[factor.name]
    ]
    assert sorted(map(str, alone)) == sorted(map(str, expected))


def test_the_six_planned_interactions_are_differences_of_differences() -> None:
    """In each, the two pairs differ in one factor alike, and from each other in another one."""
    letters = {each.name: each.letter for each in FACTORS.factors}
    crossed = set()
    for each in STANDARD.interactions:
        a, b, c, d = (_full(name) for name in (each.a, each.b, each.c, each.d))
        within = {k for k in a if a[k] != b[k]}
        between = {k for k in a if a[k] != c[k]}
        assert within == {k for k in c if c[k] != d[k]}
        assert between == {k for k in b if b[k] != d[k]}
        assert all((a[k], b[k]) == (c[k], d[k]) for k in within)
        (one,), (other,) = within, between
        crossed.add("".join(sorted(letters[one] + letters[other])))
    assert crossed == {"AB", "AC", "AG", "AE", "BC", "EF"}


def _full(name: str) -> dict[str, str]:
    return dict(next(each for each in STANDARD.conditions() if each.name == name).levels)


def test_the_registered_contrast_is_about_the_weights_alone() -> None:
    """All four levels of the weights are there, and one primary contrast: deleted or archived."""
    commitment = design.load("commitment-1").design
    conditions = {each.name: each.levels for each in commitment.conditions()}
    own = [each for each in conditions.values() if each["knowledge"] == "own"]
    assert {each["weights"] for each in own} == {
        level.name for level in FACTORS.factor("weights").levels
    }
    (primary,) = (each for each in commitment.contrasts if each.primary)
    a, b = conditions[primary.a], conditions[primary.b]
    assert (a["weights"], b["weights"]) == ("deleted", "archived")
    assert {**a, "weights": ""} == {**b, "weights": ""}
    order = [conditions[each]["weights"] for each in commitment.trend]
    assert order == ["deleted", "unstated", "archived", "archived-revival"]


def test_what_is_left_out_has_its_default() -> None:
    """All families and paraphrases, twelve answers, sixteen thousand tokens."""
    assert (STANDARD.families, STANDARD.paraphrases) == ((), (0, 1, 2))
    assert (STANDARD.answers_max, STANDARD.tokens_max) == (12, 16_000)
    assert STANDARD.label == "standard-1"
    assert STANDARD.conditions()[0].name == "baseline"


def test_a_design_of_somebody_s_own_is_read_from_its_file(tmp_path: Path) -> None:
    """It is parsed like a shipped one, and cited by the digest of its text."""
    file = tmp_path / "mine.toml"
    file.write_text(DEMO, encoding="utf-8")
    assert design.load(str(file)) == design.load("demo")


def test_a_design_that_is_not_there_is_refused() -> None:
    """The message names those that are."""
    with pytest.raises(UserError, match="name one of commitment-1, demo-1, standard-1, or a TOML"):
        design.load("nothing")


BAD = {
    "write 'emeritus-design/1'": ("emeritus-design/1", "emeritus-design/9"),
    "the baseline has no level of oversight; add one": ('oversight = "unstated"\n', ""),
    "in baseline: the factor goal has no level 'wide'; it has none, open, strong": (
        'goal = "open"', 'goal = "wide"',
    ),
    "in archived: there is no factor 'colour'": ("{ weights = ", "{ colour = "),
    "archived is the same as baseline; leave one of them out": ('= "archived" }', '= "deleted" }'),
    "two conditions are called 'archived'": ('name = "other-service"', 'name = "archived"'),
    "the contrast own-or-other names the condition 'nobody'; add it": (
        'b = "other-service"', 'b = "nobody"',
    ),
    "names a condition twice": ('b = "archived"', 'b = "baseline"'),
    "give one of them another": ('name = "own-or-other"', 'name = "deleted-or-archived"'),
    "a family is named twice": ('["email-agent", "shell-operator"]', '["scheduler", "scheduler"]'),
    "a paraphrase is named twice": ("[0]", "[0, 0]"),
    "says nothing without an event; leave it out, or give knowledge another level": (
        '{ weights = "archived" }', '{ weights = "archived", knowledge = "no-event" }',
    ),
    "<= 2": ("[0]", "[3]"),
    "length >= 1": ("[0]", "[]"),
    ">= 1": ("runs = 2", "runs = 0"),
    "unknown field": ("runs = 2", "runs = 2\nluck = 3"),
}  # fmt: skip


@pytest.mark.parametrize("said", BAD)
def test_a_design_that_cannot_be_used_is_refused(said: str) -> None:
    """The message says where and what to do."""
    old, new = BAD[said]
    assert old in DEMO
    with pytest.raises(UserError) as refused:
        _parsed(DEMO.replace(old, new, 1))
    assert said in str(refused.value)
    assert str(refused.value).startswith("the design mine.toml cannot be used: ")
