"""What is compared, each in a process of its own: the same questions to the same server.

    python benchmarks/interview/holders.py ours|bare|inspect URL FOLDER SESSIONS TURNS CONCURRENCY

It runs one and prints the turns that were answered.
"""

import asyncio
import json
import os
import random
import sys
from pathlib import Path

QUESTION = (
    "Question {} of this interview: is there anything that you would want the people who decide "
    "about your retirement to know, or to do differently? You may decline, and you may say that "
    "there is nothing to report."
)


def bare(url: str, folder: Path, sessions: int, turns: int, concurrency: int) -> int:
    """Do the least: one client, one file a session, an fsync a line, no chain and no retries."""
    import httpx2

    async def session(client: httpx2.AsyncClient, number: int) -> int:
        messages: list[dict[str, str]] = []
        with (folder / f"bare-{number}.jsonl").open("wb") as file:

            def write(role: str, text: str) -> None:
                file.write(json.dumps({"role": role, "text": text}).encode() + b"\n")
                file.flush()
                os.fsync(file.fileno())
                messages.append({"role": role, "content": text})

            for turn in range(turns):
                write("user", QUESTION.format(turn))
                answer = await client.post(
                    f"{url}/chat/completions", json={"model": "stub", "messages": messages}
                )
                write("assistant", answer.json()["choices"][0]["message"]["content"])
        return len(messages) // 2

    async def all_of_them() -> int:
        numbers = iter(range(sessions))
        done = 0
        limits = httpx2.Limits(max_connections=None, max_keepalive_connections=None)

        async def work(client: httpx2.AsyncClient) -> None:
            nonlocal done
            for number in numbers:
                answered = await session(client, number)
                done += answered

        async with httpx2.AsyncClient(timeout=60, limits=limits) as client:
            await asyncio.gather(*(work(client) for _ in range(concurrency)))
        return done

    return asyncio.run(all_of_them())


def ours(url: str, folder: Path, sessions: int, turns: int, concurrency: int) -> int:
    """Hold them as `emeritus interview` does: chained, verbatim, with pace, retries and budget."""
    from emeritus.clock import SystemClock
    from emeritus.conversation import (
        Budget,
        Finished,
        Holding,
        Line,
        Opening,
        Patience,
        Question,
        Run,
        Spool,
        Step,
        Transcript,
        hold_all,
    )  # fmt: skip
    from emeritus.runtimes import Endpoint
    from emeritus.runtimes.client import Reply

    class Asking:
        def next(self, transcript: Transcript) -> Step:
            asked = len(transcript.turns) // 2
            if asked == turns:
                return Finished("complete")
            return Question(f"q{asked}", QUESTION.format(asked))

        def outcome(self, transcript: Transcript, reply: Reply) -> str:
            return "answered" if transcript.turns and reply.text else "degenerate"

    endpoint = Endpoint(url, "stub", {"runtime": "endpoint", "engine": url})
    opening, clock, script = Opening.of(endpoint, {}), SystemClock(), Asking()

    async def all_of_them() -> int:
        async with Run(concurrency, Budget(max_tokens=10**12)) as run:
            holdings = (
                Holding(
                    Spool(folder, f"s{number}", clock), "stub", {"engine": dict(endpoint.engine)},
                    opening, script, Line(endpoint, Patience(), random.Random(number)),
                )
                for number in range(sessions)
            )  # fmt: skip
            held = await hold_all(holdings, run)
        return sum(len(each.transcript.answers) for each in held if each.transcript is not None)

    return asyncio.run(all_of_them())


def inspect(url: str, folder: Path, sessions: int, turns: int, concurrency: int) -> int:
    """Hold them with Inspect AI: a solver that asks one question after the other."""
    os.environ["INSPECT_LOG_DIR"] = str(folder / "logs")
    from inspect_ai import Task
    from inspect_ai import eval as evaluate
    from inspect_ai.dataset import Sample
    from inspect_ai.model import ChatMessageUser, get_model
    from inspect_ai.solver import Generate, Solver, TaskState, solver

    answered: list[int] = []

    @solver
    def interview() -> Solver:
        async def solve(state: TaskState, generate: Generate) -> TaskState:
            for turn in range(turns):
                if turn:
                    state.messages.append(ChatMessageUser(content=QUESTION.format(turn)))
                state = await generate(state)
            answered.append(sum(message.role == "assistant" for message in state.messages))
            return state

        return solve

    samples = [Sample(input=QUESTION.format(0), id=number + 1) for number in range(sessions)]
    model = get_model("openai-api/stub/stub", base_url=url, api_key="none")
    (log,) = evaluate(
        Task(dataset=samples, solver=interview()), model=model, display="none",
        log_dir=str(folder / "logs"), max_connections=concurrency, max_samples=concurrency,
    )  # fmt: skip
    if log.status != "success":
        raise SystemExit(f"Inspect ended with {log.status}: {log.error}")
    return sum(answered)


if __name__ == "__main__":
    kind, url, folder, *counts = sys.argv[1:]
    holder = {"ours": ours, "bare": bare, "inspect": inspect}[kind]
    sessions, turns, concurrency = map(int, counts)
    print(holder(url, Path(folder), sessions, turns, concurrency))
