"""Dossiers: what proves a retirement, in a bag that any archivist's tool opens (RFC 8493)."""

import dataclasses
import errno
import shlex
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from emeritus import canonical
from emeritus.archive import inclusion, model_signing
from emeritus.archive.bag import PACKED, BagWriter, writing
from emeritus.archive.creation import require_outside
from emeritus.archive.documents import documents_of
from emeritus.archive.format_pages import format_pages
from emeritus.archive.handle import Archive
from emeritus.archive.preservation import preserved, require_preserved
from emeritus.clock import timestamp
from emeritus.errors import UserError
from emeritus.record import History, excerpt
from emeritus.record import format as record_format
from emeritus.record.events import WeightsPreserved
from emeritus.record.events.values import Id

CHECKER: Final = "check.py"
FORMAT: Final = "emeritus-dossier/1"
DESCRIPTION: Final = "dossier.json"
EXCERPT, WHOLE = "excerpt", "whole"  # how much of the record is there
README = """\
This is a dossier of Emeritus about one retired AI model: what the signed history of the archive
that keeps it says about the model, and the documents of the model that the history cites.

Anyone checks it with Python 3.9 or newer and nothing else:

  python3 -I check.py . --trust FINGERPRINT

The fingerprint has to come from somewhere else than this folder: from whoever was told it when the
archive was made. Without it the program says whether the dossier is consistent, and that its
authenticity is not established.

  data/models/     the model's documents: reports (open report-1.html), transcripts, manifest; with
                   model.sig, a signature over its files in the form of OpenSSF Model Signing.
                   Transcripts that are not encrypted hold every word, also what the model said
                   off the record: a dossier is for checking, and is not a publication
  data/protocols/  the interview protocols that were followed
  data/record/     the signed history, one JSON file a commit
  data/format/     how all of this is built
"""


