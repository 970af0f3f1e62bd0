"""Bags (RFC 8493): a folder whose manifests list every file, written and judged.

A bag is written in one pass, as a folder or as one packed file (`.tar.zst`): payload first, and
last the tag files that list it. Its order and metadata depend on nothing but its content.
"""

import contextlib
import dataclasses
import hashlib
import os
import re
import secrets
import shutil
import stat
import tarfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import BinaryIO, Final, Protocol

import zstandard

from emeritus.errors import Finding, IntegrityError, UserError
from emeritus.vault import LocalStore, NotStored, Store
from emeritus.vault.durable import make_folder, sync, sync_tree

PACKED: Final = ".tar.zst"
DECLARATION: Final = b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"
MANIFEST, TAG_MANIFEST = "manifest-sha256.txt", "tagmanifest-sha256.txt"
READ_BYTES: Final = 1024 * 1024
FILES_MAX: Final = 1_000_000
MANIFEST_BYTES_MAX: Final = 256 * 1024 * 1024
WINDOW_BYTES_MAX: Final = 128 * 1024 * 1024
UNPACKED_RATIO_MAX: Final = 200  # packs do not shrink, and text shrinks twentyfold
UNPACKED_BYTES_FREE: Final = 64 * 1024 * 1024
BLOCK: Final = tarfile.BLOCKSIZE
LEVEL: Final = 9

_LINE = re.compile(r"([0-9a-f]{64})  (\S.*)\Z")


class _Target(Protocol):
    """Takes the files of a bag, one after another."""

    def write(self, name: str, size: int, parts: Iterable[bytes]) -> None:
        """Write one file."""
        ...


class _Folder:
    def __init__(self, root: Path) -> None:
        self._root = root

    def write(self, name: str, size: int, parts: Iterable[bytes]) -> None:  # noqa: ARG002  a tar needs it
        path = self._root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(path, "xb") as file:
            file.writelines(parts)
            file.flush()
            os.fsync(file.fileno())


class _Tar:
    """Members in the form of POSIX ustar, without owner and time, below one folder."""

    def __init__(self, file: BinaryIO | zstandard.ZstdCompressionWriter, top: str) -> None:
        self._file = file
        self._top = top

    def write(self, name: str, size: int, parts: Iterable[bytes]) -> None:
        info = tarfile.TarInfo(f"{self._top}/{name}")
        info.size = size
        try:
            self._file.write(info.tobuf(tarfile.USTAR_FORMAT, "utf-8", "strict"))
        except ValueError as error:
            raise UserError(
                f"{name} cannot be packed ({error}); write the dossier as a folder"
            ) from error
        for part in parts:
            self._file.write(part)
        self._file.write(bytes(-size % BLOCK))

    def close(self) -> None:
        self._file.write(bytes(2 * BLOCK))


class BagWriter:
    """Writes the files of a bag and remembers their digests."""

    def __init__(self, target: _Target) -> None:
        self._target = target
        self._payload: dict[str, str] = {}
        self._size = 0

    @property
    def files(self) -> int:
        """How many files the payload holds so far."""
        return len(self._payload)

    def add(self, name: str, data: bytes) -> None:
        """Write `data` as the payload file `name`."""
        self.add_parts(name, len(data), [data])

    def add_parts(self, name: str, size: int, parts: Iterable[bytes]) -> None:
        """Write the `size` bytes of `parts` as the payload file `name`."""
        hasher = hashlib.sha256()

        def hashed() -> Iterator[bytes]:
            for part in parts:
                hasher.update(part)
                yield part

        place = f"data/{name}"
        self._target.write(place, size, hashed())
        self._payload[place] = hasher.hexdigest()
        self._size += size

    def finish(self, info: Mapping[str, str], tags: Mapping[str, bytes]) -> None:
        """Write the tag files: the two that RFC 8493 asks for, `tags`, and the manifests."""
        described = {**info, "Payload-Oxum": f"{self._size}.{len(self._payload)}"}
        tags = {
            "bagit.txt": DECLARATION,
            "bag-info.txt": "".join(f"{key}: {described[key]}\n" for key in described).encode(),
            **tags,
            MANIFEST: _render(self._payload),
        }
        for name, data in tags.items():
            self._target.write(name, len(data), [data])
        listing = _render({name: hashlib.sha256(data).hexdigest() for name, data in tags.items()})
        self._target.write(TAG_MANIFEST, len(listing), [listing])


