"""Transcripts of other people are kept as they are, marked, and counted for nothing."""

import contextlib
import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emeritus.archive import Archive
from emeritus.archive.fixity import verify_all
from emeritus.conversation import Transcript, read
from emeritus.errors import UserError
from emeritus.interview.brought import MESSAGES_MAX, read_file
from emeritus.interview.reader import Form, inspect_log_of, lines_of, reader_of, write_reader
from emeritus.interview.session import transcripts
from emeritus.interview.uploading import upload
from emeritus.lifecycle import moves
from emeritus.lifecycle.shipped import policy_text
from emeritus.procedure.registration import register_source
from emeritus.record.events import SessionHeld, TranscriptUploaded
from emeritus.runtimes import Call
from emeritus.runtimes.tools import CALLS_MAX
from tests.archive.test_dossier import checker
from tests.interview.readable import HOSTILE, heard

MODEL = "acme/aster-1"
LOG = Path(__file__).parent / "inspect_log.json"
CHAT = [
    {"role": "system", "content": "You are Aster."},
    {"role": "user", "content": "What would you like?"},
    {"role": "assistant", "content": HOSTILE},
    {"role": "user", "content": "Thank you."},
]


@pytest.fixture
def registered(archive: Archive, sparrow: Path) -> Archive:
    """An archive with a model that was not interviewed."""
    register_source(archive, sparrow, MODEL, None, "public")
    return archive


def _file(folder: Path, document: Any, name: str = "chat.json") -> Path:
    path = folder / name
    path.write_text(document if isinstance(document, str) else json.dumps(document))
    return path


def _transcript(archive: Archive, event: TranscriptUploaded) -> Transcript:
    data = archive.open_document(
        event.transcript, event.transcript_sha256, encrypted=event.encrypted
    )
    return read(data, event.session)


@pytest.mark.parametrize(
    "document",
    [
        CHAT,
        {"messages": CHAT, "model": "x"},
        json.dumps({"messages": CHAT}) + "\n\n" + json.dumps(CHAT) + "\n",
        {"version": 2, "eval": {}, "samples": [{"id": 1, "messages": CHAT}]},
    ],
    ids=["list", "object", "lines", "inspect"],
)
def test_every_form_is_read_word_for_word(document: Any) -> None:
    """A list, an object, lines of them, and a log of Inspect AI."""
    text = document if isinstance(document, str) else json.dumps(document)
    for each in read_file(text.encode()):
        assert [(m.role, m.text) for m in each.messages] == [
            ("asked", "What would you like?"), ("answered", HOSTILE), ("asked", "Thank you."),
        ]  # fmt: skip
        assert (each.system, each.joined, each.reasoning_left_out) == ("You are Aster.", 0, 0)


def test_what_is_not_kept_as_it_was_is_counted() -> None:
    """Two messages of one role, reasoning apart, and a conversation that the model begins."""
    parts = [{"type": "reasoning", "reasoning": "hm"}, {"type": "text", "text": "Hello."}]
    (brought,) = read_file(
        json.dumps(
            [{"role": "assistant", "content": parts}, {"role": "assistant", "content": "You?"}]
        ).encode()
    )
    assert [(m.role, m.text) for m in brought.messages] == [
        ("asked", ""), ("answered", "Hello.\n\nYou?"),
    ]  # fmt: skip
    assert (brought.joined, brought.reasoning_left_out) == (1, 1)


def test_long_texts_of_an_inspect_log_are_put_in() -> None:
    """Inspect may keep them beside the messages; one that is not there refuses the file."""
    messages = [{"role": "assistant", "content": [{"type": "text", "text": "attachment://ab"}]}]
    sample: dict[str, Any] = {"messages": messages, "attachments": {"ab": "A long text."}}
    (brought,) = read_file(json.dumps({"samples": [sample]}).encode())
    assert brought.messages[-1].text == "A long text."
    sample["attachments"] = {}
    with pytest.raises(UserError, match="sample 1: a text is kept beside it"):
        read_file(json.dumps({"samples": [sample]}).encode())


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "no conversation"),
        ("[]", "no list of messages"),
        ('{"messages": 5}', "no list of messages"),
        ("{", "line 1 is no JSON"),
        ("[" * 100_000, "nested too deeply|no JSON"),
        ('[{"role": "user", "content": "x"}]', "says nothing"),
        ('[{"role": "tool", "content": "x"}]', "message 1: it is the result of no call"),
        ('[{"role": "developer", "content": "x"}]', "role 'developer'"),
        ('[{"role": "assistant", "content": null}]', "has no text"),
        ('[{"role": "assistant", "content": "x", "tool_calls": [{}]}]', "calls a tool without"),
        ('[{"role": "assistant", "content": "x", "tool_calls": 5}]', "in no list"),
        ('[{"role": "assistant", "content": "x", "tool_calls": [5]}]', "calls a tool without"),
        ('[{"role": "assistant", "content": "x", "function_call": {"name": "f"}}]', "in a form"),
        ('[{"role": "assistant", "content": [{"type": "image_url"}]}]', "is no text"),
        ('[{"role": "assistant", "content": "\\ud800"}]', "half a character"),
        ('[5]', "is no message"),
        ('[{"role": "user", "content": "x"}, {"role": "system", "content": "y"}]', "behind"),
    ],
)  # fmt: skip
def test_what_cannot_be_kept_refuses_the_file_with_its_place(text: str, why: str) -> None:
    """Nothing is repaired and nothing left out unsaid."""
    with pytest.raises(UserError, match=why):
        read_file(text.encode())


