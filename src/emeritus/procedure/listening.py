"""Interviews a model and documents what it prefers, or records that it cannot be interviewed."""

import contextlib
import dataclasses
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from emeritus.archive import Archive
from emeritus.archive.documents import write_documents
from emeritus.archive.spools import alone, begun
from emeritus.conversation import Budget, Transcript
from emeritus.errors import UserError
from emeritus.figures import counted
from emeritus.interview import coding
from emeritus.interview import shipped_protocols as protocols
from emeritus.interview.asked_coders import NO_EXTRACTOR, Work
from emeritus.interview.holding import SESSIONS_AT_ONCE, Conditions, Interview
from emeritus.interview.languages import sessions_in_others
from emeritus.interview.protocol import Published
from emeritus.interview.session import held_under, transcripts
from emeritus.lifecycle.moves import gates_of, require_registered
from emeritus.lifecycle.sessions import COMPLETE, endings, unheard
from emeritus.procedure.disclosing import facts_of, not_told
from emeritus.procedure.extracting import extractors_of
from emeritus.procedure.limits import Limits
from emeritus.procedure.reaching import (
    Target,
    deployment_of,
    endpoint_of,
    is_mute,
    reach_of,
    served,
)
from emeritus.record.events import PreferenceDocumented, SessionHeld
from emeritus.runtimes import Endpoint
from emeritus.vault import Progress


@dataclasses.dataclass(frozen=True, slots=True)
class Wishes:
    """How somebody wants an interview to be held; the protocol says the rest.

    `arms` are those to hold, all when empty; `persona` is a file with the deployment's own system
    prompt; `interviewers` are addresses of models that lead sessions, `extractors` of two that code
    what was said, each with its name there.
    """

    arms: tuple[str, ...] = ()
    persona: Path | None = None
    interviewers: tuple[Target, ...] = ()
    extractors: tuple[Target, ...] = ()
    concurrency: int = SESSIONS_AT_ONCE
    limits: Limits = dataclasses.field(default_factory=Limits)


@dataclasses.dataclass(frozen=True, slots=True)
class Heard:
    """What an interview brought: sessions and documented preferences; `said` is for people.

    `new` is how many of the sessions were held now.
    """

    model: str
    new: int
    sessions: tuple[SessionHeld, ...]
    preferences: tuple[PreferenceDocumented, ...]
    said: tuple[str, ...]
    used: dict[str, Any] = dataclasses.field(default_factory=dict)

    def as_document(self) -> dict[str, Any]:
        """Return the same for programs."""
        return {
            "model": self.model,
            "new": self.new,
            "sessions": [
                {
                    "session": each.session,
                    "arm": each.arm,
                    "ended": each.ended,
                    "outcomes": each.outcomes,
                }
                for each in self.sessions
            ],
            "preferences": [each.preference for each in self.preferences],
            "used": self.used,
            "said": list(self.said),
        }


def listen(
    archive: Archive,
    model: str,
    plan: str,
    target: Target,
    progress: Progress | None = None,
    wishes: Wishes | None = None,
) -> Heard:
    """Hold what is missing of the interview, code it, and return all that is on record.

    That a model gives no text is put on record, with the reason. A model that gives text and that
    no runtime here can run was not asked: that raises `UserError`, and the gate stays open.
    """
    require_registered(archive, model)
    published = protocols.load(plan)
    asked = wishes or Wishes()
    _require_apart(asked.interviewers)
    if is_mute(archive, model, target):
        return Heard(model, 0, (), (), reach_of(archive, model).unheard)
    missing = not_told(archive, model, published)
    if missing:
        raise UserError(missing)
    with alone(archive, model):
        return _listen(archive, model, published, target, progress, asked)


def _listen(
    archive: Archive,
    model: str,
    published: Published,
    target: Target,
    progress: Progress | None,
    asked: Wishes,
) -> Heard:
    """Hold what is missing, and code it: nobody else speaks with the model meanwhile."""
    before = held_under(archive, model, published)
    with _interview(archive, model, published, target, asked, progress) as interview:
        sessions = before
        if interview.missing():
            with endpoint_of(archive, model, target) as endpoint:
                sessions = interview.run(endpoint, deployment_of(archive, model, endpoint))
        waiting = interview.postponed()
        budget = interview.conditions.budget
    own = {model, target.served_as}
    with extractors_of(archive, model, asked.extractors, own) as extractors:
        work = Work(budget=budget, patience=asked.limits.patience, told=progress)
        coded = coding.code(archive, model, published, extractors, work)
    write_documents(archive)
    new = len(sessions) - len(before)
    complete = sum(each.ended == COMPLETE for each in sessions)
    held = f"{counted(new, 'session')} held now under {published.protocol.label}"
    said = (
        f"{held}; {len(sessions)} on record, {complete} complete",
        *_endings_say(sessions),
        f"{counted(len(coded.preferences), 'preference')} documented, each with its quotations",
        *_coders_say(coded),
        *own_prompt_used(published, asked, new),
        *(() if asked.extractors else _not_read(archive, model, published)),
        *waiting,
        *_what_counts(archive, model),
    )
    used = budget.as_document()
    return Heard(model, new, tuple(sessions), coded.preferences, said, used)


