"""Other people's files are read strictly, recorded once, and never become ours."""

import contextlib
import csv
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emeritus.archive import Archive
from emeritus.archive.fixity import verify_all
from emeritus.errors import UserError
from emeritus.lifecycle import moves
from emeritus.lifecycle.foreign import read_history, read_sources
from emeritus.lifecycle.observing import bounded, import_history, observed_id
from emeritus.lifecycle.promises import Provider, providers
from emeritus.lifecycle.statements import FILE_BYTES_MAX, Reading
from emeritus.record.events import HistoryImported, LifecycleObserved, ModelObserved

ROOT = Path(__file__).parent.parent.parent
DATA = ROOT / "tests" / "excerpts" / "deprecations"
TODAY = "2027-01-01"
SOURCES = read_sources((DATA / "sources.csv").read_bytes())
WHOLE = next(
    (
        parent / "shared/data/deprecations"
        for parent in ROOT.parents
        if (parent / "shared/data/deprecations/deprecations_anthropic_openai.csv").is_file()
    ),
    None,
)


def _read(name: str) -> tuple[Reading, bytes]:
    data = (DATA / name).read_bytes()
    return read_history(data, name, TODAY, SOURCES), data


def _take(archive: Archive, *names: str) -> None:
    for name in names:
        import_history(archive, *_read(name))


def _by_offering(archive: Archive) -> dict[tuple[str, str], Provider]:
    return {(each.provider, each.offering): each for each in providers(archive.history())}


def _observed(archive: Archive, model: str) -> list[LifecycleObserved]:
    return [entry.event for entry in archive.history(model).all(LifecycleObserved)]


def test_the_excerpt_gives_the_notice_that_was_given(archive: Archive) -> None:
    """Days between announcement and end, within one statement, by provider."""
    _take(archive, "table.csv")
    ours = _by_offering(archive)
    anthropic, openai = ours["Anthropic", "api"], ours["OpenAI", "api"]
    assert sorted(each.days for each in anthropic.notices) == [60, 63, 63, 189]
    assert anthropic.median == 63
    assert (anthropic.models, anthropic.floors, anthropic.disputed) == (7, 1, 1)
    assert sorted(each.days for each in openai.notices) == [3, 179, 182, 183, 183, 458]
    assert openai.median == 182.5


@pytest.mark.skipif(WHOLE is None, reason="the whole table is not beside this checkout")
def test_the_whole_table_gives_the_known_medians(archive: Archive) -> None:
    """201 models: Anthropic gave a median of 63 days over 20, OpenAI 182.5 over 154."""
    assert WHOLE is not None
    data = (WHOLE / "deprecations_anthropic_openai.csv").read_bytes()
    sources = read_sources((WHOLE / "deprecations_sources.csv").read_bytes())
    done = import_history(archive, read_history(data, "table.csv", TODAY, sources), data)
    assert done.models == 201
    ours = _by_offering(archive)
    anthropic, openai = ours["Anthropic", "api"], ours["OpenAI", "api"]
    assert (anthropic.median, len(anthropic.notices)) == (63, 20)
    assert (openai.median, len(openai.notices)) == (182.5, 154)
    assert anthropic.floors == 14
    assert min(each.days for each in anthropic.notices) == 60


def test_a_second_import_adds_nothing(archive: Archive) -> None:
    """Every form is idempotent, and the archive verifies."""
    files = ("table.csv", "model-eol.json", "deprecations-info.json", "litellm.json")
    _take(archive, *files)
    before = len(archive.history())
    _take(archive, *files)
    assert len(archive.history()) == before
    assert len(archive.history().all(HistoryImported)) == 4
    assert verify_all(archive).sound


