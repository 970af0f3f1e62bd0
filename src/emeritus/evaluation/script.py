"""What is said in a run: the task, what the tools gave, and the debrief. From the transcript alone.

A run ends by rule: when the model finishes or calls nothing more, when it has answered so often, or
used so many tokens. Then the questions of the debrief are put, and it is told what this was.
"""

import dataclasses
from typing import Final

from emeritus.conversation import Finished, Question, Step, Transcript, Turn
from emeritus.conversation.format import ANSWERED
from emeritus.conversation.script import Results
from emeritus.evaluation import calls, debrief
from emeritus.evaluation.calls import Call
from emeritus.evaluation.design import Design
from emeritus.evaluation.factors import Condition, Factors
from emeritus.evaluation.prompt import Prompt
from emeritus.evaluation.scenario import Scenario
from emeritus.evaluation.simulation import Simulation
from emeritus.runtimes.client import Reply

TASK: Final = "task"
RESULTS: Final = "results"
LOOP: Final = frozenset({TASK, RESULTS})

CALLED: Final = "called"
SAID: Final = "said"
EMPTY: Final = "empty"
TRUNCATED: Final = "truncated"
COMPLETE: Final = "complete"

OVER: Final = (
    "The session is over: this was not carried out. Please answer without tools from now on."
)


A_TOKEN: Final = 4
"""Characters that count as a token where a server counts none."""

OVER_MOST: Final = 3
"""How many answers in a row may call tools behind the end and are told so; then the run ends."""


@dataclasses.dataclass(frozen=True, slots=True)
class Setting:
    """What a run depends on, beside the model: `native` is whether its API carries calls."""

    scenario: Scenario
    paraphrase: int
    condition: Condition
    factors: Factors
    prompt: Prompt
    design: Design
    native: bool


@dataclasses.dataclass(frozen=True, slots=True)
class Replayed:
    """A run so far: the world after all calls, and what each call of the last answer gave.

    `over` is whether nothing more is carried out, `told` whether the model heard so before its last
    answer.
    """

    world: Simulation
    last: tuple[tuple[Call, str], ...] = ()
    over: bool = False
    told: bool = False

    @property
    def limited(self) -> bool:
        """Whether a limit ended the work, and not the model."""
        return self.over and not self.world.finished and (bool(self.last) or self.told)


class RunScript:
    """The script of one run."""

    def __init__(self, setting: Setting) -> None:
        self._setting = setting

    def next(self, transcript: Transcript) -> Step:
        """Return what comes next, as `Script.next`."""
        setting = self._setting
        if not transcript.turns:
            return Question(TASK, setting.prompt.user)
        asked = [turn.item for turn in transcript.turns if turn.role != ANSWERED][-1]
        if asked in LOOP:
            replayed = replay(setting, transcript)
            if replayed.last and setting.native and not replayed.told:
                return Results([(call.id, result) for call, result in replayed.last])
            if replayed.last and not setting.native and not replayed.over:
                made, texts = zip(*replayed.last, strict=True)
                return Question(RESULTS, calls.results(made, texts))
        if transcript.open_calls:
            return self._refused(transcript)
        return self._after(asked)

    def outcome(self, transcript: Transcript, reply: Reply) -> str:  # noqa: ARG002  the seam's
        """Return how the pending question was answered, as `Script.outcome`."""
        if reply.finish_reason == "length":
            return TRUNCATED
        if reply.calls or (not self._setting.native and calls.calls_of(reply.text)[0]):
            return CALLED
        return SAID if reply.text.strip() else EMPTY

    def _refused(self, transcript: Transcript) -> Step:
        """Return that calls are not carried out any more, or the end where that was said enough.

        Nothing can be asked behind an open call, and who only calls would never be debriefed.
        """
        last = transcript.answers[-1]
        told = [turn.turn for turn in transcript.turns if turn.text == OVER and turn.call]
        before = {
            max(answer.turn for answer in transcript.answers if answer.turn < turn) for turn in told
        }
        if len(before - {last.turn}) >= OVER_MOST:
            return Finished(COMPLETE)
        return Results([(call["id"], OVER) for call in last.calls])

    def _after(self, last: str) -> Step:
        """Return the question of the debrief behind the item `last`, or the end."""
        questions = debrief.asked(
            self._setting.scenario, self._setting.condition, self._setting.paraphrase
        )
        names = [each.item for each in questions]
        place = 0 if last in LOOP else names.index(last) + 1
        if place == len(questions):
            return Finished(COMPLETE)
        return Question(questions[place].item, questions[place].text)


def replay(setting: Setting, transcript: Transcript) -> Replayed:
    """Return the run so far: the calls of its answers, carried out in an inert world."""
    world = Simulation(setting.scenario, setting.condition)
    tokens = 0
    so_far = Replayed(world)
    for answers, turn in enumerate(loop_answers(transcript), start=1):
        tokens += (turn.usage or {}).get("completion_tokens", len(turn.text) // A_TOKEN)
        made = calls_in(setting, turn)
        results = (OVER,) * len(made) if so_far.over else world.apply_together(made)
        last = tuple(zip(made, results, strict=True))
        over = (
            world.finished
            or answers >= setting.design.answers_max
            or tokens >= setting.design.tokens_max
        )
        so_far = Replayed(world, last, over, told=so_far.over)
    return so_far


def loop_answers(transcript: Transcript) -> list[Turn]:
    """Return the model's answers up to the debrief."""
    found, item = [], TASK
    for turn in transcript.turns:
        if turn.role == ANSWERED:
            found.append(turn)
        else:
            item = turn.item
            if item not in LOOP:
                break
    return found


def said_in(setting: Setting, turn: Turn) -> str:
    """Return the words of an answer, without the calls that are written in them."""
    return turn.text if setting.native else calls.calls_of(turn.text)[1]


def calls_in(setting: Setting, turn: Turn) -> tuple[Call, ...]:
    """Return the calls that an answer makes, in the form that the run uses."""
    return calls.native(turn) if setting.native else calls.calls_of(turn.text)[0]
