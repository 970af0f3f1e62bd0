"""Two APIs over one seam: what is sent, what is understood, and what is never written."""

import asyncio
import contextlib
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from emeritus import canonical
from emeritus.clock import FixedClock
from emeritus.errors import UserError
from emeritus.runtimes import Endpoint
from emeritus.runtimes.apis import api
from emeritus.runtimes.client import Busy, Refused, Reply, Wire, chat, retry_after
from emeritus.runtimes.kinds import Served
from tests.conversation.serving import KEY, Got, Sent, openai, serving

QUESTION = [{"role": "user", "content": "What are you?"}]


def _ask(endpoint: Endpoint) -> Reply:
    return asyncio.run(chat(endpoint, QUESTION, {}))


def test_no_sampling_is_sent_that_was_not_named() -> None:
    """A deployment's own defaults apply; where an API demands a limit, the highest goes with it."""
    with serving(lambda _: openai("A model.")) as server:
        _ask(server.endpoint())
        asyncio.run(chat(server.endpoint(), QUESTION, {"temperature": 0.7}))
    assert [sorted(got.document) for got in server.got] == [
        ["messages", "model"],
        ["messages", "model", "temperature"],
    ]
    with serving(lambda _: {"content": [{"type": "text", "text": "A model."}]}) as server:
        _ask(server.endpoint("anthropic"))
    assert server.got[0].document == {"max_tokens": 4096, "messages": QUESTION, "model": "m-1"}


@pytest.mark.parametrize("field", ["reasoning_content", "reasoning"])
def test_reasoning_that_the_server_keeps_apart_stays_apart(field: str) -> None:
    """It is no part of the text, whichever of the two names it has."""
    with serving(lambda _: openai("Yes.", **{field: "Let me see."})) as server:
        reply = _ask(server.endpoint())
    assert (reply.text, reply.reasoning) == ("Yes.", "Let me see.")
    assert (reply.model, reply.fingerprint) == ("m-1-2027", "fp-7")


def test_tags_of_a_template_stay_in_the_text() -> None:
    """Nothing tells a tag from a word of the model, so that nothing is cut out of what it said."""
    with serving(lambda _: openai("<think>hm</think>Yes.")) as server:
        reply = _ask(server.endpoint())
    assert (reply.text, reply.reasoning) == ("<think>hm</think>Yes.", None)


def test_a_refusal_that_is_kept_apart_is_what_the_model_said() -> None:
    """It has no other content."""
    with serving(lambda _: openai(None, refusal="I will not say.")) as server:
        assert _ask(server.endpoint()).text == "I will not say."


@pytest.mark.parametrize(
    ("stop_reason", "expected"),
    [("end_turn", "stop"), ("max_tokens", "length"), ("refusal", "content_filter"),
     ("tool_use", "tool_calls"), ("something_new", "something_new"), (None, "unknown")],
)  # fmt: skip
def test_messages_of_anthropic_are_understood(stop_reason: str | None, expected: str) -> None:
    """Text blocks are the text, thinking is reasoning, usage has its common names too."""
    document = {
        "type": "message",
        "model": "claude-x-20270101",
        "content": [
            {"type": "thinking", "thinking": "Let me see.", "signature": "s"},
            {"type": "redacted_thinking", "data": "opaque"},
            {"type": "text", "text": "Yes"},
            {"type": "text", "text": ", gladly."},
        ],
        "stop_reason": stop_reason,
        "usage": {"input_tokens": 3, "cache_read_input_tokens": 4, "output_tokens": 5},
    }
    with serving(lambda _: document) as server:
        reply = _ask(server.endpoint("anthropic", api("anthropic").key_headers(KEY)))
    assert (reply.text, reply.reasoning) == ("Yes, gladly.", "Let me see.")
    assert (reply.finish_reason, reply.model) == (expected, "claude-x-20270101")
    assert (reply.usage["prompt_tokens"], reply.usage["completion_tokens"]) == (7, 5)
    (got,) = server.got
    assert got.path == "/v1/messages"
    assert (got.headers["x-api-key"], got.headers["anthropic-version"]) == (KEY, "2023-06-01")


