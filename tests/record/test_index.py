"""The index: whatever happens to it, the record says the same, and is read only once."""

import contextlib
import datetime
import resource
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from emeritus.clock import FixedClock
from emeritus.errors import IntegrityError, UserError
from emeritus.record import Ed25519Signer, Entry, History, Record, check
from emeritus.record import format as disk
from emeritus.record import index as index_module
from emeritus.record.events import (
    KINDS,
    MACHINE,
    ArchiveCreated,
    Event,
    FixityChecked,
    KeyAdded,
    KeyRevoked,
    ModelCovered,
    ModelEvent,
    Role,
)
from emeritus.record.verification import Reader
from emeritus.testing.stores import MemoryStore
from emeritus.vault import LocalStore

ID = "0" * 32
ROOT, OTHER = Ed25519Signer(b"\1" * 32), Ed25519Signer(b"\2" * 32)
ROLES = (Role.ROOT, Role.STEWARD)


class CountingStore(MemoryStore):
    """A store in memory that knows which files were read."""

    def __init__(self) -> None:
        super().__init__()
        self.read: list[str] = []

    def get(self, name: str, offset: int = 0, length: int | None = None) -> bytes:
        """Return bytes of `name`, and note that they were read."""
        data = super().get(name, offset, length)
        self.read.append(name)
        return data


def clock() -> FixedClock:
    """A clock that stands still."""
    return FixedClock(datetime.datetime(2027, 1, 1, tzinfo=datetime.UTC))


def covered(number: int) -> ModelCovered:
    """One event about one of ten models."""
    return ModelCovered(model=f"acme/m-{number % 10}", covered=True, reason=f"reason {number}")


def written(store: Any, commits: int = 20, archive: str = ID) -> Record:
    """Write a record of `commits` commits."""
    record = Record(store, archive)
    genesis = [
        ArchiveCreated(archive=archive, software="test"),
        KeyAdded(key=ROOT.key, name="anna", roles=ROLES),
    ]
    record.append(genesis, ROOT, clock())
    for number in range(2, commits + 1):
        record.append([covered(number)], ROOT, clock())
    return record


def told(store: Any, cache: Path | None) -> list[Entry[Event | None]]:
    """Return what a new command reads."""
    return list(Record(store, ID, cache).history())


def said(store: MemoryStore) -> list[Entry[Event | None]]:
    """Return what the commits say, read with nothing but the reader."""
    reader = Reader(ID)
    return [entry for name, data in store.files.items() for entry in reader.read(name, data)[0]]


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    """Where the index lies."""
    return tmp_path / "cache" / "records" / "index.sqlite"


@pytest.fixture
def store() -> CountingStore:
    """A store with a record of twenty commits."""
    store = CountingStore()
    written(store)
    store.read.clear()
    return store


@contextlib.contextmanager
def database(path: Path) -> Iterator[sqlite3.Connection]:
    """Open the index behind its back."""
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        yield connection
    finally:
        connection.close()


def test_a_command_reads_only_what_is_new(store: CountingStore, cache: Path) -> None:
    """With an index, the newest commit is compared and those behind it are read."""
    before = told(store, cache)
    assert len(set(store.read)) == 20
    Record(store, ID).append([covered(99)], ROOT, clock())
    store.read.clear()
    after = told(store, cache)
    assert store.read == [disk.name_of(20), disk.name_of(21)]
    assert after[:-1] == before
    assert after[-1].event == covered(99)
    assert after == said(store)


def test_the_index_is_for_its_owner_alone(store: CountingStore, cache: Path) -> None:
    """Nobody else on the machine reads it, and one that others may write to is not believed."""
    told(store, cache)
    assert cache.stat().st_mode & 0o777 == 0o600
    assert cache.parent.stat().st_mode & 0o077 == 0
    cache.chmod(0o666)
    store.read.clear()
    assert told(store, cache) == said(store)
    assert disk.name_of(1) in store.read


def _sql(statement: str) -> Callable[[Path], None]:
    def apply(path: Path) -> None:
        with database(path) as connection:
            connection.execute(statement)

    return apply


