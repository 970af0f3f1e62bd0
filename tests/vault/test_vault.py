"""Any folder comes back byte for byte, once, and nothing damaged is ever given out."""

import fcntl
import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from emeritus import canonical
from emeritus.errors import IntegrityError, UserError
from emeritus.record import format as record_format
from emeritus.testing.stores import MemoryStore
from emeritus.vault import LocalStore, Vault
from emeritus.vault import format as disk
from emeritus.vault.restoring import replacing
from emeritus.vault.tensor_files import tensor_digest_of
from tests.vault.folders import (
    bfloat16,
    float32,
    gguf,
    nudged,
    odd_folder,
    safetensors,
    torch_zip,
)


def tree(root: Path) -> dict[str, tuple[int, str]]:
    """Return mode and digest of every file below `root`, and the folders."""
    found = {}
    for path in sorted(root.rglob("*")):
        name = str(path.relative_to(root))
        data = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "folder"
        found[name] = (path.stat().st_mode & 0o777 if path.is_file() else 0, data)
    return found


def test_any_folder_comes_back_byte_for_byte(tmp_path: Path) -> None:
    """Names, modes, empty files, empty folders and every byte are what they were."""
    source = odd_folder(tmp_path / "model")
    vault = Vault(LocalStore(tmp_path / "archive"))
    receipt = vault.preserve(source)
    vault.restore(receipt.manifest, tmp_path / "back")
    assert tree(tmp_path / "back") == tree(source)
    assert dict(receipt.opaque).keys() == {"broken.safetensors"}
    places = [path for path in sorted((tmp_path / "back").rglob("*")) if path.is_file()]
    assert tensor_digest_of(places) == (receipt.tensors, receipt.tensor_digest)
    assert list(vault.check(deep=True)) == []


def test_a_single_file_comes_back(tmp_path: Path) -> None:
    """A model may be one file."""
    (tmp_path / "model.gguf").write_bytes(b"GGUF" + bytes(100))
    vault = Vault(MemoryStore())
    receipt = vault.preserve(tmp_path / "model.gguf")
    vault.restore(receipt.manifest, tmp_path / "back")
    assert (tmp_path / "back" / "model.gguf").read_bytes() == b"GGUF" + bytes(100)


def test_preserving_again_writes_nothing(tmp_path: Path) -> None:
    """What is durable is read and not written again; the manifest is the same."""
    source = odd_folder(tmp_path / "model")
    store = MemoryStore()
    first = Vault(store).preserve(source)
    before = set(store.files)
    again = Vault(store).preserve(source)
    assert again.manifest == first.manifest
    assert again.bytes_written == 0
    assert set(store.files) == before


def test_equal_tensors_are_stored_once_over_all_models(tmp_path: Path) -> None:
    """A second model that shares a tensor adds only what is its own."""
    shared = bfloat16((256, 256), 1)
    for name, own in (("one", 2), ("two", 3)):
        (tmp_path / name).mkdir()
        parts = {"shared": shared, "own": bfloat16((16, 16), own)}
        safetensors(tmp_path / name / "m.safetensors", parts)
    vault = Vault(MemoryStore())
    vault.preserve(tmp_path / "one")
    assert vault.preserve(tmp_path / "two").bytes_written < 4000


def test_the_tensor_digest_does_not_depend_on_the_files(tmp_path: Path) -> None:
    """The same tensors in one file or in two have one digest."""
    parts = {"a": bfloat16((8, 8), 1), "b": float32((4,), 2)}
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    safetensors(tmp_path / "one" / "m.safetensors", parts)
    for name, tensor in parts.items():
        safetensors(tmp_path / "two" / f"{name}.safetensors", {name: tensor})
    vault = Vault(MemoryStore())
    digests = {vault.preserve(tmp_path / name).tensor_digest for name in ("one", "two")}
    assert len(digests) == 1


def _lineage(root: Path) -> tuple[Path, Path, Path]:
    w = bfloat16((512, 512), 1)
    generations = []
    for name in ("base", "tuned", "again"):
        (root / name).mkdir(parents=True)
        safetensors(root / name / "m.safetensors", {"w": w})
        generations.append(root / name)
        w = nudged(w)
    return generations[0], generations[1], generations[2]