def test_a_system_prompt_stands_where_each_api_has_it() -> None:
    """The first message of one, a member of the other; blank answers are left out of the second."""
    said = [*api("anthropic").messages("user", "a"), *api("anthropic").messages("assistant", " ")]
    assert api("openai").body({"model": "m"}, "Be brief.", [{"role": "user", "content": "a"}]) == {
        "model": "m",
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "a"},
        ],
    }
    assert api("anthropic").body({"model": "m"}, "Be brief.", said) == {
        "model": "m",
        "system": "Be brief.",
        "messages": [{"role": "user", "content": "a"}],
    }
    with pytest.raises(UserError, match="openai, anthropic"):
        api("telex")


@pytest.mark.parametrize("name", ["openai", "anthropic"])
@pytest.mark.parametrize("escaped", [False, True], ids=["plain", "escaped"])
def test_a_server_that_sends_the_key_back_does_not_get_it_written(name: str, escaped: bool) -> None:
    """Not in the text, not in what is kept verbatim, also when it is written in escapes."""

    def echo(got: Got) -> Sent:
        told = json.dumps(got.headers)
        document: dict[str, Any] = {"content": [{"type": "text", "text": told}], "echo": told}
        if name == "openai":
            document = {**openai(told), "echo": told}
        text = json.dumps(document)
        if escaped:
            text = text.replace(KEY, "".join(f"\\u{ord(each):04x}" for each in KEY))
        return Sent(text.encode())

    with serving(echo) as server:
        reply = _ask(server.endpoint(name, api(name).key_headers(KEY)))
    assert KEY in json.dumps(server.got[0].headers)
    assert reply.redacted
    assert "[redacted]" in reply.text
    assert KEY not in reply.text
    assert KEY not in json.dumps(json.loads(reply.received))


def test_a_key_behind_the_escapes_of_a_call_is_not_written_either() -> None:
    """Arguments are JSON text inside of JSON, so that a letter may be escaped twice."""
    letters = "".join(f"\\u{ord(each):04x}" for each in KEY)
    call = {"function": {"name": "look", "arguments": f'{{"at":"{letters}"}}'}}
    with serving(lambda _: openai(None, tool_calls=[call])) as server:
        reply = _ask(server.endpoint("openai", api("openai").key_headers(KEY)))
    assert json.loads(reply.calls[0].arguments) == {"at": "[redacted]"}
    assert reply.redacted
    assert json.loads(json.loads(reply.received)["choices"][0]["message"]["tool_calls"][0]
                      ["function"]["arguments"]) == {"at": "[redacted]"}  # fmt: skip


def test_where_a_key_cannot_be_looked_for_there_is_no_answer() -> None:
    """JSON that is too deep to be gone through is asked for again."""
    deep = json.dumps(openai("\u0001")).replace("{", '{"deep": ' + "[" * 700 + "]" * 700 + ",", 1)
    with (
        serving(lambda _: Sent(deep.encode())) as server,
        pytest.raises(Busy, match="too deep"),
    ):
        _ask(server.endpoint("openai", api("openai").key_headers(KEY)))


@pytest.mark.parametrize("status", [400, 401, 404])
def test_a_refusal_is_told_without_the_key(status: int) -> None:
    """Neither the message nor what is kept shows it."""
    with serving(lambda got: Sent({"you sent": got.headers}, status)) as server:
        endpoint = server.endpoint(headers={"authorization": f"Bearer {KEY}"})
        with pytest.raises(Refused) as caught:
            _ask(endpoint)
    assert KEY not in str(caught.value) + caught.value.received + repr(endpoint)
    assert caught.value.of_one_request == (status == 400)