def _overwrite(at: int, data: bytes) -> Callable[[Path], None]:
    def apply(path: Path) -> None:
        with path.open("r+b") as out:
            out.seek(at)
            out.write(data)

    return apply


SPOILED: list[tuple[str, Callable[[Path], Any]]] = [
    ("deleted", lambda path: path.unlink()),
    ("empty", lambda path: path.write_bytes(b"")),
    ("cut off", lambda path: path.write_bytes(path.read_bytes()[:5000])),
    ("something else", lambda path: path.write_bytes(b"not a database at all " * 500)),
    ("a page of it gone", _overwrite(4096, b"\xff" * 4096)),
    ("every page but the first gone", _overwrite(4096, bytes(90_000))),
    ("of a later version", _sql("UPDATE head SET made_by = 'emeritus 99'")),
    ("of an older form", _sql("DROP TABLE event")),
    ("of another archive", _sql("UPDATE head SET archive = 'another'")),
    ("without a head", _sql("DELETE FROM head")),
    ("with a head of nonsense", _sql("UPDATE head SET sequence = 'x'")),
    ("with an event changed", _sql("UPDATE event SET body = replace(body, 'reason', 'treason')")),
    ("with an event of another kind", _sql("UPDATE event SET kind = 'key.added'")),
    ("with an event of no kind", _sql("UPDATE event SET kind = 'no.kind'")),
]


def test_an_event_that_moved_to_another_model_is_noticed(store: CountingStore, cache: Path) -> None:
    """The history of a model holds no other model's events, whatever the index says."""
    told(store, cache)
    _sql("UPDATE event SET model = 'acme/m-3' WHERE model = 'acme/m-4'")(cache)
    history = Record(store, ID, cache).history()
    assert list(history.about("acme/m-3")) == list(History(said(store)).about("acme/m-3"))


@pytest.mark.parametrize(("how", "spoil"), SPOILED, ids=[how for how, _ in SPOILED])
def test_an_index_that_is_spoiled_is_made_anew(
    store: CountingStore, cache: Path, how: str, spoil: Callable[[Path], Any]
) -> None:
    """Whatever is wrong with it, the command says the same as without it, and heals it."""
    told(store, cache)
    spoil(cache)
    assert told(store, cache) == said(store), how
    store.read.clear()
    told(store, cache)
    assert store.read == [disk.name_of(20)], "it was not kept for the next command"


def test_an_index_of_another_archive_is_not_believed(store: CountingStore, cache: Path) -> None:
    """A file that was put in the place of the index tells nothing."""
    other = MemoryStore()
    written(other, 20, "1" * 32)
    list(Record(other, "1" * 32, cache).history())
    assert told(store, cache) == said(store)


def test_an_index_that_is_behind_follows(store: CountingStore, cache: Path) -> None:
    """Many commits later, only those are read."""
    told(store, cache)
    record = Record(store, ID)
    for number in range(30):
        record.append([covered(number)] * 3, ROOT, clock())
    store.read.clear()
    assert len(told(store, cache)) == 21 + 90
    assert len(store.read) == 1 + 30


def test_a_record_that_was_cut_off_is_noticed(store: CountingStore, cache: Path) -> None:
    """What the files say counts, and the commit that is gone is remembered until it is back."""
    told(store, cache)
    taken = {name: store.files.pop(name) for name in (disk.name_of(19), disk.name_of(20))}
    record = Record(store, ID, cache)
    assert [entry.id for entry in record.history()][-1] == "18.0"
    lost = record.lost()
    assert lost is not None
    assert lost == (20, disk.parse(taken[disk.name_of(20)]).link)
    assert Record(store, ID, cache).lost() == lost, "the next command knows it too"
    store.files.update(taken)
    assert Record(store, ID, cache).lost() is None
    assert len(told(store, cache)) == 21


def test_a_record_that_was_rewritten_is_noticed(store: CountingStore, cache: Path) -> None:
    """A history that was signed anew by who has the keys is read anew, and the old one named."""
    told(store, cache)
    link = disk.parse(store.files[disk.name_of(20)]).link
    store.files.clear()
    record = written(store, 5)
    for _ in range(40):
        record.append([ModelCovered(model="acme/m-1", covered=False, reason="x")], ROOT, clock())
    assert list(check(store, ID)) == []
    rewritten = Record(store, ID, cache)
    assert list(rewritten.history()) == said(store)
    assert rewritten.lost() == (20, link)


