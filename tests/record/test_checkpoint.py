"""Checkpoints: the bytes of the notes, who signed them, and that one costs what is new."""

import base64
import hashlib
import struct

import pytest

from emeritus.errors import IntegrityError, UserError
from emeritus.record import Ed25519Signer, HybridSigner, checkpointing, merkle, tiles
from emeritus.record import checkpoint as heads
from emeritus.record import note as notes
from emeritus.record.checkpoint import Checkpoint
from emeritus.record.note import NotANote, VerifierKey
from emeritus.record.signing import verifies, verifies_mldsa44
from emeritus.testing.stores import MemoryStore
from tests.record.histories import CLOCK, ID, ROOT, SECONDS, checkpointed, covered, recorded

# The example of c2sp.org/signed-note.
EXAMPLE = """\
This is an example message.

— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=
"""  # noqa: E501
EXAMPLE_KEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
HEAD = Checkpoint("emeritus/" + "0" * 32, 7, hashlib.sha256(b"root").digest())
WITNESS = HybridSigner(b"\5" * 32, b"\6" * 32)


def test_the_published_note_verifies() -> None:
    """The message, the key and its id, and the signature of the specification."""
    note, key = notes.parse(EXAMPLE.encode()), notes.parse_verifier_key(EXAMPLE_KEY)
    (line,) = note.signatures
    assert note.text == "This is an example message.\n"
    assert (line.name, line.key_id) == (key.name, key.key_id)
    assert verifies(f"ed25519:{key.public.hex()}", line.body.hex(), note.text.encode())
    assert notes.render(note) == EXAMPLE.encode()
    assert str(key) == EXAMPLE_KEY


@pytest.mark.parametrize(
    "bad",
    [
        b"",
        b"text\n",
        b"text\n\n",
        b"text\n\nno dash\n",
        b"text\n\n" + "— name !!!!\n".encode(),
        b"text\n\n" + "— na+me AAAAAAAA\n".encode(),
        b"text\n\n" + "— name AAAA\n".encode(),
        b"text\n\n" + "— name AAAAAAB=\n".encode(),
        b"text\n\n" + "— name AAAAAAAA".encode(),
        b"te\txt\n\n" + "— name AAAAAAAA\n".encode(),
        b"\xff\n\n" + "— name AAAAAAAA\n".encode(),
        b"text\n\n" + "— name AAAAAAAA\n".encode() * 65,
    ],
)
def test_what_is_no_note_is_refused(bad: bytes) -> None:
    """Missing parts, control characters, loose base64, and more signatures than anybody needs."""
    with pytest.raises(NotANote):
        notes.parse(bad)


@pytest.mark.parametrize(
    "text",
    [
        "origin\n1\n",
        "origin\n01\n" + base64.b64encode(bytes(32)).decode() + "\n",
        "origin\n-1\n" + base64.b64encode(bytes(32)).decode() + "\n",
        "origin\n9223372036854775808\n" + base64.b64encode(bytes(32)).decode() + "\n",
        "origin\n1\n" + base64.b64encode(bytes(31)).decode() + "\n",
        "origin\n1\n" + base64.b64encode(bytes(32)).decode() + "\nextension\n",
        "\n1\n" + base64.b64encode(bytes(32)).decode() + "\n",
    ],
)
def test_what_is_no_checkpoint_is_refused(text: str) -> None:
    """Sizes and roots in another form, and lines that not all signatures cover."""
    with pytest.raises(NotANote):
        heads.read((text + "\n— name AAAAAAAA\n").encode())


def test_both_signatures_are_over_the_published_messages() -> None:
    """Built here from the specification: the note's text, and the struct for ML-DSA-44."""
    note = heads.sign(HEAD, ROOT, SECONDS)
    first, second = note.signatures
    assert note.text == f"{HEAD.origin}\n7\n{base64.b64encode(HEAD.root).decode()}\n"
    public, public_two = bytes.fromhex(ROOT.key[8:]), bytes.fromhex(str(ROOT.mldsa44)[8:])
    seed = HEAD.origin.encode() + b"\n"
    assert first.key_id == hashlib.sha256(seed + b"\1" + public).digest()[:4]
    assert second.key_id == hashlib.sha256(seed + b"\6" + public_two).digest()[:4]
    assert verifies(ROOT.key, first.body.hex(), note.text.encode())
    name = bytes([len(HEAD.origin)]) + HEAD.origin.encode()
    message = b"subtree/v1\n\0" + name + struct.pack(">Q", SECONDS)
    message += name + struct.pack(">QQ", 0, 7) + HEAD.root
    assert second.body[:8] == struct.pack(">Q", SECONDS)
    assert verifies_mldsa44(str(ROOT.mldsa44), second.body[8:], message)
    assert heads.signers(note, HEAD, {ROOT.key: ROOT.mldsa44}) == [ROOT.key]


def test_a_cosignature_is_over_the_published_messages() -> None:
    """Ed25519 over header, time and text; ML-DSA-44 over a struct with the witness's own name."""
    note = heads.cosign(heads.sign(HEAD, ROOT, SECONDS), HEAD, "archive.example", WITNESS, 12345)
    timed, second = note.signatures[2:]
    text = b"cosignature/v1\ntime 12345\n" + HEAD.text.encode()
    public = bytes.fromhex(WITNESS.key[8:])
    assert timed.key_id == hashlib.sha256(b"archive.example\n\4" + public).digest()[:4]
    assert timed.body[:8] == struct.pack(">Q", 12345)
    assert verifies(WITNESS.key, timed.body[8:].hex(), text)
    message = b"subtree/v1\n\0\x0farchive.example" + struct.pack(">Q", 12345)
    message += bytes([len(HEAD.origin)]) + HEAD.origin.encode() + struct.pack(">QQ", 0, 7)
    assert verifies_mldsa44(str(WITNESS.mldsa44), second.body[8:], message + HEAD.root)
    for key in heads.witness_keys("archive.example", WITNESS):
        assert heads.signed(note, HEAD, notes.parse_verifier_key(str(key)))
    assert heads.names(note, without=[HEAD.origin]) == ["archive.example"]