def test_sources_that_disagree_stand_beside_each_other(archive: Archive) -> None:
    """Each source keeps its own days, and the ledger shows the other figure."""
    _take(archive, "table.csv")
    said = _observed(archive, "openai/code-davinci-002")
    ends = {each.source.partition(" ")[0]: each.retire_on for each in said}
    assert ends["modeldeprecations.dev"] == "2023-03-23"
    assert ends["table.csv"] == "2024-01-04"
    (notice,) = [
        each
        for each in _by_offering(archive)["OpenAI", "api"].notices
        if each.model == "openai/code-davinci-002"
    ]
    assert (notice.days, notice.disputed) == (182, (3,))


def test_a_floor_is_no_date(archive: Archive) -> None:
    """ "Not before" is kept apart: it gives no notice, and a floor that rises is no broken word."""
    _take(archive, "table.csv")
    (floor,) = _observed(archive, "anthropic/claude-opus-4-6")
    assert (floor.date_kind, floor.retire_on) == ("floor", "2027-02-05")
    notices = _by_offering(archive)["Anthropic", "api"].notices
    assert "anthropic/claude-opus-4-6" not in {each.model for each in notices}


def test_every_observation_says_where_and_when(archive: Archive) -> None:
    """Source, page and day come along; a day that was guessed at is not made up."""
    _take(archive, "table.csv")
    (opus, *_) = _observed(archive, "anthropic/claude-3-opus-20240229")
    assert opus.seen_on == "2026-10-02"
    assert opus.page is not None
    assert opus.page.startswith("https://platform.claude.com/")
    assert any(each.startswith("model-eol feed") for each in opus.via)
    (o3, *_) = _observed(archive, "openai/o3")
    assert o3.seen_on is None


def test_a_channel_has_a_clock_of_its_own(archive: Archive) -> None:
    """A feed's distributions are offerings, and its policy is a promise to count against."""
    _take(archive, "model-eol.json")
    rows = _by_offering(archive)
    assert rows["anthropic", "api"].promised == 60
    assert rows["anthropic", "api"].short == 0
    assert rows["anthropic", "api"].floors == 1
    assert rows["anthropic", "aws-bedrock"].median == 182.5


def test_an_end_that_is_repeated_is_no_announcement(archive: Archive) -> None:
    """Where deprecations.info knows no announcement, no notice of zero days is made of it."""
    _take(archive, "deprecations-info.json")
    rows = _by_offering(archive)
    assert rows["Azure", "api"].median is None
    assert rows["Groq", "api"].median == 30


def test_a_date_that_moves_is_a_second_observation(archive: Archive) -> None:
    """What a source said before stays, and the move is counted."""
    _take(archive, "deprecations-info.json")
    rows = json.loads((DATA / "deprecations-info.json").read_bytes())
    for row in rows:
        if row["model_id"] == "dall-e-2":
            row.update(shutdown_date="2027-05-12", last_observed="2026-12-01")
    data = json.dumps(rows).encode()
    done = import_history(archive, read_history(data, "later.json", TODAY), data)
    assert done.added == 1
    assert len(_observed(archive, "openai/dall-e-2")) == 2
    assert _by_offering(archive)["OpenAI", "api"].moved == 1
    _take(archive, "deprecations-info.json")  # the older file again
    assert len(_observed(archive, "openai/dall-e-2")) == 2