def test_a_tuned_model_is_stored_as_a_difference(tmp_path: Path) -> None:
    """Its bytes come back exactly, from far fewer stored ones."""
    base, tuned, _ = _lineage(tmp_path)
    vault = Vault(MemoryStore())
    first = vault.preserve(base)
    second = vault.preserve(tuned, base=first.manifest)
    assert second.bytes_delta_raw == 512 * 512 * 2
    assert second.bytes_stored < first.bytes_stored / 2
    vault.restore(second.manifest, tmp_path / "back")
    assert tree(tmp_path / "back") == tree(tuned)


def test_a_difference_is_never_to_a_difference(tmp_path: Path) -> None:
    """The grandchild's base is the grandparent, so a read touches two objects at most."""
    base, tuned, again = _lineage(tmp_path)
    vault = Vault(MemoryStore())
    first = vault.preserve(base)
    second = vault.preserve(tuned, base=first.manifest)
    third = vault.preserve(again, base=second.manifest)
    vault.restore(third.manifest, tmp_path / "back")
    assert tree(tmp_path / "back") == tree(again)
    assert set(vault.objects(third.manifest)) & set(vault.objects(first.manifest))
    assert not set(vault.manifest(second.manifest).tensors[0].objects) & set(
        vault.objects(third.manifest)
    )


def test_only_what_is_asked_for_is_restored(tmp_path: Path) -> None:
    """A pattern chooses files; a pattern that fits none is an error."""
    vault = Vault(MemoryStore())
    receipt = vault.preserve(odd_folder(tmp_path / "model"))
    vault.restore(receipt.manifest, tmp_path / "back", only=["*.json"])
    assert [path.name for path in (tmp_path / "back").iterdir()] == ["config.json"]
    with pytest.raises(UserError, match="matches"):
        vault.restore(receipt.manifest, tmp_path / "none", only=["*.nothing"])


def test_a_folder_with_something_in_it_is_not_restored_into(tmp_path: Path) -> None:
    """Restoring never mixes with what is there."""
    vault = Vault(MemoryStore())
    receipt = vault.preserve(odd_folder(tmp_path / "model"))
    with pytest.raises(UserError, match="not empty"):
        vault.restore(receipt.manifest, tmp_path / "model")


def test_links_and_special_files_are_refused_by_name(tmp_path: Path) -> None:
    """What is not a regular file is not silently left out."""
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "w.bin").write_bytes(b"x")
    (tmp_path / "model" / "link").symlink_to("w.bin")
    with pytest.raises(UserError, match="cp -rL"):
        Vault(MemoryStore()).preserve(tmp_path / "model")
    (tmp_path / "model" / "link").unlink()
    os.mkfifo(tmp_path / "model" / "pipe")
    with pytest.raises(UserError, match="regular"):
        Vault(MemoryStore()).preserve(tmp_path / "model")


def _small(tmp_path: Path) -> tuple[MemoryStore, Vault, str, Path]:
    source = tmp_path / "model"
    source.mkdir()
    safetensors(source / "m.safetensors", {"w": bfloat16((64, 64), 1), "v": float32((9,), 2)})
    store = MemoryStore()
    receipt = Vault(store).preserve(source)
    return store, Vault(store), receipt.manifest, source


def test_every_flipped_byte_of_a_pack_is_found(tmp_path: Path) -> None:
    """No byte of a pack, padding included, can change without a finding."""
    store, _, _, _ = _small(tmp_path)
    name = max(disk_packs(store), key=lambda each: len(store.files[each]))
    whole = store.files[name]
    places = [*range(200), *range(4096, len(whole), 7), *range(len(whole) - 200, len(whole))]
    for place in places:
        damaged = bytearray(whole)
        damaged[place] ^= 1
        store.files[name] = bytes(damaged)
        assert list(Vault(store).check()), f"byte {place}"


