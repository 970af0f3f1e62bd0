"""Stores keep their laws, and the local one is durable and follows no links."""

import errno
import itertools
import os
from pathlib import Path

import pytest

from emeritus.errors import UserError
from emeritus.testing.stores import MemoryStore, check_store
from emeritus.vault import LocalStore, NotStored


def test_the_local_store_keeps_every_law(tmp_path: Path) -> None:
    """A folder passes the suite that every store must pass."""
    numbers = itertools.count()
    check_store(lambda: LocalStore(tmp_path / str(next(numbers))))


def test_the_memory_store_keeps_every_law() -> None:
    """The double that tests use behaves as the real one."""
    check_store(MemoryStore)


def test_nothing_is_left_of_what_was_not_committed(tmp_path: Path) -> None:
    """An abandoned write leaves no file, not even a temporary one."""
    store = LocalStore(tmp_path)
    with store.writer() as writer:
        writer.write(b"half")
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_stored_files_cannot_be_written_by_accident(tmp_path: Path) -> None:
    """What is stored is read-only for everybody."""
    LocalStore(tmp_path).put("a/b", b"x")
    assert (tmp_path / "a/b").stat().st_mode & 0o777 == 0o444


def test_a_planted_link_is_not_followed(tmp_path: Path) -> None:
    """A symbolic link in the archive is neither read nor written through."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret").write_bytes(b"secret")
    root = tmp_path / "root"
    root.mkdir()
    (root / "link").symlink_to(outside)
    (root / "file").symlink_to(outside / "secret")
    store = LocalStore(root)
    for name in ("link/secret", "file"):
        assert not store.exists(name)
        with pytest.raises(NotStored):
            store.get(name)
    with pytest.raises(UserError):
        store.put("link/new", b"x")
    assert list(outside.iterdir()) == [outside / "secret"]


@pytest.mark.parametrize("name", ["../x", "/x", "a//b", "", "a/../b", "a\0b"])
def test_names_that_lead_elsewhere_are_refused(tmp_path: Path, name: str) -> None:
    """No name leaves the root."""
    with pytest.raises(ValueError, match="no name"):
        LocalStore(tmp_path / "root").put(name, b"x")


def test_a_full_disk_is_said_and_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """ENOSPC becomes a message that says what to do, and the name stays free."""
    store = LocalStore(tmp_path)
    store.put("kept", b"kept")

    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "write", full)
        with pytest.raises(UserError, match="no space left"):
            store.put("new", b"x")
    assert store.get("kept") == b"kept"
    assert store.put("new", b"x")


def test_a_write_that_was_taken_in_part_and_then_refused_is_not_repeated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Past the page cache only whole pages may be written: the rest goes on where it stopped."""
    data = os.urandom(9_000_000)
    write, calls = os.write, itertools.count()

    def partly(file: int, rest: memoryview) -> int:
        match next(calls):
            case 0:
                return write(file, rest[:1_048_576])
            case 1:
                raise OSError(errno.EINVAL, "Invalid argument")
            case _:
                return write(file, rest)

    monkeypatch.setattr(os, "write", partly)
    store = LocalStore(tmp_path)
    with store.writer() as writer:
        writer.write(data)
        assert writer.commit("packs/aa/big")
    assert store.get("packs/aa/big") == data


def test_what_is_no_file_is_neither_listed_nor_waited_for(tmp_path: Path) -> None:
    """Pipes, links and folders where files belong: not stored, and told apart."""
    store = LocalStore(tmp_path)
    store.put("a/file", b"x")
    os.mkfifo(tmp_path / "a" / "pipe")
    (tmp_path / "a" / "link").symlink_to("file")
    (tmp_path / "a" / "folder").mkdir()
    assert list(store.list("")) == ["a/file"]
    assert list(store.special()) == ["a/link", "a/pipe"]
    assert not store.is_vacant()
    for name in ("a/pipe", "a/link", "a/folder"):
        assert not store.exists(name)
        with pytest.raises(NotStored):
            store.get(name)


def test_what_a_killed_writer_left_is_removed_and_a_living_one_is_not(tmp_path: Path) -> None:
    """A temporary file whose lock nobody holds is garbage; a locked one is somebody's work."""
    store = LocalStore(tmp_path)
    store.put("one", b"1")
    dead, fresh = tmp_path / "packs" / ".tmp-dead", tmp_path / "packs" / ".tmp-fresh"
    dead.write_bytes(b"half")
    fresh.write_bytes(b"half")
    with store.writer() as living:
        for path in (tmp_path / "packs").glob(".tmp-*"):
            if path != fresh:
                os.utime(path, (0, 0))
        LocalStore(tmp_path).put("two", b"2")
        assert not dead.exists()
        assert fresh.exists()
        living.write(b"3")
        assert living.commit("three")
    assert store.get("three") == b"3"
