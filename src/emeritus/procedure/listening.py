"""Interviews a model and documents what it prefers, or records that it cannot be interviewed."""

import contextlib
import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from emeritus.archive import Archive
from emeritus.archive.documents import write_documents
from emeritus.errors import UserError
from emeritus.figures import counted
from emeritus.interview import coding
from emeritus.interview import shipped_protocols as protocols
from emeritus.interview.session import Interview, held_under, record_impossible
from emeritus.lifecycle.moves import (
    MASTER,
    gates_of,
    register_deployment,
    require_registered,
    state_of,
)
from emeritus.record.events import (
    DeploymentRegistered,
    ModelRegistered,
    PreferenceDocumented,
    SessionHeld,
)
from emeritus.record.replicas import standing_replicas
from emeritus.revival.serving import serve
from emeritus.runtimes import Endpoint, Reach, choose, reach
from emeritus.runtimes.description import Description
from emeritus.runtimes.kinds import Served
from emeritus.vault import Progress


@dataclasses.dataclass(frozen=True, slots=True)
class Target:
    """Where the model is spoken to: an address, or (None) a restored copy on this machine."""

    endpoint: str | None = None
    served_as: str = ""
    runtime: str | None = None


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

    def as_document(self) -> dict[str, Any]:
        """Return the same for programs."""
        return {
            "model": self.model,
            "new": self.new,
            "sessions": [
                {"session": each.session, "ended": each.ended, "outcomes": each.outcomes}
                for each in self.sessions
            ],
            "preferences": [each.preference for each in self.preferences],
            "said": list(self.said),
        }


def listen(
    archive: Archive, model: str, plan: str, target: Target, progress: Progress | None = None
) -> Heard:
    """Hold what is missing of the interview, code it, and return all that is on record.

    That a model gives no text is put on record, with the reason. A model that gives text and that
    no runtime here can run was not asked: that raises `UserError`, and the gate stays open.
    """
    require_registered(archive, model)
    published = protocols.load(plan)
    if is_mute(archive, model, target):
        return Heard(model, 0, (), (), reach_of(archive, model).unheard)
    missing = unknown_facts(archive, model, plan)
    if missing:
        raise UserError(
            f"the disclosure of {published.protocol.label} states what the record does not hold "
            f"yet ({missing}); announce the end first: "
            f"emeritus deprecate {model} --retire-on DATE --successor ID"
        )
    facts, before = facts_of(archive, model), held_under(archive, model, published)
    sessions = before
    if len(before) < published.protocol.sessions.count:
        with endpoint_of(archive, model, target) as endpoint:
            deployment = _deployment(archive, model, endpoint)
            interview = Interview(archive, model, published, endpoint, facts, deployment, progress)
            sessions = interview.run()
    preferences = coding.code(archive, model, published)
    write_documents(archive)
    new = len(sessions) - len(before)
    complete = sum(1 for each in sessions if each.ended == "complete")
    held = f"{counted(new, 'session')} held now under {published.protocol.label}"
    said = (
        f"{held}; {len(sessions)} on record, {complete} complete",
        f"{counted(len(preferences), 'preference')} documented, each with its quotations",
        *_what_counts(archive, model),
    )
    return Heard(model, new, tuple(sessions), tuple(preferences), said)


def is_mute(archive: Archive, model: str, target: Target) -> bool:
    """Tell whether a model gives no text, which is put on record with the reason.

    Raises `UserError` when it may speak and cannot be asked on this machine.
    """
    if target.endpoint is not None:
        return False
    within = reach_of(archive, model)
    if within.speaks is False:
        record_impossible(archive, model, within.unheard[0])
        return True
    if not within.interview:
        raise UserError(f"{model} cannot be asked here: {within.unheard[0]}")
    return False


def _what_counts(archive: Archive, model: str) -> tuple[str, ...]:
    """Say what is still missing to the gate, and the command that passes it."""
    gate = next(each for each in gates_of(archive, model) if each.name == "interviewed")
    return () if gate.closed else (f"the gate interviewed: {gate.because}", f"  {gate.command}")


def facts_of(archive: Archive, model: str) -> dict[str, str]:
    """Return the facts that a disclosure may state, as the record has them and no others."""
    facts = {}
    places = [entry.event.place for entry in standing_replicas(archive.history())]
    copies = _counted(len(places), "copy", "copies")
    facts["copies"] = f"{copies} in {_counted(len(set(places)), 'place', 'places')}"
    for offering in state_of(archive, model).offerings.values():
        if offering.date is not None:
            facts["retire_on"] = offering.date.retire_on
            facts["successor"] = offering.successor or "not named"
    return facts


def unknown_facts(archive: Archive, model: str, plan: str) -> str:
    """Return which facts the disclosure of `plan` states and the record does not hold yet."""
    needed = protocols.load(plan).protocol.facts
    return ", ".join(sorted(needed - set(facts_of(archive, model))))


def reach_of(archive: Archive, model: str) -> Reach:
    """Return how far the procedure can go on this machine for a registered model."""
    registered = next(
        entry.event
        for entry in archive.history(model).all(ModelRegistered)
        if entry.event.model == model
    )
    description = _described(registered)
    return reach(description, choose(description))


def _described(registered: ModelRegistered) -> Description:
    """Return what the record says of a model's files."""
    return Description(
        form=registered.form,
        architecture=registered.architecture,
        parameters=registered.parameters or None,
        dtypes=(),
        context=None,
        chat_template=registered.chat_template,
        tokenizer=registered.tokenizer,
        licence=registered.licence,
        weight_files=(),
    )


def _deployment(archive: Archive, model: str, endpoint: Endpoint) -> str:
    """Put on record what is spoken to, and return its name."""
    name = endpoint.engine["runtime"]
    parts = (endpoint.engine.get("engine"), endpoint.engine.get("settings"))
    serving = ", ".join(part for part in parts if part)
    deployed = DeploymentRegistered(model=model, deployment=name, variant=MASTER, serving=serving)
    register_deployment(archive, deployed)
    return name


@contextlib.contextmanager
def endpoint_of(archive: Archive, model: str, target: Target) -> Iterator[Endpoint]:
    """Give where the model answers: the address that is named, or a restored copy served here."""
    if target.endpoint is None:
        with serve(archive, model, target.runtime) as endpoint:
            yield endpoint
        return
    key = archive.settings.api_key
    headers = {"authorization": f"Bearer {key}"} if key else {}
    served = Served(target.endpoint, target.served_as or model, headers)
    with served.start(Path(), archive.settings.threads) as endpoint:
        yield endpoint


def _counted(count: int, one: str, many: str) -> str:
    words = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
    return f"{words[count] if count < len(words) else count} {one if count == 1 else many}"