def test_a_damaged_block_is_named_and_never_served(tmp_path: Path) -> None:
    """Reading raises, restoring leaves no file, and the finding names pack and object."""
    store, vault, manifest, _ = _small(tmp_path)
    name = max(disk_packs(store), key=lambda each: len(store.files[each]))
    damaged = bytearray(store.files[name])
    damaged[2 * 4096 + 10] ^= 0x40
    store.files[name] = bytes(damaged)
    findings = list(Vault(store).check(deep=True))
    assert [finding.code for finding in findings] == ["V005"]
    assert findings[0].where.startswith(name)
    assert Vault(store).names_of(findings[0].affects, manifest) == ["w in m.safetensors"]
    with pytest.raises(IntegrityError, match="V005"):
        vault.restore(manifest, tmp_path / "back")
    assert [path for path in (tmp_path / "back").rglob("*") if path.is_file()] == []


@pytest.mark.parametrize(
    ("code", "change"),
    [
        ("V001", lambda store, name: store.files.pop(name)),
        ("V002", lambda store, name: store.files.update({name: store.files[name][:100]})),
        ("V003", lambda store, name: store.files.update({name: store.files[name][:-1]})),
        ("V011", lambda store, name: store.files.update({name.replace(".pack", ".idx"): b"x"})),
    ],
)
def test_a_lost_or_cut_pack_has_its_code(tmp_path: Path, code: str, change: object) -> None:
    """Missing, cut short, without its end, without the copy of its index."""
    store, _, _, _ = _small(tmp_path)
    name = disk_packs(store)[0]
    change(store, name)  # type: ignore[operator]
    assert code in {finding.code for finding in Vault(store).check()}


def test_a_store_that_dies_anywhere_loses_nothing(tmp_path: Path) -> None:
    """Whatever write is the last one, the next run completes and the bytes are right."""
    source = odd_folder(tmp_path / "model")
    for count in range(40):
        store = MemoryStore()
        store.die_after = count
        try:
            Vault(store).preserve(source)
            died = False
        except OSError:
            died = True
        store.die_after = None
        vault = Vault(store)
        receipt = vault.preserve(source)
        assert list(vault.check(deep=True)) == []
        vault.restore(receipt.manifest, tmp_path / f"back-{count}")
        if not died:
            break
    assert not died
    assert tree(tmp_path / f"back-{count}") == tree(source)


def test_a_replica_gets_every_pack_and_heals_another(tmp_path: Path) -> None:
    """A damaged pack is replaced by sound bytes, and the damaged ones are kept aside."""
    source = odd_folder(tmp_path / "model")
    one, two = Vault(LocalStore(tmp_path / "one")), Vault(LocalStore(tmp_path / "two"))
    receipt = one.preserve(source)
    one.copy_to(two)
    assert two.pack_names() == one.pack_names()
    name = max(one.pack_names(), key=one.store.size)
    path = tmp_path / "one" / name
    path.chmod(0o644)
    path.write_bytes(path.read_bytes()[:-5000])
    assert {finding.code for finding in one.check()} >= {"V003"}
    assert one.replace_pack(Path(name).stem, two)
    assert list(one.check(deep=True)) == []
    assert len(list((tmp_path / "one" / "quarantine").iterdir())) == 2
    one.restore(receipt.manifest, tmp_path / "back")


def test_damage_is_not_copied(tmp_path: Path) -> None:
    """A pack that is itself damaged heals nothing."""
    one, two = Vault(LocalStore(tmp_path / "one")), Vault(LocalStore(tmp_path / "two"))
    one.preserve(odd_folder(tmp_path / "model"))
    one.copy_to(two)
    name = one.pack_names()[0]
    for vault in ("one", "two"):
        path = tmp_path / vault / name
        path.chmod(0o644)
        path.write_bytes(path.read_bytes()[:-1])
    assert not one.replace_pack(Path(name).stem, two)


def test_a_manifest_cannot_write_outside(tmp_path: Path) -> None:
    """A path that leaves the folder makes the manifest unreadable."""
    store, vault, manifest, _ = _small(tmp_path)
    document = json.loads(vault.read(manifest))
    for path in ("../out", "/out", "a/../../out", "", "."):
        document["files"][0]["path"] = path
        forged = vault.put_document(
            json.dumps(document, separators=(",", ":"), sort_keys=True).encode()
        )
        with pytest.raises(IntegrityError, match="V009"):
            vault.restore(forged, tmp_path / "back")
    assert store.files


