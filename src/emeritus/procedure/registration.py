"""Takes a model into the register, saying first how far the procedure can go for it."""

from pathlib import Path

from emeritus.archive import Archive, notes
from emeritus.errors import UserError
from emeritus.lifecycle import moves
from emeritus.record.events import ModelRegistered
from emeritus.runtimes import Reach, choose, describe, reach
from emeritus.vault import list_source


def register_source(
    archive: Archive, source: Path, model: str, base: str | None, reason: str
) -> Reach:
    """Register the model that lies in `source`; return what can be done for a model of its kind.

    Raises `UserError` when `source` holds no model or something that cannot be kept, such as a
    link, or the id is unusable or taken.
    """
    list_source(source)  # first of all: to look into a pipe or a device may take for ever
    description = describe(source)
    registered = ModelRegistered(
        model=model,
        form=description.form,
        architecture=description.architecture or "unknown",
        parameters=description.parameters or 0,
        base=base,
        licence=description.licence,
        chat_template=description.chat_template,
        tokenizer=description.tokenizer,
    )
    moves.register(archive, registered, reason)
    notes.note_source(archive, model, source)
    return reach(description, choose(description))


def source_of(archive: Archive, model: str, named: Path | None) -> Path:
    """Return where the model's files lie: the path that was named now, or the one noted before.

    Raises `UserError` when nothing lies there, or something that cannot be kept.
    """
    if named is not None:
        list_source(named)
        notes.note_source(archive, model, named)
        return named
    source = notes.source_of(archive, model)
    if not source.exists():
        raise UserError(
            f"{model} was registered from {source}, and nothing lies there now; "
            f"name its place with --from SOURCE"
        )
    list_source(source)
    return source