def test_one_algorithm_alone_signs_nothing() -> None:
    """Both signatures of one pair count; half of one and half of another do not."""
    other = HybridSigner(b"\1" * 32, b"\7" * 32)
    note = heads.sign(HEAD, ROOT, SECONDS)
    mixed = notes.Note(note.text, (note.signatures[0], heads.sign(HEAD, other, 1).signatures[1]))
    assert heads.signers(mixed, HEAD, {ROOT.key: ROOT.mldsa44}) == []
    assert heads.signers(mixed, HEAD, {other.key: other.mldsa44}) == [other.key]
    for kept in note.signatures:
        assert not heads.signers(notes.Note(note.text, (kept,)), HEAD, {ROOT.key: ROOT.mldsa44})
    moved = Checkpoint(HEAD.origin, 8, HEAD.root)
    assert not heads.signers(
        notes.Note(moved.text, note.signatures), moved, {ROOT.key: ROOT.mldsa44}
    )
    with pytest.raises(UserError, match="no ML-DSA-44"):
        heads.sign(HEAD, Ed25519Signer(b"\1" * 32), SECONDS)


def test_a_log_key_is_no_witness_key() -> None:
    """The same public key under another kind or name has another id and verifies nothing."""
    note = heads.sign(HEAD, ROOT, SECONDS)
    public = bytes.fromhex(ROOT.key[8:])
    assert heads.signed(note, HEAD, VerifierKey(HEAD.origin, notes.ED25519, public))
    assert not heads.signed(note, HEAD, VerifierKey(HEAD.origin, notes.ED25519_COSIGNATURE, public))
    assert not heads.signed(note, HEAD, VerifierKey("other", notes.ED25519, public))
    for wrong in (EXAMPLE_KEY[:-4], EXAMPLE_KEY.replace("530d", "530e"), "name", ""):
        with pytest.raises(NotANote):
            notes.parse_verifier_key(wrong)


def test_a_checkpoint_is_over_the_entries_of_the_commits() -> None:
    """Its root is that of the tree over all events in order, and writing again changes nothing."""
    store, record = recorded("a", "b", "c")
    kept = checkpointed(store, record)
    leaves = [
        merkle.leaf_hash(entry)
        for number in range(1, 5)
        for entry in tiles.entries_of(number, store.files[f"record/0000/0000000{number}.json"])
    ]
    assert kept.checkpoint.size == len(leaves) == 5
    assert kept.checkpoint.root == merkle.fold(leaves)
    assert kept.name == "record/checkpoints/0000000000000005.note"
    files = dict(store.files)
    assert checkpointed(store, record).data == kept.data
    assert store.files == files


class _Counting(MemoryStore):
    """A store that counts what is read and written."""

    def __init__(self, files: dict[str, bytes]) -> None:
        super().__init__()
        self.files = files
        self.touched: list[str] = []

    def get(self, name: str, offset: int = 0, length: int | None = None) -> bytes:
        self.touched.append(name)
        return super().get(name, offset, length)

    def put(self, name: str, data: bytes) -> bool:
        self.touched.append(name)
        return super().put(name, data)


def test_a_checkpoint_costs_what_is_new() -> None:
    """After 3,000 events, one more touches its commit and the right edge, and no other commit."""
    store, record = recorded()
    for number in range(12):
        record.append([covered(f"{number}-{each}") for each in range(250)], ROOT, CLOCK)
    checkpointed(store, record)
    record.append([covered("one more")], ROOT, CLOCK)
    counting = _Counting(store.files)
    checkpointing.write(counting, ID, record.sequence, ROOT, SECONDS)
    commits = {name for name in counting.touched if name.startswith("record/0")}
    assert commits == {"record/0000/00000014.json"}
    assert len(counting.touched) < 20


def test_a_damaged_edge_is_never_built_upon() -> None:
    """A tile or a checkpoint that was changed stops the next checkpoint, with the code."""
    store, record = recorded("a", "b")
    kept = checkpointed(store, record)
    record.append([covered("c")], ROOT, CLOCK)
    name = tiles.tile_name(0, 0, 4)
    sound = store.files[name]
    for damaged, code in ((b"\0" * 128, "R020"), (sound[:-1], "R020")):
        store.files[name] = damaged
        with pytest.raises(IntegrityError, match=code):
            checkpointed(store, record)
    store.files[name] = sound
    store.files[kept.name] = b"nothing"
    with pytest.raises(IntegrityError, match="R019"):
        checkpointed(store, record)


def test_a_co_signed_checkpoint_is_kept_beside_ours() -> None:
    """Under a name of its own; one with another root is refused as a fork."""
    store, record = recorded("a")
    kept = checkpointed(store, record)
    signed = heads.cosign(kept.note, kept.checkpoint, "archive.example", WITNESS, SECONDS)
    beside = checkpointing.keep(store, notes.render(signed))
    assert beside.name.startswith(kept.name.removesuffix(".note") + "-")
    assert checkpointing.newest(store) == kept
    other = Checkpoint(kept.checkpoint.origin, kept.checkpoint.size, bytes(32))
    with pytest.raises(IntegrityError, match="R018"):
        checkpointing.keep(store, notes.render(heads.sign(other, ROOT, SECONDS)))
