"""What a disk may hold after a power cut, by the system calls of a program (as ALICE does it).

The model is the weakest that POSIX allows: bytes are durable when their file was synced, a name
when the folder that holds it was. Of everything else any part may be there, torn or not, in any
order; a rename alone is whole or not at all.
"""

import dataclasses
import os
import random
import re
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

CALLS = (
    "write,pwrite64,writev,fsync,fdatasync,link,linkat,mkdir,mkdirat,rename,renameat,renameat2,"
    "unlink,unlinkat,rmdir,openat,ftruncate"
)

_CALL = re.compile(rb"(\w+)\((.*)\) += (-?\d+)")
_HEX = re.compile(rb'"((?:\\x[0-9a-f]{2})*)"')
_PLACE = re.compile(rb"(?:(\d+)|AT_FDCWD)<((?:\\x[0-9a-f]{2})*)>")


def record(module: str, root: Path, log: Path, *words: object) -> "list[Event]":
    """Run a program on `root`, and return what it did to the files below, in order."""
    command = ["strace", "-qq", "-y", "-xx", "-s", "100000000", "-e", f"trace={CALLS}"]
    before = [path for path in root.rglob("*") if path.is_file()]
    disk = Disk()
    for path in before:
        disk.put(path.relative_to(root), path.read_bytes())
    command += ["-o", str(log), sys.executable, "-m", module, str(root), *map(str, words)]
    subprocess.run(command, check=True, capture_output=True, timeout=300)
    with log.open("rb") as lines:
        reader = _Reader(os.fsencode(root) + b"/", disk)
        for line in lines:
            reader.take(line)
    return disk.events


@dataclasses.dataclass(frozen=True)
class Event:
    """One change: bytes of a file, names in folders, a sync, or a promise that was made."""

    kind: str
    target: int = 0  # the file or folder that has to be synced
    offset: int = 0
    data: bytes = b""
    names: tuple[tuple[int, str, int | None], ...] = ()  # folder, name, what it names now