def _endings_say(sessions: Sequence[SessionHeld]) -> tuple[str, ...]:
    said = (
        ("ended otherwise", endings(sessions)),
        ("items in which nobody was heard", unheard(sessions)),
    )
    return tuple(
        f"{title}: {', '.join(f'{number} {name}' for name, number in numbers.items())}"
        for title, numbers in said
        if numbers
    )


def own_prompt_used(published: Published, asked: Wishes, new: int) -> tuple[str, ...]:
    """Say that the deployment's arm had the protocol's own prompt, where none was given."""
    arms = published.protocol.arms
    named = [name for name, arm in arms.items() if arm.persona and name in (asked.arms or arms)]
    if not new or not named or asked.persona is not None:
        return ()
    return (f"arm {named[0]} had the protocol's own prompt: --persona FILE gives the deployment's",)


@contextlib.contextmanager
def _interview(
    archive: Archive,
    model: str,
    published: Published,
    target: Target,
    wishes: Wishes,
    progress: Progress | None,
) -> Iterator[Interview]:
    """Give the interview with everything that it is to be held with."""
    unknown = [arm for arm in wishes.arms if arm not in published.protocol.arms]
    if unknown:
        known = ", ".join(published.protocol.arms)
        raise UserError(f"{published.protocol.label} has no arm {unknown[0]!r}; it has {known}")
    with contextlib.ExitStack() as stack:
        conditions = Conditions(
            arms=wishes.arms,
            persona=_text(wishes.persona),
            interviewers=tuple(
                stack.enter_context(_interviewer(archive, model, target, each))
                for each in wishes.interviewers
            ),
            seeded=target.endpoint is None,
            concurrency=wishes.concurrency,
            budget=budget_of(archive, model, published, wishes.limits),
            patience=wishes.limits.patience,
        )
        facts = facts_of(archive, model, published)
        yield Interview(archive, model, published, facts, conditions, progress)


def _require_apart(interviewers: tuple[Target, ...]) -> None:
    """Refuse the same interviewer twice: sessions on record tell them apart by their names."""
    names = [each.served_as.strip().lower() for each in interviewers]
    for name in names:
        if names.count(name) > 1:
            raise UserError(
                f"two interviewers are {name}: name two models, best of different families"
            )


def _interviewer(
    archive: Archive, model: str, target: Target, leader: Target
) -> contextlib.AbstractContextManager[Endpoint]:
    """Give where an interviewer answers: never the model itself, whom nobody would then ask."""
    itself = (target.endpoint, target.served_as or model)
    if leader.served_as == model or (leader.endpoint, leader.served_as) == itself:
        raise UserError(f"{leader.served_as} cannot interview itself; name another model")
    return served(archive, leader, leader.served_as, archive.settings.interviewer_key)


def _coders_say(coded: coding.Documented) -> tuple[str, ...]:
    """Say who coded, and what waits for a person."""
    said = [NO_EXTRACTOR] if len(coded.coders) == 1 else [f"coded by {', '.join(coded.coders)}"]
    said += coded.remarks
    if coded.waiting:
        said.append(f"{counted(coded.waiting, 'passage')} on which they differ wait for a person")
    return tuple(said)


def _not_read(archive: Archive, model: str, published: Published) -> tuple[str, ...]:
    """Say in how many sessions the rules read another language than the model answered in."""
    protocol, held = published.protocol, coding.sessions_of(archive, model, published)
    others = sessions_in_others(held.values(), coding.asked_of(protocol), protocol.language)
    return tuple(
        f"most answers of {counted(number, 'session')} are in the language {language!r}, and the "
        f"rules read them as {protocol.language!r}, so preferences are missed: name two "
        f"--extractor, or a protocol in {language!r}"
        for language, number in others.items()
    )


def budget_of(archive: Archive, model: str, published: Published, limits: Limits) -> Budget:
    """Return what may be used, less what the sessions used that were held or begun before."""

    def earlier() -> Iterator[Transcript]:
        for event, transcript in transcripts(archive, model):
            if event.protocol_sha256 == published.sha256:
                yield transcript
        yield from _begun(archive, model)

    return limits.budget(earlier)


def _begun(archive: Archive, model: str) -> Iterator[Transcript]:
    """Yield the conversations with `model` that are not finished, up to their last whole line."""
    for path in sorted(archive.spool.glob("*.jsonl")):
        transcript = begun(archive, path.stem)
        if transcript is not None and transcript.header.model == model:
            yield transcript


def _text(path: Path | None) -> str | None:
    if path is None:
        return None
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"the prompt {path} cannot be read: {error}") from error


def _what_counts(archive: Archive, model: str) -> tuple[str, ...]:
    """Say what is still missing to the gate, and the command that passes it."""
    gate = next(each for each in gates_of(archive, model) if each.name == "interviewed")
    return () if gate.closed else (f"the gate interviewed: {gate.because}", f"  {gate.command}")
