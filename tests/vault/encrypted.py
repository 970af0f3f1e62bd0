"""Encrypted weights, written by hand as the page says: no version writes them yet."""

import hashlib

from blake3 import blake3
from pyrage import encrypt as age_encrypt
from pyrage import x25519

from emeritus.testing.stores import MemoryStore
from emeritus.vault import Store, codec
from emeritus.vault import format as disk
from emeritus.vault.format import Block, Index, ObjectEntry
from emeritus.vault.objects import object_id
from emeritus.vault.pack import render_footer, render_index


def encrypted_weights(raw: bytes, recipient: str) -> tuple[Index, bytes, bytes]:
    """Write one encrypted block as the page says; return index, body of the pack, and key."""
    chosen, planes = codec.encode(raw, codec.Layout("BF16", 0), None)
    salt = bytes(range(32))
    coded = b"".join(bytes(plane) for plane in planes)
    file = age_encrypt(salt + coded, [x25519.Recipient.from_str(recipient)])
    end = file.index(b"\n", file.index(b"\n--- ") + 1) + 1
    stored, hashed = file[end:], blake3(raw, key=salt)
    block = Block(
        len(disk.HEADER),
        len(stored),
        blake3(stored).hexdigest(),
        hashed.hexdigest(),
        chosen,
        tuple(map(len, planes)),
    )
    identity = object_id(len(raw), [hashed.digest()])
    entry = ObjectEntry(identity, len(raw), (block,), "BF16", None, encrypted=True)
    return Index(disk.PACK_FORMAT, (entry,)), stored, file[:end]


def store_with(index: Index, body: bytes, store: Store | None = None) -> tuple[Store, str]:
    """Put a pack of these into a store; return the store and the id of the pack."""
    raw = render_index(index)
    pack = hashlib.sha256(raw).hexdigest()
    data = disk.HEADER + body + bytes(-len(body) % disk.ALIGNMENT)
    footer = render_footer(len(data), raw)
    store = store or MemoryStore()
    store.put(disk.pack_name(pack), data + raw + bytes(-len(raw) % disk.ALIGNMENT) + footer)
    store.put(disk.index_name(pack), raw)
    return store, pack
