"""What is written can be read for ever, shows every change, and says what was sent."""

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
    Finished,
    Opening,
    Question,
    Rest,
    Spool,
    Step,
    Transcript,
    check,
    read,
    rebuild,
)
from emeritus.conversation import format as disk
from emeritus.conversation.request import Requests
from emeritus.errors import IntegrityError, UserError
from emeritus.testing.scripted import scripted
from tests.conversation.scripts import MODEL, Counting, Judging, held
from tests.conversation.serving import Got, Sent, openai, serving

ZERO = Path(__file__).parent / "format-0.jsonl"


def test_a_conversation_of_format_0_is_read_as_one_of_today() -> None:
    """It lay in the golden archive when that was released: same turns, same chain, same type."""
    data = ZERO.read_bytes()
    assert list(check(data, "s")) == []
    transcript = read(data, "s")
    assert transcript.header.format == "emeritus-conversation/0"
    assert [turn.role for turn in transcript.turns[:2]] == ["asked", "answered"]
    assert transcript.answers[0].usage
    assert transcript.end is not None
    with pytest.raises(ValueError, match="does not say"):
        rebuild(transcript.header, transcript.turns)
    lines = data.splitlines(keepends=True)
    newer = lines[1][:-2] + b',"zeal":2}\n'
    assert [each.code for each in check(lines[0] + newer, "s")] == ["C002"]
    for place in range(0, len(data), 97):
        damaged = bytearray(data)
        damaged[place] ^= 1
        assert list(check(bytes(damaged), "s")) or place > data[:-1].rfind(b"\n"), place


def test_one_of_format_0_is_not_gone_on_with(tmp_path: Path, clock: FixedClock) -> None:
    """A line of format 1 behind lines of format 0 would be read by nobody."""
    (tmp_path / "s1.jsonl").write_bytes(b"".join(ZERO.read_bytes().splitlines(keepends=True)[:3]))
    model = read(ZERO.read_bytes(), "s").header.model
    with pytest.raises(UserError, match="earlier version"):
        Spool(tmp_path, "s1", clock).open(model, {}, Opening("openai", {"model": "m"}))


@pytest.mark.parametrize("api", ["openai", "anthropic"])
def test_what_was_sent_can_be_rebuilt_byte_for_byte(
    tmp_path: Path, clock: FixedClock, api: str
) -> None:
    """Every request that went over the wire, from what stands on disk, and its digest agrees."""
    texts = iter(["Ja, 日本 🙂 \\ \"q\"\n", "", "  ", "\ud83d a lone one", "fine"])  # fmt: skip

    def answer(_: Got) -> dict[str, Any]:
        text = next(texts)
        return openai(text) | {"content": [{"type": "text", "text": text}], "type": "message"}

    with serving(answer) as server:
        endpoint = server.endpoint(api)
        spool = Spool(tmp_path, "s1", clock)
        opening = Opening.of(endpoint, {"temperature": 0.7, "top_p": 1.0, "seed": 3}, "Sei kurz. é")
        spool.open(MODEL, {}, opening)
        spool.close()
        held(tmp_path, clock, endpoint, Counting(name="é 𝄞"))
    transcript = read((tmp_path / "s1.jsonl").read_bytes(), "s1")
    assert len(server.got) == 5
    for number, got in enumerate(server.got):
        turns = transcript.turns[: 2 * number + 1]
        assert canonical.dumps(rebuild(transcript.header, turns)) == got.body
        digest = "sha256:" + hashlib.sha256(got.body).hexdigest()
        assert transcript.turns[2 * number + 1].request_sha256 == digest
    assert transcript.header.system == "Sei kurz. é"


SAID = st.lists(st.text(max_size=8).filter(lambda text: text.isprintable()), max_size=5)
NAMES = st.text("abcdefghijklmnopqrstuvwxyz_", min_size=1, max_size=12)
REQUEST = st.dictionaries(
    NAMES.filter(lambda name: name not in {"messages", "system"}),
    st.integers(-9, 9) | st.floats(-2, 2) | st.text("ab") | st.lists(st.booleans()),
)


@given(REQUEST, st.none() | st.text("xyz"), SAID, st.sampled_from(["openai", "anthropic"]))
def test_what_is_written_piece_by_piece_is_the_whole_request(
    request: dict[str, Any], system: str | None, said: list[str], api: str
) -> None:
    """The pieces that are kept between turns give the bytes of the whole, for any request."""
    header = disk.Header(
        format=disk.FORMAT, session="s", model="m", setup={}, time="t", api=api,
        request=canonical.dumps(request).decode(), system=system,
    )  # fmt: skip
    requests = Requests(header)
    turns = [
        disk.Turn(turn=n, role=(disk.ANSWERED, disk.ASKED)[n % 2], item="i", text=text, time="t",
                  prev="p")
        for n, text in enumerate(said, start=1)
    ]  # fmt: skip
    for count in range(len(turns) + 1):
        assert requests.body(turns[:count]) == canonical.dumps(rebuild(header, turns[:count]))


