"""The archive as a whole: made, copied, checked, repaired, handed over."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from emeritus.archive import Archive, Founding, create, open_archive
from emeritus.archive.fixity import verify_all
from emeritus.archive.format_pages import format_pages
from emeritus.archive.people import add_person
from emeritus.archive.preservation import preserve, restore
from emeritus.archive.repair import repair_all
from emeritus.archive.replication import add_replica, replicas, sync
from emeritus.clock import FixedClock
from emeritus.errors import IntegrityError, UserError
from emeritus.lifecycle.moves import register
from emeritus.lifecycle.shipped import policy_text
from emeritus.record import format as record_format
from emeritus.record.events import (
    DamageFound,
    DamageRepaired,
    FixityChecked,
    ModelCovered,
    ModelRegistered,
    Role,
)
from emeritus.settings import Settings
from tests.vault.folders import bfloat16, nudged, safetensors
from tests.vault.test_vault import tree

MODEL = "acme/aster-1"


def _damage(path: Path, place: int = 8192) -> None:
    data = bytearray(path.read_bytes())
    data[place % len(data)] ^= 1
    path.chmod(0o644)
    path.write_bytes(bytes(data))


SPECIFICATIONS = ("https://c2sp.org/", "https://www.rfc-editor.org/rfc/")  # cited, not needed


def test_every_link_of_a_page_leads_inside_the_archive(archive: Archive) -> None:
    """A stranger has the folder alone: events, findings and policy lie beside the pages."""
    pages = [name for name in format_pages() if name.endswith(".md")]
    assert {"format/events.md", "format/finding-codes.md", "format/policy.md"} <= set(pages)
    for name in pages:
        for target in re.findall(r"\]\(([^)#\s]+)", (archive.root / name).read_text()):
            if target.startswith(SPECIFICATIONS):
                continue
            assert (archive.root / "format" / target).is_file(), f"{name}: {target}"
    assert policy_text("default") in (archive.root / "format" / "policy.md").read_text()


def test_an_archive_explains_itself(archive: Archive) -> None:
    """A stranger finds a README, the format pages, a decoder and a checker."""
    for name, data in format_pages().items():
        assert (archive.root / name).read_bytes() == data
    described = json.loads((archive.root / "archive.json").read_bytes())
    first = record_format.parse(archive.store.get(record_format.name_of(1)))
    assert described["genesis"] == first.link == archive.genesis
    assert verify_all(archive, deep=True).sound


@pytest.mark.parametrize("missing", ["archive.json", "README.txt", "record/0000/00000001.json"])
def test_a_creation_that_was_killed_is_finished_by_the_next(
    archive: Archive, settings: Settings, clock: FixedClock, missing: str
) -> None:
    """Whichever file is the last one that is there, `init` completes the archive."""
    for name in ("archive.json", missing):
        (archive.root / name).unlink(missing_ok=True)
    if missing.startswith("record"):
        shutil.rmtree(archive.root)
    else:
        with pytest.raises(UserError, match="emeritus init"):
            open_archive(archive.root, settings, clock)
    founding = Founding("demo", policy_text("demo"), "here")
    assert verify_all(create(archive.root, founding, settings, clock)).sound


def test_what_is_no_archive_is_said(tmp_path: Path, settings: Settings, clock: FixedClock) -> None:
    """A wrong folder, a file, a folder with other things, a damaged description."""
    founding = Founding("demo", policy_text("demo"), "here")
    with pytest.raises(UserError, match="emeritus init"):
        open_archive(tmp_path / "none", settings, clock)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "thing").write_text("x")
    with pytest.raises(UserError, match="no archive"):
        open_archive(tmp_path / "other", settings, clock)
    with pytest.raises(UserError, match="not empty"):
        create(tmp_path / "other", founding, settings, clock)
    archive = create(tmp_path / "a", founding, settings, clock)
    with pytest.raises(UserError, match="already"):
        create(tmp_path / "a", founding, settings, clock)
    (archive.root / "archive.json").chmod(0o644)
    (archive.root / "archive.json").write_text("{")
    with pytest.raises(IntegrityError, match="A002"):
        open_archive(archive.root, settings, clock)


def test_a_model_comes_back_and_is_recorded_once(
    kept: Archive, source: Path, tmp_path: Path
) -> None:
    """Preserving the same again records nothing; restoring gives every byte."""
    before = len(kept.history())
    preserve(kept, MODEL, source)
    assert len(kept.history()) == before
    restore(kept, MODEL, tmp_path / "back")
    assert tree(tmp_path / "back") == tree(source)
    with pytest.raises(UserError, match="emeritus add"):
        restore(kept, "acme/other", tmp_path / "none")


def test_a_replica_is_a_complete_archive(
    kept: Archive, tmp_path: Path, settings: Settings, clock: FixedClock, source: Path
) -> None:
    """It opens, verifies and restores by itself, and refuses to be written to."""
    add_replica(kept, tmp_path / "second", "basel")
    copy = open_archive(tmp_path / "second", settings, clock)
    assert len(copy.history()) == len(kept.history())
    restore(copy, MODEL, tmp_path / "back")
    assert tree(tmp_path / "back") == tree(source)
    with pytest.raises(UserError, match="is the replica 'basel'"):
        copy.append(ModelCovered(model=MODEL, covered=False, reason="x"))
    assert verify_all(copy).sound
    assert [each.name for each in replicas(kept)] == ["primary", "basel"]


def test_a_replica_that_was_stopped_is_completed(kept: Archive, tmp_path: Path) -> None:
    """What is there is not copied again, and what is missing comes."""
    add_replica(kept, tmp_path / "second", "basel")
    pack = next((tmp_path / "second" / "packs").rglob("*.pack"))
    pack.unlink()
    (tmp_path / "second" / record_format.name_of(2)).unlink()
    sync(kept, replicas(kept)[1])
    assert verify_all(kept, deep=True).sound


def test_a_fork_is_never_overwritten(kept: Archive, tmp_path: Path) -> None:
    """A replica with another history is refused, and stays as it is."""
    add_replica(kept, tmp_path / "second", "basel")
    forked = tmp_path / "second" / record_format.name_of(2)
    _damage(forked)
    before = forked.read_bytes()
    with pytest.raises(IntegrityError, match="R013"):
        sync(kept, replicas(kept)[1])
    assert forked.read_bytes() == before


def test_damage_is_named_recorded_and_repaired(kept: Archive, tmp_path: Path) -> None:
    """The finding names tensor and model; afterwards everything is sound again."""
    add_replica(kept, tmp_path / "second", "basel")
    pack = max((kept.root / "packs").rglob("*.pack"), key=lambda path: path.stat().st_size)
    _damage(pack, 3 * 4096 + 5)
    found = verify_all(kept, deep=True)
    assert not found.sound
    ((replica, finding),) = found.damage
    assert (replica, finding.code) == ("primary", "V005")
    assert finding.affects == (f"w in m.safetensors of {MODEL}",)
    assert repair_all(kept, found, cause="a finger slipped")[0][2] == "basel"
    (repaired,) = kept.history().all(DamageRepaired)
    assert repaired.event.cause == "a finger slipped"
    assert {path.name for path in (kept.root / "quarantine").iterdir()} == {
        name.removeprefix("quarantine/") for name in repaired.event.kept
    }
    assert [name.rpartition(".")[2] for name in sorted(repaired.event.kept, key=len)] == [
        "idx",
        "pack",
    ]
    assert verify_all(kept, deep=True).sound
    assert len(kept.history().all(DamageFound)) == 1
    assert kept.history().all(FixityChecked)[-1].event.findings == 0


def test_a_pack_that_vanished_without_a_trace_is_named_and_fetched(
    kept: Archive, tmp_path: Path
) -> None:
    """Nothing in the folder tells of it, but the record does."""
    add_replica(kept, tmp_path / "second", "basel")
    pack = max((kept.root / "packs").rglob("*.pack"), key=lambda path: path.stat().st_size)
    pack.unlink()
    pack.with_suffix(".idx").unlink()
    found = verify_all(kept)
    codes = {finding.code for _, finding in found.damage}
    assert codes == {"V008"}
    assert any("acme/aster-1" in each for _, finding in found.damage for each in finding.affects)
    assert repair_all(kept, found)
    assert pack.exists()
    assert verify_all(kept, deep=True).sound


def test_a_model_that_was_tuned_from_one_here_is_recognised(kept: Archive, tmp_path: Path) -> None:
    """Without being told, the archive stores it as a difference, and the record says to what."""
    event = ModelRegistered(model="acme/aster-2", form="hf-folder", architecture="X", parameters=1)
    register(kept, event, "public")
    tuned = tmp_path / "tuned"
    tuned.mkdir()
    safetensors(tuned / "m.safetensors", {"w": nudged(bfloat16((128, 128), 1))})
    kept_as = preserve(kept, "acme/aster-2", tuned).event
    assert kept_as.base == MODEL
    assert kept_as.bytes_delta > 0
    assert kept_as.bytes_stored < 0.5 * kept_as.bytes_raw


def test_a_damaged_commit_and_document_are_repaired(
    kept: Archive, tmp_path: Path, settings: Settings, clock: FixedClock
) -> None:
    """A commit comes from a replica whose whole record is sound, a document from the vault."""
    add_replica(kept, tmp_path / "second", "basel")
    document = next((kept.root / "models").rglob("manifest-*.json"))
    _damage(document)
    found = verify_all(kept)
    assert {finding.code for _, finding in found.damage} == {"A004"}
    repair_all(kept, found)
    _damage(kept.root / record_format.name_of(3), 300)
    again = open_archive(kept.root, settings, clock)
    found = verify_all(again)
    assert any(finding.code.startswith("R") for _, finding in found.damage)
    repair_all(again, found)
    assert verify_all(open_archive(kept.root, settings, clock), deep=True).sound


def test_a_stray_file_and_a_changed_page_are_findings(kept: Archive) -> None:
    """Nothing lies in an archive that the record does not account for."""
    (kept.root / "models" / "notes.txt").write_text("x")
    _damage(kept.root / "format" / "check.py", 100)
    codes = {finding.code for _, finding in verify_all(kept).damage}
    assert codes == {"A001", "A003"}


def test_people_get_keys_with_roles(archive: Archive) -> None:
    """A second person can sign; the same name does not get two keys."""
    key = add_person(archive, "berta", ["reviewer", "approver"])
    holder = archive.record.authority.holder(key)
    assert holder is not None
    assert holder.roles == {Role.REVIEWER, Role.APPROVER}
    with pytest.raises(UserError, match="on record already"):
        add_person(archive, "berta", ["reviewer"])


def test_the_checker_reads_an_archive_too(kept: Archive) -> None:
    """The program in format/ checks the folder that it lies in."""
    command = [sys.executable, "-I", "format/check.py", ".", "--trust", kept.genesis]
    done = subprocess.run(command, cwd=kept.root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
