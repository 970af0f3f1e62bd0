"""What this machine remembers of an archive: never needed, and told when it disagrees."""

import shutil

from emeritus.archive import Archive, open_archive
from emeritus.archive.creation import reopened
from emeritus.archive.fixity import verify_all
from emeritus.archive.repair import repair_all
from emeritus.archive.replication import add_replica
from emeritus.lifecycle.moves import gates_of, state_of
from emeritus.lifecycle.overview import overview
from emeritus.record import check
from emeritus.record import format as record_format
from emeritus.record.events import DamageFound, FixityChecked, ModelCovered
from tests.archive.conftest import MODEL


def _last(archive: Archive) -> int:
    """Return the number of the newest commit."""
    archive.history()
    return archive.record.sequence


def test_without_its_cache_everything_is_the_same(kept: Archive) -> None:
    """The cache can be deleted at any time; status and gates do not change."""
    before = state_of(kept, MODEL), gates_of(kept, MODEL), list(overview(kept))
    shutil.rmtree(kept.settings.cache)
    again = reopened(kept)
    assert (state_of(again, MODEL), gates_of(again, MODEL), list(overview(again))) == before
    assert any(kept.settings.cache.rglob("*.sqlite"))


def test_nothing_of_it_lies_in_the_archive(kept: Archive) -> None:
    """The archive holds what the record accounts for, and no index."""
    kept.history()
    assert verify_all(kept).sound
    assert not list(kept.root.rglob("*.sqlite*"))


def test_commits_that_are_gone_are_found(kept: Archive) -> None:
    """A record that was cut off is consistent, but this machine has seen more of it."""
    kept.append(ModelCovered(model=MODEL, covered=False, reason="private"), key="steward")
    number = _last(kept)
    path = kept.root / record_format.name_of(number)
    link = record_format.parse(path.read_bytes()).link
    path.unlink()
    again = reopened(kept)
    assert list(check(again.store, again.id, again.genesis)) == []
    verification = verify_all(again)
    (finding,) = [each for _, each in verification.damage if each.code == "R022"]
    assert f"commit {number} had the link {link}" in finding.detail
    assert verification.sound, "what is there is consistent"
    assert repair_all(again, verification) == ()
    assert again.history().all(DamageFound) == []
    (check_of,) = again.history().all(FixityChecked)
    assert check_of.event.findings == 0
    shutil.rmtree(again.settings.cache)
    assert list(verify_all(reopened(again)).damage) == []


def test_a_replica_that_is_older_is_no_record_that_was_cut_off(kept: Archive) -> None:
    """Two copies of one archive are remembered apart: one may be of an earlier day."""
    folder = kept.root.parent / "second"
    add_replica(kept, folder, "basel")
    verify_all(kept)
    replica = open_archive(folder, kept.settings, kept.clock)
    assert len(replica.history()) < len(kept.history())
    assert replica.record.lost() is None
    assert reopened(kept).record.lost() is None