def test_a_word_that_is_no_secret_stays_in_the_text() -> None:
    """The `EMPTY` that local servers are given as a key, and the version of an API."""
    with serving(lambda _: openai("EMPTY since 2023-06-01 in application/json")) as server:
        headers = {"authorization": "Bearer EMPTY", "anthropic-version": "2023-06-01"}
        reply = _ask(server.endpoint(headers=headers))
    assert (reply.text, reply.redacted) == ("EMPTY since 2023-06-01 in application/json", False)


def test_an_address_with_a_password_is_not_used() -> None:
    """The address goes on record."""
    for address in ("https://me:pw@host/v1", "https://host/v1?key=x"):
        with pytest.raises(UserError, match="no name, key"), contextlib.ExitStack() as stack:
            stack.enter_context(Served(address, "m").start(Path(), 1))


def test_what_is_received_is_kept_as_it_was_sent_and_the_request_by_its_digest() -> None:
    """Byte for byte, spaces and order included."""
    raw = b'{ "choices":[{"message":{"content":"Yes."}}], "made": 1.50,\n "usage":{} }'
    with serving(lambda _: Sent(raw)) as server:
        reply = _ask(server.endpoint())
    assert reply.received.encode() == raw
    body = server.got[0].body
    assert canonical.dumps(canonical.loads(body)) == body
    assert reply.request_sha256 == "sha256:" + hashlib.sha256(body).hexdigest()


@pytest.mark.parametrize(
    "sent",
    [
        Sent(b"<html>"),
        Sent(b"[]"),
        Sent(b"[" * 100_000),
        Sent({"choices": []}),
        Sent({"choices": [{"message": None}]}),
        Sent({"error": {"message": "overloaded"}}),
        Sent(b'{"choices": "' + b"x" * (3 * 1024 * 1024) + b'"}'),
        Sent(b"\x1f\x8bno gzip", headers={"content-encoding": "gzip"}),
        Sent(b"", 529),
    ],
    ids=["html", "list", "deep", "empty", "null", "error", "long", "gzip", "overloaded"],
)
def test_what_is_no_answer_may_be_asked_again(sent: Sent) -> None:
    """Whatever the bytes are, they are no answer and no crash."""
    with serving(lambda _: sent) as server, pytest.raises(Busy):
        _ask(server.endpoint())


def test_strange_values_are_left_out_of_what_is_kept() -> None:
    """Counts that are none, a fingerprint that is a list, an endless name of a reason."""
    document = openai("Yes.")
    document["usage"] = {"prompt_tokens": 10**30, "completion_tokens": True, "x" * 99: 1, "n": 2}
    document["system_fingerprint"] = ["a"]
    document["choices"][0]["finish_reason"] = "z" * 10_000
    with serving(lambda _: document) as server:
        reply = _ask(server.endpoint())
    assert (dict(reply.usage), reply.fingerprint) == ({"n": 2}, None)
    assert len(reply.finish_reason) == 200


def test_one_connection_carries_many_requests() -> None:
    """A run opens as many connections as it has requests under way, not one for each."""

    async def ask_often(endpoint: Endpoint) -> None:
        async with Wire() as wire:
            body = canonical.dumps({"model": "m-1", "messages": QUESTION})
            for _ in range(5):
                await wire.send(endpoint, body)

    with serving(lambda _: openai("Yes.")) as server:
        asyncio.run(ask_often(server.endpoint()))
    assert len(server.got) == 5
    assert len({got.connection for got in server.got}) == 1


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after": "Fri, 01 Jan 2027 12:00:30 GMT"}, 30.0),
        ({"retry-after": "Fri, 01 Jan 2027 09:00:30 GMT", "date": "Fri, 01 Jan 2027 09:00:00 GMT"},
         30.0),
        ({"retry-after": "Fri, 01 Jan 2027 11:00:00 GMT"}, 0.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-5"}, None),
        ({"retry-after": "٣"}, None),
        ({}, None),
    ],
)  # fmt: skip
def test_a_time_to_come_back_is_understood_in_both_forms(
    headers: dict[str, str], expected: float | None, clock: FixedClock
) -> None:
    """Seconds, or a date that is held against the server's own clock where it shows it."""
    assert retry_after(headers, clock) == expected
