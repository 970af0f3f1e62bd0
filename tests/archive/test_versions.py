"""Archives outlive versions of the program: pages and renderings of another one are no damage."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest

import emeritus
from emeritus.archive import Archive, chronicle, create, format_pages, open_archive
from emeritus.archive.checkpointing import renew
from emeritus.archive.documents import write_documents
from emeritus.archive.fixity import verify_all
from emeritus.archive.repair import repair_all
from emeritus.archive.replication import Replica, add_replica, replicas, sync
from emeritus.cli import options
from emeritus.cli.output import Output
from emeritus.clock import FixedClock
from emeritus.errors import UserError
from emeritus.lifecycle.moves import cover, register
from emeritus.record import Record
from emeritus.record import format as record_format
from emeritus.record.events import FormatDescribed, ModelRegistered, ReplicaAdded
from emeritus.record.events.event import ModelEvent
from emeritus.settings import Settings
from tests.archive.conftest import MODEL
from tests.conftest import FOUNDING

OLD = b"the page of a version from before\n"
PAGE = "format/vault.md"
GONE = "format/gone.md"
HISTORY = f"models/{MODEL}/history.html"


@pytest.fixture
def old(settings: Settings, clock: FixedClock, monkeypatch: pytest.MonkeyPatch) -> Archive:
    """An archive with a model that another version made, before this one opens it."""
    pages = format_pages.format_pages() | {PAGE: OLD, GONE: OLD}
    with monkeypatch.context() as before:
        before.setattr(emeritus, "__version__", "0.0.7")
        before.setattr(format_pages, "format_pages", lambda: pages)
        archive = create(settings.archive, FOUNDING, settings, clock)
    register(archive, ModelRegistered(model=MODEL, form="x", architecture="X", parameters=1), "")
    write_documents(archive)
    return archive


def _codes(archive: Archive) -> list[tuple[str, str]]:
    return [(each.code, each.where) for _, each in verify_all(archive).damage]


def _checked(root: Path) -> int:
    command = [sys.executable, "-I", str(root / "format" / "check.py"), str(root)]
    return subprocess.run(command, capture_output=True, check=False).returncode


def _put(path: Path, data: bytes) -> None:
    path.chmod(0o644)
    path.write_bytes(data)


def _copy(archive: Archive, folder: Path) -> Replica:
    add_replica(archive, folder, "elsewhere")
    return next(each for each in replicas(archive) if each.name != archive.replica)


def _by_another_version(page: Path, version: str = "0.0.7") -> bytes:
    said = page.read_text().replace(f"emeritus {emeritus.__version__} ", f"emeritus {version} ")
    _put(page, said.replace("Where it stands", "Standing").encode())
    return page.read_bytes()


def _killed(monkeypatch: pytest.MonkeyPatch, archive: Archive, where: object, name: str) -> None:
    """Renew, and stop where `name` is called."""

    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as killed:
        killed.setattr(where, name, stop)
        with pytest.raises(KeyboardInterrupt):
            renew(archive)


def test_pages_that_are_on_record_are_sound(old: Archive) -> None:
    """For the program of today and for the checker; any other bytes are not."""
    assert _codes(old) == []
    assert _checked(old.root) == 0
    page = old.root / "format" / "vault.md"
    page.chmod(0o644)
    page.write_bytes(OLD + b"!")
    assert _codes(old) == [("A003", "format/vault.md")]
    assert _checked(old.root) == 3
    page.unlink()
    assert _codes(old) == [("A003", "format/vault.md")]
    assert _checked(old.root) == 3


def test_a_renewal_brings_the_pages_of_this_version(old: Archive, tmp_path: Path) -> None:
    """They are on record from then on, and copies get them with the next sync."""
    add_replica(old, tmp_path / "copy", "elsewhere")
    renew(old)
    assert (old.root / "format/vault.md").read_bytes() != OLD
    assert [each.event for each in old.history().all(FormatDescribed)][-1] == (
        format_pages.described()
    )
    assert len(old.history().all(FormatDescribed)) == 2
    renew(old)
    assert len(old.history().all(FormatDescribed)) == 2
    # The copy is behind, and what it has was sound then.
    assert (tmp_path / "copy/format/vault.md").read_bytes() == OLD
    assert _codes(old) == []
    (copy,) = [each for each in replicas(old) if each.name != old.replica]
    sync(old, copy)
    assert (tmp_path / "copy/format/vault.md").read_bytes() != OLD
    assert _codes(old) == []
    assert _checked(tmp_path / "copy") == 0


def test_an_older_page_that_was_on_record_is_damage(old: Archive, tmp_path: Path) -> None:
    """A page that the record replaced is not put back: not in a copy, nor for the checker."""
    copy = _copy(old, tmp_path / "copy")
    renew(old)
    sync(old, copy)
    _put(tmp_path / "copy" / PAGE, OLD)
    assert _codes(old) == [("A003", PAGE)]
    assert _checked(tmp_path / "copy") == 3


def test_a_page_is_judged_by_the_record_alone(old: Archive) -> None:
    """The page of the program that looks is another one than the record names."""
    _put(old.root / PAGE, format_pages.format_pages()[PAGE])
    assert _codes(old) == [("A003", PAGE)]
    assert _checked(old.root) == 3


def test_a_copy_may_have_a_newer_page_than_its_commits_name(old: Archive, tmp_path: Path) -> None:
    """A sync brings the pages first, and may be stopped behind them."""
    _copy(old, tmp_path / "copy")
    renew(old)
    _put(tmp_path / "copy" / PAGE, (old.root / PAGE).read_bytes())
    assert _codes(old) == []


def test_a_page_is_repaired_by_what_is_on_record(old: Archive, tmp_path: Path) -> None:
    """It comes from a copy that has it; else nothing is put there until this version is renewed."""
    copy = _copy(old, tmp_path / "copy")
    for name in (PAGE, GONE):
        _put(old.root / name, b"damaged")
    healed = repair_all(old, verify_all(old))
    assert [each[1:] for each in healed] == [(GONE, copy.name), (PAGE, copy.name)]
    assert (old.root / PAGE).read_bytes() == OLD
    assert _codes(old) == []
    for root in (old.root, tmp_path / "copy"):
        _put(root / PAGE, b"damaged")
    found = verify_all(old)
    assert repair_all(old, found) == ()
    assert all("emeritus renew" in each.detail for _, each in found.damage)
    renew(old)
    assert (old.root / PAGE).read_bytes() == b"damaged"  # kept until it is repaired as damage
    assert {each[1:] for each in repair_all(old, verify_all(old))} == {
        (PAGE, "this version of Emeritus")
    }
    assert _codes(old) == []
    assert _checked(old.root) == 0


def test_a_renewal_that_is_killed_does_no_harm(
    old: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before the event nothing has changed; behind it, the next check puts the pages in place."""
    _killed(monkeypatch, old, Record, "append")
    assert _checked(old.root) == 0
    assert _codes(old) == []
    assert (old.root / PAGE).read_bytes() == OLD
    new = "format/new.md"
    monkeypatch.setattr(format_pages, "README", "Read me anew.\n")
    pages = {**format_pages.format_pages(), new: b"a page that no version had before\n"}
    monkeypatch.setattr(format_pages, "format_pages", lambda: pages)
    _killed(monkeypatch, old, format_pages, "write_format_pages")
    assert (old.root / PAGE).read_bytes() == OLD
    assert not (old.root / new).exists()
    assert _codes(old) == []
    assert {name: (old.root / name).read_bytes() for name in pages} == pages
    assert _checked(old.root) == 0