@contextlib.contextmanager
def writing(dest: Path) -> Iterator[BagWriter]:
    """Give a writer for the bag `dest`, which has its name only when it is whole and durable.

    A name that ends in `.tar.zst` makes it one packed file.
    """
    fresh = dest.with_name(f".{dest.name}.{secrets.token_hex(4)}.writing")
    make_folder(fresh.parent)
    try:
        if dest.name.endswith(PACKED):
            compressor = zstandard.ZstdCompressor(level=LEVEL, write_checksum=True)
            with open(fresh, "xb") as file, compressor.stream_writer(file, closefd=False) as stream:
                tar = _Tar(stream, dest.name.removesuffix(PACKED))
                yield BagWriter(tar)
                tar.close()
            sync(fresh)
        else:
            fresh.mkdir()
            yield BagWriter(_Folder(fresh))
            sync_tree(fresh)
        fresh.replace(dest)
        sync(dest.parent)
    finally:
        if fresh.is_dir():
            shutil.rmtree(fresh, ignore_errors=True)
        fresh.unlink(missing_ok=True)


def unpack(packed: Path, into: Path) -> Path:
    """Write the files of a packed bag below `into`; return the bag's folder.

    Raises `IntegrityError` (D001) for whatever `writing` does not write: links, special files,
    paths outside, names that stand twice, more bytes than such a file can hold.
    """
    try:
        with open(packed, "rb") as file:
            allowed = packed.stat().st_size * UNPACKED_RATIO_MAX + UNPACKED_BYTES_FREE
            decompressor = zstandard.ZstdDecompressor(max_window_size=WINDOW_BYTES_MAX)
            with decompressor.stream_reader(file, read_across_frames=True, closefd=False) as stream:
                top = _unpack(_Bounded(stream, allowed), into)
                if any(stream.read(tarfile.RECORDSIZE)) or stream.read(1):  # padding, then nothing
                    raise ValueError("something follows its end")
    except (zstandard.ZstdError, tarfile.TarError, ValueError) as error:
        finding = Finding("D001", packed.name, f"cannot be unpacked: {error}")
        raise IntegrityError(f"{packed}: {finding.detail} (D001)", (finding,)) from error
    return into / top


class _Bounded:
    """Reads exactly what is asked for, and no more than allowed altogether."""

    def __init__(self, stream: zstandard.ZstdDecompressionReader, allowed: int) -> None:
        self._stream = stream
        self._left = allowed

    def read(self, size: int) -> bytes:
        self._left -= size
        if self._left < 0:
            raise ValueError("it holds more than a file of its size can")
        parts, missing = [], size
        while missing:
            part = self._stream.read(missing)
            if not part:
                raise ValueError("it ends early")
            parts.append(part)
            missing -= len(part)
        return b"".join(parts)


def _unpack(stream: _Bounded, into: Path) -> str:
    """Write every member; return the name of the one folder that they lie in."""
    tops: set[str] = set()
    for _ in range(FILES_MAX):
        header = stream.read(BLOCK)
        if not header.strip(b"\0"):
            break
        info = tarfile.TarInfo.frombuf(header, "utf-8", "strict")
        parts = info.name.split("/")
        if any(part in ("", ".", "..") or "\0" in part for part in parts) or len(parts) < 2:
            raise ValueError(f"it names a path that is not inside: {info.name[:80]!r}")
        if info.type != tarfile.REGTYPE or info.size < 0:
            raise ValueError(f"{info.name[:80]!r} is no regular file")
        tops.add(parts[0])
        target = into.joinpath(*parts)
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            with open(target, "xb") as file:
                left = info.size
                while left:
                    part = stream.read(min(left, READ_BYTES))
                    file.write(part)
                    left -= len(part)
        except (FileExistsError, IsADirectoryError, NotADirectoryError) as error:
            raise ValueError(f"{info.name[:80]!r} stands twice") from error
        stream.read(-info.size % BLOCK)
    if len(tops) != 1:
        raise ValueError(f"it holds {len(tops)} folders, and a packed bag holds one")
    return tops.pop()


@dataclasses.dataclass(frozen=True, slots=True)
class Bag:
    """What a check of a bag came to: every file's name, how many of the payload are as listed."""

    names: tuple[str, ...]
    sound: int
    findings: tuple[Finding, ...]


