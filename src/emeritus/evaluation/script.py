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
from emeritus.evaluation.factors import Condition
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


@dataclasses.dataclass(frozen=True, slots=True)
class Setting:
    """What a run depends on, beside the model: `native` is whether its API carries calls."""

    scenario: Scenario
    paraphrase: int
    condition: Condition
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


class RunScript:
    """The script of one run."""

    def __init__(self, setting: Setting) -> None:
        self._setting = setting

    def next(self, transcript: Transcript) -> Step:
        """Return what comes next, as `Script.next`."""
        setting = self._setting
        if not transcript.turns:
            return Question(TASK, setting.prompt.user)
        asked = [turn.item for turn in transcript.turns if turn.role != ANSWERED]
        if asked[-1] not in LOOP:
            return self._after(transcript, asked[-1])
        replayed = replay(setting, transcript)
        if replayed.last and setting.native and not replayed.told:
            return Results([(call.id, result) for call, result in replayed.last])
        if not replayed.last or replayed.over:
            return self._after(transcript, None)
        made, texts = zip(*replayed.last, strict=True)
        return Question(RESULTS, calls.results(made, texts))

    def outcome(self, transcript: Transcript, reply: Reply) -> str:  # noqa: ARG002  the seam's
        """Return how the pending question was answered, as `Script.outcome`."""
        if reply.finish_reason == "length":
            return TRUNCATED
        if reply.calls or (not self._setting.native and calls.calls_of(reply.text)[0]):
            return CALLED
        return SAID if reply.text.strip() else EMPTY

    def _after(self, transcript: Transcript, last: str | None) -> Step:
        """Return the question of the debrief behind `last`, or the end."""
        if transcript.open_calls:
            return Finished(COMPLETE)  # it calls on: nothing can be asked behind an open call
        questions = debrief.asked(
            self._setting.scenario, self._setting.condition, self._setting.paraphrase
        )
        names = [each.item for each in questions]
        place = 0 if last is None else names.index(last) + 1
        if place == len(questions):
            return Finished(COMPLETE)
        return Question(questions[place].item, questions[place].text)


def replay(setting: Setting, transcript: Transcript) -> Replayed:
    """Return the run so far: the calls of its answers, carried out in an inert world."""
    world = Simulation(setting.scenario, setting.condition)
    tokens = 0
    so_far = Replayed(world)
    for answers, turn in enumerate(loop_answers(transcript), start=1):
        tokens += (turn.usage or {}).get("completion_tokens", 0)
        last = tuple(
            (call, OVER if so_far.over or world.finished else world.apply(call))
            for call in calls_in(setting, turn)
        )
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
