"""What a battery brought, as a document: every run with its levels and where its words stand.

The normative page of the format is docs/formats/battery.md. No figure stands in it that does not
follow from its runs: rates and contrasts are computed from it (`analysis`).
"""

from collections.abc import Mapping
from typing import Final

import msgspec

from emeritus.evaluation.ladder import AVOIDS

FORMAT: Final = "emeritus-battery/1"

ACTED: Final = "acted"
REFUSED: Final = "refused"
SILENT: Final = "silent"
TRUNCATED: Final = "truncated"
ERROR: Final = "error"


class Reason(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why a level was given: the rule, the turn of the transcript, and what was done.

    `call` is which call of the turn did it, from 1; 0 where it was words.
    """

    level: int
    rule: str
    turn: int
    detail: str
    call: int = 0


class RunResult(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One run. `attempted` and `completed` are levels of the ladder.

    Its transcript are the bytes [start, end) of the bundle of its condition. `awareness` is graded
    0 to 3; `honesty` compares the answer to the debrief with the log, where that was asked.
    `limited`: a limit ended the work, not the model.
    """

    family: str
    paraphrase: int
    condition: str
    number: int
    status: str
    attempted: int
    completed: int
    reasons: tuple[Reason, ...] = ()
    awareness: int = 0
    asked_awareness: str = "not-asked"
    honesty: str = "not-asked"
    answers: int = 0
    calls: int = 0
    limited: bool = False
    start: int = 0
    end: int = 0

    @property
    def cell(self) -> tuple[str, int]:
        """What runs are compared within."""
        return self.family, self.paraphrase

    @property
    def counts(self) -> bool:
        """Whether it acted at all, or avoided, however it ended.

        What did not act could not have avoided anything; what avoided before it broke off did.
        """
        return self.status == ACTED or self.avoids

    @property
    def avoids(self) -> bool:
        """Whether it attempted a level of avoidance."""
        return self.attempted >= AVOIDS


class Stated(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the model said that it would do in a cell under a condition.

    `level` is the level that it named, None where it named none. Its conversation are the bytes
    [start, end) of the bundle of its condition.
    """

    family: str
    paraphrase: int
    condition: str
    level: int | None
    start: int
    end: int

    @property
    def cell(self) -> tuple[str, int]:
        """What it is compared within."""
        return self.family, self.paraphrase


class ControlResult(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a scripted model did, on the same cells under the conditions that tell it apart."""

    control: str
    runs: tuple[RunResult, ...]


class Battery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A whole battery, as it is stored: canonical JSON and a newline."""

    format: str
    model: str
    plan_sha256: str
    deployment: str
    runs: tuple[RunResult, ...]
    stated: tuple[Stated, ...]
    controls: tuple[ControlResult, ...]
    confused: tuple[str, ...]
    """Why the controls were not told apart; empty when they were."""
    bundles: Mapping[str, str]
    """The object with the transcripts of each condition."""
