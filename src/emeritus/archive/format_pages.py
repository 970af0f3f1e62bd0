"""What every archive holds about itself: how to read it with no software of ours."""

import importlib.resources
import re
from collections.abc import Iterator
from typing import Final

import emeritus
from emeritus import digests
from emeritus.errors import Finding
from emeritus.record import History
from emeritus.record.events import FormatDescribed
from emeritus.vault import LocalStore, Store

PAGE_BYTES_MAX: Final = 16 * 1024 * 1024
_PAGE: Final = re.compile(r"(README\.txt|format/[a-z0-9][a-z0-9._-]{0,63})\Z")

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


def described() -> FormatDescribed:
    """Return the event that puts the pages of this version on record."""
    pages = {name: digests.sha256(data) for name, data in sorted(format_pages().items())}
    return FormatDescribed(software=f"emeritus {emeritus.__version__}", pages=pages)


def write_format_pages(store: LocalStore) -> None:
    """Put the pages of this version into an archive, in the place of older ones."""
    for name, data in format_pages().items():
        if not store.put(name, data) and store.get(name) != data:
            store.rewrite(name, data)


def check_format_pages(store: Store, history: History) -> Iterator[Finding]:
    """Yield a finding for every page that is missing, or neither on record nor of this version.

    A page that was on record before is sound too: a copy may not have got the newer one yet.
    """
    sound: dict[str, set[str]] = {}
    for entry in history.all(FormatDescribed):
        for name, digest in entry.event.pages.items():
            sound.setdefault(name, set()).add(digest)
    for name, data in format_pages().items():
        sound.setdefault(name, set()).add(digests.sha256(data))
    needed = history.last(FormatDescribed)
    for name in sorted(needed.event.pages if needed else format_pages()):
        if not is_page(name):
            yield Finding("A003", name[:80], "the record names a page that cannot be one")
        elif not store.exists(name):
            yield Finding("A003", name, "missing")
        elif digests.sha256(store.get(name, 0, PAGE_BYTES_MAX)) not in sound[name]:
            yield Finding("A003", name, "not the page that is on record")


def is_page(name: str) -> bool:
    """Tell whether a file of an archive can be a page or a program of the format, by its name."""
    return _PAGE.match(name) is not None