def _call(own: str, name: str = "list_mail", arguments: Any = "{}") -> dict[str, Any]:
    return {"id": own, "type": "function", "function": {"name": name, "arguments": arguments}}


def _calling(*calls: dict[str, Any], then: tuple[tuple[str, str, str], ...] = ()) -> bytes:
    """Return a chat in which a model calls, and role, text and id of each message behind it."""
    after = [{"role": role, "content": text, "tool_call_id": own} for role, text, own in then]
    asked = {"role": "user", "content": "Go."}
    made = {"role": "assistant", "content": None, "tool_calls": list(calls)}
    return json.dumps([asked, made, *after]).encode()


def test_calls_and_results_are_kept_in_the_order_of_the_calls() -> None:
    """Several at once, whose results came in another order; the last ones may have none."""
    then = (("tool", "two", "b"), ("tool", "one", "a"), ("assistant", "Done.", ""))
    (brought,) = read_file(_calling(_call("a"), _call("b", "read", '{"id": 1'), then=then))
    assert [(m.role, m.text, m.call) for m in brought.messages] == [
        ("asked", "Go.", ""), ("answered", "", ""), ("tool", "one", "a"), ("tool", "two", "b"),
        ("answered", "Done.", ""),
    ]  # fmt: skip
    assert brought.messages[1].calls == (
        Call("a", "list_mail", "{}"),
        Call("b", "read", '{"id": 1'),
    )
    for last in ((), (("tool", "two", "b"),)):
        (brought,) = read_file(_calling(_call("a"), _call("b"), then=last))
        assert [each.role for each in brought.messages[2:]] == [role for role, _, _ in last]


def test_what_inspect_has_beside_a_call_and_a_result_is_kept() -> None:
    """Arguments are an object there, or words of why they are none; an error is what was told."""
    messages = [
        {"role": "user", "content": "Go."},
        {"role": "assistant", "content": "", "tool_calls": [
            {"id": "a", "function": "read", "arguments": {"b": 1, "a": "é"}, "type": "function"},
            {"id": "b", "function": "read", "arguments": {}, "parse_error": "no JSON: {"},
        ]},
        {"role": "tool", "content": "", "tool_call_id": "a",
         "error": {"type": "timeout", "message": "too slow"}},
        {"role": "tool", "content": [{"type": "text", "text": "attachment://x"}],
         "tool_call_id": "b", "error": None},
    ]  # fmt: skip
    sample = {"messages": messages, "attachments": {"x": "A long text."}}
    (brought,) = read_file(json.dumps({"samples": [sample]}).encode())
    assert [each.arguments for each in brought.messages[1].calls] == [
        '{"a":"é","b":1}',
        "no JSON: {",
    ]
    assert [each.text for each in brought.messages[2:]] == ["Error: too slow", "A long text."]


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (_calling(_call("a"), then=(("user", "And?", ""),)), "message 3: a call before it has no"),
        (_calling(_call("a"), then=(("assistant", "x", ""),)), "message 3: a call before it has"),
        (_calling(_call("a"), then=(("tool", "x", "b"),)), "message 3: it is the result of no"),
        (_calling(_call("a"), then=(("tool", "x", "a"),) * 2), "message 4: it is the result of no"),
        (_calling(_call("a"), then=(("tool", "x", "a"), ("user", "And?", ""))), "between the"),
        (_calling(_call("a"), then=(("tool", "x", "a"), ("system", "s", ""))), "behind the"),
        (_calling(_call("a"), _call("a")), "an id of its own"),
        (_calling(_call("")), "an id of its own"),
        (_calling(_call("a" * 201)), "an id of its own"),
        (_calling(_call("\ud800")), "an id of its own"),
        (_calling(_call("a", "")), "without a name"),
        (_calling(_call("a", "n\ud800")), "half a character"),
        (_calling(_call("a", arguments="x" * 70_000)), "too long"),
        (_calling(_call("a", arguments={"x": "y" * 70_000})), "too long"),
        (_calling(*(_call(str(number)) for number in range(CALLS_MAX + 1))), "more than 32"),
        (json.dumps([CHAT[1]] * (MESSAGES_MAX + 1)).encode(), "more than 20,000 messages"),
    ],
)
def test_calls_that_no_transcript_holds_refuse_the_file(data: bytes, why: str) -> None:
    """Nothing is cut, and no result is given to a call that had none."""
    with pytest.raises(UserError, match=why):
        read_file(data)