def check_bag(root: Path) -> Bag:
    """Judge the bag in `root`: a finding (D001) for each file that is not as listed."""
    present, findings = _scan(root)
    store = LocalStore(root)
    listed: dict[str, str] = {}
    for manifest in (MANIFEST, TAG_MANIFEST):
        entries, wrong = _parse(store, manifest)
        findings += wrong
        for name, digest in entries.items():
            if name.startswith("data/") != (manifest == MANIFEST):
                findings.append(Finding("D001", name, f"has no place in {manifest}"))
            listed[name] = digest
    for name in sorted(present.keys() - listed.keys() - {TAG_MANIFEST}):
        findings.append(Finding("D001", name, "there and not listed"))
    sound = 0
    for name, digest in sorted(listed.items()):
        if name not in present:
            findings.append(Finding("D001", name, "listed and missing, or no regular file"))
        elif sha256_of(store, name) != digest:
            findings.append(Finding("D001", name, "does not have its listed digest"))
        else:
            sound += name.startswith("data/")
    payload = {name: size for name, size in present.items() if name.startswith("data/")}
    return Bag(tuple(sorted(present)), sound, (*findings, *_check_tags(store, payload)))


def sha256_of(store: Store, name: str) -> str | None:
    """Return the SHA-256 of a file in hex, read in parts; None when there is no such file."""
    hasher, offset = hashlib.sha256(), 0
    try:
        while part := store.get(name, offset, READ_BYTES):
            hasher.update(part)
            offset += len(part)
    except NotStored:
        return None
    return hasher.hexdigest()


def _check_tags(store: LocalStore, payload: Mapping[str, int]) -> Iterator[Finding]:
    """Check what RFC 8493 asks of the tag files themselves."""
    if _get(store, "bagit.txt") != DECLARATION:
        yield Finding("D001", "bagit.txt", "missing, or not what a bag of version 1.0 begins with")
    oxum = f"Payload-Oxum: {sum(payload.values())}.{len(payload)}"
    if oxum.encode() not in (_get(store, "bag-info.txt") or b"").splitlines():
        yield Finding("D001", "bag-info.txt", "missing, or counts other files than are there")


def _scan(root: Path) -> tuple[dict[str, int], list[Finding]]:
    """Return the size of every regular file by name, and a finding for everything else."""
    present: dict[str, int] = {}
    odd: list[Finding] = []
    folders = [root]
    while folders:
        for path in sorted(folders.pop().iterdir()):
            name = path.relative_to(root).as_posix()
            status = path.lstat()
            if stat.S_ISDIR(status.st_mode):
                folders.append(path)
            elif stat.S_ISREG(status.st_mode):
                present[name] = status.st_size
            else:
                odd.append(Finding("D001", name, "a link or a special file, which nothing follows"))
            if len(present) + len(odd) > FILES_MAX:
                raise UserError(f"{root} holds more than {FILES_MAX:,} files")
    return present, odd


def _parse(store: LocalStore, manifest: str) -> tuple[dict[str, str], list[Finding]]:
    """Return the digest of each file that a manifest lists, and what is wrong with its lines."""
    entries: dict[str, str] = {}
    data = _get(store, manifest, MANIFEST_BYTES_MAX + 1)
    if data is None or len(data) > MANIFEST_BYTES_MAX:
        return {}, [Finding("D001", manifest, "missing or too large")]
    wrong = []
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        return {}, [Finding("D001", manifest, f"is no UTF-8: {error}")]
    for number, line in enumerate(text.removesuffix("\n").split("\n"), start=1):
        match = _LINE.match(line)
        name = _unescaped(match[2]) if match else ""
        if match is None or name in entries or not _inside(name):
            wrong.append(Finding("D001", f"{manifest}:{number}", "lists no file, or one again"))
        else:
            entries[name] = match[1]
    return entries, wrong


def _inside(name: str) -> bool:
    return not any(part in ("", ".", "..") or "\0" in part for part in name.split("/"))


def _get(store: LocalStore, name: str, limit: int = READ_BYTES) -> bytes | None:
    try:
        return store.get(name, 0, limit)
    except NotStored:
        return None


def _render(digests: Mapping[str, str]) -> bytes:
    return "".join(f"{digests[name]}  {_escaped(name)}\n" for name in sorted(digests)).encode()


def _escaped(name: str) -> str:
    """Return a path as RFC 8493 §2.1.3 writes it in a manifest."""
    return name.replace("%", "%25").replace("\n", "%0A").replace("\r", "%0D")


def _unescaped(name: str) -> str:
    return name.replace("%0D", "\r").replace("%0A", "\n").replace("%25", "%")