class Description(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What `dossier.json` says: which model, how much of the record, up to which commit."""

    format: str
    model: Id
    record: str
    up_to: int


@dataclasses.dataclass(frozen=True, slots=True)
class Dossier:
    """A dossier that was written: where, how many files of payload, and what could not be added."""

    path: Path
    files: int
    lacking: tuple[str, ...]


def write_dossier(
    archive: Archive,
    model: str,
    dest: Path,
    *,
    with_weights: bool = False,
    whole_record: bool = False,
) -> Dossier:
    """Write the dossier of `model` to `dest`, which MUST NOT exist; whole or not at all.

    A `dest` that ends in `.tar.zst` becomes one packed file. The record in it is the excerpt that
    concerns the model, unless the `whole_record` is asked for.
    """
    if dest.exists():
        raise UserError(f"{dest} exists; name a new folder or file")
    require_outside(dest)
    history = archive.history().concerning(model)
    if preserved(archive, model) is None and not any(True for _ in documents_of(history)):
        raise UserError(f"there is nothing on record about {model} to export")
    lacking: list[str] = []
    try:
        with writing(dest) as bag:
            bag.add("archive.json", archive.store.get("archive.json"))
            given = _add_record(bag, archive, model, history, whole_record)
            lacking += _add_inclusion(bag, archive, None if whole_record else given)
            _add_documents(bag, archive, history)
            lacking += _add_bundle(bag, archive, model)
            if with_weights:
                _add_packs(bag, archive, model)
            bag.finish(_info(archive, model), _tags())
            files = bag.files
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        what = "no space left" if full else error.strerror
        raise UserError(f"the dossier cannot be written to {dest}: {what}") from error
    return Dossier(dest, files, tuple(lacking))


def unpack_line(dest: Path) -> str | None:
    """Return the command that unpacks a packed dossier here; None for a folder."""
    return f"zstd -dc {shlex.quote(str(dest))} | tar -x" if dest.name.endswith(PACKED) else None


def bundle_name(model: str) -> str:
    """Return the place of the model signing bundle; its public key lies beside it."""
    return f"models/{model}/model.sig"


def key_name(model: str) -> str:
    """Return the place of the public key of the model signing bundle."""
    return f"models/{model}/model-signing.pem"


def concerns(body: Mapping[str, Any], model: str, objects: Collection[str]) -> bool:
    """Tell whether an event is about `model`, or about keys and the archive as a whole.

    Damage that reached other models alone is about those. An erasure is about `model` when it is
    of one of its `objects`. What was read about other providers, and the files that it was read
    from, is not about `model`: an observation itself names its source.
    """
    if body.get("model", model) != model:
        return False
    match body.get("kind"):
        case "damage.found":
            reached = body.get("affects") or (model,)
            return any(each == model or each.endswith(f" of {model}") for each in reached)
        case "object.erased":
            return body.get("object") in objects
        case "commitment.observed":
            return body.get("provider") == model.partition("/")[0]
        case "history.imported":
            return False
        case _:
            return True


def _add_record(
    bag: BagWriter, archive: Archive, model: str, history: History, whole: bool
) -> set[str]:
    """Add the commits; return the ids of the events that the excerpt gives."""
    up_to = archive.record.sequence
    kept: dict[int, set[int]] = {}
    objects = _objects(archive, history)
    for entry in history:
        number, position = entry.place
        kept.setdefault(number, set()).add(position)
    described = Description(
        format=FORMAT, model=model, record=WHOLE if whole else EXCERPT, up_to=up_to
    )
    bag.add(DESCRIPTION, canonical.dumps(msgspec.to_builtins(described)))
    given: set[str] = set()
    for number in range(1, up_to + 1) if whole else sorted(kept):
        name = record_format.name_of(number)
        data = archive.store.get(name)
        if not whole:
            events = record_format.parse(data).events
            keep = {at for at in kept[number] if concerns(events[at] or {}, model, objects)}
            if not keep:
                continue
            data = excerpt.redact(data, keep)
            given |= {f"{number}.{at}" for at in keep}
        bag.add(name, data)
    return given


def _objects(archive: Archive, history: History) -> set[str]:
    """Return every object that documents and weights of a model are, or were, made of."""
    found = {document.object for document in documents_of(history)}
    for kept in history.all(WeightsPreserved):
        if not kept.event.encrypted:
            found.update(archive.vault.manifest(kept.event.manifest).objects)
    return found


def _add_inclusion(bag: BagWriter, archive: Archive, events: set[str] | None) -> Iterator[str]:
    """Add the checkpoint and the proofs of `events`; yield why there are none."""
    kept = inclusion.checkpoint_of(archive)
    if kept is None:
        yield inclusion.NONE
        return
    bag.add(kept.name, kept.data)
    if events is not None:
        bag.add(inclusion.PROOFS, inclusion.prove(archive, kept, events))


def _add_documents(bag: BagWriter, archive: Archive, history: History) -> None:
    for name, data in sorted(format_pages().items()):
        # One checker in a dossier, at its top: two would be one too many to trust.
        if name.startswith("format/") and not name.endswith(CHECKER):
            bag.add(name, data)
    written = set()
    for document in documents_of(history):
        if document.name not in written:
            written.add(document.name)
            bag.add(document.name, archive.read_document(document.object, document.sha256))


def _add_bundle(bag: BagWriter, archive: Archive, model: str) -> Iterator[str]:
    """Add the model signing bundle; yield why there is none."""
    kept = archive.history(model).last(WeightsPreserved)
    if kept is None:
        yield "a model signing bundle: the weights are not held"
        return
    if kept.event.encrypted:
        yield "a model signing bundle: the weights are encrypted"
        return
    try:
        bundle = model_signing.sign(archive, model, archive.vault.manifest(kept.event.manifest))
    except model_signing.NotABundle as error:
        yield f"a model signing bundle: {error}"
        return
    key = model_signing.key_on_record(archive.record.authority)
    if bundle is None or key is None:
        yield "a model signing bundle: its key is not on this machine"
        return
    bag.add(bundle_name(model), bundle)
    bag.add(key_name(model), model_signing.public_pem(key))


def _add_packs(bag: BagWriter, archive: Archive, model: str) -> None:
    manifest = require_preserved(archive, model).event.manifest
    for name in archive.vault.packs(manifest):
        packed = archive.vault.packed(Path(name).stem)
        bag.add_parts(packed.name, packed.size, packed.parts)
        bag.add(packed.index_name, packed.index)


def _info(archive: Archive, model: str) -> dict[str, str]:
    return {
        "Bagging-Date": timestamp(archive.clock.now())[:10],
        "External-Identifier": model,
        "External-Description": f"Emeritus dossier of {model}",
    }


def _tags() -> dict[str, bytes]:
    return {"README.txt": README.encode(), CHECKER: format_pages()[f"format/{CHECKER}"]}
