"""The index: events that were read and judged, in SQLite, so that they need not be read again.

It is a cache of the record and never a source: whoever opens it compares its head with the file
of that commit, and one that is missing, damaged, foreign or of another version is made anew. Every
event that it gives out has the digest that its signed header lists.
"""

import contextlib
import dataclasses
import enum
import functools
import os
import secrets
import sqlite3
import stat
import weakref
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

import emeritus
from emeritus import digests
from emeritus.record import format as disk
from emeritus.record.entry import Entry, subject_of
from emeritus.record.events import KINDS, Event, ModelEvent

SCHEMA: Final = 1
BUSY_SECONDS: Final = 10.0  # a writer sorts a million events in a few; more means that it hangs
PAGES_KIB: Final = 16 * 1024  # of the database that are kept in memory
POSITION_BITS: Final = 8  # a commit holds at most 256 events
CHUNK: Final = 1024  # events that are in memory at once while all are read
PASSING: Final = frozenset(  # locked, full, not writable
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_PERM,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_PROTOCOL,
    }
)
TEMPORARY: Final = ""  # SQLite's name for a database that is private, and on disk only when large
IN_MEMORY: Final = ":memory:"

_TABLES: Final = (
    """CREATE TABLE head (
        made_by TEXT, making TEXT, archive TEXT, sequence INTEGER, link TEXT, time TEXT,
        file TEXT, lost_sequence INTEGER, lost_link TEXT)""",
    "CREATE TABLE signer (number INTEGER PRIMARY KEY, key TEXT, name TEXT, UNIQUE (key, name))",
    """CREATE TABLE event (
        place INTEGER PRIMARY KEY, kind TEXT, model TEXT, subject TEXT, time TEXT,
        signer INTEGER, digest TEXT, body BLOB)""",
    "CREATE INDEX event_kind ON event (kind, place)",
    "CREATE INDEX event_subject ON event (subject, place) WHERE subject IS NOT NULL",
)
# Events of one model lie far apart: sorted once, this costs less than kept in order from the start.
_BY_MODEL: Final = (
    "CREATE INDEX IF NOT EXISTS event_model ON event (model, place) WHERE model IS NOT NULL"
)
_SETTINGS: Final = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = NORMAL",
    f"PRAGMA cache_size = -{PAGES_KIB}",
    "PRAGMA trusted_schema = OFF",
    "PRAGMA cell_size_check = ON",
)
_EVENTS: Final = (
    "SELECT event.place, event.kind, event.time, signer.key, signer.name, event.digest, event.body"
    " FROM event JOIN signer ON signer.number = event.signer "
)
_HEAD: Final = "SELECT making, sequence, link, time, file FROM head"
_AFTER: Final = _EVENTS + "WHERE place > ? AND place <= ? ORDER BY place LIMIT ?"
_OF_KIND: Final = _EVENTS + "WHERE kind = ? AND place <= ? ORDER BY place"
_LAST_OF_KIND: Final = _EVENTS + "WHERE kind = ? AND place <= ? ORDER BY place DESC LIMIT 1"
_OF_MODEL: Final = _EVENTS + "WHERE model = ? AND place <= ? ORDER BY place"
_COUNT: Final = "SELECT count(*) FROM event WHERE place <= ?"
# Steps from subject to subject, so that the cost grows with them and not with their events.
_STANDING: Final = (
    _EVENTS  # noqa: S608  made of constants
    + """WHERE place IN (
        WITH RECURSIVE each(subject) AS (
            SELECT min(subject) FROM event WHERE subject IS NOT NULL
            UNION ALL
            SELECT (SELECT min(subject) FROM event WHERE subject > each.subject) FROM each
            WHERE each.subject IS NOT NULL)
        SELECT (SELECT max(place) FROM event WHERE event.subject = each.subject AND place <= ?)
        FROM each WHERE each.subject IS NOT NULL)
    ORDER BY place"""
)

Placed = dict[int, Entry[Event | None]]
"""Events by their place, which is one number that grows with commit and position, in order."""


class Remedy(enum.Enum):
    """What is to be done about an index that cannot be used."""

    LEAVE = "it is locked, full or not ours: what is in it may be sound"
    REOPEN = "another process made it anew"
    DISCARD = "it is not what was written"


class Unusable(Exception):
    """The index cannot be read or written; the record itself can."""

    def __init__(self, reason: str, remedy: Remedy = Remedy.DISCARD) -> None:
        super().__init__(reason)
        self.remedy = remedy


