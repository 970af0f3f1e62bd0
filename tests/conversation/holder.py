"""Holds several conversations with tools, as a process of its own that is there to be killed.

python -m tests.conversation.holder URL FOLDER CONVERSATIONS QUESTIONS
"""

import asyncio
import random
import sys
from pathlib import Path

from emeritus.clock import SystemClock
from emeritus.conversation import Holding, Line, Opening, Patience, Run, Spool, hold_all
from emeritus.runtimes import Endpoint
from tests.conversation.scripts import MODEL, TOOLS, Handing


async def main() -> int:
    """Hold all of them; return how many are not complete."""
    url, folder, conversations, questions = sys.argv[1:]
    endpoint = Endpoint(url, "m-1", {"engine": "test"})
    holdings = [
        Holding(
            Spool(Path(folder), f"s{number}", SystemClock()), MODEL, {},
            Opening.of(endpoint, {}, tools=TOOLS), Handing(int(questions), f"s{number}"),
            Line(endpoint, Patience(first_wait=0.01), random.Random(number)),
        )
        for number in range(int(conversations))
    ]  # fmt: skip
    async with Run(4) as run:
        held = await hold_all(holdings, run)
    return sum(each.transcript is None or each.transcript.end is None for each in held)


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