def test_a_creation_that_another_version_began_is_finished(
    old: Archive, settings: Settings, clock: FixedClock
) -> None:
    """This version describes its own pages, and no page is neither on record nor in place."""
    for name in ("archive.json", GONE, "format/check.py"):
        (old.root / name).unlink()
    again = create(settings.archive, FOUNDING, settings, clock)
    assert again.id == old.id
    assert again.history().all(FormatDescribed)[-1].event == format_pages.described()
    assert _codes(again) == []
    assert _checked(again.root) == 0


def test_a_sync_spreads_no_damaged_page_and_hides_none(old: Archive, tmp_path: Path) -> None:
    """What is not on record stays where it is, in the source and in the copy."""
    copy = _copy(old, tmp_path / "copy")
    _put(old.root / "format/check.py", b"print('SOUND')")
    _put(tmp_path / "copy" / PAGE, b"damaged")
    (tmp_path / "copy" / GONE).unlink()
    sync(old, copy)
    assert (tmp_path / "copy" / "format/check.py").read_bytes() != b"print('SOUND')"
    assert (tmp_path / "copy" / PAGE).read_bytes() == b"damaged"
    assert (tmp_path / "copy" / GONE).read_bytes() == OLD
    found = [(name, each.code, each.where) for name, each in verify_all(old).damage]
    assert found == [("primary", "A003", "format/check.py"), (copy.name, "A003", PAGE)]