def test_damage_of_the_newest_commit_is_named(store: CountingStore, cache: Path) -> None:
    """The index does not hide what is wrong with the commit that it ends with."""
    told(store, cache)
    name = disk.name_of(20)
    store.files[name] = store.files[name].replace(b"reason 20", b"reason 21")
    with pytest.raises(IntegrityError, match="R005"):
        told(store, cache)
    with pytest.raises(IntegrityError, match="R005"):
        told(store, cache)


def test_damage_behind_what_was_read_is_named(store: CountingStore, cache: Path) -> None:
    """A new commit is judged in full before it is indexed."""
    told(store, cache)
    Record(store, ID).append([covered(21)], ROOT, clock())
    name = disk.name_of(21)
    data = bytearray(store.files[name])
    data[-3] ^= 1
    store.files[name] = bytes(data)
    for _ in range(2):
        with pytest.raises(IntegrityError, match="R00"):
            told(store, cache)


def test_keys_are_known_behind_an_index(store: CountingStore, cache: Path) -> None:
    """Who may sign is the same as if everything had been read."""
    record = Record(store, ID, cache)
    record.append([KeyAdded(key=OTHER.key, name="berta", roles=ROLES)], ROOT, clock())
    record.append([KeyRevoked(key=ROOT.key, reason="left")], OTHER, clock())
    again = Record(store, ID, cache)
    list(again.history())
    assert again.authority.holders() == record.authority.holders()
    assert list(again.authority.holders()) == [OTHER.key]
    again.append([covered(1)], OTHER, clock())
    assert list(check(store, ID)) == []


def test_a_key_that_another_process_added_may_sign_at_once(store: CountingStore) -> None:
    """Who was valid when the record was read last decides nothing: who is valid now does."""
    early = Record(store, ID)
    early.append([covered(1)], ROOT, clock())
    late = Record(store, ID)
    late.append([KeyAdded(key=OTHER.key, name="berta", roles=ROLES)], ROOT, clock())
    early.append([covered(2)], OTHER, clock())
    late.append([KeyRevoked(key=OTHER.key, reason="left")], ROOT, clock())
    with pytest.raises(UserError, match="not valid"):
        early.append([covered(3)], OTHER, clock())
    assert list(check(store, ID)) == []


@pytest.mark.parametrize("place", ["/proc/nowhere/index.sqlite", "a file/index.sqlite"])
def test_a_folder_that_cannot_be_written_breaks_nothing(
    store: CountingStore, tmp_path: Path, place: str
) -> None:
    """The command reads everything, as it would without an index, and may append."""
    (tmp_path / "a file").write_bytes(b"")
    record = Record(store, ID, tmp_path / place)
    assert list(record.history()) == said(store)
    record.append([covered(1)], ROOT, clock())
    assert len(record.entries()) == 22


def test_a_symbolic_link_is_not_followed(store: CountingStore, cache: Path) -> None:
    """What lies behind a link is not ours to write to."""
    cache.parent.mkdir(parents=True)
    target = cache.with_name("target")
    cache.symlink_to(target)
    assert told(store, cache) == said(store)
    assert not target.exists()


def test_a_full_disk_breaks_nothing(cache: Path) -> None:
    """When no byte more can be written, the command goes on beside its index."""
    store = MemoryStore()
    written(store, 400)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, hard))
    try:
        full = told(store, cache)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert cache.stat().st_size <= 40_000
    assert full == said(store) == told(store, cache)


