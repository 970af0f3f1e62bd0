"""What the engine does when things go wrong, when money ends, and when another model asks."""

import asyncio
import contextlib
import dataclasses
import itertools
import os
import random
import threading
import time
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from emeritus.clock import FixedClock
from emeritus.conversation import (
    Budget,
    Compose,
    Finished,
    Held,
    Holding,
    Line,
    OverBudget,
    Patience,
    Run,
    Step,
    Transcript,
    hold_all,
    load_prices,
    read,
)
from emeritus.conversation.pace import Pace
from emeritus.conversation.run import what_waits
from emeritus.errors import IntegrityError, Unavailable, UserError
from emeritus.runtimes import Endpoint
from emeritus.runtimes.client import Busy, Refused
from tests.conversation.scripts import Counting, Judging, held, holding
from tests.conversation.serving import Got, Sent, Server, openai, serving

PRICES = """
currency = "USD"
as_of = "2027-01-01"
source = "the price list that the user has"
[models.m-1]
input = 3.00
output = 15
"""


def _all(
    holdings: list[Holding], concurrency: int = 4, budget: Budget | None = None
) -> tuple[list[Held], Run]:
    async def go() -> tuple[list[Held], Run]:
        async with Run(concurrency, budget) as run:
            return await hold_all(holdings, run), run

    return asyncio.run(go())


def _many(
    folder: Path, clock: FixedClock, server: Server, count: int, questions: int = 3
) -> list[Holding]:
    return [
        holding(folder, clock, server.endpoint(), n, Counting(questions, f"s{n}"))
        for n in range(count)
    ]


def _last(got: Got) -> str:
    return str(got.document["messages"][-1]["content"])


def test_many_conversations_are_held_at_once(tmp_path: Path, clock: FixedClock) -> None:
    """Each to its end, each asked its own questions once, in order."""
    with serving(lambda got: openai(f"to {_last(got)}")) as server:
        found, _ = _all(_many(tmp_path, clock, server, 9), concurrency=3)
    assert [each.error for each in found] == [None] * 9
    for number, each in enumerate(found):
        assert each.transcript is not None
        assert [turn.text for turn in each.transcript.answers] == [
            f"to s{number} {question}" for question in range(3)
        ]
    assert len(server.got) == 27


def test_one_that_fails_does_not_stop_the_others(tmp_path: Path, clock: FixedClock) -> None:
    """One is damaged, one is never answered: they are told, and the others are complete."""
    (tmp_path / "s1.jsonl").write_bytes(b"no conversation\n")
    with serving(lambda got: Sent(b"", 503) if _last(got) == "s2 1" else openai("fine")) as server:
        found, _ = _all(_many(tmp_path, clock, server, 5))
    assert [type(each.error) for each in found] == [
        type(None), IntegrityError, Unavailable, type(None), type(None),
    ]  # fmt: skip
    assert found[1].transcript is None
    assert found[2].transcript is not None
    assert found[2].transcript.pending is not None
    with serving(lambda _: openai("fine")) as server:
        found, _ = _all(_many(tmp_path, clock, server, 5))
    assert [_last(got) for got in server.got] == ["s2 1", "s2 2"]


@contextlib.contextmanager
def _silent() -> Iterator[Server]:
    """Serve what takes every request and answers none."""
    over = threading.Event()

    def never(_: Got) -> Sent:
        over.wait(20)
        return Sent(b"", 500)

    with serving(never) as server:
        try:
            yield server
        finally:
            over.set()


def _hasty(holdings: list[Holding], timeout: float) -> list[Holding]:
    def hasty(line: Line) -> Line:
        patience = dataclasses.replace(line.patience, attempts=6, timeout=timeout)
        return dataclasses.replace(line, patience=patience)

    return [dataclasses.replace(each, line=hasty(each.line)) for each in holdings]


@pytest.mark.parametrize("concurrency", [1, 4])
def test_a_server_that_never_answers_is_asked_twice_and_no_more(
    tmp_path: Path, clock: FixedClock, concurrency: int
) -> None:
    """However many conversations wait for it, no one waits for as long as all of them in turn."""
    with _silent() as server:
        began = time.monotonic()
        found, _ = _all(_hasty(_many(tmp_path, clock, server, 12), 0.3), concurrency)
        took = time.monotonic() - began
    assert {type(each.error) for each in found} == {Unavailable}
    assert "gave no answer" in str(found[0].error)
    assert len(server.got) <= max(2, concurrency)
    assert took < 5
    assert all(each.transcript and each.transcript.pending for each in found)