def test_a_source_that_changes_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that is written to while it is read is refused: it might be half of each."""
    from emeritus.vault.source import SourceFile

    source = tmp_path / "w.bin"
    source.write_bytes(b"before" * 1000)
    unchanged = SourceFile.require_unchanged

    def change(self: SourceFile) -> None:
        source.write_bytes(b"behind!" * 1000)
        unchanged(self)

    monkeypatch.setattr(SourceFile, "require_unchanged", change)
    with pytest.raises(UserError, match="changed"):
        Vault(MemoryStore()).preserve(source)


def test_an_interrupted_preservation_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Files that were finished are not read again, and nothing is stored twice."""
    from emeritus.vault.source import SourceFile

    source = tmp_path / "model"
    source.mkdir()
    for number in range(3):
        safetensors(source / f"{number}.safetensors", {"w": bfloat16((512, 512), number)})
    store, journal = MemoryStore(), tmp_path / "state" / "journal"

    def interrupt(
        label: str, done: int, total: int, unit: str = "", stored: int | None = None
    ) -> None:
        assert unit == "B"
        assert stored is not None
        assert stored <= done
        if done > total * 0.9:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Vault(store).preserve(source, journal=journal, progress=interrupt)
    assert list(Vault(store).check(deep=True)) == []
    read: list[str] = []
    reading = SourceFile.read

    def noted(self: SourceFile, offset: int, length: int) -> object:
        read.append(self.name)
        return reading(self, offset, length)

    monkeypatch.setattr(SourceFile, "read", noted)
    receipt = Vault(store).preserve(source, journal=journal)
    assert set(read) == {"2.safetensors"}
    assert receipt.bytes_written < 0.3 * receipt.bytes_raw  # the third file
    assert not journal.exists()
    monkeypatch.undo()
    assert Vault(MemoryStore()).preserve(source).manifest == receipt.manifest


def test_a_file_that_was_touched_is_read_again(tmp_path: Path) -> None:
    """The journal of an interrupted run is no authority on files that changed since."""
    source = tmp_path / "model"
    source.mkdir()
    for number in range(2):
        safetensors(source / f"{number}.safetensors", {"w": bfloat16((512, 512), number)})
    store, journal = MemoryStore(), tmp_path / "journal"

    def interrupt(
        label: str, done: int, total: int, unit: str = "", stored: int | None = None
    ) -> None:
        assert unit == "B"
        assert stored is not None
        assert stored <= done
        if done > total * 0.9:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Vault(store).preserve(source, journal=journal, progress=interrupt)
    safetensors(source / "0.safetensors", {"w": bfloat16((512, 512), 9)})
    vault = Vault(store)
    receipt = vault.preserve(source, journal=journal)
    vault.restore(receipt.manifest, tmp_path / "back")
    assert tree(tmp_path / "back") == tree(source)


def test_a_long_object_may_begin_like_another(tmp_path: Path) -> None:
    """An object is known by all of its blocks, not by the first."""
    first = bytes(np.random.default_rng(1).integers(0, 256, disk.BLOCK_BYTES, np.uint8))
    for number in range(3):
        (tmp_path / f"{number}").write_bytes(first + bytes([number]) * 5000)
    (tmp_path / "3").write_bytes(first)
    store = MemoryStore()
    for number in (0, 1, 2, 3, 0):
        vault = Vault(store)
        receipt = vault.preserve(tmp_path / f"{number}")
        vault.restore(receipt.manifest, tmp_path / "back")
        restored = (tmp_path / "back" / f"{number}").read_bytes()
        assert restored == (tmp_path / f"{number}").read_bytes()
        (tmp_path / "back" / f"{number}").unlink()
        (tmp_path / "back").rmdir()
    assert receipt.bytes_written == 0


