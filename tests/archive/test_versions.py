"""Archives outlive versions of the program: pages and renderings of another one are no damage."""

import subprocess
import sys
from pathlib import Path

import pytest

import emeritus
from emeritus.archive import Archive, create, format_pages, open_archive
from emeritus.archive.checkpointing import renew
from emeritus.archive.documents import write_documents
from emeritus.archive.fixity import verify_all
from emeritus.archive.replication import add_replica, replicas, sync
from emeritus.clock import FixedClock
from emeritus.errors import UserError
from emeritus.lifecycle.moves import register
from emeritus.record.events import FormatDescribed, ModelRegistered
from emeritus.settings import Settings
from tests.archive.conftest import MODEL
from tests.conftest import FOUNDING

OLD = b"the page of a version from before\n"
HISTORY = f"models/{MODEL}/history.html"


@pytest.fixture
def old(settings: Settings, clock: FixedClock, monkeypatch: pytest.MonkeyPatch) -> Archive:
    """An archive with a model that another version made, before this one opens it."""
    pages = format_pages.format_pages() | {"format/vault.md": OLD, "format/gone.md": OLD}
    with monkeypatch.context() as before:
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


def _by_another_version(page: Path) -> None:
    said = page.read_text().replace(f"emeritus {emeritus.__version__} ", "emeritus 0.0.7 ")
    page.chmod(0o644)
    page.write_text(said.replace("Where it stands", "Standing"))


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


def test_a_rendering_by_another_version_is_written_anew(old: Archive) -> None:
    """It follows from the record: nothing is lost, and what it said is not believed."""
    page = old.root / HISTORY
    before = page.read_bytes()
    _by_another_version(page)
    assert _codes(old) == []
    assert page.read_bytes() == before


def test_a_rendering_by_another_version_in_a_copy_is_noted(
    old: Archive, tmp_path: Path, settings: Settings, clock: FixedClock
) -> None:
    """A copy that is opened by itself is never written to: it is sound, with a note."""
    add_replica(old, tmp_path / "copy", "elsewhere")
    _by_another_version(tmp_path / "copy" / HISTORY)
    alone = verify_all(open_archive(tmp_path / "copy", settings, clock))
    assert alone.sound
    assert [(each.code, each.where) for _, each in alone.damage] == [("A007", HISTORY)]


def test_an_archive_of_format_0_says_what_it_is(
    archive: Archive, settings: Settings, clock: FixedClock
) -> None:
    """It promised nothing, and nobody is sent to look for a newer version."""
    path = archive.root / "archive.json"
    path.chmod(0o644)
    path.write_bytes(path.read_bytes().replace(b"emeritus-archive/1", b"emeritus-archive/0"))
    with pytest.raises(UserError, match="format 0 promised nothing"):
        open_archive(archive.root, settings, clock)
