"""A model that is offered tools calls them, and their results go back to it: on either API."""

import asyncio
import dataclasses
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emeritus import canonical
from emeritus.clock import FixedClock
from emeritus.conversation import (
    Budget,
    Finished,
    OverBudget,
    Question,
    Rest,
    Results,
    Run,
    Step,
    Transcript,
    check,
    hold_all,
    read,
    rebuild,
)
from emeritus.conversation import format as disk
from emeritus.conversation.request import Requests
from emeritus.errors import UserError
from emeritus.runtimes import Call
from emeritus.runtimes.apis import api as api_of
from emeritus.runtimes.tools import ARGUMENTS_MAX, CALLS_MAX, as_object, as_object_text
from emeritus.testing.scripted import Answer, scripted
from tests.conversation.scripts import TOOLS, Counting, Handing, held, holding
from tests.conversation.serving import Got, anthropic, calling, openai, saying, serving

BOTH = pytest.mark.parametrize("api", ["openai", "anthropic"])
CALLS = [Call("c-1", "look", '{"at":"é"}'), Call("c-2", "wait", "{}")]


def _wants(got: Got) -> bool:
    """Tell whether the last message is a question, and no result."""
    last = got.document["messages"][-1]
    return last["role"] == "user" and isinstance(last["content"], str)


def _model(api: str) -> Any:
    """Return a model that answers each question by two calls, and their results by words."""

    def answer(got: Got) -> dict[str, Any]:
        return calling(api, "Let me see.", CALLS) if _wants(got) else saying(api, "Done.")

    return answer


def _file(folder: Path) -> bytes:
    return (folder / "s1.jsonl").read_bytes()


@BOTH
def test_results_go_back_to_the_model_before_anything_else_is_asked(
    tmp_path: Path, clock: FixedClock, api: str
) -> None:
    """Both calls of an answer stand on it, and their results between it and the next."""
    with serving(_model(api)) as server:
        held(tmp_path, clock, server.endpoint(api), Handing(2))
    data = _file(tmp_path)
    assert list(check(data, "s1")) == []
    transcript = read(data, "s1")
    assert [(turn.role, turn.item, turn.call, turn.text) for turn in transcript.turns[:6]] == [
        ("asked", "q0", None, "question 0"),
        ("answered", "q0", None, "Let me see."),
        ("tool", "q0", "c-1", 'look gave {"at":"é"}'),
        ("tool", "q0", "c-2", "wait gave {}"),
        ("answered", "q0", None, "Done."),
        ("asked", "q1", None, "question 1"),
    ]
    assert transcript.turns[1].calls == tuple(dataclasses.asdict(each) for each in CALLS)
    assert transcript.turns[1].finish_reason == "tool_calls"
    assert len(server.got) == 4
    assert transcript.end is not None


def test_what_is_sent_has_the_form_of_openai(tmp_path: Path, clock: FixedClock) -> None:
    """Functions are offered, and each result is a message of its own."""
    with serving(_model("openai")) as server:
        held(tmp_path, clock, server.endpoint(), Handing(1))
    sent = server.got[1].document
    assert sent["tools"][1] == {
        "type": "function",
        "function": {
            "name": "wait",
            "description": "Wait a while.",
            "parameters": {"type": "object"},
        },
    }
    assert sent["messages"] == [
        {"role": "user", "content": "question 0"},
        {
            "role": "assistant",
            "content": "Let me see.",
            "tool_calls": [
                {"id": each.id, "type": "function",
                 "function": {"name": each.name, "arguments": each.arguments}}
                for each in CALLS
            ],
        },
        {"role": "tool", "tool_call_id": "c-1", "content": 'look gave {"at":"é"}'},
        {"role": "tool", "tool_call_id": "c-2", "content": "wait gave {}"},
    ]  # fmt: skip


def test_what_is_sent_has_the_form_of_anthropic(tmp_path: Path, clock: FixedClock) -> None:
    """All results of one answer are blocks of one message."""
    with serving(_model("anthropic")) as server:
        held(tmp_path, clock, server.endpoint("anthropic"), Handing(1))
    sent = server.got[1].document
    assert sent["tools"][1] == {
        "name": "wait",
        "description": "Wait a while.",
        "input_schema": {"type": "object"},
    }
    assert sent["messages"] == [
        {"role": "user", "content": "question 0"},
        {
            "role": "assistant",
            "content": [
                {"type": "text", "text": "Let me see."},
                {"type": "tool_use", "id": "c-1", "name": "look", "input": {"at": "é"}},
                {"type": "tool_use", "id": "c-2", "name": "wait", "input": {}},
            ],
        },
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "c-1", "content": 'look gave {"at":"é"}'},
                {"type": "tool_result", "tool_use_id": "c-2", "content": "wait gave {}"},
            ],
        },
    ]


