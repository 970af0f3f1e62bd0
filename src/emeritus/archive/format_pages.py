"""What every archive holds about itself: how to read it with no software of ours."""

import importlib.resources
from collections.abc import Iterable, Iterator
from typing import Final

import emeritus
from emeritus import digests
from emeritus.archive.handle import STEWARD, Archive
from emeritus.errors import Finding
from emeritus.record import History
from emeritus.record import format as record_format
from emeritus.record.events import FormatDescribed
from emeritus.vault import LocalStore, Store

PAGE_BYTES_MAX: Final = 16 * 1024 * 1024
INDISPENSABLE: Final = ("README.txt", "format/check.py")
RENEW: Final = "where no copy has it, `emeritus renew` brings the pages of this version"
MOVE: Final = "the newest pages are without it, so move it out of the archive"
Found = tuple[bytes, str]
"""The bytes of a page, and where they came from."""

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


def newest_pages(history: History) -> dict[str, str]:
    """Return the digest that each page has by the newest description on record."""
    last = history.last(FormatDescribed)
    return last.event.pages if last else {}


def ever_described(history: History) -> dict[str, set[str]]:
    """Return every digest that a page ever had on record."""
    ever: dict[str, set[str]] = {}
    for entry in history.all(FormatDescribed):
        for name, digest in entry.event.pages.items():
            ever.setdefault(name, set()).add(digest)
    return ever


def describe_anew(archive: Archive, key: str = STEWARD) -> None:
    """Put this version on record, when it is not the newest there, and then its pages in place."""
    archive.require_primary()
    last, now = archive.history().last(FormatDescribed), described()
    if last is None or last.event != now:
        archive.append(now, key=key)
    if isinstance(archive.store, LocalStore):
        write_format_pages(archive.store, archive.history(), missing=True)


def put_format_pages(store: LocalStore) -> None:
    """Put the pages of this version where none lie: an archive is being made."""
    for name, data in format_pages().items():
        store.put(name, data)


def write_format_pages(store: LocalStore, history: History, *, missing: bool = False) -> None:
    """Write every page of this version that is the newest on record and is not there yet.

    It takes the place of one that was on record before. Any other bytes are damage, and stay. With
    `missing` it is also written where none lies; else only a page that no version had before is,
    since one that was there is lost.
    """
    newest, ever = newest_pages(history), ever_described(history)
    before = {name for each in history.all(FormatDescribed)[:-1] for name in each.event.pages}
    for name, data in format_pages().items():
        if newest.get(name) != digests.sha256(data):
            continue
        if missing or (before and name not in before):
            store.put(name, data)
        older = ever[name] - {newest[name]}
        if older and digest_in(store, name) in older:
            store.rewrite(name, data)


def copy_format_pages(source: Store, target: LocalStore, history: History) -> None:
    """Copy every page that is the newest on record, where none lies or an older one.

    What is damaged in the source is not spread, and what is damaged in the target stays to be
    found.
    """
    ever = ever_described(history)
    for name, digest in newest_pages(history).items():
        there = digest_in(target, name)
        older = there is not None and there != digest and there in ever[name]
        if (there is None or older) and digest_in(source, name) == digest:
            data = source.get(name)
            if not target.put(name, data) and older:
                target.rewrite(name, data)


def check_format_pages(store: Store, history: History, up_to: int) -> Iterator[Finding]:
    """Yield a finding for every page that is not what the record says, in a copy up to `up_to`.

    It has to be the one of the newest description up to that commit, or of a later one, which a
    copy gets before the commit. A page that the newest description has no more may be missing.
    """
    needed: dict[str, str] = {}
    sound: dict[str, set[str]] = {}
    for entry in history.all(FormatDescribed):
        if entry.place[0] <= up_to:
            needed = entry.event.pages
            sound |= {name: {digest} for name, digest in needed.items()}
        else:
            for name, digest in entry.event.pages.items():
                sound.setdefault(name, set()).add(digest)
    for name in sorted(sound):
        there = digest_in(store, name)
        if there is None and name in needed:
            yield Finding("A003", name, f"missing; {RENEW}")
        elif there is not None and there not in sound[name]:
            advice = f"{RENEW}, and then --repair" if name in needed else MOVE
            yield Finding("A003", name, f"not the newest page that is on record; {advice}")


def check_descriptions(history: History) -> Iterator[Finding]:
    """Yield a finding for every description on record that leaves out what no archive may lack."""
    described = history.all(FormatDescribed)
    if not described:
        yield Finding("A003", record_format.name_of(1), "no event describes the format")
    for entry in described:
        lacking = ", ".join(name for name in INDISPENSABLE if name not in entry.event.pages)
        if lacking:
            detail = f"event {entry.id} describes the format without {lacking}"
            yield Finding("A003", record_format.name_of(entry.place[0]), detail)


def sound_page(name: str, digest: str, stores: Iterable[tuple[str, Store]]) -> Found | None:
    """Return the page with this digest and where it came from: this version, or one of `stores`."""
    page = format_pages().get(name)
    if page is not None and digests.sha256(page) == digest:
        return page, "this version of Emeritus"
    for where, store in stores:
        if digest_in(store, name) == digest:
            return store.get(name), where
    return None


def digest_in(store: Store, name: str) -> str | None:
    """Return the digest of a page in a store, or None where none lies."""
    return digests.sha256(store.get(name, 0, PAGE_BYTES_MAX + 1)) if store.exists(name) else None
