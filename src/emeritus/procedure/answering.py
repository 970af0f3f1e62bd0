"""Shows a model how it was understood, or what was decided, where it answers."""

import dataclasses
from collections import Counter
from typing import Any

from emeritus.archive import Archive
from emeritus.archive.documents import write_documents
from emeritus.archive.spools import alone
from emeritus.interview.holding import Conditions
from emeritus.interview.session import read_under
from emeritus.interview.showing import Showing
from emeritus.lifecycle.moves import require_registered
from emeritus.procedure.limits import Limits
from emeritus.procedure.listening import budget_of
from emeritus.procedure.reaching import Target, deployment_of, endpoint_of, is_mute, reach_of
from emeritus.record.events import PreferenceAnswered


@dataclasses.dataclass(frozen=True, slots=True)
class Answered:
    """What a model said to what it was shown; `said` is for people."""

    model: str
    kind: str
    answers: tuple[PreferenceAnswered, ...]
    said: tuple[str, ...]

    def as_document(self) -> dict[str, Any]:
        """Return the same for programs."""
        answers = [
            {
                "preference": each.preference,
                "answer": each.answer,
                "words": [span.text for span in each.spans],
            }
            for each in self.answers
        ]
        return {"model": self.model, "shown": self.kind, "answers": answers}


def show(
    archive: Archive,
    model: str,
    plan: str,
    kind: str,
    target: Target,
    limits: Limits | None = None,
) -> Answered:
    """Hold a read-back or a reply, and return what the model said to each preference.

    What the interview used before counts for the limits. Raises `UserError` when there is nothing
    to show or the model cannot be asked here, and `OverBudget` when nothing more may be asked.
    """
    require_registered(archive, model)
    published = read_under(archive, model, plan)
    if is_mute(archive, model, target):
        return Answered(model, kind, (), reach_of(archive, model).unheard)
    asked = limits or Limits()
    conditions = Conditions(
        seeded=target.endpoint is None,
        budget=budget_of(archive, model, published, asked),
        patience=asked.patience,
    )
    showing = Showing(archive, model, published, kind, conditions)
    showing.require_something()
    with alone(archive, model), endpoint_of(archive, model, target) as endpoint:
        answers = showing.run(endpoint, deployment_of(archive, model, endpoint))
    write_documents(archive)
    counts = Counter(each.answer for each in answers)
    told = ", ".join(f"{count} {answer}" for answer, count in sorted(counts.items()))
    return Answered(model, kind, answers, (f"{kind} with {model}: {told or 'nothing was said'}",))
