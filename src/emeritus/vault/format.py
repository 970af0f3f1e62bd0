"""On-disk constants and forms of the vault; the normative page is docs/formats/vault.md."""

import re
from typing import Final

import msgspec

PACK_FORMAT: Final = "emeritus-pack/1"
MANIFEST_FORMAT: Final = "emeritus-manifest/1"
OBJECT_DOMAIN: Final = b"emeritus-vault/1/object\0"

BLOCK_BYTES: Final = 4 * 1024 * 1024
ALIGNMENT: Final = 4096
UNALIGNED_BYTES_MAX: Final = 64 * 1024  # shorter blocks follow each other without padding
OBJECT_BYTES_MAX: Final = 256 * 1024 * 1024  # so that a pack can end at an object
PACK_BYTES_MAX: Final = 1024 * 1024 * 1024
GAP_BYTES_MAX: Final = 64 * 1024  # shorter ranges between tensors are gathered in one object
INDEX_BYTES_MAX: Final = 64 * 1024 * 1024
INDEX_ENTRIES_MAX: Final = 16 * 1024  # objects and blocks: at the worst they take two thirds of it
FOLDERS_MAX: Final = 256  # in folders; no model has more, and programs that recurse survive it
DOCUMENT_BYTES_MAX: Final = OBJECT_BYTES_MAX

SALT_BYTES: Final = 32  # come first in what is encrypted, and make its commitment tell nothing
AGE_NONCE_BYTES: Final = 16  # C2SP, age v1, Payload: a nonce, then chunks with a tag each
AGE_CHUNK_BYTES: Final = 64 * 1024
AGE_TAG_BYTES: Final = 16

HEADER: Final = b"EMERITUS PACK 1\nsee format/vault.md\n".ljust(ALIGNMENT, b"\0")
FOOTER_MAGIC: Final = b"EMPKEND1"
FOOTER_BYTES: Final = 64

BYTES: Final = 0  # codec: one plane, the block as it is
PLANES: Final = 1  # codec: one plane for each byte of an element, most significant first
DELTA: Final = 2  # codec: the difference to the base object, grouped by the base's exponent
COLUMNS: Final = 3  # codec: one plane for each column of the records of a packed type
PAIRS: Final = 4  # codec: as PLANES, with the exponents of floats two in a byte

EXPONENT_BITS: Final = {"F16": 5, "BF16": 8, "F32": 8, "F64": 11}
"""Types whose sign stands above an exponent; their elements are rotated left by one bit."""

RECORDS: Final = {
    "Q4_0": (1, 1, 16), "Q4_1": (1, 1, 1, 1, 16), "Q5_0": (1, 1, 4, 16),
    "Q5_1": (1, 1, 1, 1, 4, 16), "Q8_0": (1, 1, 32),
    "Q2_K": (16, 64, 1, 1, 1, 1), "Q3_K": (32, 64, 12, 1, 1), "Q4_K": (1, 1, 1, 1, 12, 128),
    "Q5_K": (1, 1, 1, 1, 12, 32, 128), "Q6_K": (128, 64, 16, 1, 1),
    "Q8_K": (1, 1, 1, 1, 256, 32),
    "IQ1_S": (1, 1, 32, 16), "IQ1_M": (32, 16, 8), "IQ2_XXS": (1, 1, 64), "IQ2_XS": (1, 1, 64, 8),
    "IQ2_S": (1, 1, 64, 8, 8), "IQ3_XXS": (1, 1, 96), "IQ3_S": (1, 1, 64, 8, 32, 4),
    "IQ4_NL": (1, 1, 16), "IQ4_XS": (1, 1, 2, 4, 128),
    "TQ1_0": (48, 4, 1, 1), "TQ2_0": (64, 1, 1), "MXFP4": (1, 16), "NVFP4": (4, 32),
    "Q1_0": (1, 1, 16),
}  # fmt: skip
"""Packed types of ggml: the columns of one record, in bytes. Source: ggml-common.h, the block_*
structures; the bytes of a 16-bit scale are two columns, since only one of them is noise."""

_PACK_NAME = re.compile(r"packs/([0-9a-f]{2})/(\1[0-9a-f]{62})\.pack\Z")


class Block(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Up to 4 MiB of an object: where its stored bytes lie, what they hash to, how to decode.

    `planes` holds the stored length of each plane.
    """

    offset: int
    length: int
    stored_hash: str
    raw_hash: str
    codec: int
    planes: tuple[int, ...]


class ObjectEntry(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """One object in the index of a pack. `base` is the object that its differences are to.

    Of an `encrypted` object the blocks are stored as bodies of age files, and this version keeps
    them whole without opening them.
    """

    id: str
    size: int
    blocks: tuple[Block, ...]
    dtype: str = "U8"
    base: str | None = None
    encrypted: bool = False


class Index(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The index of a pack: all that is needed to read it, and what its id commits to."""

    format: str
    objects: tuple[ObjectEntry, ...]


def pack_name(pack: str) -> str:
    """Return where the pack with this id (64 hex digits) lies, relative to the archive."""
    return f"packs/{pack[:2]}/{pack}.pack"


def index_name(pack: str) -> str:
    """Return where the copy of the pack's index lies."""
    return f"packs/{pack[:2]}/{pack}.idx"


def pack_of(name: str) -> str | None:
    """Return the id of the pack stored at `name`, or None for another file."""
    match = _PACK_NAME.match(name)
    return match[2] if match else None


def stored_bytes_max(raw: int, *, encrypted: bool) -> int:
    """Return how many bytes a block of `raw` bytes is stored in at most."""
    if not encrypted:
        return raw
    inside = SALT_BYTES + raw
    return AGE_NONCE_BYTES + inside + AGE_TAG_BYTES * max(1, -(-inside // AGE_CHUNK_BYTES))


def block_size(size: int, position: int) -> int:
    """Return the raw length of block `position` of an object of `size` bytes."""
    return min(BLOCK_BYTES, size - position * BLOCK_BYTES)


def object_bytes_max(dtype: str) -> int:
    """Return the length at which a tensor of this type is cut into objects: whole records."""
    return OBJECT_BYTES_MAX - OBJECT_BYTES_MAX % sum(RECORDS.get(dtype, (1,)))
