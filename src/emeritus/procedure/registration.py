"""Takes a model into the register, saying first how far the procedure can go for it."""

from pathlib import Path

from emeritus.archive import Archive, notes
from emeritus.errors import UserError, printable
from emeritus.interview.session import record_impossible
from emeritus.lifecycle import moves
from emeritus.record.events import ModelRegistered
from emeritus.runtimes import Reach, choose, describe, reach
from emeritus.vault import list_source

UNKNOWN = "unknown"


def register_source(
    archive: Archive, source: Path, model: str, base: str | None, reason: str
) -> Reach:
    """Register the model that lies in `source`; return what can be done for a model of its kind.

    That a model of its kind gives no text goes on record with it. Raises `UserError` when `source`
    holds no model or what cannot be kept, or when the id is unusable or taken.
    """
    list_source(source)  # first of all: to look into a pipe or a device may take for ever
    description = describe(source)
    list_source(source)  # a registration is for ever: what could not be kept is refused before it
    registered = ModelRegistered(
        model=model,
        form=description.form,
        architecture=description.architecture or UNKNOWN,
        parameters=description.parameters or 0,
        base=base,
        licence=description.licence,
        chat_template=description.chat_template,
        tokenizer=description.tokenizer,
    )
    moves.register(archive, registered, reason)
    notes.note_source(archive, model, source)
    within = reach(description, choose(description))
    if within.speaks is False:
        record_impossible(archive, model, printable(within.unheard[0]))
    return within


def source_of(archive: Archive, model: str, named: Path | None) -> Path:
    """Return where the model's files lie: the path that was named now, or the one noted before.

    Raises `UserError` when nothing lies there, or something that cannot be kept.
    """
    if named is not None:
        if not named.exists():
            raise UserError(f"there is nothing at {named}")
        return named
    source = notes.source_of(archive, model)
    if not source.exists():
        raise UserError(
            f"{model} was registered from {source}, and nothing lies there now; "
            f"name its place with --from SOURCE"
        )
    list_source(source)
    return source
