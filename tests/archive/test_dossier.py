"""Dossiers: what a stranger is given, and how far it can be trusted."""

import contextlib
import dataclasses
import functools
import hashlib
import importlib.resources
import io
import itertools
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
import zstandard

from emeritus import canonical
from emeritus.archive import Archive
from emeritus.archive.bag import BagWriter
from emeritus.archive.checkpointing import keep_checkpoint, write_checkpoint
from emeritus.archive.dossier import write_dossier
from emeritus.archive.dossier_check import Examination, check_dossier
from emeritus.archive.preservation import preserve
from emeritus.archive.witnessing import Witness, witness
from emeritus.clock import FixedClock
from emeritus.errors import UserError
from emeritus.lifecycle.moves import register
from emeritus.record import format as record_format
from emeritus.record import merkle
from emeritus.record.events import KINDS, DamageFound, ModelRegistered
from emeritus.settings import Settings
from tests.archive.spoken import interview
from tests.record.trees import nodes
from tests.vault.folders import bfloat16, safetensors
from tests.vault.test_vault import tree

MODEL, OTHER = "acme/aster-1", "acme/secret-9"


@pytest.fixture
def full(kept: Archive, tmp_path: Path) -> Archive:
    """An archive with two models, of which one was interviewed: much to leave out."""
    interview(kept, MODEL, "s-1")
    event = ModelRegistered(model=OTHER, form="hf-folder", architecture="X", parameters=1)
    register(kept, event, "public")
    folder = tmp_path / "secret-9"
    folder.mkdir()
    safetensors(folder / "m.safetensors", {"w": bfloat16((64, 64), 7)})
    preserve(kept, OTHER, folder)
    interview(kept, OTHER, "s-9")
    found = DamageFound(
        replica="primary", code="V005", where="packs/x", detail="x", affects=(f"w of {OTHER}",)
    )
    kept.append(
        found,
        found,
        ModelRegistered(model=MODEL, form="x", architecture="X", parameters=1),
        key="steward",
    )
    return kept


@pytest.fixture
def given(full: Archive, tmp_path: Path) -> Path:
    """The dossier of the model that was interviewed."""
    return write_dossier(full, MODEL, tmp_path / "d").path


def bare(folder: Path, *trust: str) -> "subprocess.CompletedProcess[str]":
    """Run the dossier's own checker in a bare Python: no packages, no environment."""
    command = [sys.executable, "-I", "-S", "check.py", ".", *trust]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


@functools.cache
def checker() -> dict[str, Any]:
    """Return what the one-file program defines."""
    program = Path(str(importlib.resources.files("emeritus.archive"))) / "format" / "check.py"
    names: dict[str, Any] = {"__name__": "checker"}
    exec(compile(program.read_text(), str(program), "exec"), names)  # noqa: S102
    return names


def verdicts(folder: Path) -> tuple[Examination, list[str]]:
    """Return what both checkers say, which MUST be the same verdict.

    The one-file program is that of the repository: the dossier's own may be what was tampered with.
    """
    said = io.TextIOWrapper(io.BytesIO(), "utf-8", newline="")
    with pytest.MonkeyPatch.context() as patched, contextlib.redirect_stdout(said):
        patched.setattr(sys, "argv", ["check.py", str(folder)])
        code = checker()["main"]()
    said.seek(0)
    lines = said.read().splitlines()
    examined = check_dossier(folder)
    assert code == (0 if examined.sound else 3), (lines, examined.findings)
    return examined, lines


def relist(folder: Path) -> None:
    """Write the manifests anew, as whoever tampers with a bag can."""
    files = {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }

    class Again:
        def write(self, name: str, size: int, parts: Iterable[bytes]) -> None:  # noqa: ARG002
            (folder / name).write_bytes(b"".join(parts))

    bag = BagWriter(Again())
    for name in sorted(files):
        if name.startswith("data/"):
            bag.add(name.removeprefix("data/"), files[name])
    own = ("bagit.txt", "bag-info.txt", "manifest-sha256.txt", "tagmanifest-sha256.txt")
    bag.finish({"Bagging-Date": "2027-01-01"}, {
        name: data for name, data in files.items()
        if not name.startswith("data/") and name not in own
    })  # fmt: skip