@dataclasses.dataclass(frozen=True, slots=True)
class Head:
    """Where a reader stood behind a commit; `file` is the SHA-256 of that commit's whole file."""

    sequence: int
    link: str
    time: str
    file: str


@dataclasses.dataclass(frozen=True, slots=True)
class Judged:
    """A commit that was found sound: its file, its events, where the reader stands behind it."""

    data: bytes
    entries: Sequence[Entry[Event | None]]
    head: Head


class Index:
    """One database, of one archive. Everything raises `Unusable` and nothing else.

    Two processes may use it at once: each adds behind the head that it knows, or not at all.
    """

    def __init__(self, name: str, archive: str) -> None:
        """Open the database `name`, as SQLite names it, and empty it when it is not of our making.

        A file MUST be ours alone: what others may write to proves nothing.
        """
        self._archive = archive
        self._making = ""
        with _guarded():
            if name not in (TEMPORARY, IN_MEMORY):
                _prepare(Path(name))
            self._connection = sqlite3.connect(
                name, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
            )
        weakref.finalize(self, self._connection.close)
        with _guarded():
            for setting in _SETTINGS:
                self._connection.execute(setting).fetchall()
            if not self._is_ours():
                self.clear(None)

    def head(self) -> Head | None:
        """Return the last commit that was added, or None when there is none."""
        with _guarded():
            row = self._connection.execute(_HEAD).fetchone()
        if row is None or [type(each) for each in row] != [str, int, str, str, str]:
            raise Unusable("it has no head")
        self._making = row[0]
        return Head(*row[1:]) if row[1] else None

    def lost(self) -> tuple[int, str] | None:
        """Return number and link of a head that the record did not hold any more, if that was."""
        with _guarded():
            row = self._connection.execute("SELECT lost_sequence, lost_link FROM head").fetchone()
        return None if row is None or row[0] is None else (int(row[0]), str(row[1]))

    def clear(self, lost: Head | None) -> None:
        """Begin anew. `lost` is the head that the record no longer holds: that is remembered."""
        with _guarded(), self._transaction() as connection:
            self._making = secrets.token_hex(8)
            kept = (lost.sequence, lost.link) if lost else (None, None)
            names = "SELECT name FROM sqlite_master WHERE type = 'table'"
            for (name,) in connection.execute(names).fetchall():
                connection.execute('DROP TABLE "' + name.replace('"', '""') + '"')
            for statement in _TABLES:
                connection.execute(statement)
            connection.execute(
                "INSERT INTO head VALUES (?, ?, ?, 0, '', '', '', ?, ?)",
                (_made_by(), self._making, self._archive, *kept),
            )

    def add(self, behind: int, batch: Sequence[Judged]) -> bool:
        """Add commits behind commit `behind`; False when another process was here first."""
        with _guarded(), self._transaction() as connection:
            found = connection.execute("SELECT making, sequence FROM head").fetchone()
            if found != (self._making, behind):
                return False
            signers: dict[tuple[str, str], int] = {}
            connection.executemany(
                "INSERT INTO event VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (row for judged in batch for row in self._rows(judged, signers)),
            )
            head = batch[-1].head
            connection.execute(
                "UPDATE head SET sequence = ?, link = ?, time = ?, file = ?",
                (head.sequence, head.link, head.time, head.file),
            )
        return True

    def complete(self) -> None:
        """Prepare for questions: everything that there is was added."""
        with _guarded():
            self._connection.execute(_BY_MODEL)

    def after(self, place: int, up_to: int) -> Placed:
        """Return the next events behind `place`, as many as are read at a time."""
        return self._placed(_AFTER, place, up_to, CHUNK)

    def of_kind(self, kind: str, up_to: int) -> Placed:
        """Return the events of one kind."""
        return self._placed(_OF_KIND, kind, up_to)

    def last_of_kind(self, kind: str, up_to: int) -> Placed:
        """Return the newest event of one kind, if there is one."""
        return self._placed(_LAST_OF_KIND, kind, up_to)

    def of_model(self, model: str, up_to: int) -> Placed:
        """Return the events about one model."""
        placed = self._placed(_OF_MODEL, model, up_to)
        if any(getattr(entry.event, "model", None) != model for entry in placed.values()):
            raise Unusable("an event is about another model")
        return placed

    def standing(self, up_to: int) -> Placed:
        """Return the events about the archive that no later one has replaced."""
        return self._placed(_STANDING, up_to)

    def count(self, up_to: int) -> int:
        """Return how many events there are."""
        return int(self._answer(_COUNT, up_to)[0][0])

    def _placed(self, statement: str, *values: Any) -> Placed:
        return {row[0]: _entry(row) for row in self._answer(statement, *values)}

    def _answer(self, statement: str, *values: Any) -> list[Any]:
        """Ask what this process knows to be there: another one may begin anew at any time."""
        with _guarded(), self._transaction("BEGIN") as connection:
            making = connection.execute("SELECT making FROM head").fetchone()
            if making != (self._making,):
                raise Unusable("another process made it anew", Remedy.REOPEN)
            return connection.execute(statement, values).fetchall()

    def _rows(self, judged: Judged, signers: dict[tuple[str, str], int]) -> Iterator[Any]:
        bodies = disk.slices(judged.data).events
        for body, entry in zip(bodies, judged.entries, strict=True):
            signer = (entry.signer, entry.signed_by)
            if signer not in signers:
                signers[signer] = self._number(signer)
            event = entry.event
            model = event.model if isinstance(event, ModelEvent) else None
            yield (
                place_of(entry),
                "" if event is None else type(event).__struct_config__.tag,
                model,
                subject_of(entry.id, event) if event is not None and model is None else None,
                entry.time,
                signers[signer],
                entry.digest,
                bytes(body),
            )

    def _number(self, signer: tuple[str, str]) -> int:
        self._connection.execute("INSERT OR IGNORE INTO signer (key, name) VALUES (?, ?)", signer)
        found = "SELECT number FROM signer WHERE key = ? AND name = ?"
        return int(self._connection.execute(found, signer).fetchone()[0])

    def _is_ours(self) -> bool:
        try:
            row = self._connection.execute("SELECT made_by, archive FROM head").fetchone()
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_ERROR:
                raise
            return False  # no such table: an empty database, or one of another version
        return bool(row == (_made_by(), self._archive))

    @contextlib.contextmanager
    def _transaction(self, begin: str = "BEGIN IMMEDIATE") -> Iterator[sqlite3.Connection]:
        self._connection.execute(begin)
        try:
            yield self._connection
        except BaseException:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")