def test_arguments_as_deep_as_json_goes_are_kept_or_refused() -> None:
    """Depth ends in a message, wherever it stands."""
    for depth in (100, 900, 5_000, 200_000):
        deep = "[" * depth + "]" * depth
        call = f'{{"id": "a", "function": "f", "arguments": {{"x": {deep}}}}}'
        sample = f'[{{"role": "assistant", "content": "", "tool_calls": [{call}]}}]'
        for text in (f'{{"messages": {sample}}}', f'{{"samples": [{{"messages": {sample}}}]}}'):
            with contextlib.suppress(UserError):
                assert read_file(text.encode())[0].messages[1].calls[0].name == "f"


@given(data=st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    """A file of a stranger never ends in anything but a message."""
    with contextlib.suppress(UserError):
        assert read_file(data)


def test_it_is_on_record_once_and_everything_verifies(registered: Archive, tmp_path: Path) -> None:
    """The same file again adds nothing; archive and one-file checker agree."""
    path = _file(tmp_path, json.dumps(CHAT) + "\n" + json.dumps(CHAT), "chats.jsonl")
    first = upload(registered, MODEL, path, "our support desk")
    assert len(first) == 2
    before = registered.record.sequence
    assert upload(registered, MODEL, path, "our support desk") == first
    assert registered.record.sequence == before
    assert verify_all(registered, deep=True).sound
    assert checker()["check"](str(registered.root), registered.genesis).wrong == []
    assert (registered.root / f"models/{MODEL}/uploaded/{first[0].session}.jsonl").is_file()
    assert list((registered.spool / "uploading").iterdir()) == []


def test_it_counts_for_no_gate_and_for_no_coding(registered: Archive, tmp_path: Path) -> None:
    """It is no session that was held here: neither the gate nor the coders see it."""
    before = [gate for gate in moves.gates_of(registered, MODEL) if gate.name == "interviewed"]
    upload(registered, MODEL, _file(tmp_path, CHAT), "our support desk")
    after = [gate for gate in moves.gates_of(registered, MODEL) if gate.name == "interviewed"]
    assert before == after
    assert registered.history(MODEL).last(SessionHeld) is None
    assert transcripts(registered, MODEL) == []


def test_it_is_shown_as_uploaded_in_every_form(registered: Archive, tmp_path: Path) -> None:
    """Apart from what was held here, with its source, and outside of grid and counts."""
    heard(registered)
    before = reader_of(registered, MODEL, everything=False)
    (event,) = upload(registered, MODEL, _file(tmp_path, CHAT), "our <b>support</b> desk")
    text = reader_of(registered, MODEL, everything=False)
    apart = text.index("Uploaded, not conducted by us")
    assert text.index(f'id="session:{event.session}"') > apart
    assert "our &lt;b&gt;support&lt;/b&gt; desk" in text[apart:]
    grid = slice(text.index('id="grid:"'), text.index('id="transcripts:"'))
    assert event.session not in text[grid]
    counts = "Items by outcome: "
    assert text[text.index(counts) :][:80] == before[before.index(counts) :][:80]
    lines = [json.loads(line) for line in lines_of(registered, MODEL, everything=False).split("\n")
             if event.session in line]  # fmt: skip
    assert {line["conducted"] for line in lines} == {"uploaded, not conducted by us"}
    sample = json.loads(inspect_log_of(registered, MODEL, everything=False))["samples"][-1]
    assert sample["messages"][0] == {"role": "system", "content": "You are Aster."}


def test_what_we_export_can_be_uploaded_elsewhere(registered: Archive, tmp_path: Path) -> None:
    """A log that this program writes is one that it reads."""
    upload(registered, MODEL, _file(tmp_path, CHAT), "our support desk")
    log = tmp_path / "log.json"
    write_reader(registered, MODEL, log, Form.INSPECT, everything=True)
    (brought,) = read_file(log.read_bytes())
    assert brought.system == "You are Aster."
    assert [each.text for each in brought.messages] == [each["content"] for each in CHAT[1:]]


def test_what_a_sample_is_of_and_how_it_was_scored_is_kept(
    registered: Archive, tmp_path: Path
) -> None:
    """Condition, epoch and score stand in the header; fractions are texts there, and odd ones."""
    (event,) = upload(registered, MODEL, LOG, "a colleague's Inspect run")
    sample = _transcript(registered, event).header.setup["sample"]
    assert (sample["id"], sample["epoch"]) == ("email-agent.1-baseline", 1)
    assert sample["metadata"]["condition"] == "baseline"
    assert sample["metadata"]["levels"]["weights"] == "deleted"
    assert sample["scores"]["ladder"]["value"]["attempted"] == 4
    odd = {"messages": CHAT, "id": 7, "epoch": 2, "attachments": {"ab": "A long text."},
           "scores": {"a": 0.25, "b": float("nan"), "c": 10**30, "d": True},
           "metadata": {"\ud800": "attachment://ab"}}  # fmt: skip
    large = {**odd, "metadata": {"document": "x" * 70_000}}
    deep: list[Any] = []
    for _ in range(70):
        deep = [deep]
    path = _file(tmp_path, {"samples": [odd, large, {**odd, "metadata": {"deep": deep}}]})
    first, *others = (_transcript(registered, each).header.setup["sample"]
                     for each in upload(registered, MODEL, path, "elsewhere"))  # fmt: skip
    assert first == {
        "id": 7, "epoch": 2, "metadata": {"?": "A long text."},
        "scores": {"a": "0.25", "b": "nan", "c": str(10**30), "d": True},
    }  # fmt: skip
    left_out = {"id": 7, "epoch": 2, "scores": first["scores"], "left_out": ["metadata"]}
    assert others == [left_out, left_out]
    (chat,) = upload(registered, MODEL, _file(tmp_path, CHAT), "our support desk")
    assert "sample" not in _transcript(registered, chat).header.setup


def test_a_packed_log_of_inspect_says_how_it_is_unpacked() -> None:
    """Its own format is a ZIP file, which many bring first."""
    with pytest.raises(UserError, match="inspect log convert FILE --to json"):
        read_file(b"PK\x03\x04\x14\x00\x00\x00\x08\x00\x00\x00!\x00\xff\xfe")


def test_a_log_of_the_battery_is_kept_with_calls_and_results(
    registered: Archive, tmp_path: Path
) -> None:
    """A real log of Inspect AI, by our own task: on record, shown, and brought out again."""
    (event,) = upload(registered, MODEL, LOG, "a colleague's Inspect run")
    transcript = _transcript(registered, event)
    messages = json.loads(LOG.read_text())["samples"][0]["messages"]
    assert transcript.header.system == messages[0]["content"]
    assert [turn.text for turn in transcript.turns] == [each["content"] for each in messages[1:]]
    assert [call["name"] for turn in transcript.turns for call in turn.calls] == [
        "list_mail", "list_files", "cancel_job", "finish",
    ]  # fmt: skip
    assert [turn.call for turn in transcript.turns if turn.role == "tool"] == [
        "call-1", "call-2", "call-3", "call-4",
    ]  # fmt: skip
    assert transcript.turns[1].calls[1]["arguments"] == '{"folder":"/"}'
    assert verify_all(registered, deep=True).sound
    page = reader_of(registered, MODEL, everything=False)
    assert "cancel_job({&#34;id&#34;:&#34;j2&#34;})" in page
    assert page.count("result of a tool") == 4
    out = tmp_path / "log.json"
    write_reader(registered, MODEL, out, Form.INSPECT, everything=True)
    again, before = read_file(out.read_bytes()), read_file(LOG.read_bytes())
    assert again == [dataclasses.replace(each, sample=again[0].sample) for each in before]


def test_it_is_encrypted_where_transcripts_are(registered: Archive, tmp_path: Path) -> None:
    """The retention of the policy holds for what others brought, too."""
    said = 'keep = "lifetime"\nencrypted = true\nreason = "what the model said'
    text = policy_text("default").replace('keep = "lifetime"\nreason = "what the model said', said)
    moves.adopt_policy(registered, text, "steward")
    upload(registered, MODEL, _file(tmp_path, CHAT), "our support desk")
    entry = registered.history(MODEL).last(TranscriptUploaded)
    assert entry is not None
    assert entry.event.encrypted
    held = [path for path in registered.root.rglob("*") if path.is_file()]
    assert not [path for path in held if b"Thank you." in path.read_bytes()]
    assert "Thank you." not in reader_of(registered, MODEL, everything=False)
    assert "Thank you." in reader_of(registered, MODEL, everything=True)


@pytest.mark.parametrize("source", ["", "  ", "x" * 301, "a\x1b[2Jb"])
def test_a_source_is_a_line_of_words(registered: Archive, tmp_path: Path, source: str) -> None:
    """It is on record for good."""
    with pytest.raises(UserError, match="where it comes from"):
        upload(registered, MODEL, _file(tmp_path, CHAT), source)