def test_a_bare_python_checks_a_dossier(full: Archive, given: Path) -> None:
    """Sound and authentic with the fingerprint, consistent without, refused with another."""
    sound = bare(given, "--trust", full.genesis)
    assert sound.returncode == 0, sound.stdout
    assert "authentic by the fingerprint" in sound.stdout
    assert "consistent; authenticity not established" in bare(given).stdout
    assert "consistent; authenticity not established" in check_dossier(given).verdict
    assert bare(given, "--trust", "sha256:" + "0" * 64).returncode == 3
    other = check_dossier(given, "sha256:" + "0" * 64)
    assert {finding.code for finding in other.findings} == {"R012"}
    assert len(list(given.rglob("check.py"))) == 1
    assert check_dossier(given, full.genesis).authentic


def test_both_checkers_print_the_same(given: Path) -> None:
    """What is proven, only asserted and missing are the same lines from both programs."""
    examined, lines = verdicts(given)
    assert examined.sound, examined.findings
    said = [line.strip() for line in lines if line.startswith("  ")]
    assert said == [*examined.proven, *examined.asserted, *examined.missing]
    assert lines[-1] == examined.verdict
    assert "1 quotations, each standing in its transcript where it says" in said
    assert "2 files of the weights, in a model signing bundle" in said


def test_other_models_are_left_out_and_all_else_verifies(full: Archive, given: Path) -> None:
    """An excerpt holds no word about another model, and says what it cannot show."""
    for path in given.rglob("*"):
        if path.is_file() and "format" not in path.parts and path.name != "check.py":
            assert b"secret-9" not in path.read_bytes(), path
    examined, _ = verdicts(given)
    assert examined.sound
    assert not examined.whole
    assert any("nothing about the model was left out" in line for line in examined.missing)
    commits = [json.loads(path.read_bytes()) for path in (given / "data/record").glob("0*/*.json")]
    assert len(commits) < full.record.sequence
    redacted = [each for each in commits if None in each["events"]]
    assert redacted
    assert all(len(each["events"]) == len(each["header"]["leaves"]) for each in redacted)


def test_the_whole_record_shows_that_nothing_is_left_out(full: Archive, tmp_path: Path) -> None:
    """With every commit the chain is unbroken, and a commit that is taken away is missed."""
    given = write_dossier(full, MODEL, tmp_path / "d", whole_record=True).path
    examined, lines = verdicts(given)
    assert examined.whole
    assert f"nothing is left out up to commit {full.record.sequence}" in examined.proven
    assert "the whole record" in lines[-1]
    for number in (2, full.record.sequence):
        cut = tmp_path / f"cut-{number}"
        shutil.copytree(given, cut)
        (cut / f"data/record/0000/{number:08d}.json").unlink()
        relist(cut)
        assert not verdicts(cut)[0].sound


def test_every_event_of_an_excerpt_leads_to_a_signed_checkpoint(
    full: Archive, given: Path, tmp_path: Path
) -> None:
    """Each has a proof, the checkpoint both signatures; a bare Python checks all but ML-DSA-44."""
    examined, _ = verdicts(given)
    events = sum(each is not None for path in (given / "data/record").glob("0*/*.json")
                 for each in json.loads(path.read_bytes())["events"])  # fmt: skip
    size = sum(len(record_format.parse(data).events) for data in full.record.commits())
    assert f"{events} events are entries of the record of {size} events" in examined.proven
    assert "the checkpoint is signed with ML-DSA-44" in examined.proven
    said = bare(given).stdout
    assert "the checkpoint is signed with Ed25519" in said
    assert "a check of the checkpoint's ML-DSA-44 signature" in said
    whole = write_dossier(full, MODEL, tmp_path / "w", whole_record=True).path
    assert f"{size} events have the root of the checkpoint" in verdicts(whole)[0].proven