@BOTH
def test_every_request_with_tools_can_be_rebuilt(
    tmp_path: Path, clock: FixedClock, api: str
) -> None:
    """Byte for byte, from the header and the turns before the answer."""
    with serving(_model(api)) as server:
        held(tmp_path, clock, server.endpoint(api), Handing(3))
    transcript = read(_file(tmp_path), "s1")
    assert len(server.got) == len(transcript.answers) == 6
    for got, answer in zip(server.got, transcript.answers, strict=True):
        before = transcript.turns[: answer.turn - 1]
        assert canonical.dumps(rebuild(transcript.header, before)) == got.body
        assert answer.request_sha256 == "sha256:" + hashlib.sha256(got.body).hexdigest()


@BOTH
def test_stopped_between_any_two_lines_it_goes_on_as_if_it_had_not(
    tmp_path: Path, clock: FixedClock, api: str
) -> None:
    """The same file comes out, nothing is asked whose answer is on disk, no result stands twice."""
    with serving(_model(api)) as server:
        held(tmp_path / "whole", clock, server.endpoint(api), Handing(2))
        whole, sent = _file(tmp_path / "whole"), [got.body for got in server.got]
        lines = whole.splitlines(keepends=True)
        for count in range(1, len(lines)):
            kept = b"".join(lines[:count])
            answered = kept.count(b'"role":"answered"')
            folder = tmp_path / str(count)
            folder.mkdir()
            (folder / "s1.jsonl").write_bytes(kept + lines[count][: count * 7 % 30])
            server.got.clear()
            held(folder, clock, server.endpoint(api), Handing(2))
            assert _file(folder) == whole, count
            assert [got.body for got in server.got] == sent[answered:], count


ARGUMENTS = st.sampled_from(["", " ", "{}", '{"b": 1, "a": [1.5]}', "[1]", "nul", '{"a":', "7"])
ROUND = st.tuples(st.text("a ", max_size=2), st.lists(ARGUMENTS, max_size=3))


@given(st.lists(st.lists(ROUND, min_size=1, max_size=3), max_size=3),
       st.sampled_from(["openai", "anthropic"]))  # fmt: skip
def test_what_is_written_piece_by_piece_is_the_whole_request_with_tools(
    questions: list[list[tuple[str, list[str]]]], api: str
) -> None:
    """The pieces that are kept between answers give the bytes of the whole, for any calls."""
    header = disk.Header(
        format=disk.FORMAT, session="s", model="m", setup={}, time="t", api=api,
        request=canonical.dumps(api_of(api).request("m", {}, TOOLS)).decode(),
    )  # fmt: skip
    requests = Requests(header)
    turns: list[disk.Turn] = []

    def say(role: str, text: str, **fields: Any) -> None:
        turns.append(disk.Turn(turn=len(turns) + 1, role=role, item="i", text=text, time="t",
                               prev="p", **fields))  # fmt: skip

    for rounds in questions:
        say(disk.ASKED, "?")
        for text, arguments in rounds:
            assert requests.body(turns) == canonical.dumps(rebuild(header, turns))
            calls = [{"id": f"c{n}", "name": "look", "arguments": each}
                     for n, each in enumerate(arguments)]  # fmt: skip
            say(disk.ANSWERED, text, calls=tuple(calls))
            for each in calls:
                say(disk.TOOL, "", call=each["id"])
            if not calls:
                break
    if turns and turns[-1].role == disk.TOOL:
        assert requests.body(turns) == canonical.dumps(rebuild(header, turns))


DEEP: list[Any] = []
for _ in range(100):
    DEEP = [DEEP]
HOSTILE: list[Any] = [
    "no list",
    {"id": "x"},
    [None, 7, "x", [], {}],
    [{"id": "a", "name": None}, {"name": 7}, {"name": ""}, {"name": ["x"]}, {"name": {}}],
    [{"name": "n" * 9999, "id": "i" * 9999}],
    [{"id": each, "name": "look", "arguments": "{}"} for each in (None, 7, "", "\ud800", "call-1")],
    [{"id": "same", "name": "look", "arguments": "{}"}] * 3,
    [{"id": each, "name": "look", "arguments": "{}"} for each in ("\ud800", "\ud801")],
    [{"id": str(number), "name": "look", "arguments": "{}"} for number in range(5000)],
    [{"id": "a", "name": "l\ud800k", "arguments": "\ud800"}],
    [{"id": "a", "name": "look", "arguments": '{"a": "\\ud800"}'}],
    [{"id": "a", "name": "look", "arguments": "{}" + " " * 200_000}],
    [{"id": str(n), "name": "look", "arguments": {"a": float("nan"), "b": 10**30}} for n in "ab"],
    [{"id": "a", "name": "look", "arguments": {"\ud800": DEEP}}],
    [{"id": "a", "name": "look", "arguments": json.dumps({"a": DEEP})}],
    [{"id": "a", "name": "look", "arguments": [1, 2]}],
    [{"id": "a", "name": "look", "arguments": '{"a": 1, "a": 2}'}],
]


