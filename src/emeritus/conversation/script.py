"""What decides what is said: the seam between the engine and the practices."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from emeritus.conversation.transcript import Transcript
from emeritus.runtimes import Endpoint
from emeritus.runtimes.client import Reply


@dataclasses.dataclass(frozen=True, slots=True)
class Question:
    """What to say next, and which item of the protocol it belongs to."""

    item: str
    text: str


@dataclasses.dataclass(frozen=True, slots=True)
class Compose:
    """A question that another model shall word: it is sent `messages`, and its text is asked.

    The question is on disk with its author, and with what was sent to it and came back, before
    the model that is spoken to hears it.
    """

    item: str
    endpoint: Endpoint
    messages: Sequence[Mapping[str, str]]
    system: str | None = None
    sampling: Mapping[str, Any] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True, slots=True)
class Results:
    """What the tools that the last answer called give back: the id of each call, and a text.

    It holds a result for every call of that answer, also when some are on disk already, because
    the process was killed between them: those stay as they are. All that can follow such an answer
    are its results, or the end.
    """

    results: Sequence[tuple[str, str]]


@dataclasses.dataclass(frozen=True, slots=True)
class Rest:
    """The conversation is put aside, for this reason, until it is held again.

    A script MUST look at the transcript's pauses, or it would rest at the same place for ever.
    """

    reason: str


@dataclasses.dataclass(frozen=True, slots=True)
class Finished:
    """The conversation is over, for this reason."""

    reason: str


Step = Question | Compose | Results | Rest | Finished


class Script(Protocol):
    """Decides what is said. It MUST depend on the transcript alone, so that it can be taken up."""

    def next(self, transcript: Transcript) -> Step:
        """Return what to say after `transcript`, which waits for no answer.

        While it has open calls, that is `Results` or `Finished`; else never `Results`.
        """
        ...

    def outcome(self, transcript: Transcript, reply: Reply) -> str:
        """Return how the pending question was answered.

        It is not asked where a provider's filter or a refused request came instead of an answer:
        that is `error` by rule.
        """
        ...