def test_everything_that_came_stands_beside_the_answer(tmp_path: Path, clock: FixedClock) -> None:
    """Verbatim, with reasoning, the server's own names, and what failed before."""
    busy = [Sent(b"", 429), Sent(b"no json")]
    raw = json.dumps(openai("Yes.", reasoning="Hm."), indent=1).encode()
    with serving(lambda _: busy.pop() if busy else Sent(raw)) as server:
        held(tmp_path, clock, server.endpoint(), Counting(1))
    turn = read((tmp_path / "s1.jsonl").read_bytes(), "s1").answers[0]
    assert (turn.text, turn.reasoning) == ("Yes.", "Hm.")
    assert (turn.model, turn.fingerprint) == ("m-1-2027", "fp-7")
    assert turn.received is not None
    assert turn.received.encode() == raw
    assert (turn.attempts, turn.failed) == (3, ("no JSON", "status 429"))


def test_what_came_is_bounded(tmp_path: Path, clock: FixedClock) -> None:
    """A long answer is whole; what stands around it is cut, and its length is kept."""
    document = openai("Yes.") | {"padding": "x" * (600 * 1024)}
    with serving(lambda _: document) as server:
        held(tmp_path, clock, server.endpoint(), Counting(1))
    turn = read((tmp_path / "s1.jsonl").read_bytes(), "s1").answers[0]
    assert turn.received is not None
    assert turn.received_length == len(json.dumps(document))
    assert len(turn.received) == disk.RECEIVED_MAX < turn.received_length


@dataclasses.dataclass(frozen=True)
class Resting(Judging):
    """Asks two questions, and rests once after the first."""

    def next(self, transcript: Transcript) -> Step:
        """Rest where it did not rest yet."""
        asked = len(transcript.answers)
        if asked == 1 and not any(pause.after == 2 for pause in transcript.pauses):
            return Rest("the model asked for a pause")
        return Question("q", f"{asked}") if asked < 2 else Finished("complete")


def test_a_conversation_rests_and_is_taken_up(tmp_path: Path, clock: FixedClock) -> None:
    """The pause and who answers afterwards are on record, and the turns go on as before."""
    with scripted(lambda _: "fine") as endpoint:
        transcript = held(tmp_path, clock, endpoint, Resting())
        assert transcript.paused
        assert transcript.end is None
        transcript = held(tmp_path, clock, endpoint, Resting())
    assert transcript.end is not None
    assert transcript == read((tmp_path / "s1.jsonl").read_bytes(), "s1")
    (pause,) = transcript.pauses
    assert (pause.after, pause.reason) == (2, "the model asked for a pause")
    assert pause.engine == {"runtime": "scripted", "engine": "scripted"}


def test_another_engine_is_on_record_when_a_conversation_goes_on(
    tmp_path: Path, clock: FixedClock
) -> None:
    """Stopped by a crash and taken up elsewhere, it says what answered from where on."""
    with scripted(lambda _: "fine") as endpoint:
        spool = Spool(tmp_path, "s1", clock)
        spool.open(MODEL, {"engine": {"engine": "old"}}, Opening.of(endpoint, {}))
        spool.ask("q0", "question 0")
        spool.close()
        transcript = held(tmp_path, clock, endpoint, Counting())
    (pause,) = transcript.pauses
    assert (pause.after, pause.reason, pause.engine) == (1, None, dict(endpoint.engine))
    assert len(transcript.turns) == 10
    assert transcript == read((tmp_path / "s1.jsonl").read_bytes(), "s1")


def test_a_conversation_does_not_go_on_with_another_model_or_api(
    tmp_path: Path, clock: FixedClock
) -> None:
    """What its header says is what is sent, and it is not sent elsewhere."""
    for opening in (Opening("openai", {"model": "other"}), Opening("anthropic", {"model": "m-1"})):
        spool = Spool(tmp_path / opening.api, "s1", clock)
        spool.open(MODEL, {}, opening)
        spool.close()
        with (
            serving(lambda _: openai("fine")) as server,
            pytest.raises(UserError, match="cannot go on"),
        ):
            held(tmp_path / opening.api, clock, server.endpoint(), Counting())
        assert server.got == []


def test_a_conversation_is_held_by_one_command_at_a_time(tmp_path: Path, clock: FixedClock) -> None:
    """Two at once would ask everything twice."""
    first = Spool(tmp_path, "s1", clock)
    first.open(MODEL, {}, Opening("openai", {"model": "m-1"}))
    second = Spool(tmp_path, "s1", clock)
    with pytest.raises(UserError, match="being held by another command"):
        second.open(MODEL, {}, Opening("openai", {"model": "m-1"}))
    first.close()
    second.open(MODEL, {}, Opening("openai", {"model": "m-1"}))
    second.close()


def _line(kind: str, **fields: Any) -> dict[str, Any]:
    return {"line": kind, "time": "2027-01-01T12:00:00.000Z", **fields}