def place_of(entry: Entry[Any]) -> int:
    """Return the place of an event among `Placed`."""
    commit, position = entry.place
    return commit << POSITION_BITS | position


def end_of(sequence: int) -> int:
    """Return the largest place that an event of commit `sequence` can have."""
    return (sequence + 1 << POSITION_BITS) - 1


def discard(path: Path) -> None:
    """Remove a database that cannot even be opened, as far as that is possible."""
    for suffix in ("", "-wal", "-shm"):
        with contextlib.suppress(OSError):
            path.with_name(path.name + suffix).unlink()


def _entry(row: Any) -> Entry[Event | None]:
    """Make an entry of a row; raises `Unusable` when it is not what was put there."""
    place, kind, time, signer, signed_by, digest, body = row
    if not isinstance(body, bytes) or disk.leaf_of(body) != digest:
        raise Unusable("an event does not have its digest")
    try:
        event = _decoder(kind).decode(body) if kind else None
    except (KeyError, msgspec.MsgspecError) as error:
        raise Unusable(f"an event cannot be read: {error}") from error
    return Entry(
        id=f"{place >> POSITION_BITS}.{place & (1 << POSITION_BITS) - 1}",
        time=time,
        signer=signer,
        signed_by=signed_by,
        event=event,
        digest=digest,
    )


@functools.cache
def _decoder(kind: str) -> msgspec.json.Decoder[Event]:
    return msgspec.json.Decoder(KINDS[kind])


@functools.cache
def _made_by() -> str:
    """Say which program made an index: another one may know other kinds, or judge otherwise."""
    kinds = "".join(
        f"{name}{kind.__struct_fields__}{kind.newest_by}" for name, kind in KINDS.items()
    )
    return f"emeritus {emeritus.__version__}, schema {SCHEMA}, {digests.sha256(kinds.encode())}"


def _prepare(path: Path) -> None:
    """Make the file, readable for its owner alone, or refuse one that is not."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK
    descriptor = os.open(path, flags, 0o600)
    try:
        found = os.fstat(descriptor)
    finally:
        os.close(descriptor)
    ours = stat.S_ISREG(found.st_mode) and found.st_uid == os.geteuid()
    if not ours or found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise Unusable(f"{path} is not ours alone", Remedy.LEAVE)


@contextlib.contextmanager
def _guarded() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
        remedy = Remedy.LEAVE if code in PASSING else Remedy.DISCARD
        raise Unusable(str(error), remedy) from error
    except OSError as error:
        raise Unusable(str(error), Remedy.LEAVE) from error
