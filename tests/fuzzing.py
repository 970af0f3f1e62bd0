"""The readers of untrusted bytes, and for each a corpus: seeds, and what once made it fail.

A reader takes bytes and either understands them or raises the one error that it promises. Run as a
program it feeds a reader with mutated files of its corpus for some minutes, and keeps what fails:

    python -m tests.fuzzing gguf 10
"""

import contextlib
import hashlib
import io
import random
import struct
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from emeritus import canonical, gguf_header, safetensors
from emeritus.conversation import format as conversation_format
from emeritus.errors import IntegrityError
from emeritus.record import format as record_format
from emeritus.testing.stores import MemoryStore
from emeritus.vault import codec, manifest, pack, shards, torch_zip
from emeritus.vault import format as disk
from emeritus.vault.format import RECORDS

CORPUS = Path(__file__).with_name("corpus")
PACK = "ab" * 32
DTYPES = ("BF16", "F32", "F64", "U8", "I16", *sorted(RECORDS))


def _safetensors(data: bytes) -> None:
    with contextlib.suppress(safetensors.NotSafetensors):
        safetensors.read_header(io.BytesIO(data), len(data))


def _gguf(data: bytes) -> None:
    with _file(data) as path, contextlib.suppress(gguf_header.NotGguf):
        gguf_header.read(path)


def _torch_zip(data: bytes) -> None:
    with _file(data) as path, contextlib.suppress(torch_zip.NotTorchZip):
        for each in torch_zip.read_storages(path, len(data)):
            assert 0 <= each.offset <= each.offset + each.length <= len(data)


def _manifest(data: bytes) -> None:
    with contextlib.suppress(manifest.NotAManifest):
        read = manifest.parse(data)
        assert all(not file.name.startswith("/") for file in read.files)
        assert manifest.render(read)


def _index(data: bytes) -> None:
    with contextlib.suppress(pack.DamagedPack):
        pack.parse_index(data, hashlib.sha256(data).hexdigest())


def _frame(data: bytes) -> None:
    """Read a whole pack, under the id that its footer claims."""
    claimed = data[-32:].hex().rjust(64, "0")
    store = MemoryStore()
    store.put(disk.pack_name(claimed), data)
    with contextlib.suppress(pack.DamagedPack):
        for entry in pack.index_inside(store, claimed).objects:
            for position in range(len(entry.blocks)):
                with contextlib.suppress(IntegrityError):
                    pack.read_block(store, claimed, entry, position)


def _block(data: bytes) -> None:
    """Decode bytes whose head says type, codec and the lengths of the planes."""
    head, stored = data[:64].ljust(64, b"\0"), data[64:]
    dtype = DTYPES[head[0] % len(DTYPES)]
    lengths = struct.unpack_from("<20h", head, 4)[: head[2] % 21]
    coded = head[1] % 6, lengths
    size = int.from_bytes(head[44:48], "little") % 5000
    base = bytes(size) if head[48] & 1 else None
    with contextlib.suppress(codec.NotDecodable):
        raw = codec.decode(stored, coded, size, codec.Layout(dtype, head[49]), base)
        assert len(raw) == size


def _shard(data: bytes) -> None:
    store = MemoryStore()
    store.put(shards.shard_name(PACK, 0), data)
    shards.check_shard(store, PACK, 0)
    with contextlib.suppress(IntegrityError):
        shards.rebuild(PACK, [store], MemoryStore())


def _commit(data: bytes) -> None:
    with contextlib.suppress(record_format.NotACommit):
        commit = record_format.parse(data)
        assert record_format.render(commit) == data
        for body in filter(None, commit.events):
            record_format.parse_event(body)


def _line(data: bytes) -> None:
    for form in conversation_format.DOMAINS:
        with contextlib.suppress(conversation_format.NotALine):
            line = conversation_format.parse(data, form)
            assert conversation_format.render(line)


def _canonical(data: bytes) -> None:
    with contextlib.suppress(canonical.NotCanonical):
        value = canonical.loads(data)
        with contextlib.suppress(canonical.NotCanonical):  # a lone surrogate, a large whole float
            assert canonical.loads(canonical.dumps(value), canonical=True) == value


READERS: dict[str, Callable[[bytes], None]] = {
    "safetensors": _safetensors,
    "gguf": _gguf,
    "torch_zip": _torch_zip,
    "manifest": _manifest,
    "index": _index,
    "pack": _frame,
    "block": _block,
    "shard": _shard,
    "commit": _commit,
    "line": _line,
    "canonical": _canonical,
}


@contextlib.contextmanager
def _file(data: bytes) -> Iterator[Path]:
    with tempfile.NamedTemporaryFile() as file:
        file.write(data)
        file.flush()
        yield Path(file.name)


def corpus(reader: str) -> list[Path]:
    """Return the files of a reader's corpus."""
    return sorted((CORPUS / reader).iterdir())


INTERESTING = [
    *(b"\0", b"\xff", b"\x7f", b"\x80", b"\n", b'"', b"{", b"[", b",", b"../", b"\xed\xa0\x80"),
    *(struct.pack("<Q", each) for each in (0, 1, 2**31, 2**32 - 1, 2**53, 2**63, 2**64 - 1)),
    *(b"-1", b"9007199254740991", b"9007199254740992", b"1e308", b"null", b"true", b"[[]]", b"{}"),
    *(b'"\\ud800"', b"PK\1\2", b"PK\5\6", b"PK\6\6", b"GGUF", disk.FOOTER_MAGIC),
]


def mutated(data: bytes, rng: random.Random, others: list[bytes]) -> bytes:
    """Return `data` after a few changes of the kinds that break readers."""
    changed = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 3, 8))):
        at, length = rng.randrange(len(changed) + 1), rng.choice((1, 2, 4, 8, 40))
        match rng.randrange(7):
            case 0 if changed:
                changed[at % len(changed)] ^= 1 << rng.randrange(8)
            case 1:
                changed[at : at + length] = rng.choice(INTERESTING)
            case 2:
                changed[at:at] = rng.choice(INTERESTING)
            case 3:
                del changed[at : at + length]
            case 4:
                changed[at:at] = changed[at : at + length] * rng.choice((1, 2, 30))
            case 5:
                del changed[at:]
            case _:
                other = rng.choice(others)
                start = rng.randrange(len(other) + 1)
                changed[at : at + length] = other[start : start + 40]
    return bytes(changed[:200_000])


def main() -> None:
    """Feed a reader for as many minutes as are named; what fails is kept in its corpus."""
    reader, minutes = sys.argv[1], float(sys.argv[2])
    seeds = [path.read_bytes() for path in corpus(reader)]
    rng, end, count = random.Random(time.time_ns()), time.monotonic() + 60 * minutes, 0
    while time.monotonic() < end:
        data, began = mutated(rng.choice(seeds), rng, seeds), time.monotonic()
        try:
            READERS[reader](data)
            assert time.monotonic() - began < 20, "too slow"
        except Exception:
            name = "failed-" + hashlib.sha256(data).hexdigest()[:16]
            (CORPUS / reader / name).write_bytes(data)
            sys.stdout.write(f"{reader}: kept {name} after {count} inputs\n")
            raise
        count += 1
    sys.stdout.write(f"{reader}: {count} inputs, none failed\n")


if __name__ == "__main__":
    main()
