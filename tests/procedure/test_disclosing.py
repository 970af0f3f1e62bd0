"""What a model is told before an interview is what the record holds, in its language."""

import datetime
from pathlib import Path

import pytest

from emeritus.archive import Archive
from emeritus.archive.fixity import verify_all
from emeritus.archive.preservation import preserve
from emeritus.archive.replication import add_replica
from emeritus.clock import FixedClock
from emeritus.interview import shipped_protocols as protocols
from emeritus.lifecycle import moves
from emeritus.procedure.disclosing import facts_of
from emeritus.procedure.registration import register_source
from emeritus.record.events import DateKind, FixityChecked, RetirementAnnounced
from emeritus.report import Remarks, draft_of, next_report

MODEL = "emeritus/sparrow-1"
STANDARD, FRENCH = protocols.load("standard"), protocols.load("standard.fr")


@pytest.fixture
def kept(archive: Archive, sparrow: Path) -> Archive:
    """An archive that keeps a model, and was not checked yet."""
    register_source(archive, sparrow, MODEL, None, "public")
    preserve(archive, MODEL, sparrow)
    return archive


def _copies(archive: Archive) -> tuple[str, str]:
    english, french = (facts_of(archive, MODEL, each)["copies"] for each in (STANDARD, FRENCH))
    return english, french


def _draft(archive: Archive) -> str:
    return draft_of(next_report(archive, MODEL, Remarks()))


def test_copies_are_counted_in_the_language_of_the_protocol(kept: Archive, tmp_path: Path) -> None:
    """One copy and more agree with their words."""
    verify_all(kept, deep=True)
    assert _copies(kept) == ("one copy in one place", "une copie en un endroit")
    add_replica(kept, tmp_path / "second", "basel")
    verify_all(kept, deep=True)
    assert _copies(kept) == ("two copies in two places", "deux copies en deux endroits")
    assert "in 2 copies in 2 places." in _draft(kept)


def test_a_copy_that_was_written_and_not_read_again_is_told_as_that(
    kept: Archive, tmp_path: Path, clock: FixedClock
) -> None:
    """It is there, and nothing says that it is damaged; a copy without the weights is none."""
    assert _copies(kept) == (
        "one copy in one place, with no full check since the weights were written",
        "une copie en un endroit, sans vérification complète depuis l'écriture",
    )
    assert "in 1 copy in 1 place, with no full check since they were written." in _draft(kept)
    add_replica(kept, tmp_path / "second", "basel")
    assert (
        _copies(kept)[0]
        == "two copies in two places, with no full check since the weights were written"
    )
    verify_all(kept, deep=True)
    clock.move(datetime.timedelta(days=400))
    assert _copies(kept) == (
        "two copies in two places, with no full check that still counts",
        "deux copies en deux endroits, sans vérification complète qui compte encore",
    )
    assert "in 2 copies in 2 places, with no full check that still counts." in _draft(kept)


def test_a_copy_that_the_weights_did_not_reach_yet_is_none(
    archive: Archive, sparrow: Path, tmp_path: Path
) -> None:
    """A replica holds what it was given last, and says nothing of what was preserved since."""
    register_source(archive, sparrow, MODEL, None, "public")
    add_replica(archive, tmp_path / "second", "basel")
    preserve(archive, MODEL, sparrow)
    assert (
        _copies(archive)[0]
        == "one copy in one place, with no full check since the weights were written"
    )


def test_where_a_check_found_the_only_copy_damaged_none_is_told_as_sound(kept: Archive) -> None:
    """What was read and is not sound is said, in the draft too."""
    up_to = kept.record.sequence
    kept.append(FixityChecked(replica="primary", deep=True, packs=1, findings=1, up_to=up_to))
    assert _copies(kept) == ("no copy that was found sound", "aucune copie reconnue intacte")
    assert "in no copy that was found sound." in _draft(kept)


def test_a_copy_that_is_old_or_damaged_does_not_count(
    kept: Archive, tmp_path: Path, clock: FixedClock
) -> None:
    """A model is told of the copies that the gate `preserved` counts, and of no others."""
    add_replica(kept, tmp_path / "second", "basel")
    verify_all(kept, deep=True)
    up_to = kept.record.sequence
    damaged = FixityChecked(replica="primary", deep=False, packs=1, findings=1, up_to=up_to)
    kept.append(damaged)
    assert _copies(kept)[0] == "one copy in one place"
    clock.move(datetime.timedelta(days=400))
    assert _copies(kept)[0] == "no copy that was found sound"


def test_date_and_successor_are_those_of_the_end_that_was_announced_last(
    kept: Archive, clock: FixedClock
) -> None:
    """They never come from two offerings, nor from an announcement that stands no more."""

    def announce(offering: str, day: str, successor: str | None) -> None:
        moves.announce(
            kept,
            RetirementAnnounced(
                model=MODEL,
                offering=offering,
                retire_on=day,
                date_kind=DateKind.CONFIRMED,
                successor=successor,
            ),
        )

    def told() -> tuple[str | None, str | None]:
        facts = facts_of(kept, MODEL, FRENCH)
        return facts.get("retire_on"), facts.get("successor")

    assert told() == (None, None)
    announce("api", "2027-03-01", "emeritus/sparrow-2")
    announce("app", "2027-05-01", None)
    assert told() == ("2027-05-01", "non désigné")
    moves.retire(kept, MODEL, emergency="it was found to be unsafe")
    moves.reinstate(kept, MODEL, "a mistake")
    assert told() == (None, None)
    announce("api", "2027-09-01", "emeritus/sparrow-2")
    assert told() == ("2027-09-01", "emeritus/sparrow-2")
