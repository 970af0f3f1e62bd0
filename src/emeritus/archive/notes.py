"""What this machine knows and the record does not hold: paths.

A path is true on one machine only and may say more about a person than a record should keep, so
sources and the folders of replicas are noted in the state directory. Losing the notes loses
nothing: a command that misses a path asks for it.
"""

from pathlib import Path

import msgspec

from emeritus import canonical
from emeritus.archive.handle import Archive
from emeritus.errors import UserError
from emeritus.vault.durable import make_folder, write_file


class Notes(msgspec.Struct, frozen=True, kw_only=True):
    """Paths by model id, by replica name, and of shards by place."""

    sources: dict[str, str] = {}
    replicas: dict[str, str] = {}
    shards: dict[str, str] = {}


def read(archive: Archive) -> Notes:
    """Return the notes about `archive`; empty when there are none."""
    path = _path(archive)
    try:
        return msgspec.json.decode(path.read_bytes(), type=Notes)
    except FileNotFoundError:
        return Notes()
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UserError(
            f"{path} is damaged ({error}); delete it and name the paths again"
        ) from error


def note_source(archive: Archive, model: str, source: Path) -> None:
    """Remember where the files of `model` lie on this machine."""
    notes = read(archive)
    _write(archive, msgspec.structs.replace(notes, sources={**notes.sources, model: _text(source)}))


def note_replica(archive: Archive, replica: str, folder: Path) -> None:
    """Remember where `replica` lies on this machine."""
    notes = read(archive)
    replicas = {**notes.replicas, replica: _text(folder)}
    _write(archive, msgspec.structs.replace(notes, replicas=replicas))


def forget_replica(archive: Archive, replica: str) -> None:
    """Forget where a replica lay that was withdrawn."""
    notes = read(archive)
    replicas = {name: path for name, path in notes.replicas.items() if name != replica}
    _write(archive, msgspec.structs.replace(notes, replicas=replicas))


def note_shards(archive: Archive, folders: dict[str, Path]) -> None:
    """Remember where the shards of each place lie on this machine."""
    shards = {place: _text(folder) for place, folder in folders.items()}
    _write(archive, msgspec.structs.replace(read(archive), shards=shards))


def source_of(archive: Archive, model: str) -> Path:
    """Return where the files of `model` lie; raises `UserError` when that is not known here."""
    noted = read(archive).sources.get(model)
    if noted is None:
        raise UserError(
            f"where {model} lies is not known on this machine; "
            f"say it with: emeritus preserve {model} --from SOURCE"
        )
    return Path(noted)


def _path(archive: Archive) -> Path:
    return archive.settings.state / "archives" / f"{archive.id}.json"


def _text(path: Path) -> str:
    return str(path.absolute())


def _write(archive: Archive, notes: Notes) -> None:
    path = _path(archive)
    make_folder(path.parent)
    write_file(path, canonical.dumps(msgspec.to_builtins(notes)), replace=True)
