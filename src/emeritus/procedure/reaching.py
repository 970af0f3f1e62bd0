"""Where a model answers, and whether it can be asked on this machine at all."""

import contextlib
import dataclasses
from collections.abc import Iterator
from pathlib import Path

from emeritus.archive import Archive
from emeritus.errors import UserError
from emeritus.interview.session import record_impossible
from emeritus.lifecycle.moves import MASTER, register_deployment
from emeritus.record.events import DeploymentRegistered, ModelRegistered
from emeritus.revival.serving import serve
from emeritus.runtimes import Endpoint, Reach, choose, reach
from emeritus.runtimes.apis import api
from emeritus.runtimes.description import Description
from emeritus.runtimes.kinds import Served


@dataclasses.dataclass(frozen=True, slots=True)
class Target:
    """Where the model is spoken to: an address, or (None) a restored copy on this machine."""

    endpoint: str | None = None
    served_as: str = ""
    runtime: str | None = None
    api: str = "openai"


@contextlib.contextmanager
def endpoint_of(archive: Archive, model: str, target: Target) -> Iterator[Endpoint]:
    """Give where the model answers: the address that is named, or a restored copy served here."""
    if target.endpoint is None:
        with serve(archive, model, target.runtime) as endpoint:
            yield endpoint
        return
    with served(archive, target, target.served_as or model, archive.settings.api_key) as endpoint:
        yield endpoint


@contextlib.contextmanager
def served(archive: Archive, target: Target, name: str, key: str | None) -> Iterator[Endpoint]:
    """Give the address that `target` names, where a model is asked as `name` with `key`."""
    headers = api(target.api).key_headers(key) if key else {}
    at = Served(target.endpoint or "", name, headers, api=target.api)
    with at.start(Path(), archive.settings.threads) as endpoint:
        yield endpoint


def deployment_of(archive: Archive, model: str, endpoint: Endpoint) -> str:
    """Put on record what is spoken to, and return its name."""
    name = endpoint.engine["runtime"]
    parts = (endpoint.engine.get("engine"), endpoint.engine.get("settings"))
    serving = ", ".join(part for part in parts if part)
    deployed = DeploymentRegistered(model=model, deployment=name, variant=MASTER, serving=serving)
    register_deployment(archive, deployed)
    return name


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
