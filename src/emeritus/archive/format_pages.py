"""What every archive holds about itself: how to read it with no software of ours."""

import importlib.resources
from collections.abc import Iterator

from emeritus.errors import Finding
from emeritus.vault import Store

PAGES = (
    *("archive.md", "vault.md", "shards.md", "record.md", "conversation.md", "dossier.md"),
    *("events.md", "events.schema.json", "finding-codes.md", "policy.md"),
)
PROGRAMS = ("check.py", "decode.py", "join.py")

README = """\
This folder is an archive of Emeritus. It keeps AI models that were retired, with what is needed to
run them again, what they were asked and what they said before their retirement, and a signed
history of every promise and every step. Nothing in it needs our software.

Begin with index.html (or index.md): it lists the models, and leads to the history and the newest
report of each.

  models/     readable documents of each model: history, reports, transcripts, manifests
  protocols/  the interview protocols that were followed
  record/     the signed history, one JSON file a commit
  packs/      the weights and all documents, in sealed containers; where there is shards/ instead,
              enough of these folders together give the packs back: format/join.py DEST FOLDER...
  format/     how all of this is built, what each event and each finding means, the policy that
              Emeritus ships, and programs of one file each
  quarantine/ damaged bytes that a repair put aside; only where something was repaired

To check the signed history and the documents that it cites, with Python 3.9 or newer:

  python3 -I format/check.py .

It says what is proven and what is only asserted, and prints a fingerprint. Somebody outside should
have been told the fingerprint when the archive was made; add --trust and what they were told. If it
differs, this is another archive than the one that was promised. index and history are written from
the signed history for people to read, and are not cited by it: where they differ, it is right.

To get a model's files back, with Python and zstd:

  python3 -I format/decode.py . MODEL DEST

With Emeritus installed: emeritus verify --deep, emeritus restore MODEL DEST, emeritus revive MODEL.
"""


def format_pages() -> dict[str, bytes]:
    """Return every page and program of the format by its name in an archive."""
    folder = importlib.resources.files("emeritus.archive") / "format"
    pages = {f"format/{name}": (folder / name).read_bytes() for name in (*PAGES, *PROGRAMS)}
    # In the documentation the reference lies in a folder of its own, here beside the other pages.
    pages = {name: data.replace(b"](../reference/", b"](") for name, data in pages.items()}
    return {"README.txt": README.encode(), **pages}


def write_format_pages(store: Store) -> None:
    """Put the pages into an archive that does not have them yet."""
    for name, data in format_pages().items():
        store.put(name, data)


def check_format_pages(store: Store) -> Iterator[Finding]:
    """Yield a finding for every page that is missing or not the one of this version."""
    for name, data in format_pages().items():
        if not store.exists(name):
            yield Finding("A003", name, "missing")
        elif store.get(name, 0, len(data) + 1) != data:
            yield Finding("A003", name, "not the page that this version of Emeritus writes")
