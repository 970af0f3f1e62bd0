"""What every archive holds about itself: how to read it with no software of ours."""

import importlib.resources
from collections.abc import Iterator

from emeritus.errors import Finding
from emeritus.vault import Store

PAGES = ("archive.md", "vault.md", "shards.md", "record.md", "conversation.md", "dossier.md")
PROGRAMS = ("check.py", "decode.py", "join.py")

README = """\
This folder is an archive of Emeritus. It keeps AI models that were retired, with what is needed to
run them again, what they were asked and what they said before their retirement, and a signed
history of every promise and every step. Nothing in it needs our software.

  models/     readable documents of each model: reports (open report-1.html), transcripts, manifests
  protocols/  the interview protocols that were followed
  record/     the signed history, one JSON file a commit
  packs/      the weights and all documents, in sealed containers; where there is shards/ instead,
              enough of these folders together give the packs back: format/join.py DEST FOLDER...
  format/     how all of this is built, and programs of one file each

To check the history and the documents, with Python 3.9 or newer:

  python3 -I format/check.py .

It prints a fingerprint. Somebody outside should have been told the fingerprint when the archive was
made; add --trust and what they were told. If it differs, this is another archive than the one that
was promised.

To get a model's files back, with Python and zstd:

  python3 -I format/decode.py . MODEL DEST

With Emeritus installed: emeritus verify --deep, emeritus restore MODEL DEST, emeritus revive MODEL.
"""


def format_pages() -> dict[str, bytes]:
    """Return every page and program of the format by its name in an archive."""
    folder = importlib.resources.files("emeritus.archive") / "format"
    pages = {f"format/{name}": (folder / name).read_bytes() for name in (*PAGES, *PROGRAMS)}
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
