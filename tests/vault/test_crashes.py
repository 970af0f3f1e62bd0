"""Killed at any system call, on a full disk, with failing reads: nothing committed is ever lost."""

import errno
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from emeritus.errors import IntegrityError, UserError
from emeritus.vault import LocalStore, Vault
from tests.vault.folders import bfloat16, float32, safetensors
from tests.vault.test_vault import tree

CHILD = [sys.executable, str(Path(__file__).with_name("crashing.py"))]
CALLS = ("write", "fsync", "linkat", "mkdirat", "unlinkat", "openat")
KILLED = -9

needs_strace = pytest.mark.skipif(
    shutil.which("strace") is None, reason="strace is not installed: apt-get install strace"
)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A small model of two files."""
    folder = tmp_path / "model"
    folder.mkdir()
    safetensors(folder / "m.safetensors", {"w": bfloat16((96, 64), 1), "v": float32((9,), 2)})
    (folder / "config.json").write_text("{}")
    return folder


def _run(*command: str, cwd: Path | None = None) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [*command], capture_output=True, text=True, timeout=120, check=False, cwd=cwd
    )


def _kill_at(call: str, number: int, root: Path, source: Path) -> bool:
    """Run the child until its n-th system call of a kind; tell whether it got that far."""
    # The interpreter's own calls on its libraries are not of interest: only those below `root`.
    inject = f"inject={call}:signal=SIGKILL:when={number}"
    command = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={call}", "-e", inject]
    done = _run(*command, *CHILD, str(root), str(source))
    return done.returncode in (KILLED, 128 + 9)


def _require_whole(root: Path, source: Path, back: Path) -> None:
    """Whatever there is, is sound; and the same command finishes the work."""
    assert list(Vault(LocalStore(root)).check(deep=True)) == []
    again = _run(*CHILD, str(root), str(source))
    assert again.returncode == 0, again.stderr
    vault = Vault(LocalStore(root))
    assert list(vault.check(deep=True)) == []
    vault.restore(again.stdout.strip(), back)
    assert tree(back) == tree(source)


def _sweep(call: str, numbers: "range | list[int]", tmp_path: Path, source: Path) -> int:
    killed = 0
    for number in numbers:
        root = tmp_path / f"{call}-{number}"
        root.mkdir()
        if not _kill_at(call, number, root, source):
            break
        killed += 1
        _require_whole(root, source, tmp_path / f"back-{call}-{number}")
    return killed


@needs_strace
@pytest.mark.parametrize("call", ["fsync", "linkat"])
def test_killed_where_things_become_durable(call: str, tmp_path: Path, source: Path) -> None:
    """At every other fsync and every link: the next run completes, and every byte is right."""
    step = {"fsync": 3, "linkat": 2}[call]
    assert _sweep(call, range(1, 40, step), tmp_path, source) >= 2


@needs_strace
@pytest.mark.long
@pytest.mark.parametrize("call", CALLS)
def test_killed_at_every_system_call(call: str, tmp_path: Path, source: Path) -> None:
    """The same at every single call that changes or names a file, to exhaustion."""
    most = {"openat": 4000}.get(call, 400)
    first = {"openat": _first_own_open(tmp_path, source)}.get(call, 1)
    assert _sweep(call, range(first, most), tmp_path, source) >= 2


def _first_own_open(tmp_path: Path, source: Path) -> int:
    """Return the number of the first file that the vault opens, behind those of the interpreter."""
    log = tmp_path / "opens"
    root = tmp_path / "opens-root"
    root.mkdir()
    _run(
        "strace", "-f", "-qq", "-o", str(log), "-e", "trace=openat", *CHILD, str(root), str(source)
    )
    lines = log.read_text().splitlines()
    return next(at for at, line in enumerate(lines, 1) if str(source) in line or str(root) in line)


@needs_strace
def test_names_appear_only_when_their_bytes_are_durable(tmp_path: Path, source: Path) -> None:
    """The order of system calls is the law: write, fsync, link, fsync of the folder, in turn."""
    root, log = tmp_path / "archive", tmp_path / "log"
    calls = "trace=write,fsync,linkat,mkdirat,openat,close"
    done = _run("strace", "-qq", "-y", "-o", str(log), "-e", calls, *CHILD, str(root), str(source))
    assert done.returncode == 0, done.stderr
    dirty: dict[str, bool] = {}
    owed: set[str] = set()
    links = 0
    for line in log.read_text().splitlines():
        if match := re.match(r"write\(\d+<([^>]*)>", line):
            assert not owed, f"written to {match[1]} before {owed} was synced"
            dirty[match[1]] = True
        elif match := re.match(r"fsync\(\d+<([^>]*)>", line):
            dirty[match[1]] = False
            owed.discard(match[1])
        elif match := re.match(
            r'linkat\(\d+<([^>]*)>, "([^"]*)", \d+<([^>]*)>, "[^"]*", 0\) = 0', line
        ):
            assert dirty[f"{match[1]}/{match[2]}"] is False, line
            owed.add(match[3])
            links += 1
        elif match := re.match(r'mkdirat\(\d+<([^>]*)>, "[^"]*", \d+\) = 0', line):
            owed.add(match[1])
    assert links >= 4
    assert owed == set()


def test_a_disk_that_is_really_full(tmp_path: Path, source: Path) -> None:
    """On a small file system: a clear message, nothing broken, and it goes on with more room."""
    (source / "big.bin").write_bytes(os.urandom(6_000_000))
    small = tmp_path / "small"
    small.mkdir()
    script = (
        f"mount -t tmpfs -o size=4m none {small} && {' '.join(CHILD)} {small}/a {source}; "
        f"echo code $?; {sys.executable} -c 'import sys; from pathlib import Path; "
        "from emeritus.vault import LocalStore, Vault; "
        f'print("found", list(Vault(LocalStore(Path("{small}/a"))).check()))\'; '
        f"mount -o remount,size=64m {small}; {' '.join(CHILD)} {small}/a {source}; echo code $?"
    )
    done = _run("unshare", "-rm", "sh", "-c", script)
    if "code" not in done.stdout:
        pytest.skip(f"no file system can be mounted here: {done.stderr.strip()[-100:]}")
    assert "no space left" in done.stderr
    assert "found []" in done.stdout
    assert done.stdout.splitlines()[-1] == "code 0"


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that other users may enter; pytest's own are closed to them."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


def test_without_permission(open_folder: Path) -> None:
    """A folder that may not be written to, or a file that may not be read, is named."""
    (open_folder / "w.bin").write_bytes(b"weights")
    (open_folder / "secret.bin").write_bytes(b"weights")
    (open_folder / "secret.bin").chmod(0)
    (open_folder / "sealed").mkdir(mode=0o555)
    (open_folder / "free").mkdir()
    (open_folder / "free").chmod(0o777)
    script = (
        "import os, sys; from pathlib import Path; from emeritus.errors import UserError\n"
        "from emeritus.vault import LocalStore, Vault\n"
        "if os.geteuid() == 0: os.seteuid(65534)\n"
        "for root, source in (('sealed/a', 'w.bin'), ('free/a', 'secret.bin')):\n"
        "    try: Vault(LocalStore(Path(root))).preserve(Path(source))\n"
        "    except UserError as error: print(error)\n"
    )
    done = _run(sys.executable, "-c", script, cwd=open_folder)
    assert done.returncode == 0, done.stderr
    first, second = done.stdout.splitlines()
    assert first == "sealed/a/packs cannot be written: Permission denied"
    assert second == "secret.bin cannot be read: Permission denied"


def _failing(call: Callable[..., object], number: int) -> Callable[..., object]:
    calls = iter(range(1, 1_000_000))

    def fail(*arguments: object, **named: object) -> object:
        if next(calls) == number:
            raise OSError(errno.EIO, "Input/output error")
        return call(*arguments, **named)

    return fail


@pytest.mark.parametrize("name", ["write", "fsync", "link", "read", "pread", "open"])
def test_every_input_output_error(
    name: str, tmp_path: Path, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wherever the disk fails: an error that names a file, and the next run completes."""
    for number in range(1, 60):
        root = tmp_path / f"{name}-{number}"
        with monkeypatch.context() as patched:
            patched.setattr(os, name, _failing(getattr(os, name), number))
            try:
                vault = Vault(LocalStore(root))
                vault.restore(vault.preserve(source).manifest, tmp_path / "early")
            except (UserError, IntegrityError):
                failed = True
            else:
                failed = False
        shutil.rmtree(tmp_path / "early", ignore_errors=True)
        vault = Vault(LocalStore(root))
        assert list(vault.check(deep=True)) == []
        receipt = vault.preserve(source)
        if not failed:
            break
        vault.restore(receipt.manifest, tmp_path / "back")
        assert tree(tmp_path / "back") == tree(source)
        shutil.rmtree(tmp_path / "back")
    assert number > 1