def test_a_page_that_is_needed_no_more_may_go_and_may_not_change(old: Archive) -> None:
    """It stays from before; other bytes in it are nothing that the record knows."""
    renew(old)
    assert (old.root / GONE).read_bytes() == OLD
    _put(old.root / GONE, b"changed")
    assert _codes(old) == [("A003", GONE)]
    assert _checked(old.root) == 3
    (old.root / GONE).unlink()
    assert _codes(old) == []
    assert _checked(old.root) == 0


@pytest.mark.parametrize("lacking", ["README.txt", "format/check.py"])
def test_a_description_without_what_no_archive_lacks_is_a_finding(
    old: Archive, lacking: str
) -> None:
    """Signed or not, it takes the checker and the first page from nobody."""
    pages = dict(format_pages.newest_pages(old.history()))
    del pages[lacking]
    entry = old.append(FormatDescribed(software="x", pages=pages), key="steward")[0]
    found = verify_all(old)
    where = record_format.name_of(entry.place[0])
    assert [(each.code, each.where) for _, each in found.damage] == [("A003", where)]
    assert repair_all(old, found) == ()
    assert _checked(old.root) == 3


def test_a_file_beside_the_pages_is_a_stray(old: Archive, tmp_path: Path) -> None:
    """No description ever named it, and no copy gets it."""
    stray = old.root / "format" / "check2.py"
    stray.write_bytes(b"print('SOUND')")
    _copy(old, tmp_path / "copy")
    assert _codes(old) == [("A001", "format/check2.py")]
    assert not (tmp_path / "copy" / "format" / "check2.py").exists()


def test_a_rendering_by_another_version_stays_until_something_is_recorded(old: Archive) -> None:
    """A check notes it; the next move or a renewal writes it anew, and believes nothing of it."""
    page = old.root / HISTORY
    before = page.read_bytes()
    said = _by_another_version(page)
    found = verify_all(old)
    assert found.sound
    assert [(each.code, each.where) for _, each in found.damage] == [("A007", HISTORY)]
    assert "emeritus renew" in found.damage[0][1].detail
    repair_all(old, found)
    assert page.read_bytes() == said
    renew(old)
    assert page.read_bytes() != said
    assert chronicle.software_of(page.read_bytes()) == chronicle.software_of(before)
    assert _codes(old) == []


def test_a_rendering_by_another_version_in_a_copy_is_noted(
    old: Archive, tmp_path: Path, settings: Settings, clock: FixedClock
) -> None:
    """A copy that is opened by itself is never written to: it is sound, with a note."""
    _copy(old, tmp_path / "copy")
    _by_another_version(tmp_path / "copy" / HISTORY)
    alone = verify_all(open_archive(tmp_path / "copy", settings, clock))
    assert alone.sound
    assert [(each.code, each.where) for _, each in alone.damage] == [("A007", HISTORY)]


def test_a_rendering_may_tell_of_an_event_that_is_not_known_here(old: Archive) -> None:
    """A later version, which is on record, told of a kind that it knows."""

    class LetterReceived(ModelEvent, frozen=True, kw_only=True, tag="letter.received"):
        pass

    entry = old.append(LetterReceived(model=MODEL), key="steward")[0]
    again = open_archive(old.root, old.settings, old.clock)
    page = old.root / HISTORY
    said = re.sub(rb"up to commit \d+", b"up to commit %d" % entry.place[0], page.read_bytes())
    _put(page, said)
    assert ("A004", HISTORY) in _codes(again)
    _by_another_version(page)
    assert [code for code, _ in _codes(again)] == ["R010", "A007"]