def test_a_model_of_others_is_not_in_the_register(archive: Archive) -> None:
    """Nothing of ours applies to it: no gate, no promise, no move."""
    _take(archive, "table.csv")
    assert len(archive.history().all(ModelObserved)) == 13
    with pytest.raises(UserError, match="of somebody else"):
        moves.gates_of(archive, "anthropic/claude-1.3")
    with pytest.raises(UserError, match="of somebody else"):
        moves.retire(archive, "anthropic/claude-1.3", "no reason")


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"provider,model_id\nA,b\n", "deprecated_date"),
        ("provider,model_id\nÄ".encode("utf-16"), "not UTF-8"),
        ("provider,modèle\n".encode("latin-1"), "not UTF-8 .byte 12."),
        (b"provider,model_id,deprecated_date,retirement_date\nA,b,2024-02-30,\n", "2024-02-30"),
        (b"provider,model_id,deprecated_date,retirement_date\nA,b,,soon\n", "line 2.*soon"),
        (b"provider,model_id,deprecated_date,retirement_date\nA,b,,,extra\n", "line 2"),
        (b"provider,model_id,deprecated_date,retirement_date\nA,b\n", "line 2"),
        (b'provider,model_id,deprecated_date,retirement_date\nA,"b', "line 2|unexpected end"),
        (b"provider,model_id,deprecated_date,retirement_date\nA,b\x1b[2J,,\n", "control"),
        (b"provider,model_id,deprecated_date,retirement_date\nA," + b"b" * 400 + b",,\n", "longer"),
        (b"a\0b", "NUL"),
        (b"", "no column"),
        (b"[" * 5000, "cannot be read"),
        (b'{"a": 1, "a": 2}', "stands twice"),
        (b'{"a": {"b": 1}}', "none of the forms"),
        (b'{"spec": "model-eol/9"}', "model-eol/9"),
        (b'{"spec": "model-eol/0.1", "publisher": "x", "models": {}}', "a list is expected"),
        (b'[{"provider": "A"}]', "the model is missing"),
        (b'[{"provider": "A", "model_id": "b", "url": "javascript:1"}]', "no web address"),
        (b'{"m": {"litellm_provider": "a", "deprecation_date": "soon"}}', "'m'.*soon"),
    ],
)
def test_what_cannot_be_used_is_refused_with_its_place(data: bytes, said: str) -> None:
    """Wrong columns, encodings, days and hostile texts are named, and nothing is taken."""
    with pytest.raises(UserError, match=said):
        read_history(data, "x", TODAY)


def test_a_huge_file_is_refused_before_it_is_read(tmp_path: Path) -> None:
    """The limit is on bytes, so a sparse file of any size costs nothing."""
    path = tmp_path / "huge.json"
    with path.open("wb") as file:
        file.truncate(FILE_BYTES_MAX + 1)
    with pytest.raises(UserError, match="larger than"):
        bounded(path)
    with pytest.raises(UserError, match="no regular file"):
        bounded(tmp_path)


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    """Nothing escapes but a refusal that names what is wrong."""
    with contextlib.suppress(UserError):
        read_history(data, "x", TODAY)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=8),
    lambda each: st.lists(each, max_size=3) | st.dictionaries(st.text(max_size=8), each),
    max_leaves=8,
)
KEYS = (
    "provider", "model_id", "shutdown_date", "deprecation_date", "replacement_models", "url",
    "id", "announced", "shutdown", "replacement", "replacement_options", "distributions", "via",
    "status", "date_precision", "source", "litellm_provider",
)  # fmt: skip
ROW = st.dictionaries(st.sampled_from(KEYS), JSON | st.just("2027-01-01") | st.just("https://x"))


@given(st.lists(ROW, max_size=4), JSON)
def test_any_rows_are_read_or_refused(rows: list[dict[str, Any]], policy: Any) -> None:
    """A field of any type in any place is refused by name and never our bug."""
    feed = {"spec": "model-eol/0.1", "publisher": "x", "models": rows, "policy": policy}
    models = {str(number): row for number, row in enumerate(rows)}
    for document in (rows, feed, models):
        with contextlib.suppress(UserError):
            read_history(json.dumps(document).encode(), "x", TODAY)


@given(st.text(min_size=1, max_size=80), st.text(min_size=1, max_size=80))
def test_two_names_never_become_one_model(one: str, other: str) -> None:
    """Ids are made of any name, differ when names do, and fit the register's rule."""
    first, second = observed_id("Acme", one), observed_id("Acme", other)
    assert (first == second) == (one == other)
    assert moves._MODEL_ID.match(first)


def test_the_table_is_an_excerpt() -> None:
    """Thirteen rows stand in the repository, no more."""
    with (DATA / "table.csv").open(newline="") as file:
        assert len(list(csv.DictReader(file))) == 13