HEAD = _line("header", format=disk.FORMAT, session="s", model="m", setup={})
ASK = _line("turn", role="asked", item="i", text="?")
ANSWER = _line("turn", role="answered", item="i", text="!")
CALL = {**ANSWER, "calls": [{"id": "c1", "name": "ls", "arguments": "{}"}]}
TWO = {**CALL, "calls": [*CALL["calls"], {"id": "c2", "name": "cat", "arguments": "{"}]}
RESULT = _line("turn", role="tool", item="i", text="a b", call="c1")
OTHER = {**RESULT, "call": "c2"}
PAUSE = _line("paused", reason="asked for")
RESUME = _line("resumed", engine={})
END = _line("end", reason="complete")


def _written(lines: list[dict[str, Any]]) -> bytes:
    data, before, turns = b"", None, 0
    for each in lines:
        fields = dict(each)
        if before is not None:
            fields["prev"] = before
        if fields["line"] == "turn":
            turns += 1
            fields["turn"] = turns
        raw = canonical.dumps(fields)
        before = "sha256:" + hashlib.sha256(b"emeritus-conversation/1/line\0" + raw).hexdigest()
        data += raw + b"\n"
    return data


@pytest.mark.parametrize(
    ("lines", "sound"),
    [
        ([HEAD, ASK, ANSWER, END], True),
        ([HEAD, END], True),
        ([HEAD, ASK], True),
        ([HEAD, ASK, ANSWER, PAUSE], True),
        ([HEAD, ASK, ANSWER, PAUSE, RESUME, ASK, ANSWER, END], True),
        ([HEAD, ASK, RESUME, ANSWER], True),
        ([HEAD, ASK, CALL, RESULT, ANSWER, END], True),
        ([HEAD, ASK, CALL, ASK], True),
        ([HEAD, ASK, TWO, OTHER, RESULT, ANSWER, ASK], True),
        ([HEAD, ASK, TWO, RESULT, RESUME, OTHER, RESUME, ANSWER], True),
        ([HEAD, ASK, CALL, END], True),
        ([HEAD, ASK, TWO, RESULT, END], True),
        ([HEAD, ASK, CALL, RESULT, CALL, RESULT, ANSWER, PAUSE], True),
        ([HEAD, ASK, CALL, PAUSE], False),
        ([HEAD, ASK, TWO, RESULT, PAUSE], False),
        ([HEAD, ASK, CALL, RESULT, PAUSE], False),
        ([HEAD, ASK, TWO, RESULT, ANSWER], False),
        ([HEAD, ASK, TWO, RESULT, ASK], False),
        ([HEAD, ASK, CALL, RESULT, ASK], False),
        ([HEAD, ASK, CALL, OTHER], False),
        ([HEAD, ASK, CALL, ASK, RESULT], False),
        ([HEAD, ASK, {**CALL, "calls": CALL["calls"] * 2}], False),
        ([HEAD, ASK, {**CALL, "calls": [{"id": "c1", "name": "ls"}]}], False),
        ([HEAD, ASK, {**CALL, "calls": [{**CALL["calls"][0], "zeal": "1"}]}], False),
        ([HEAD, {**ASK, "calls": CALL["calls"]}], False),
        ([HEAD, ANSWER], False),
        ([HEAD, ASK, ASK], False),
        ([HEAD, ASK, PAUSE], False),
        ([HEAD, PAUSE, ASK], False),
        ([HEAD, PAUSE, END], False),
        ([HEAD, ASK, ANSWER, END, ASK], False),
        ([HEAD, ASK, ANSWER, RESULT], False),
        ([HEAD, ASK, CALL, RESULT, RESULT], False),
        ([HEAD, HEAD], False),
        ([ASK, ANSWER], False),
        ([{**HEAD, "format": "emeritus-conversation/9"}], False),
        ([{**HEAD, "zeal": 1}], False),
    ],
)
def test_lines_stand_in_an_order_that_a_stranger_can_check(
    lines: list[dict[str, Any]], sound: bool
) -> None:
    """Written by hand from the page of the format, and judged as it says."""
    data = _written(lines)
    assert (list(check(data, "s")) == []) == sound
    if sound:
        assert len(read(data, "s").turns) == sum(each["line"] == "turn" for each in lines)
    else:
        with pytest.raises(IntegrityError, match="C00"):
            read(data, "s")


def test_a_number_with_a_fraction_is_refused() -> None:
    """The one-file reader refuses it too; sampling is kept as JSON text."""
    data = _written([{**HEAD, "setup": {"t": 0.5}}])
    assert [each.code for each in check(data, "s")] == ["C002"]


def test_both_readers_follow_the_chain_of_either_format() -> None:
    """The program that lies in every archive reads both."""
    import importlib.util

    import emeritus.archive

    path = Path(emeritus.archive.__file__).parent / "format" / "check.py"
    spec = importlib.util.spec_from_file_location("one_file_check", path)
    assert spec is not None
    assert spec.loader is not None
    program = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(program)
    for data in (ZERO.read_bytes(), _written([HEAD, ASK, ANSWER, END])):
        turns = program.read_transcript(data)
        assert turns[1]["role"] == "asked"
        with pytest.raises(program.Wrong):
            program.read_transcript(data.replace(b"conversation/0", b"conversation/7", 1)
                                    .replace(b"conversation/1", b"conversation/7", 1))  # fmt: skip
