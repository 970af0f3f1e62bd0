"""What a preservation that was stopped had already finished, so that the next one goes on.

A file is looked up by its path, length, time of change and inode: one that was touched since is
read again. The journal is a convenience of this machine, lies outside the archive, and may be
thrown away at any time.
"""

import json
import os
from collections.abc import Container
from pathlib import Path

import msgspec

from emeritus.vault.durable import make_folder
from emeritus.vault.manifest import File
from emeritus.vault.source import SourceFile


class Journal:
    """The files whose objects are all in sealed packs, appended one a line to `path`.

    Without a path it remembers nothing. A line that was torn by a crash is skipped.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._known = dict[str, File]()
        self._waiting: list[tuple[str, File]] = []
        if path is not None and path.exists():
            self._known = dict(filter(None, map(_parse, path.read_bytes().splitlines())))

    def find(self, file: SourceFile) -> File | None:
        """Return what is known of a file that has not been touched since."""
        return self._known.get(_key(file))

    def note(self, file: SourceFile, kept: File) -> None:
        """Remember a finished file until `flush`."""
        if self._path is not None and _key(file) not in self._known:
            self._waiting.append((_key(file), kept))

    def flush(self, durable: Container[str]) -> None:
        """Write down the files whose objects are all `durable`."""
        if self._path is None:
            return
        done = [each for each in self._waiting if all(id_ in durable for id_ in each[1].objects)]
        if done:
            make_folder(self._path.parent)  # where notes lie, which are to last
            with open(self._path, "ab") as opened:
                opened.write(b"".join(msgspec.json.encode(each) + b"\n" for each in done))
            self._known.update(done)
            self._waiting = [each for each in self._waiting if each[0] not in self._known]

    def close(self) -> None:
        """Throw the journal away: the preservation is complete."""
        if self._path is not None:
            self._path.unlink(missing_ok=True)


def _key(file: SourceFile) -> str:
    place = os.fsencode(file.place.absolute()).hex()
    return json.dumps([place, file.size, file.mode, file.changed_ns, file.inode])


def _parse(line: bytes) -> tuple[str, File] | None:
    try:
        return msgspec.json.decode(line, type=tuple[str, File])
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