class Disk:
    """The files and folders as the running system sees them, and how they came about."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.folders: dict[int, dict[str, int]] = {0: {}}
        self._next = 1

    def put(self, path: Path, data: bytes) -> None:
        """Add a file that was there before, durably."""
        at = 0
        for part in path.parent.parts:
            at = self.folders[at].get(part) or self.make_folder(at, part)
        self.events.append(Event("data", self.make_file(at, path.name), 0, data))
        self.events += [Event("sync", each) for each in range(self._next)]

    def find(self, path: bytes) -> int:
        """Return the file or folder that has a path."""
        at = 0
        for part in filter(None, os.fsdecode(path).split("/")):
            at = self.folders[at][part]
        return at

    def make_file(self, folder: int, name: str) -> int:
        """Make a new file."""
        made, self._next = self._next, self._next + 1
        self.name((folder, name, made))
        return made

    def make_folder(self, folder: int, name: str) -> int:
        """Make a new folder."""
        self.folders[self._next] = {}
        self.events.append(Event("folder", self._next))
        return self.make_file(folder, name)

    def name(self, *names: tuple[int, str, int | None]) -> None:
        """Change names in folders, the last of which has to be synced, at once."""
        for folder, name, target in names:
            if target is None:
                del self.folders[folder][name]
            else:
                self.folders[folder][name] = target
        self.events.append(Event("name", names[-1][0], names=names))


class _Reader:
    """Takes the lines of strace."""

    def __init__(self, root: bytes, disk: Disk) -> None:
        self._root = root
        self._disk = disk
        self._offsets: dict[bytes, int] = {}

    def take(self, line: bytes) -> None:
        match = _CALL.match(line)
        if match is None or int(match[3]) < 0:
            return
        call, arguments, result = match[1], match[2], match[3]
        texts = [_plain(each) for each in _HEX.findall(arguments)]
        places = [(number, _plain(place)) for number, place in _PLACE.findall(arguments)]
        if call == b"openat":
            self._open(self._path(texts[0], places), arguments, result)
        elif call == b"write":
            self._write(places[0], texts[0][: int(result)])
        elif call in (b"fsync", b"fdatasync"):
            if places[0][1].startswith(self._root[:-1]):
                self._disk.events.append(Event("sync", self._disk.find(self._cut(places[0][1]))))
        elif texts and (path := self._path(texts[0], places)) is not None:
            self._change(call, path, texts, places)

    def _open(self, path: bytes | None, arguments: bytes, descriptor: bytes) -> None:
        if path is None or b"O_WRONLY" not in arguments:
            return
        assert b"O_APPEND" not in arguments or b"O_CREAT" in arguments
        folder, name = self._place(path)
        if name not in self._disk.folders[folder]:
            self._disk.make_file(folder, name)
        elif b"O_TRUNC" in arguments:
            raise NotImplementedError(path)
        size = self._size(self._disk.folders[folder][name])
        self._offsets[descriptor] = size if b"O_APPEND" in arguments else 0

    def _size(self, file: int) -> int:
        written = [each for each in self._disk.events if (each.kind, each.target) == ("data", file)]
        return max((each.offset + len(each.data) for each in written), default=0)

    def _write(self, place: tuple[bytes, bytes], data: bytes) -> None:
        if place[0] == b"1":
            self._disk.events.append(Event("promise", data=data))
        elif place[1].startswith(self._root):
            file, at = self._disk.find(self._cut(place[1])), self._offsets[place[0]]
            self._offsets[place[0]] += len(data)
            self._disk.events.append(Event("data", file, at, data))

    def _change(
        self, call: bytes, path: bytes, texts: list[bytes], places: list[tuple[bytes, bytes]]
    ) -> None:
        folder, name = self._place(path)
        if call in (b"mkdir", b"mkdirat"):
            self._disk.make_folder(folder, name)
        elif call in (b"unlink", b"unlinkat", b"rmdir"):
            self._disk.name((folder, name, None))
        else:
            other = self._path(texts[1], places[1:])
            assert other is not None
            new = (*self._place(other), self._disk.folders[folder][name])
            if call.startswith(b"link"):
                self._disk.name(new)
            else:
                assert call.startswith(b"rename"), call
                self._disk.name((folder, name, None), new)

    def _path(self, text: bytes, places: list[tuple[bytes, bytes]]) -> bytes | None:
        """Return a path relative to the root, or None for one elsewhere."""
        whole = text if text.startswith(b"/") or not places else places[0][1] + b"/" + text
        return self._cut(whole) if whole.startswith(self._root) else None

    def _cut(self, path: bytes) -> bytes:
        return path[len(self._root) :]

    def _place(self, path: bytes) -> tuple[int, str]:
        folder, _, name = path.rpartition(b"/")
        return self._disk.find(folder), os.fsdecode(name)


def _plain(text: bytes) -> bytes:
    return bytes.fromhex(text.replace(b"\\x", b"").decode())


def pending(events: list[Event]) -> list[int]:
    """Return the places of the changes that no sync has made durable."""
    waiting: dict[int, list[int]] = {}
    for number, event in enumerate(events):
        if event.kind == "sync":
            waiting.pop(event.target, None)
        elif event.kind in ("data", "name"):
            waiting.setdefault(event.target, []).append(number)
    return sorted(number for each in waiting.values() for number in each)


def outcomes(events: list[Event], seed: int) -> "Iterator[tuple[str, list[Event]]]":
    """Yield what a cut behind `events` may leave, from nothing that was not synced to all of it."""
    loose = pending(events)
    names = {number for number in loose if events[number].kind == "name"}
    rng = random.Random(seed)
    yield "nothing unsynced", _without(events, loose)
    yield "all", events
    if set(loose) - names:
        yield "names without bytes", _without(events, set(loose) - names)
        yield "torn", _torn(events, set(loose) - names, lambda data: data[: len(data) // 2])
        yield "zeros", _torn(events, set(loose) - names, lambda data: bytes(len(data)))
    for number in rng.sample(loose, min(2, len(loose))):
        yield f"all but {number}", _without(events, [number])
        yield f"only {number}", _without(events, set(loose) - {number})
    if len(loose) > 2:
        yield "some", _without(events, rng.sample(loose, len(loose) // 2))


def _without(events: list[Event], dropped: Iterable[int]) -> list[Event]:
    gone = set(dropped)
    return [event for number, event in enumerate(events) if number not in gone]


def _torn(events: list[Event], torn: Iterable[int], tear: Callable[[bytes], bytes]) -> list[Event]:
    kept = list(events)
    for number in torn:
        kept[number] = dataclasses.replace(events[number], data=tear(events[number].data))
    return kept


def write_out(events: Iterable[Event], root: Path) -> None:
    """Make the files and folders that are left of `events` below the empty folder `root`."""
    folders: dict[int, dict[str, int]] = {0: {}}
    files: dict[int, bytearray] = {}
    for event in events:
        if event.kind == "folder":
            folders[event.target] = {}
        elif event.kind == "data":
            content = files.setdefault(event.target, bytearray())
            content.extend(bytes(max(0, event.offset + len(event.data) - len(content))))
            content[event.offset : event.offset + len(event.data)] = event.data
        for folder, name, target in event.names:
            if target is None:
                folders[folder].pop(name, None)
            else:
                folders[folder][name] = target
    _write_folder(0, root, folders, files)


def _write_folder(
    number: int, place: Path, folders: dict[int, dict[str, int]], files: dict[int, bytearray]
) -> None:
    for name, target in folders[number].items():
        if target in folders:
            (place / name).mkdir()
            _write_folder(target, place / name, folders, files)
        else:
            (place / name).write_bytes(files.get(target, b""))