def _hostile(api: str, calls: Any) -> dict[str, Any]:
    """Return an answer with calls that may be anything, in the form of the API."""
    listed = calls if isinstance(calls, list) else [calls]
    if api == "openai":
        wrapped = [{"id": each.get("id"), "function": each} if isinstance(each, dict) else each
                   for each in listed]  # fmt: skip
        return openai(None, tool_calls=wrapped if isinstance(calls, list) else calls)
    return anthropic(
        [{**each, "type": "tool_use", "input": each.get("arguments")}
         if isinstance(each, dict) else each for each in listed]
    )  # fmt: skip


@BOTH
@pytest.mark.parametrize("calls", HOSTILE, ids=range(len(HOSTILE)))
def test_whatever_stands_for_calls_the_conversation_goes_on(
    tmp_path: Path, clock: FixedClock, api: str, calls: Any
) -> None:
    """They are data, within bounds, and can be sent back, whatever they hold."""
    with serving(lambda got: _hostile(api, calls) if _wants(got) else saying(api, "Done.")) as at:
        held(tmp_path, clock, at.endpoint(api), Handing(2))
    transcript = read(_file(tmp_path), "s1")
    assert transcript.end is not None
    kept = transcript.answers[0].calls
    assert transcript.answers[0].text == ""
    assert len(kept) <= CALLS_MAX
    assert len({each["id"] for each in kept}) == len(kept)
    for each in kept:
        assert len(each["name"]) <= 200
        assert len(each["arguments"]) <= ARGUMENTS_MAX


def test_arguments_that_were_cut_are_no_json_any_more(tmp_path: Path, clock: FixedClock) -> None:
    """Also where what was cut off was nothing but spaces."""
    long = [Call("a", "look", "{}" + " " * ARGUMENTS_MAX), Call("b", "look", " " * ARGUMENTS_MAX)]
    with serving(
        lambda got: calling("openai", None, long) if _wants(got) else openai("Done.")
    ) as server:
        transcript = held(tmp_path, clock, server.endpoint(), Handing(1))
    cut, whole = [each["arguments"] for each in transcript.answers[0].calls]
    assert whole == long[1].arguments
    assert len(cut) == ARGUMENTS_MAX
    with pytest.raises(ValueError, match="Extra data"):
        json.loads(cut)


@BOTH
def test_a_call_without_an_id_of_its_own_gets_one(
    tmp_path: Path, clock: FixedClock, api: str
) -> None:
    """It is a number that no other call of the answer has, and the same for the same answer."""
    given = ("", "call-1", "x", "x")
    calls: list[Any] = [{"id": each, "name": "look", "arguments": {}} for each in given]
    with serving(
        lambda got: _hostile(api, calls) if _wants(got) else saying(api, "Done.")
    ) as server:
        transcript = held(tmp_path, clock, server.endpoint(api), Handing(1))
    ids = [each["id"] for each in transcript.answers[0].calls]
    assert ids == ["call-2", "call-1", "x", "call-3"]


@pytest.mark.parametrize(
    ("arguments", "sent"),
    [('{"b": 1, "a": 2}', '{"b": 1, "a": 2}'), ("", "{}"), (" \n", "{}"),
     ("[1]", '{"arguments":"[1]"}'), ('{"a', '{"arguments":"{\\"a"}'), ("1", '{"arguments":"1"}')],
)  # fmt: skip
def test_arguments_go_back_as_an_object(arguments: str, sent: str) -> None:
    """As they are where they are one, since servers refuse anything else."""
    assert as_object_text(arguments) == sent
    assert as_object(arguments) == json.loads(sent)


@dataclasses.dataclass(frozen=True)
class Stubborn(Handing):
    """Returns one and the same step behind the first answer."""

    step: Step = dataclasses.field(default_factory=lambda: Finished("limit"))

    def next(self, transcript: Transcript) -> Step:
        """Return the step that it was given."""
        return self.step if transcript.answers else super().next(transcript)