def test_events_newer_than_the_checkpoint_are_said_to_have_no_proof(
    full: Archive, tmp_path: Path
) -> None:
    """Where this machine cannot write a checkpoint, the newest is given, and what it lacks said."""
    key = full.settings.config / "keys" / full.id / "service.pem"
    hidden = key.rename(tmp_path / "service.pem")
    none = write_dossier(full, MODEL, tmp_path / "none")
    assert any("a checkpoint" in each for each in none.lacking)
    assert verdicts(none.path)[0].sound
    hidden.rename(key)
    write_checkpoint(full)
    interview(full, MODEL, "s-2")
    key.rename(hidden)
    examined, _ = verdicts(write_dossier(full, MODEL, tmp_path / "d").path)
    assert examined.sound
    assert "proofs of 3 events, newer than the checkpoint" in examined.missing


def test_a_witness_s_cosignature_shows_whose_history_it_is(
    full: Archive, tmp_path: Path, clock: FixedClock
) -> None:
    """Who knows the witness's key needs no fingerprint; a key that did not sign is a finding."""
    home = tmp_path / "elsewhere"
    theirs = Settings(archive=home, config=home / "config", state=home / "state", cache=home / "c")
    note = tmp_path / "head.note"
    note.write_bytes(write_checkpoint(full).data)
    keys = witness(Witness("archive.example", theirs, clock), note, full.root, full.genesis).keys
    keep_checkpoint(full, note)
    for whole in (False, True):
        given = write_dossier(full, MODEL, tmp_path / f"d-{whole}", whole_record=whole).path
        for key in keys:
            examined = check_dossier(given, witnesses=[key])
            assert examined.authentic
            assert examined.verdict.endswith("co-signed by the witness that you trust")
        assert bare(given, "--witness", str(keys[0])).stdout.splitlines()[-1] == examined.verdict
        other = str(keys[0]).replace("archive.example", "other.example")
        assert "did not co-sign" in bare(given, "--witness", other).stdout
        stranger = dataclasses.replace(keys[0], name="other.example")
        assert [each.code for each in check_dossier(given, witnesses=[stranger]).findings] == [
            "D004"
        ]


def test_a_forged_proof_or_checkpoint_is_found(given: Path) -> None:
    """Another index, another event's path, a path of another length, the same proof twice."""
    path = given / "data/record/proofs.json"
    sound = json.loads(path.read_bytes())
    first, second = sound["proofs"][:2]
    forgeries: list[list[Any]] = [
        [{**first, "index": first["index"] + 1}],
        [{**first, "path": second["path"]}],
        [{**first, "path": first["path"][:-1]}],
        [{**first, "path": [*first["path"], "00" * 32]}],
        [{**first, "path": []}],
        [{**first, "entry": "999.0"}],
        [{**first, "index": -1}],
        [{**first, "path": ["zz"]}],
        [first, first],
    ]
    for proofs in forgeries:
        path.write_bytes(canonical.dumps({**sound, "proofs": proofs}))
        relist(given)
        assert not verdicts(given)[0].sound, proofs
    path.write_bytes(canonical.dumps(sound))
    note = next((given / "data/record/checkpoints").iterdir())
    text = note.read_text()
    for forged in (
        text.replace("\n\n", "\nmore\n\n"),
        text.rpartition("\u2014")[0],
        text.replace("emeritus/", "emeritus/x"),
        text.partition("\n\n")[0] + "\n",
    ):
        note.write_text(forged)
        relist(given)
        assert not verdicts(given)[0].sound, forged
    note.write_text(text)
    relist(given)
    assert verdicts(given)[0].sound