def test_a_lie_in_a_copy_is_found_from_the_primary_archive(old: Archive, tmp_path: Path) -> None:
    """Also in one that is behind, which then gets the page as its own commits tell it."""
    copy = _copy(old, tmp_path / "copy")
    cover(old, MODEL, False, "it was an experiment", "steward")
    write_documents(old)
    page = tmp_path / "copy" / HISTORY
    before = page.read_bytes()
    _put(page, before.replace(b"The history", b"No history"))
    found = verify_all(old)
    damage = [(name, each.code, each.where) for name, each in found.damage]
    assert damage == [(copy.name, "A004", HISTORY)]
    repair_all(old, found)
    assert page.read_bytes() == before
    assert _codes(old) == []
    _put(page, re.sub(rb"up to commit \d+", b"up to commit 999", before))
    sync(old, copy)
    assert _codes(old) == [("A004", HISTORY)]


def test_a_rendering_by_a_version_that_is_not_on_record_is_damage(old: Archive) -> None:
    """Whoever edits a page could say so of it; nothing writes over it, and a repair keeps it."""
    page = old.root / HISTORY
    said = _by_another_version(page, "9.9")
    write_documents(old)
    assert page.read_bytes() == said
    found = verify_all(old)
    assert [(each.code, each.where) for _, each in found.damage] == [("A004", HISTORY)]
    assert "emeritus 9.9, which is not on record" in found.damage[0][1].detail
    repair_all(old, found)
    (kept,) = (old.root / "quarantine").iterdir()
    assert kept.read_bytes() == said
    assert _codes(old) == []


@pytest.mark.parametrize("version", ["0.0.7", "9.9", emeritus.__version__])
def test_a_rendering_that_tells_of_more_than_the_record_stays(
    old: Archive, settings: Settings, clock: FixedClock, version: str, tmp_path: Path
) -> None:
    """It may be the only witness of a commit that was cut off, whichever version wrote it."""
    copy = _copy(old, tmp_path / "copy")
    cover(old, MODEL, False, "a promise that somebody wants to be gone", "steward")
    write_documents(old)
    said = _by_another_version(old.root / HISTORY, version)
    _put(tmp_path / "copy" / HISTORY, said)
    (old.root / record_format.name_of(old.record.sequence)).unlink()
    shutil.rmtree(settings.cache, ignore_errors=True)
    cut = open_archive(old.root, settings, clock)
    for _ in range(2):  # the first check is recorded, in the place of what was cut off
        found = {each.where: each for _, each in verify_all(cut).damage}
        assert found[HISTORY].code == "A004"
        assert "cut off" in found[HISTORY].detail
    write_documents(cut)
    assert (old.root / HISTORY).read_bytes() == said
    (old.root / HISTORY).unlink()
    sync(cut, copy)
    assert (old.root / HISTORY).read_bytes() != said
    assert (tmp_path / "copy" / HISTORY).read_bytes() == said


def test_an_archive_of_format_0_says_what_it_is(
    archive: Archive, settings: Settings, clock: FixedClock
) -> None:
    """It promised nothing, and nobody is sent to look for a newer version."""
    path = archive.root / "archive.json"
    path.chmod(0o644)
    path.write_bytes(path.read_bytes().replace(b"emeritus-archive/1", b"emeritus-archive/0"))
    with pytest.raises(UserError, match="format 0 promised nothing"):
        open_archive(archive.root, settings, clock)


def test_the_first_command_that_records_puts_its_version_on_record(
    old: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that the next version knows who wrote the pages for people; one that reads does not."""
    old.record.grew = False  # what made it was another run
    monkeypatch.setattr(options, "opened", lambda _: old)

    def records(archive: Archive, _: Output, *, again: bool) -> None:
        if again:
            archive.append(ReplicaAdded(replica="other", place="basel"), key="steward")

    command = click.command()(click.option("--again", is_flag=True)(options.with_archive(records)))
    command.main([], standalone_mode=False)
    assert len(old.history().all(FormatDescribed)) == 1
    command.main(["--again"], standalone_mode=False)
    command.main(["--again"], standalone_mode=False)
    described = [entry.event for entry in old.history().all(FormatDescribed)]
    assert described[1:] == [format_pages.described()]
    assert (old.root / "format/vault.md").read_bytes() != OLD
