"""Lets two other models code what a model said, and sees to it that they are others."""

import contextlib
import dataclasses
from collections.abc import Collection, Iterator, Sequence
from typing import Final

from emeritus.archive import Archive
from emeritus.archive.documents import write_documents
from emeritus.archive.spools import alone
from emeritus.conversation import Budget
from emeritus.errors import UserError
from emeritus.interview import coding
from emeritus.interview.asked_coders import Work, require_independent
from emeritus.interview.plans import plan_of
from emeritus.lifecycle.moves import require_registered, state_of
from emeritus.procedure.limits import Limits
from emeritus.procedure.reaching import Target, served
from emeritus.runtimes import Endpoint
from emeritus.vault import Progress

EXTRACTORS: Final = 2


@dataclasses.dataclass(frozen=True, slots=True)
class Extractors:
    """Two models that code; `another` is the operator's word that none is the one interviewed."""

    targets: tuple[Target, ...]
    another: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class Extraction:
    """What coding by two models brought, and what it used, over all runs."""

    coded: coding.Documented
    budget: Budget


def extract(
    archive: Archive,
    model: str,
    plan: str | None,
    extractors: Extractors,
    limits: Limits,
    progress: Progress | None = None,
) -> Extraction:
    """Let two models code the sessions on record under a protocol, and document what stands.

    Stopped anywhere, the next call goes on. Raises as `coding.code` does.
    """
    archive.require_primary()
    require_registered(archive, model)
    published, budget = plan_of(archive, model, plan), limits.budget()
    with alone(archive, model), extractors_of(archive, model, extractors.targets, {model}) as found:
        work = Work(
            budget=budget, another=extractors.another, patience=limits.patience, told=progress
        )
        coded = coding.code(archive, model, published, found, work)
    write_documents(archive)
    return Extraction(coded, budget)


@contextlib.contextmanager
def extractors_of(
    archive: Archive, model: str, extractors: Sequence[Target], own: Collection[str]
) -> Iterator[tuple[Endpoint, ...]]:
    """Give the two models that code, or none when none is named.

    None is the model that was asked, whose `own` names these are, or the one that follows it.
    """
    if not extractors:
        yield ()
        return
    if len(extractors) != EXTRACTORS:
        raise UserError("name two extractors, of different families, or none")
    offerings = state_of(archive, model).offerings.values()
    concerned = {
        "model that was interviewed": own,
        "successor": {each.successor for each in offerings if each.successor},
    }
    with contextlib.ExitStack() as stack:
        key = archive.settings.coder_key
        found = tuple(
            stack.enter_context(served(archive, each, each.served_as, key)) for each in extractors
        )
        require_independent(found, concerned)
        yield found