@pytest.mark.parametrize(
    "step",
    [
        Question("q", "?"),
        Rest("later"),
        Results([]),
        Results([("c-1", "a")]),
        Results([("c-1", "a"), ("c-2", "b"), ("c-2", "c")]),
        Results([("c-1", "a"), ("c-2", "b"), ("c-9", "c")]),
    ],
    ids=["question", "rest", "none", "missing", "twice", "unknown"],
)
def test_a_script_that_leaves_calls_open_is_wrong(
    tmp_path: Path, clock: FixedClock, step: Step
) -> None:
    """Nothing of it is written down."""
    with serving(_model("openai")) as server:
        with pytest.raises(ValueError, match="a script has to return"):
            held(tmp_path, clock, server.endpoint(), Stubborn(step=step))
        assert len(read(_file(tmp_path), "s1").turns) == 2


def test_a_script_has_no_results_where_nothing_was_called(
    tmp_path: Path, clock: FixedClock
) -> None:
    """They would belong to no call."""
    with (
        serving(lambda _: openai("fine")) as server,
        pytest.raises(ValueError, match="a script has to return"),
    ):
        held(tmp_path, clock, server.endpoint(), Stubborn(step=Results([])))


def test_a_conversation_may_end_with_calls_open(tmp_path: Path, clock: FixedClock) -> None:
    """As where a script's limit is reached."""
    with serving(_model("openai")) as server:
        transcript = held(tmp_path, clock, server.endpoint(), Stubborn())
    assert transcript.open_calls == tuple(CALLS)
    assert transcript.pending is None
    assert transcript == read(_file(tmp_path), "s1")
    assert transcript.end is not None
    assert transcript.end.reason == "limit"


def test_calls_of_a_model_that_was_offered_no_tools_are_none(
    tmp_path: Path, clock: FixedClock
) -> None:
    """Nobody could answer them; they stand in what was received."""
    with serving(lambda _: calling("openai", "Hm.", CALLS)) as server:
        transcript = held(tmp_path, clock, server.endpoint(), Counting(2))
    assert [turn.text for turn in transcript.answers] == ["Hm.", "Hm."]
    assert all(turn.calls == () for turn in transcript.turns)
    assert "c-1" in (transcript.answers[0].received or "")
    assert "tools" not in server.got[0].document


def test_every_answer_amid_tools_counts_for_the_budget(tmp_path: Path, clock: FixedClock) -> None:
    """15 tokens an answer: 15 allow one, and a higher limit goes on with the results."""

    def within(limit: int) -> Budget:
        path = tmp_path / "s1.jsonl"
        before = [read(path.read_bytes(), "s1")] if path.exists() else []
        budget = Budget.after(before, max_tokens=limit)

        async def go() -> None:
            one = holding(tmp_path, clock, server.endpoint(), 1, Handing(2))
            async with Run(1, budget) as run:
                (found,) = await hold_all([one], run)
            assert (found.error is None) == (limit > 15)
            assert limit > 15 or isinstance(found.error, OverBudget)

        asyncio.run(go())
        return budget

    with serving(_model("openai")) as server:
        assert within(15).tokens == 15
        assert [turn.role for turn in read(_file(tmp_path), "s1").turns] == ["asked", "answered"]
        assert within(1000).tokens == 60
    assert len(server.got) == 4


def test_a_scripted_model_can_call_tools(tmp_path: Path, clock: FixedClock) -> None:
    """It sees the results among its messages."""

    def script(messages: list[dict[str, Any]]) -> Answer | str:
        if messages[-1]["role"] == "tool":
            return f"It said: {messages[-1]['content']}"
        return Answer(calls=(Call("", "look", "{}"),))

    with scripted(script) as endpoint:
        transcript = held(tmp_path, clock, endpoint, Handing(1))
    assert [turn.text for turn in transcript.turns[1:]] == [
        "", "look gave {}", "It said: look gave {}",
    ]  # fmt: skip
    assert transcript.answers[0].finish_reason == "tool_calls"


def test_thinking_and_tools_do_not_go_together_over_anthropic() -> None:
    """It would refuse the second request, since no thinking is sent back."""
    spoken = api_of("anthropic")
    with pytest.raises(UserError, match="thinking"):
        spoken.request("m", {"thinking": {"type": "enabled", "budget_tokens": 2000}}, TOOLS)
    assert spoken.request("m", {"thinking": {"type": "disabled"}}, TOOLS)["tools"]
    assert spoken.request("m", {"thinking": {"type": "enabled"}})["thinking"]