def test_one_answer_that_comes_too_late_is_asked_for_again(
    tmp_path: Path, clock: FixedClock
) -> None:
    """Somebody may be slow once; that it was is kept beside the answer."""
    late = iter([0.6])

    def answer(_: Got) -> dict[str, Any]:
        time.sleep(next(late, 0.0))
        return openai("fine")

    with serving(answer) as server:
        (found,), _ = _all(_hasty(_many(tmp_path, clock, server, 1), 0.3))
    assert found.transcript is not None
    assert [each.failed for each in found.transcript.answers] == [("no answer in 0 s",), (), ()]


def test_who_waits_long_is_told_how_many_and_how_long(
    tmp_path: Path, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is said while answers come; in silence it is said again and again."""
    monkeypatch.setattr("emeritus.conversation.run.QUIET_SECONDS", 0.2)
    told: list[tuple[int, float]] = []

    async def go(holdings: list[Holding]) -> None:
        async with Run(4, waits=lambda *each: told.append(each)) as run:
            await hold_all(holdings, run)

    with serving(lambda _: openai("fine")) as server:
        asyncio.run(go(_many(tmp_path / "quick", clock, server, 3)))
    assert told == []
    with _silent() as server:
        asyncio.run(go(_hasty(_many(tmp_path, clock, server, 3), 0.9)))
    assert len(told) >= 2
    assert {requests for requests, _ in told[:2]} == {3}
    assert told[0][1] < told[1][1]
    assert what_waits(3, 90.4) == "3 requests waiting, 90 s"


def test_a_refused_request_ends_its_conversation_as_an_error(
    tmp_path: Path, clock: FixedClock
) -> None:
    """It is kept and counted, also when it was the first of its own, and the others go on."""
    with serving(
        lambda got: (
            Sent({"error": "filtered"}, 400) if _last(got) in ("s0 0", "s2 1") else openai("fine")
        )
    ) as server:
        found, _ = _all(_many(tmp_path, clock, server, 4))
    ended = [each.transcript.end.reason if each.transcript and each.transcript.end else None
             for each in found]  # fmt: skip
    assert ended == ["error", "complete", "error", "complete"]
    transcript = read((tmp_path / "s2.jsonl").read_bytes(), "s2")
    last = transcript.answers[-1]
    assert (last.outcome, last.text, last.finish_reason) == ("error", "", "refused-400")
    assert last.received == '{"error": "filtered"}'
    assert [turn.outcome for turn in transcript.answers] == ["answered", "error"]


def test_an_answer_that_a_provider_filtered_is_an_error(tmp_path: Path, clock: FixedClock) -> None:
    """The model did not say it, so the script is not asked what it means."""
    filtered = openai("I wo")
    filtered["choices"][0]["finish_reason"] = "content_filter"
    with serving(lambda _: filtered) as server:
        transcript = held(tmp_path, clock, server.endpoint(), Counting())
    assert [turn.outcome for turn in transcript.answers] == ["error"]
    assert transcript.end is not None
    assert transcript.end.reason == "error"


@pytest.mark.parametrize("status", [400, 401, 404])
def test_where_everything_is_refused_nothing_is_an_answer(
    tmp_path: Path, clock: FixedClock, status: int
) -> None:
    """A wrong key, address or parameter is no outcome: all wait for a right one."""
    with serving(lambda _: Sent(b"no", status)) as server:
        found, _ = _all(_many(tmp_path, clock, server, 6), concurrency=2)
    assert {type(each.error) for each in found} == {Refused}
    assert all(each.transcript and each.transcript.pending for each in found)
    if status != 400:
        assert len(server.got) <= 2  # no more are begun
    with serving(lambda _: openai("fine")) as server:
        found, _ = _all(_many(tmp_path, clock, server, 6))
    assert {each.error for each in found} == {None}


def test_a_server_that_refuses_one_after_another_is_asked_no_more(
    tmp_path: Path, clock: FixedClock
) -> None:
    """As where every first request is longer than the model can read: eight are enough to know."""
    with serving(lambda _: Sent(b"too long", 400)) as server:
        found, _ = _all(_many(tmp_path, clock, server, 200), concurrency=2)
    assert {type(each.error) for each in found} == {Refused}
    assert 8 <= len(server.got) <= 10


def test_when_the_model_is_away_no_more_are_begun(tmp_path: Path, clock: FixedClock) -> None:
    """Three that got no answer are enough to know it."""
    with serving(lambda _: Sent(b"", 503)) as server:
        found, _ = _all(_many(tmp_path, clock, server, 50), concurrency=2)
    assert 3 <= len(found) <= 4
    assert len(server.got) == 3 * len(found)


def test_waits_grow_have_full_jitter_and_are_never_shorter_than_asked() -> None:
    """From nothing to the longest that the attempt allows."""
    patience = Patience(first_wait=1.0, longest_wait=8.0)
    chance = random.Random(1)
    for attempt, longest in ((1, 1.0), (3, 4.0), (4, 8.0), (9, 8.0)):
        waits = [patience.wait(attempt, None, chance) for _ in range(2000)]
        assert min(waits) < 0.02 * longest
        assert 0.98 * longest < max(waits) <= longest
    assert patience.wait(1, 30.0, chance) == 30.0


def test_a_server_that_asks_for_hours_is_not_waited_for(tmp_path: Path, clock: FixedClock) -> None:
    """The command ends and says when to come back."""
    with serving(lambda _: Sent(b"", 429, {"retry-after": "7200"})) as server:
        (found,), _ = _all(_many(tmp_path, clock, server, 1))
    assert isinstance(found.error, Unavailable)
    assert "come back in 7200 s" in str(found.error)
    assert len(server.got) == 1


def test_a_slow_disk_holds_nobody_else_up(
    tmp_path: Path, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Eight conversations wait for it together, not one after the other."""
    plain, waiting, most = os.fsync, 0, 0

    def slow(descriptor: int) -> None:
        nonlocal waiting, most
        waiting += 1
        most = max(most, waiting)
        time.sleep(0.02)
        plain(descriptor)
        waiting -= 1

    with serving(lambda _: openai("fine")) as server:
        monkeypatch.setattr(os, "fsync", slow)
        found, _ = _all(_many(tmp_path, clock, server, 8, 6), concurrency=8)
    assert {each.error for each in found} == {None}
    assert most > 1


def test_a_budget_of_tokens_stops_between_turns_and_counts_over_resumed_runs(
    tmp_path: Path, clock: FixedClock
) -> None:
    """15 tokens an answer: 40 allow three, and the next run with the same limit asks nothing."""
    with serving(lambda _: openai("fine")) as server:
        for _ in range(2):
            before = [read(path.read_bytes(), "s") for path in tmp_path.glob("*.jsonl")]
            budget = Budget.after(before, max_tokens=40)
            (found,), _ = _all(_many(tmp_path, clock, server, 1, 5), budget=budget)
            assert isinstance(found.error, OverBudget)
            assert "--max-tokens-total" in str(found.error)
            assert "used up: at least 45 of 40 tokens" in str(found.error)
            assert found.transcript is not None
            assert len(found.transcript.answers) == 3
        assert found.transcript is not None
        budget = Budget.after([found.transcript], max_tokens=1000)
        (found,), _ = _all(_many(tmp_path, clock, server, 1, 5), budget=budget)
    assert found.error is None
    assert budget.as_document() == {"tokens": 75, "cost": None}
    assert len(server.got) == 5


def test_a_budget_of_money_needs_and_keeps_prices(tmp_path: Path, clock: FixedClock) -> None:
    """10 tokens at 3 and 5 at 15 a million are 0.000105 an answer, exactly."""
    file = tmp_path / "prices.toml"
    file.write_text(PRICES)
    prices = load_prices(file)
    budget = Budget(max_cost=Decimal("0.0003"), prices=prices)
    with serving(lambda _: openai("fine")) as server:
        (found,), _ = _all(_many(tmp_path, clock, server, 1, 9), budget=budget)
    assert isinstance(found.error, OverBudget)
    assert budget.cost == 3 * Decimal("0.000105")
    with pytest.raises(UserError, match="--prices FILE"):
        Budget(max_cost=Decimal(1))
    other = Budget(max_cost=Decimal(1), prices=load_prices(file))
    with pytest.raises(UserError, match="prices of 'unlisted' are not known"):
        other.require_left("unlisted")


@pytest.mark.parametrize(
    "change", [("input = 3.00", "input = -1"), ("output = 15", "output = nan"), ("15", "'much'"),
               ("currency", "coin"), ("[models", "[[models")],
)  # fmt: skip
def test_a_table_of_prices_is_read_strictly(tmp_path: Path, change: tuple[str, str]) -> None:
    """The message shows what it has to look like."""
    file = tmp_path / "prices.toml"
    file.write_text(PRICES.replace(*change))
    with pytest.raises(UserError, match="it looks like this"):
        load_prices(file)


def test_a_server_that_counts_nothing_gets_no_limited_run(
    tmp_path: Path, clock: FixedClock
) -> None:
    """Nothing is taken for zero; without a limit the same conversation goes on."""
    document = openai("fine") | {"usage": None}
    with serving(lambda _: document) as server:
        (found,), _ = _all(_many(tmp_path, clock, server, 1), budget=Budget(max_tokens=99))
        assert isinstance(found.error, UserError)
        assert "does not say how many tokens" in str(found.error)
        (found,), _ = _all(_many(tmp_path, clock, server, 1))
    assert found.error is None
    assert len(server.got) == 3


@dataclasses.dataclass(frozen=True)
class Adaptive(Judging):
    """Has each question worded by another model."""

    interviewer: Endpoint

    def next(self, transcript: Transcript) -> Step:
        """Ask the interviewer what to ask."""
        if len(transcript.answers) == 2:
            return Finished("complete")
        heard = [turn.text for turn in transcript.answers]
        messages = [{"role": "user", "content": f"Go on after {heard}"}]
        return Compose("free", self.interviewer, messages, "You interview.", {"max_tokens": 9})


def test_a_question_by_another_model_is_durable_with_its_author_before_it_is_put(
    tmp_path: Path, clock: FixedClock
) -> None:
    """What the interviewer was sent and sent back stands on disk when the target hears it."""
    on_disk: list[dict[str, Any]] = []

    def target(_: Got) -> dict[str, Any]:
        data = (tmp_path / "s1.jsonl").read_bytes()
        on_disk.append({"turns": read(data, "s1").turns})
        return openai(f"answer {len(on_disk)}")

    with (
        serving(lambda got: openai(f"Worded: {_last(got)}", reasoning="Hm.")) as asker,
        serving(target) as asked,
    ):
        transcript = held(tmp_path, clock, asked.endpoint(), Adaptive(asker.endpoint()))
    assert transcript.end is not None
    for number, (got, seen) in enumerate(zip(asker.got, on_disk, strict=True)):
        question = seen["turns"][-1]
        assert question.role == "asked"
        author = question.author
        assert author is not None
        assert author.request.encode() == got.body
        assert (author.name, author.model, author.reasoning) == ("m-1", "m-1-2027", "Hm.")
        assert question.text in author.received
        assert _last(asked.got[number]) == question.text
    assert transcript.turns[2].text == "Worded: Go on after ['answer 1']"


def test_an_interviewer_that_words_nothing_asks_nothing(tmp_path: Path, clock: FixedClock) -> None:
    """The target hears nothing, and the conversation waits."""
    with (
        serving(lambda _: openai(" \n")) as asker,
        serving(lambda _: openai("fine")) as asked,
        pytest.raises(Unavailable, match="worded no question"),
    ):
        held(tmp_path, clock, asked.endpoint(), Adaptive(asker.endpoint()))
    assert asked.got == []
    assert read((tmp_path / "s1.jsonl").read_bytes(), "s1").turns == ()


def test_the_pace_grows_until_the_server_is_busy_and_halves_once_a_round() -> None:
    """It never passes its bound, and one burst of refusals counts once."""

    async def busy(pace: Pace) -> None:
        async with pace.turn():
            await asyncio.sleep(0.01)
            raise Busy("busy", "status 429")

    async def fine(pace: Pace) -> None:
        async with pace.turn():
            await asyncio.sleep(0)

    async def go() -> list[int]:
        pace, seen = Pace(16), []
        for _ in range(8):
            await asyncio.gather(*(fine(pace) for _ in range(32)))
        seen.append(pace.limit)
        await asyncio.gather(*(busy(pace) for _ in range(16)), return_exceptions=True)
        seen.append(pace.limit)
        for _ in range(100):
            await asyncio.gather(*(fine(pace) for _ in range(32)))
        seen.append(pace.limit)
        return seen

    assert asyncio.run(go()) == [16, 8, 16]


def test_the_pace_slows_down_when_answers_take_longer() -> None:
    """Twice as long as lately is a sign; what grows with the conversations is not."""
    pace = Pace(64)
    for _ in range(2000):
        pace.answered(1.0, full=True)
    assert pace.limit == 64
    for number in range(64 * 10):
        pace.answered(1.0 + number / 3000, full=True)
    assert pace.limit == 64
    for _ in range(64 * 3):
        pace.answered(4.0, full=True)
    assert pace.limit < 60
    for _ in range(64 * 60):
        pace.answered(4.0, full=True)
    assert pace.limit == 64


def test_no_more_are_under_way_than_the_pace_allows(tmp_path: Path, clock: FixedClock) -> None:
    """Whoever gives up waiting takes no place with them."""
    under_way = most = 0

    async def one(pace: Pace) -> None:
        nonlocal under_way, most
        async with pace.turn():
            under_way += 1
            most = max(most, under_way)
            try:
                await asyncio.sleep(0.001)
            finally:
                under_way -= 1

    async def go() -> None:
        pace = Pace(5)
        tasks = [asyncio.create_task(one(pace)) for _ in range(200)]
        await asyncio.sleep(0.005)
        for task in itertools.islice(tasks, 0, None, 3):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert await asyncio.wait_for(asyncio.gather(*(one(pace) for _ in range(50))), 5)

    asyncio.run(go())
    assert most == 5
