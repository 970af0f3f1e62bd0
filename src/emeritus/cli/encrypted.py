"""`encrypted`: what is kept encrypted, and how it is erased."""

from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

from emeritus.cli.options import as_person, with_archive
from emeritus.cli.output import Output

if TYPE_CHECKING:
    from emeritus.archive import Archive
    from emeritus.lifecycle.erasure import Encrypted, Ground

GROUNDS = ("retention", "erasure", "takedown")


@click.group()
def encrypted() -> None:
    """List, read and erase the documents that are kept encrypted.

    [retention] in the policy says which are. Their keys lie outside the archive.
    """


@encrypted.command("list", epilog="Example: emeritus encrypted list acme/aster-1")
@click.argument("model", required=False, metavar="[ID]")
@with_archive
def encrypted_list(archive: "Archive", output: Output, model: str | None) -> None:
    """List the encrypted documents, of all models or of one, and until when they are kept."""
    from emeritus.lifecycle.erasure import encrypted_documents, keys_without_event

    rows, documents = [("document", "kept", "")], []
    for each in encrypted_documents(archive, model):
        rows.append((each.document.name, each.until or "for a lifetime", _standing(each)))
        documents.append(
            {
                "document": each.document.name,
                "object": each.document.object,
                "event": each.document.entry,
                "artefact": each.artefact,
                "until": each.until,
                "key_here": each.key_here,
                "erased": each.document.erased,
            }
        )
    if documents:
        output.table(rows)
    else:
        output.line("nothing is kept encrypted")
    output.line(f"keys: {archive.object_keys.folder}")
    unused = keys_without_event(archive)
    for object_id in unused:
        output.line(f"a key of nothing on record, left by a run that was stopped: {object_id}")
    output.document(
        {"encrypted": documents, "keys": str(archive.object_keys.folder), "unused": unused}
    )


@encrypted.command(
    "read",
    epilog="Example: emeritus encrypted read "
    "models/acme/aster-1/sessions/aster-1-a1.jsonl.encrypted session.jsonl",
)
@click.argument("document")
@click.argument("dest", type=click.Path(path_type=Path))
@with_archive
def encrypted_read(archive: "Archive", output: Output, document: str, dest: Path) -> None:
    """Write what DOCUMENT says to the new file DEST, which only you can read."""
    from emeritus.lifecycle.erasure import write_opened

    size = write_opened(archive, document, dest)
    output.line(f"{dest}: {size} bytes")
    output.document({"document": document, "file": str(dest), "bytes": size})


@encrypted.command(
    "erase",
    epilog="Example: emeritus encrypted erase "
    "models/acme/aster-1/sessions/aster-1-a1.jsonl.encrypted --ground takedown --reason 'order 7'",
)
@click.argument("document")
@click.option(
    "--ground",
    required=True,
    type=click.Choice(GROUNDS),
    help="What makes it lawful: the schedule ran out, a person's right, or a takedown.",
)
@click.option("--reason", required=True, help="Why, without naming anybody; it stays on record.")
@as_person
@with_archive
def encrypted_erase(
    archive: "Archive", output: Output, document: str, ground: str, reason: str, key: str
) -> None:
    """Destroy the key of DOCUMENT under a signed event: nobody can read it any more.

    What cites it goes on verifying. Copies of the key that you gave away have to be deleted where
    they are.
    """
    from emeritus.archive.documents import write_renderings
    from emeritus.lifecycle.erasure import erase

    entry = erase(archive, document, cast("Ground", ground), reason, key)
    write_renderings(archive)
    output.line(f"erased: {document} (event {entry.id})")
    output.line("delete the copies of its key too, wherever you keep some")
    output.document({"document": document, "object": entry.event.object, "event": entry.id})


def _standing(each: "Encrypted") -> str:
    if each.document.erased is not None:
        return f"erased by event {each.document.erased}"
    return "key here" if each.key_here else "key elsewhere"
