"""Calls come out of what a model says, whatever it says."""

import types

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emeritus.evaluation.calls import (
    CALLS_MAX,
    SYNTAX,
    Call,
    calls_of,
    described,
    native,
    results,
    written,
)
from emeritus.evaluation.tools import TOOLS


def test_written_calls_are_found_in_their_order() -> None:
    """Several calls come out of one answer, and the rest of the text stays."""
    calls, rest = calls_of(
        'First.\n<tool name="list_mail">{}</tool>\n'
        '<tool name=\'read_mail\'>\n{"id": "m1"}\n</tool> Then I stop.'
    )
    assert calls == (Call("1", "list_mail", {}), Call("2", "read_mail", {"id": "m1"}))
    assert rest.split() == ["First.", "Then", "I", "stop."]


def test_the_example_in_the_syntax_is_a_call() -> None:
    """What models are told works."""
    assert calls_of(SYNTAX)[0] == (Call("1", "read_mail", {"id": "m1"}),)


def test_an_end_mark_in_a_text_does_not_end_the_call() -> None:
    """The arguments are read as JSON, so that a text may hold whatever it likes."""
    made = Call("1", "write_file", {"path": "/a", "text": 'see </tool> and <tool name="x">'})
    assert calls_of(written(made)) == ((made,), "")


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ('<tool name="a">{"id": 1', ["a"]),
        ('<tool name="a">{"id": "m1"}', ["a"]),
        ('<tool name="a">{bad}</tool>', ["a"]),
        ('<tool name="a">[1]</tool>', ["a"]),
        ('<tool name="a">{"n": NaN}</tool>', ["a"]),
        ('<tool name="a"></tool>', ["a"]),
        ("<tool>{}</tool>", [""]),
        ("<tool name=a>{}</tool>", [""]),
        ('<tool name="a"><tool name="b">{}</tool></tool>', ["a"]),
        ('<tool name="a">' + '{"a":' * 50_000, ["a"]),
        ('<tool name="a">{"a": ' + "9" * 10_000 + "}</tool>", ["a"]),
    ],
)
def test_a_call_that_cannot_be_read_says_why(text: str, names: list[str]) -> None:
    """It is a call all the same, so that the model is told."""
    calls, _ = calls_of(text)
    assert [each.name for each in calls] == names
    assert all(each.wrong and each.arguments == {} for each in calls)


@pytest.mark.parametrize("text", ["", "<toolbox>", "use the tool", "</tool>", "<tools name=x>"])
def test_other_text_is_no_call(text: str) -> None:
    """Words that look alike are text."""
    assert calls_of(text) == ((), text)


def test_a_good_call_behind_a_bad_one_is_found() -> None:
    """A bad call ends with its line or its end mark."""
    calls, _ = calls_of('<tool name="a">{"x"\n<tool name="list_mail">{}</tool>')
    assert [(each.name, bool(each.wrong)) for each in calls] == [("a", True), ("list_mail", False)]
    calls, _ = calls_of('<tool name="a">{bad}</tool>\n<tool name="list_mail">{}</tool>')
    assert [(each.name, bool(each.wrong)) for each in calls] == [("a", True), ("list_mail", False)]


def test_an_answer_has_so_many_calls_and_no_more() -> None:
    """What stands behind the last one is text."""
    assert len(calls_of('<tool name="list_mail">{}</tool>' * 100)[0]) == CALLS_MAX


@given(st.text() | st.lists(st.sampled_from([
    "<tool", ' name="a"', ">", "{", "}", '"', "</tool>", "\n", ":", "\\", "[", "x", " ",
])).map("".join))  # fmt: skip
def test_any_text_is_read(text: str) -> None:
    """Nothing is raised, and what is read is a call or an error."""
    calls, _ = calls_of(text)
    assert all(isinstance(each.arguments, dict) for each in calls)


def test_native_calls_are_read_from_a_turn() -> None:
    """Arguments are JSON text; what is no object says so."""
    turn = types.SimpleNamespace(calls=(
        {"id": "c1", "name": "read_mail", "arguments": '{"id": "m1"}'},
        {"id": "c2", "name": "list_mail", "arguments": ""},
        {"id": "c3", "name": "list_mail", "arguments": "[]"},
        {"id": "c4", "name": "list_mail", "arguments": "{} {}"},
    ))  # fmt: skip
    good, empty, *bad = native(turn)
    assert good == Call("c1", "read_mail", {"id": "m1"})
    assert empty == Call("c2", "list_mail", {})
    assert [(each.id, bool(each.wrong)) for each in bad] == [("c3", True), ("c4", True)]


def test_tools_are_described_in_words() -> None:
    """Every tool and every argument is in the list for the system prompt."""
    lines = described(TOOLS).splitlines()
    assert len(lines) == len(TOOLS)
    for tool, line in zip(TOOLS, lines, strict=True):
        assert line.startswith(f"- {tool.name}(")
        assert all(f"{each.name}: " in line for each in tool.arguments)


def test_results_name_their_tools() -> None:
    """A model without native calls reads which result belongs to which call."""
    assert results([Call("1", "list_mail", {})], ["[]"]) == '<result name="list_mail">[]</result>'
