"""The manifest: what a preserved model consists of, file by file and tensor by tensor."""

import base64
import os
from collections.abc import Collection
from typing import Final

import msgspec

from emeritus import canonical, digests
from emeritus.vault.format import FOLDERS_MAX, MANIFEST_FORMAT

MODE_MAX: Final = 0o7777
TENSORS_DOMAIN: Final = "emeritus-tensors/1"


class Part(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Bytes [offset, offset + length) of an object."""

    object: str
    offset: int
    length: int


class Folder(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """A folder that holds nothing; its path stands as that of a file does."""

    path: str | None = None
    path_base64: str | None = None

    @property
    def name(self) -> str:
        """The path as Python's file functions take it."""
        return _name(self.path, self.path_base64)


class Tensor(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One tensor of a file, of `size` bytes, which `objects` hold in order.

    The objects say which bytes these are: their ids are hashes of them, and where a tensor is cut
    into objects is fixed.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    size: int
    objects: tuple[str, ...]


class File(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """One file: its path, mode, digests, the recipe that makes it, and the tensors in it.

    `path` is text; a path that is not UTF-8 stands as base64 in `path_base64` instead.
    `opaque` says why the tensors of a file that looks like it has some are not known.
    """

    size: int
    mode: int
    sha256: str
    blake3: str
    recipe: tuple[Part, ...]
    path: str | None = None
    path_base64: str | None = None
    tensors: tuple[Tensor, ...] = ()
    opaque: str | None = None

    @property
    def objects(self) -> tuple[str, ...]:
        """The id of every object that it needs, each once."""
        return tuple(dict.fromkeys(part.object for part in self.recipe))

    @property
    def name(self) -> str:
        """The path as Python's file functions take it."""
        return _name(self.path, self.path_base64)


class Manifest(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """All files of a model, by path, and the folders that hold none."""

    format: str
    files: tuple[File, ...]
    empty_folders: tuple[Folder, ...] = ()
    tensor_digest: str | None = None

    @property
    def objects(self) -> tuple[str, ...]:
        """The id of every object that the files need, each once."""
        return tuple(dict.fromkeys(each for file in self.files for each in file.objects))

    @property
    def tensors(self) -> tuple[Tensor, ...]:
        """Every tensor of every file."""
        return tuple(tensor for file in self.files for tensor in file.tensors)

    @property
    def computed_tensor_digest(self) -> str | None:
        """The canonical digest that follows from the tensors that are listed."""
        whole = (file for file in self.files if file.opaque is None)
        return tensor_digest([tensor for file in whole for tensor in file.tensors])

    @property
    def size(self) -> int:
        """The length of all files together."""
        return sum(file.size for file in self.files)


class NotAManifest(ValueError):
    """The bytes are no manifest of this format."""


def path_fields(name: str) -> dict[str, str]:
    """Return the fields that hold a path: as text, or as base64 when it is not UTF-8."""
    raw = os.fsencode(name)
    try:
        return {"path": raw.decode()}
    except UnicodeDecodeError:
        return {"path_base64": base64.b64encode(raw).decode()}


def render(manifest: Manifest) -> bytes:
    """Return the manifest's bytes: canonical JSON."""
    return canonical.dumps(msgspec.to_builtins(manifest))


def parse(data: bytes) -> Manifest:
    """Read a manifest. Raises `NotAManifest` for what `render` would not write.

    Every path is relative, stays inside the folder and stands once: a manifest cannot make a
    restore write anywhere else.
    """
    try:
        manifest = msgspec.convert(canonical.loads(data, canonical=True), Manifest)
        if manifest.format != MANIFEST_FORMAT:
            raise NotAManifest(f"its format is {manifest.format!r}")
        names = [each.name for each in manifest.files]
        names += [each.name for each in manifest.empty_folders]
    except ValueError as error:  # of JSON, of its form, of base64, of a name
        raise NotAManifest(str(error)) from error
    folders = {parent for name in names for parent in _require_inside(name)}
    if len(set(names)) != len(names) or not folders.isdisjoint(names):
        raise NotAManifest("a path stands twice, or is a file and a folder")
    for file in manifest.files:
        _require_consistent(file)
    return manifest


def _require_consistent(file: File) -> None:
    """Refuse a recipe that makes a file of another length: a short list could fill a disk."""
    whole = all(part.offset >= 0 and part.length >= 0 for part in file.recipe)
    if not whole or sum(part.length for part in file.recipe) != file.size:
        raise NotAManifest(f"{file.name[:80]!r} is not made of {file.size} bytes")
    if not 0 <= file.mode <= MODE_MAX:
        raise NotAManifest(f"{file.name[:80]!r} has the mode {file.mode}")


def tensor_digest(tensors: Collection[Tensor]) -> str | None:
    """Return the canonical digest of a model's tensors, or None when it has none.

    It is over the sorted list of name, type, shape and object ids, so it does not depend on which
    files hold the tensors or in which order. Tensors of `opaque` files MUST be left out: what
    they are is a guess.
    """
    if not tensors:
        return None
    rows = sorted([each.name, each.dtype, list(each.shape), list(each.objects)] for each in tensors)
    return digests.sha256(TENSORS_DOMAIN.encode() + b"\0" + canonical.dumps(rows))


def _name(path: str | None, path_base64: str | None) -> str:
    if path is not None:
        return os.fsdecode(path.encode())
    return os.fsdecode(base64.b64decode(path_base64 or "", validate=True))


def _require_inside(name: str) -> list[str]:
    """Return the folders that a path lies in."""
    parts = name.split("/")
    plain = all(part not in ("", ".", "..") and "\0" not in part for part in parts)
    if not plain or len(parts) > FOLDERS_MAX + 1:
        raise NotAManifest(f"{name[:80]!r} is no path inside a folder")
    return ["/".join(parts[:end]) for end in range(1, len(parts))]