def test_reads_and_writes_that_are_cut_short(
    tmp_path: Path, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The system may take or give fewer bytes than asked, at any time."""
    read, write, pread = os.read, os.write, os.pread
    monkeypatch.setattr(os, "read", lambda file, length: read(file, min(length, 777)))
    monkeypatch.setattr(os, "write", lambda file, data: write(file, bytes(data[:777])))
    monkeypatch.setattr(os, "pread", lambda file, length, at: pread(file, min(length, 777), at))
    vault = Vault(LocalStore(tmp_path / "archive"))
    receipt = vault.preserve(source)
    assert list(vault.check(deep=True)) == []
    vault.restore(receipt.manifest, tmp_path / "back")
    assert tree(tmp_path / "back") == tree(source)


def test_two_writers_at_once(tmp_path: Path) -> None:
    """Both finish, what they share is sound, and each model comes back."""
    sources = []
    for number in range(2):
        source = tmp_path / f"model-{number}"
        source.mkdir()
        shared = {f"s{each}": bfloat16((256, 256), each) for each in range(4)}
        safetensors(source / "m.safetensors", {**shared, "own": bfloat16((64, 64), 90 + number)})
        sources.append(source)
    root = tmp_path / "archive"
    running = [
        subprocess.Popen([*CHILD, str(root), str(source)], stdout=subprocess.PIPE, text=True)
        for source in (*sources, sources[0])
    ]
    manifests = [process.communicate(timeout=120)[0].strip() for process in running]
    assert [process.returncode for process in running] == [0, 0, 0]
    vault = Vault(LocalStore(root))
    assert list(vault.check(deep=True)) == []
    for manifest, source in zip(manifests, (*sources, sources[0]), strict=True):
        back = tmp_path / f"back-{source.name}"
        vault.restore(manifest, back)
        assert tree(back) == tree(source)
        shutil.rmtree(back)


@pytest.mark.parametrize("year", [1970, 2038, 2106, 9999])
def test_any_clock(year: int, tmp_path: Path, source: Path) -> None:
    """File times from the edges of clocks change nothing."""
    seconds = (year - 1970) * 31_556_952
    for path in source.iterdir():
        os.utime(path, (seconds, min(seconds, 2**34 - 1)))
    vault = Vault(LocalStore(tmp_path / "archive"))
    receipt = vault.preserve(source, journal=tmp_path / "journal")
    vault.restore(receipt.manifest, tmp_path / "back")
    assert tree(tmp_path / "back") == tree(source)
