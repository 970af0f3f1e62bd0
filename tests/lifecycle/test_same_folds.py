"""Everything that is folded is the same with and without an index."""

import datetime
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from emeritus import digests
from emeritus.clock import FixedClock
from emeritus.lifecycle.gates import judge
from emeritus.lifecycle.states import fold, models
from emeritus.record import Ed25519Signer, Entry, History, Record
from emeritus.record.events import (
    KINDS,
    ArchiveCreated,
    DamageFound,
    DateKind,
    DateMoved,
    DrillPassed,
    Event,
    FixityChecked,
    GateApproved,
    GateWaived,
    KeyAdded,
    KeyRevoked,
    ModelCovered,
    ModelEvent,
    ModelRegistered,
    ModelReinstated,
    ModelRetired,
    OfferingOpened,
    PolicyAdopted,
    ReplicaAdded,
    ReplicaSynced,
    ReportSigned,
    RetirementAnnounced,
    Role,
    RunsetPreserved,
    ShardsPlaced,
    ShardsWritten,
    WeightsPreserved,
)
from emeritus.record.verification import Reader
from emeritus.testing.stores import MemoryStore
from tests.lifecycle.histories import shipped

ID = "0" * 32
STEWARD, ANNA = Ed25519Signer(b"\1" * 32), Ed25519Signer(b"\2" * 32)
ROLES = tuple(Role)
NOW = datetime.datetime(2027, 1, 20, tzinfo=datetime.UTC)
DAY = datetime.timedelta(days=1)
MODELS = ("acme/aster-1", "acme/aster-2", "zeta/a_1.b")
OBJECT, DIGEST = "blake3:" + "0" * 64, "sha256:" + "0" * 64
BYTES: dict[str, Any] = {"document": OBJECT, "sha256": DIGEST}


class Celebrated(Event, frozen=True, kw_only=True, tag="model.celebrated"):
    """A kind that this version does not know: it is defined behind the closed list."""

    model: str


def _about(model: str) -> list[Event]:
    return [
        ModelRegistered(model=model, form="hf-folder", architecture="X", parameters=1),
        ModelCovered(model=model, covered=True, reason="public “quoted”"),
        OfferingOpened(model=model, offering="api"),
        OfferingOpened(model=model, offering="app/eu"),
        RetirementAnnounced(
            model=model, offering="api", retire_on="2027-06-01", date_kind=DateKind.CONFIRMED
        ),
        DateMoved(
            model=model,
            offering="api",
            retire_on="2027-07-01",
            date_kind=DateKind.ANNOUNCED,
            reason="x",
        ),
        ModelRetired(model=model, offering="api", emergency=True, owed=("notice", "preserved")),
        ModelReinstated(model=model, offering="api", reason="missed"),
        WeightsPreserved(
            model=model,
            manifest=OBJECT,
            manifest_sha256=DIGEST,
            files=1,
            tensors=1,
            bytes_raw=1,
            bytes_stored=1,
        ),
        RunsetPreserved(model=model, runtime="r", **BYTES),
        DrillPassed(model=model, rungs=("bytes",), runtime="r", **BYTES),
        GateWaived(model=model, gate="notice", reason="small"),
        GateApproved(model=model, gate="approved", report=1, report_sha256=DIGEST),
        ReportSigned(
            model=model,
            number=1,
            html=OBJECT,
            html_sha256=DIGEST,
            markdown=OBJECT,
            markdown_sha256=DIGEST,
        ),
    ]