def test_a_locked_index_breaks_nothing(
    store: CountingStore, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody who holds the lock for ever makes a command slower and nothing else."""
    monkeypatch.setattr(index_module, "BUSY_SECONDS", 0.05)
    told(store, cache)
    with database(cache) as connection:
        connection.execute("BEGIN EXCLUSIVE")
        Record(store, ID).append([covered(21)], ROOT, clock())
        assert told(store, cache) == said(store)
        record = Record(store, ID, cache)
        record.append([covered(22)], ROOT, clock())
        assert len(record.entries()) == 23
    assert told(store, cache) == said(store)


APPENDER = """
import datetime, sys
from pathlib import Path
from emeritus.clock import SystemClock
from emeritus.record import Ed25519Signer, Record
from emeritus.record.events import ModelCovered
from emeritus.vault import LocalStore
root, cache, name = sys.argv[1:]
record = Record(LocalStore(Path(root)), "0" * 32, Path(cache))
for number in range(40):
    event = ModelCovered(model="acme/" + name, covered=True, reason=str(number))
    record.append([event], Ed25519Signer(b"\\1" * 32), SystemClock())
    assert len(record.history().about("acme/" + name).all(ModelCovered)) == number + 1
"""


def test_two_processes_share_an_index(tmp_path: Path, cache: Path) -> None:
    """Both append and read at once; nothing is lost, and the index is what a new one would be."""
    store = LocalStore(tmp_path / "archive")
    written(store, 3)
    running = [
        subprocess.Popen([sys.executable, "-c", APPENDER, str(store.root), str(cache), name])
        for name in ("one", "two", "three")
    ]
    assert [process.wait(timeout=120) for process in running] == [0, 0, 0]
    assert told(store, cache) == told(store, None)
    assert len(told(store, cache)) == 4 + 120
    with database(cache) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert connection.execute("SELECT sequence FROM head").fetchone() == (123,)


def test_an_index_that_another_process_begins_anew_is_read_anew(
    store: CountingStore, cache: Path
) -> None:
    """A history that was asked for before is answered in full, from the index or beside it."""
    record = Record(store, ID, cache)
    before = record.history()
    index_module.Index(str(cache), ID).clear(lost=None)
    assert list(before) == said(store)
    assert len(before.about("acme/m-3").all(ModelCovered)) == 2
    store.read.clear()
    told(store, cache)
    assert store.read == [disk.name_of(20)]


def test_a_history_stays_what_it_was(store: CountingStore, cache: Path) -> None:
    """What is appended later is in the next history, by this process or by another."""
    record = Record(store, ID, cache)
    before = record.history()
    event = FixityChecked(replica="primary", deep=True, packs=1, findings=0, up_to=9)
    record.append([event, covered(3)], ROOT, clock())
    Record(store, ID, cache).append([event], ROOT, clock())
    assert len(before) == len(list(before)) == 21
    assert before.last(FixityChecked) is None
    assert before.all(FixityChecked) == []
    assert before.about("acme/m-3").last(FixityChecked) is None
    assert len(before.about("acme/m-3").all(ModelCovered)) == 2
    assert len(record.history().all(FixityChecked)) == 2
    assert len(record.history().about("acme/m-3").all(FixityChecked)) == 1


def test_what_machines_record_does_not_grow_the_history_of_a_model(
    store: CountingStore, cache: Path
) -> None:
    """A thousand fixity checks and a hundred other models leave one model's history as it is."""
    record = Record(store, ID, cache)
    check_of = FixityChecked(replica="primary", deep=True, packs=1, findings=0, up_to=9)
    record.append([check_of], ROOT, clock())
    before = len(record.history().about("acme/m-3"))
    for number in range(4):
        record.append([check_of] * 250, ROOT, clock())
        others = [
            ModelCovered(model=f"other/{each}", covered=True, reason="x") for each in range(9)
        ]
        record.append(others, ROOT, clock())
        assert len(record.history().about("acme/m-3")) == before, number
    assert len(History(record.entries()).about("acme/m-3")) == before


def test_every_kind_that_machines_repeat_says_what_replaces_it() -> None:
    """A machine may record a fact about the archive every day: only the newest may weigh."""
    for name, kind in KINDS.items():
        if kind.signed_by >= MACHINE and not issubclass(kind, ModelEvent):
            assert kind.newest_by is not None, name
        if kind.newest_by is not None:
            assert not issubclass(kind, ModelEvent), name
            assert set(kind.newest_by) <= set(kind.__struct_fields__), name