def test_the_tree_of_the_one_file_checker_is_that_of_the_record() -> None:
    """Roots and audit paths agree for every size up to 70."""
    names = checker()
    leaves = [merkle.leaf_hash(bytes([each])) for each in range(70)]
    for size in range(1, 71):
        head = merkle.fold(leaves[:size])
        tree = names["Tree"]()
        for leaf in leaves[:size]:
            tree.add(leaf)
        assert tree.root() == head
        for index in {0, size // 2, size - 1}:
            path = merkle.inclusion(index, size, nodes(leaves[:size]))
            assert names["leads"](index, size, leaves[index], path, head)
            assert not names["leads"](index, size, leaves[(index + 1) % 70], path, head)


def test_a_packed_dossier_is_the_same_and_the_same_every_time(
    full: Archive, given: Path, tmp_path: Path
) -> None:
    """One file, byte for byte reproducible, that tar unpacks and both checkers accept."""
    packed = write_dossier(full, MODEL, tmp_path / "d.tar.zst").path
    again = write_dossier(full, MODEL, tmp_path / "again" / "d.tar.zst").path
    assert packed.read_bytes() == again.read_bytes()
    plain = zstandard.ZstdDecompressor().stream_reader(packed.read_bytes()).read()
    (tmp_path / "d.tar").write_bytes(plain)
    with tarfile.open(tmp_path / "d.tar") as opened:
        assert {(each.mtime, each.uid, each.gid) for each in opened.getmembers()} == {(0, 0, 0)}
        opened.extractall(tmp_path / "unpacked", filter="data")
    assert tree(tmp_path / "unpacked" / "d") == tree(given)
    assert check_dossier(packed, full.genesis, tmp_path / "scratch").authentic
    assert not list((tmp_path / "scratch").iterdir())
    program = str(given / "check.py")
    command = [sys.executable, "-I", "-S", program, str(packed)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "zstd -dc FILE | tar -x" in done.stderr


def test_any_archivist_s_tool_validates_the_bag(full: Archive, tmp_path: Path) -> None:
    """The validator of the Library of Congress accepts folder and unpacked file."""
    given = write_dossier(full, MODEL, tmp_path / "d", with_weights=True).path
    command = [sys.executable, "-m", "bagit", "--validate", str(given)]
    assert subprocess.run(command, capture_output=True, check=False).returncode == 0
    (given / "data" / "archive.json").write_text("{}")
    assert subprocess.run(command, capture_output=True, check=False).returncode == 1


def _edit(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(bytes(data))


def _link(path: Path) -> None:
    path.rename(path.with_name(".aside"))
    path.symlink_to(".aside")


def _folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


TAMPERINGS: dict[str, Callable[[Path], object]] = {
    "edited": _edit,
    "emptied": lambda path: path.write_bytes(b""),
    "dropped": Path.unlink,
    "duplicated": lambda path: shutil.copy(path, path.with_name("copy-" + path.name)),
    "made a link": _link,
    "made a folder": _folder,
}


def _files(folder: Path) -> list[str]:
    """Return the name of every file, of the format's pages one: they are alike."""
    names = sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())
    return [each for each in names if "/format/" not in each or each.endswith("record.md")]


@pytest.mark.parametrize("tampering", TAMPERINGS)
def test_every_file_that_is_touched_is_found(given: Path, tmp_path: Path, tampering: str) -> None:
    """Whatever is done to whichever file, both checkers find it and never trip over it."""
    for name in _files(given):
        copy = tmp_path / "copy"
        shutil.copytree(given, copy)
        TAMPERINGS[tampering](copy / name)
        examined, _ = verdicts(copy)
        assert not examined.sound, name
        shutil.rmtree(copy)


def test_two_files_that_changed_places_are_found(given: Path, tmp_path: Path) -> None:
    """Every file stands under its own name, also when the manifests are made anew."""
    names = [name for name in _files(given) if "/format/" not in name and name.startswith("data/")]
    for one, two in itertools.pairwise(names):
        for anew in (False, True):
            copy = tmp_path / "copy"
            shutil.copytree(given, copy)
            first, second = (copy / one).read_bytes(), (copy / two).read_bytes()
            (copy / one).write_bytes(second)
            (copy / two).write_bytes(first)
            if anew:
                relist(copy)
            assert not verdicts(copy)[0].sound, (one, two)
            shutil.rmtree(copy)


@pytest.mark.parametrize("whole", [False, True])
def test_new_manifests_do_not_help_who_tampers(full: Archive, tmp_path: Path, whole: bool) -> None:
    """What is signed, or follows from it, is found edited or added, and is missed when dropped."""
    given = write_dossier(full, MODEL, tmp_path / "d", whole_record=whole).path
    covered = r"data/(record/|dossier)" if whole else r"data/(?!format/)"
    before = {*check_dossier(given).missing}
    for name in filter(re.compile(covered).match, _files(given)):
        for tampering in ("edited", "duplicated", "dropped"):
            copy = tmp_path / "copy"
            shutil.copytree(given, copy)
            TAMPERINGS[tampering](copy / name)
            relist(copy)
            examined, _ = verdicts(copy)
            missed = tampering == "dropped" and {*examined.missing} - before
            assert not examined.sound or missed, name
            shutil.rmtree(copy)


def test_an_edited_event_is_named_and_its_text_is_harmless(given: Path) -> None:
    """The line names commit, position and kind, and no terminal obeys what a model said."""
    path = given / "data/record/0000/00000004.json"
    path.write_text(path.read_text().replace('"coders":["rules"]', '"coders":["rules\\u001b[31m"]'))
    relist(given)
    examined, lines = verdicts(given)
    assert "event 4.2 (preference.documented) is not the one that was signed" in "\n".join(lines)
    assert [finding.code for finding in examined.findings] == ["R005", "D004"]
    assert "\x1b" not in "\n".join(lines)
    (given / "data" / "extra\x1b[31m\u202e.txt").write_text("x")
    (given / "data" / os.fsdecode(b"\xff.txt")).write_text("x")
    examined, lines = verdicts(given)
    assert "there and not listed" in "\n".join(lines)
    assert "\x1b" not in "\n".join(lines)
    assert "\u202e" not in "\n".join(lines)


def test_a_dossier_that_leads_outside_is_not_followed(given: Path, tmp_path: Path) -> None:
    """Paths that leave the folder, links to folders and endless files are named, never read."""
    (tmp_path / "outside.txt").write_text("x")
    digest = hashlib.sha256(b"x").hexdigest()
    lines = [
        f"{digest}  data/../../outside.txt",
        f"{digest}  {tmp_path}/outside.txt",
        f"{digest}  data//archive.json",
        f"{digest.upper()}  data/archive.json",
        "x",
    ]
    for line in lines:
        copy = tmp_path / "copy"
        shutil.copytree(given, copy)
        with open(copy / "manifest-sha256.txt", "a") as file:
            file.write(line + "\n")
        assert not verdicts(copy)[0].sound
        shutil.rmtree(copy)
    models = given / "data" / "models"
    models.rename(tmp_path / "models")
    models.symlink_to(tmp_path / "models")
    assert any("link" in finding.detail for finding in verdicts(given)[0].findings)
    models.unlink()
    (tmp_path / "models").rename(models)
    os.mkfifo(given / "data" / "pipe")
    assert not verdicts(given)[0].sound


def _packed(target: Path, members: list[tuple[tarfile.TarInfo, bytes]], tail: bytes = b"") -> Path:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for info, data in members:
            info.size = len(data) if info.type == tarfile.REGTYPE else 0
            tar.addfile(info, io.BytesIO(data))
    target.write_bytes(zstandard.ZstdCompressor().compress(stream.getvalue() + tail))
    return target


def test_a_hostile_packed_dossier_writes_nothing_outside(given: Path, tmp_path: Path) -> None:
    """Paths outside, links, names that stand twice, bombs and torn files are all refused."""

    def member(name: str, kind: bytes = tarfile.REGTYPE) -> tuple[tarfile.TarInfo, bytes]:
        info = tarfile.TarInfo(name)
        info.type, info.linkname = kind, "/etc/passwd"
        return info, b"x"

    hostile = [
        [member("d/../../evil")],
        [member("/evil")],
        [member("d/a", tarfile.SYMTYPE)],
        [member("d/a", tarfile.LNKTYPE)],
        [member("d/a", tarfile.FIFOTYPE)],
        [member("d/a"), member("d/a")],
        [member("d/a"), member("d/a/b")],
        [member("d/a"), member("e/a")],
        [],
    ]
    for members in hostile:
        packed = _packed(tmp_path / "x.tar.zst", members)
        assert {each.code for each in check_dossier(packed).findings} == {"D001"}, members
    assert not (tmp_path / "evil").exists()
    bomb = tarfile.TarInfo("d/bomb")
    packed = _packed(tmp_path / "x.tar.zst", [(bomb, bytes(80_000_000))])
    assert "more than a file of its size" in check_dossier(packed).findings[0].detail
    files = [path for path in given.rglob("*") if path.is_file()]
    sound = [(tarfile.TarInfo(f"d/{path.relative_to(given)}"), path.read_bytes()) for path in files]
    assert check_dossier(_packed(tmp_path / "x.tar.zst", sound)).sound
    assert not check_dossier(_packed(tmp_path / "x.tar.zst", sound, b"more")).sound
    data = (tmp_path / "x.tar.zst").read_bytes()
    for torn in (data[: len(data) // 2], data + b"x", b"", b"x" * 100):
        (tmp_path / "x.tar.zst").write_bytes(torn)
        assert not check_dossier(tmp_path / "x.tar.zst").sound


@pytest.mark.parametrize("name", ["d", "d.tar.zst"])
def test_a_dossier_is_written_whole_or_not_at_all(
    kept: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """A full disk leaves nothing under its name; what exists is not touched."""

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    (tmp_path / "out").mkdir()
    with monkeypatch.context() as patched:
        patched.setattr(BagWriter, "finish", full)
        with pytest.raises(UserError, match="no space left"):
            write_dossier(kept, MODEL, tmp_path / "out" / name)
    assert not list((tmp_path / "out").iterdir())
    (tmp_path / "out" / name).mkdir()
    with pytest.raises(UserError, match="exists"):
        write_dossier(kept, MODEL, tmp_path / "out" / name)
    with pytest.raises(UserError, match="nothing on record"):
        write_dossier(kept, "acme/none", tmp_path / "e")


def test_a_dossier_with_weights_restores_from_itself(
    full: Archive, source: Path, tmp_path: Path
) -> None:
    """The decoder gives the model back from the dossier alone, and the packs are proven."""
    given = write_dossier(full, MODEL, tmp_path / "d", with_weights=True).path
    data = given / "data"
    program, back = str(data / "format" / "decode.py"), str(tmp_path / "back")
    command = [sys.executable, "-I", program, str(data), MODEL, back]
    subprocess.run(command, check=True, capture_output=True)
    assert tree(tmp_path / "back") == tree(source)
    examined, lines = verdicts(given)
    assert any("the packs hold the weights" in line for line in examined.proven)
    assert "a look into the packs" in "\n".join(lines)
    pack = max(data.glob("packs/*/*.pack"), key=lambda path: path.stat().st_size)
    _edit(pack)
    relist(given)
    assert any(finding.code.startswith("V") for finding in check_dossier(given).findings)


def test_the_checker_knows_the_same_roles_as_the_record() -> None:
    """The table in the one-file program is the one of the program."""
    names = checker()
    table = names["SIGNED_BY"]
    assert isinstance(table, dict)
    assert {name: set(roles) for name, roles in table.items()} == {
        name: {str(role) for role in kind.signed_by} for name, kind in KINDS.items()
    }
    verifies = names["verifies"]
    assert callable(verifies)
    # RFC 8032, section 7.1, test 2.
    key = bytes.fromhex("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c")
    signature = bytes.fromhex(
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
        "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
    )
    assert verifies(key, signature, b"\x72")
    assert not verifies(key, signature, b"\x73")
    assert not verifies(key, signature[:32] + b"\xff" * 32, b"\x72")
