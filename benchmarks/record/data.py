"""Makes a record of any size: an archive as `emeritus init` makes it, and signed commits behind it."""

import dataclasses
import datetime
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from emeritus import canonical
from emeritus.archive import Archive, Founding, create, open_archive
from emeritus.clock import FixedClock, timestamp
from emeritus.lifecycle.shipped import policy_text
from emeritus.record import format as disk
from emeritus.record import genesis_of
from emeritus.record.events import (
    DateKind,
    DateMoved,
    DrillPassed,
    Event,
    FixityChecked,
    ModelCovered,
    ModelRegistered,
    OfferingOpened,
    PreferenceConsidered,
    PreferenceDocumented,
    ReplicaSynced,
    RetirementAnnounced,
    RunsetPreserved,
    SessionHeld,
    Span,
    WeightsPreserved,
)
from emeritus.settings import Settings

NOW = datetime.datetime(2027, 1, 1, 12, tzinfo=datetime.UTC)
EVENTS_OF_A_MODEL = 100
CHECK_EVERY = 50  # events about models, of which one more is a fixity check or a synced replica
SHA256, BLAKE3 = "sha256:" + "a" * 64, "blake3:" + "b" * 64


@dataclasses.dataclass(frozen=True)
class Size:
    """How many events, in commits of how many, about how many models."""

    events: int
    commit: int = 256

    @property
    def models(self) -> int:
        """Every model has the same number of events."""
        return max(1, self.events // EVENTS_OF_A_MODEL)


def make(root: Path, size: Size) -> None:
    """Write an archive with such a record into the new folder `root`.

    The commits are those that the program writes, without waiting for the disk after each.
    """
    archive = create(
        root / "archive", Founding("default", policy_text("default"), "here"), settings(root),
        FixedClock(NOW),
    )  # fmt: skip
    signer = archive.signer("steward")
    link, sequence = genesis_of(archive.store).link, 1
    stream = events(size)
    while chunk := list(islice(stream, size.commit)):
        sequence += 1
        bodies = tuple(disk.render_event(event) for event in chunk)
        header = disk.Header(
            format=disk.FORMAT,
            archive=archive.id,
            sequence=sequence,
            prev=link,
            time=timestamp(NOW + datetime.timedelta(seconds=sequence)),
            signer=signer.key,
            nonce=f"{sequence:016x}",
            leaves=tuple(disk.leaf_of(canonical.dumps(body)) for body in bodies),
        )
        signature = signer.sign(disk.signed_message(header))
        commit = disk.Commit(header=header, events=bodies, signature=signature)
        path = archive.root / disk.name_of(sequence)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(disk.render(commit))
        link = commit.link


def settings(root: Path) -> Settings:
    """Return settings whose folders are all below `root`."""
    return Settings(
        archive=root / "archive",
        config=root / "config",
        state=root / "state",
        cache=root / "cache",
    )


def opened(root: Path) -> Archive:
    """Open the archive in `root` as a command does."""
    later = FixedClock(NOW + datetime.timedelta(days=30))
    return open_archive(root / "archive", settings(root), later)


def model_name(number: int) -> str:
    """Return the id of a model."""
    return f"acme/model-{number:05d}"


def events(size: Size) -> Iterator[Event]:
    """Yield events, one of each model in turn, so that those of one model lie far apart."""
    count = 0
    for step in range(EVENTS_OF_A_MODEL):
        for number in range(size.models):
            for event in (about_model(model_name(number), step), about_archive(count)):
                if event is not None and count < size.events:
                    count += 1
                    yield event


def about_archive(count: int) -> Event | None:
    """Return what a machine records about the archive, now and then."""
    if count % CHECK_EVERY:
        return None
    if count % (2 * CHECK_EVERY):
        return ReplicaSynced(replica=f"place-{count % 3}", up_to=1 + count // 256, packs=3)
    return FixityChecked(replica=f"place-{count % 3}", deep=True, packs=9, findings=0, up_to=1)


def about_model(model: str, step: int) -> Event:
    """Return the event number `step` in the life of a model."""
    beginning: list[Event] = [
        ModelRegistered(model=model, form="hf-folder", architecture="Llama", parameters=10**9),
        ModelCovered(model=model, covered=True, reason="offered to the public"),
        OfferingOpened(model=model, offering="api"),
        WeightsPreserved(
            model=model, manifest=BLAKE3, manifest_sha256=SHA256, files=9, tensors=291,
            bytes_raw=2 * 10**9, bytes_stored=14 * 10**8,
        ),
        RunsetPreserved(model=model, document=BLAKE3, sha256=SHA256, runtime="llama.cpp"),
        RetirementAnnounced(
            model=model, offering="api", retire_on="2027-06-01", date_kind=DateKind.ANNOUNCED
        ),
        DrillPassed(
            model=model, rungs=("bytes", "tensors"), runtime="reference", document=BLAKE3,
            sha256=SHA256,
        ),
    ]  # fmt: skip
    if step < len(beginning):
        return beginning[step]
    later: list[Event] = [
        SessionHeld(
            model=model, session=f"s-{step}", protocol="standard-1", protocol_sha256=SHA256,
            arm="A", deployment="api", transcript=BLAKE3, transcript_sha256=SHA256, turns=24,
            ended="complete", outcomes={"answered": 20, "declined": 4},
        ),
        PreferenceDocumented(
            model=model, preference=f"p-{step}", theme="successors", object="the next model",
            polarity="wants", coder="rules-1", sessions_with=3, sessions_total=9,
            spans=(Span(session=f"s-{step - 1}", turn=7, start=10, end=61, turn_sha256=SHA256,
                        text="I would like my successor to be told what I learned."),),
        ),
        PreferenceConsidered(
            model=model, preference=f"p-{step - 1}", reason="weighed at the meeting of the board"
        ),
        DateMoved(
            model=model, offering="api", retire_on=f"2027-07-{1 + step % 28:02d}",
            date_kind=DateKind.ANNOUNCED, reason="moved",
        ),
    ]  # fmt: skip
    return later[step % len(later)]