def test_the_one_file_decoder_restores_from_the_folder_alone(tmp_path: Path) -> None:
    """A bare Python with zstd gives back every file, differences included."""
    import importlib.resources

    base, tuned, _ = _lineage(tmp_path)
    odd = odd_folder(tmp_path / "odd")
    vault = Vault(LocalStore(tmp_path / "archive"))
    first = vault.preserve(base)
    receipts = {"acme/tuned": (vault.preserve(tuned, base=first.manifest), tuned)}
    receipts["acme/odd"] = (vault.preserve(odd), odd)
    packed = tmp_path / "packed"
    packed.mkdir()
    gguf(packed / "m.gguf", {"a": ("Q4_0", 320_000), "b": ("Q6_K", 2560), "c": ("BF16", 77)})
    torch_zip(packed / "m.bin", {"0": float32((300, 300), 4)[2]})
    receipts["acme/packed"] = (vault.preserve(packed), packed)
    step = np.frombuffer(float32((300, 300), 4)[2], np.uint32).copy()
    step[::3] += np.random.default_rng(1).integers(0, 70_000, step[::3].size, np.uint32)
    moved = tmp_path / "moved"
    moved.mkdir()
    torch_zip(moved / "m.bin", {"0": step.tobytes()})
    receipts["acme/moved"] = (
        vault.preserve(moved, base=receipts["acme/packed"][0].manifest),
        moved,
    )
    assert receipts["acme/moved"][0].bytes_delta_raw
    events = [
        {
            "kind": "weights.preserved",
            "model": model,
            "manifest": receipt.manifest,
            "manifest_sha256": receipt.manifest_sha256,
        }
        for model, (receipt, _) in receipts.items()
    ]
    write_record(tmp_path / "archive", events)
    program = Path(str(importlib.resources.files("emeritus.archive"))) / "format" / "decode.py"
    for model, (_, source) in receipts.items():
        dest = tmp_path / model.replace("/", "-")
        command = [sys.executable, "-I", str(program), str(tmp_path / "archive"), model, str(dest)]
        subprocess.run(command, check=True, capture_output=True)
        assert tree(dest) == tree(source)


def write_record(archive: Path, events: list[dict[str, Any]]) -> None:
    """Write a first commit with these events, which nobody signed: decoders do not ask."""
    record = archive / "record" / "0000"
    record.mkdir(parents=True)
    header = record_format.Header(
        format=record_format.FORMAT,
        archive="0" * 32,
        sequence=1,
        prev=None,
        time="2027-01-01T00:00:00.000Z",
        signer="ed25519:" + "0" * 64,
        nonce="0" * 16,
        leaves=tuple(record_format.leaf_of(canonical.dumps(event)) for event in events),
    )
    commit = record_format.Commit(header=header, events=tuple(events), signature="0" * 128)
    (record / "00000001.json").write_bytes(record_format.render(commit))


def disk_packs(store: MemoryStore) -> list[str]:
    """Return the names of all packs in a store."""
    return [name for name in store.files if disk.pack_of(name)]


@pytest.mark.long
def test_every_byte_of_every_pack_is_guarded(tmp_path: Path) -> None:
    """Each byte, flipped alone, is a finding."""
    store, _, _, _ = _small(tmp_path)
    for name in disk_packs(store):
        whole = store.files[name]
        for place in range(len(whole)):
            damaged = bytearray(whole)
            damaged[place] ^= 0x80
            store.files[name] = bytes(damaged)
            assert list(Vault(store).check()), f"byte {place} of {name}"
        store.files[name] = whole


def test_what_a_killed_restore_left_is_removed_by_the_next(tmp_path: Path) -> None:
    """A folder that a living run is writing to is locked, and stays."""
    dest = tmp_path / "back"
    left, living = (tmp_path / f".back.{n}.restoring" for n in ("0badcafe", "12345678"))
    for folder in (left, living):
        (folder / "sub").mkdir(parents=True)
    lock = os.open(living, os.O_RDONLY)
    fcntl.flock(lock, fcntl.LOCK_EX)
    with replacing(dest) as fresh:
        (fresh / "file").write_text("x")
    os.close(lock)
    assert sorted(path.name for path in tmp_path.iterdir()) == [living.name, "back"]