ABOUT_THE_ARCHIVE: list[Event] = [
    *(ReplicaAdded(replica=name, place=name) for name in ("primary", "basel", "oslo")),
    *(ReplicaSynced(replica=name, up_to=9, packs=1) for name in ("basel", "oslo")),
    *(
        FixityChecked(replica=name, deep=deep, packs=1, findings=findings, up_to=9)
        for name in ("primary", "basel", "shards/a", "shards/b")
        for deep in (True, False)
        for findings in (0, 1)
    ),
    DamageFound(replica="basel", code="V005", where="packs/x", detail="d"),
    PolicyAdopted(name="demo", text="…", sha256=digests.sha256("…".encode())),
    ShardsPlaced(data=2, parity=1, places=("a", "b")),
    ShardsWritten(up_to=9, packs=1),
    Celebrated(model=MODELS[0]),
]
EVENTS = [*ABOUT_THE_ARCHIVE, *(event for model in MODELS for event in _about(model))]
KINDS_AND_MORE: list[type[Event]] = [*KINDS.values(), ModelEvent]
COMMITS = st.lists(
    st.tuples(
        st.lists(st.sampled_from(EVENTS), min_size=1, max_size=12), st.booleans(), st.booleans()
    ),
    max_size=12,
)


def _write(commits: list[tuple[list[Event], bool, bool]], cache: Path) -> MemoryStore:
    """Write a record while commands with an index come and go."""
    store, clock = MemoryStore(), FixedClock(NOW - 20 * DAY)
    record = Record(store, ID, cache)
    genesis = [
        ArchiveCreated(archive=ID, software="test"),
        KeyAdded(key=STEWARD.key, name="steward", roles=ROLES),
        KeyAdded(key=ANNA.key, name="anna", roles=ROLES),
    ]
    record.append(genesis, STEWARD, clock)
    for events, by_anna, reopened in commits:
        if reopened:
            record = Record(store, ID, cache)
        clock.move(DAY)
        record.append(events, ANNA if by_anna else STEWARD, clock)
    record.append([KeyRevoked(key=ANNA.key, reason="left")], STEWARD, clock)
    return store


def _read(store: MemoryStore) -> list[Entry[Event | None]]:
    """Read every commit with nothing but the reader."""
    reader = Reader(ID)
    return [entry for name, data in store.files.items() for entry in reader.read(name, data)[0]]


@settings(max_examples=60)
@given(COMMITS)
def test_folds_are_the_same_with_and_without_an_index(
    commits: list[tuple[list[Event], bool, bool]],
) -> None:
    """Histories, states and gates asked of an index are those of the entries themselves."""
    with tempfile.TemporaryDirectory() as folder:
        cache = Path(folder) / "index.sqlite"
        store = _write(commits, cache)
        indexed = Record(store, ID, cache).history()
        plain = History(_read(store))
        assert list(indexed) == list(plain)
        assert len(indexed) == len(plain)
        for kind in KINDS_AND_MORE:
            assert indexed.all(kind) == plain.all(kind)
            assert indexed.last(kind) == plain.last(kind)
        assert models(indexed) == models(plain)
        for model in (*MODELS, "no/such-model"):
            here, there = indexed.about(model), plain.about(model)
            assert list(here) == list(there)
            assert list(there.about(model)) == list(there)
            for kind in KINDS_AND_MORE:
                assert here.all(kind) == there.all(kind)
                assert here.last(kind) == there.last(kind)
            assert fold(model, indexed) == fold(model, plain)
            policy = shipped("default")
            assert judge(model, indexed, policy, NOW) == judge(model, plain, policy, NOW)


@settings(max_examples=60)
@given(COMMITS)
def test_what_was_replaced_changes_no_gate(
    commits: list[tuple[list[Event], bool, bool]],
) -> None:
    """What a later event about the archive replaced would not change a verdict."""
    with tempfile.TemporaryDirectory() as folder:
        store = _write(commits, Path(folder) / "index.sqlite")
    entries = _read(store)
    for model in MODELS:
        everything = History(
            [
                entry
                for entry in entries
                if not isinstance(entry.event, ModelEvent) or entry.event.model == model
            ],
            model,
        )
        newest = History(entries).about(model)
        assert judge(model, newest, shipped(), NOW) == judge(model, everything, shipped(), NOW)
