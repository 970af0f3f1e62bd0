"""Encrypted documents and blocks: what age makes of them, and what a key cannot do."""

import shutil
import subprocess
from pathlib import Path

import pytest
from blake3 import blake3

from emeritus.archive.object_keys import ObjectKeys
from emeritus.errors import IntegrityError, UserError
from emeritus.testing.stores import MemoryStore
from emeritus.vault import Vault, codec, encryption
from emeritus.vault import format as disk
from emeritus.vault.encryption import NotOpened, decrypt, encrypt, new_identity, recipient_of
from emeritus.vault.format import Index, ObjectEntry
from emeritus.vault.objects import object_id
from tests.vault.encrypted import encrypted_weights, store_with
from tests.vault.folders import bfloat16

WORDS = b"what the model said"
AGE = shutil.which("age")
needs_age = pytest.mark.skipif(AGE is None, reason="the program age is not installed")


def _people(count: int) -> list[tuple[str, str]]:
    identities = [new_identity() for _ in range(count)]
    return [(each, recipient_of(each)) for each in identities]


def _age(file: bytes, identity: str, folder: Path) -> bytes:
    """Open an age file with the program that others use."""
    (folder / "identity").write_text(identity)
    (folder / "file").write_bytes(file)
    command = ["age", "-d", "-i", str(folder / "identity"), str(folder / "file")]
    return subprocess.run(command, capture_output=True, check=True).stdout


def test_every_recipient_opens_it_and_nobody_else() -> None:
    """A key is wrapped to several people, each of whom needs the key and their own identity."""
    (first, one), (second, two), (stranger, _) = _people(3)
    kept, key = encrypt(WORDS, [one, two])
    assert decrypt(kept, key, first) == decrypt(kept, key, second) == WORDS
    assert WORDS not in kept + key
    with pytest.raises(NotOpened):
        decrypt(kept, key, stranger)
    with pytest.raises(NotOpened):
        decrypt(kept, encrypt(WORDS, [one])[1], first)
    with pytest.raises(NotOpened):
        decrypt(WORDS, key, first)
    with pytest.raises(UserError, match="no age key"):
        encrypt(WORDS, ["age1nobody"])


@needs_age
def test_the_line_on_the_page_opens_it(tmp_path: Path) -> None:
    """`(cat KEY; tail -n +3 OBJECT) | age -d -i IDENTITY | tail -c +33`, in a shell."""
    ((identity, recipient),) = _people(1)
    kept, key = encrypt(WORDS, [recipient])
    for name, data in (("KEY", key), ("OBJECT", kept), ("IDENTITY", identity.encode())):
        (tmp_path / name).write_bytes(data)
    page = (Path(__file__).parents[2] / "docs/formats/vault.md").read_text(encoding="utf-8")
    (line,) = [each.strip() for each in page.splitlines() if "| age -d -i IDENTITY |" in each]
    done = subprocess.run(
        ["sh", "-c", line], cwd=tmp_path, capture_output=True, check=True, timeout=60
    )
    assert done.stdout == WORDS


def test_a_body_cannot_be_given_two_meanings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever holds the key is bound by the commitment: other words under it are not opened."""
    ((identity, recipient),) = _people(1)
    kept, _ = encrypt(WORDS, [recipient])
    other, key = encrypt(b"what it never said", [recipient])
    head = len(encryption.MAGIC) + 65
    with pytest.raises(NotOpened, match="not what was committed to"):
        decrypt(kept[:head] + other[head:], key, identity)


@pytest.mark.parametrize("at", [3, 30, 90, -1])
def test_a_flipped_bit_is_never_given_out(at: int) -> None:
    """In the magic, the commitment, the nonce or the text."""
    ((identity, recipient),) = _people(1)
    kept, key = encrypt(WORDS, [recipient])
    damaged = bytearray(kept)
    damaged[at] ^= 1
    with pytest.raises(NotOpened):
        decrypt(bytes(damaged), key, identity)


def test_the_keys_of_a_machine(tmp_path: Path) -> None:
    """An identity is made once; others who stand in the list can open what comes from then on."""
    keys = ObjectKeys(tmp_path / "objects")
    kept = keys.encrypt(WORDS)
    ((other, recipient),) = _people(1)
    (keys.folder / "recipients.txt").write_text(f"# Rita\n{recipient}\n", encoding="utf-8")
    later = keys.encrypt(b"more")
    (second,) = set(keys.folder.glob("*.key")) - {keys.path(encryption_id(kept))}
    assert decrypt(later, second.read_bytes(), other) == b"more"
    assert keys.decrypt(encryption_id(later), later) == b"more"
    files = [path for path in keys.folder.rglob("*") if path.is_file()]
    assert all(path.stat().st_mode & 0o077 == 0 for path in keys.folder.glob("*.key"))
    assert len(files) == 7  # two keys, two notes, the identity, its public half, the list
    with pytest.raises(UserError, match="the id of no object"):
        keys.path("blake3:../../etc/passwd")


def test_a_list_that_was_there_first_does_not_lock_this_machine_out(tmp_path: Path) -> None:
    """What is encrypted here can be opened here, whoever else stands in the list."""
    keys = ObjectKeys(tmp_path / "objects")
    ((_, recipient),) = _people(1)
    keys.folder.mkdir()
    (keys.folder / "recipients.txt").write_text(recipient, encoding="utf-8")
    kept = keys.encrypt(WORDS)
    assert keys.decrypt(encryption_id(kept), kept) == WORDS
    (keys.folder / "identity.txt").rename(tmp_path / "away")
    with pytest.raises(UserError, match=r"the secret key to .* is gone"):
        keys.encrypt(b"more")
    with pytest.raises(UserError, match="is not at"):
        keys.decrypt(encryption_id(kept), kept)


def test_what_was_begun_is_known_again_until_it_is_on_record(tmp_path: Path) -> None:
    """The same words are not encrypted twice by a run that was stopped."""
    keys = ObjectKeys(tmp_path / "objects")
    first = keys.encrypt(WORDS)
    assert keys.begun(WORDS) == encryption_id(first)
    second = keys.encrypt(WORDS)  # the first was never stored: its key goes
    assert list(keys.held()) == [encryption_id(second)]
    keys.settle(encryption_id(second))
    assert keys.begun(WORDS) is None
    keys.destroy(encryption_id(second))
    assert list(keys.held()) == []


def test_an_identity_behind_a_passphrase(tmp_path: Path) -> None:
    """It opens with the passphrase alone, and neither lies on the disk as it is."""
    keys = ObjectKeys(tmp_path / "objects", "a long passphrase")
    kept = keys.encrypt(WORDS)
    assert keys.decrypt(encryption_id(kept), kept) == WORDS
    files = [path for path in keys.folder.rglob("*") if path.is_file()]
    assert b"AGE-SECRET-KEY" not in b"".join(path.read_bytes() for path in files)
    with pytest.raises(UserError, match="EMERITUS_PASSPHRASE") as error:
        ObjectKeys(tmp_path / "objects", "another").decrypt(encryption_id(kept), kept)
    assert "another" not in str(error.value)


def encryption_id(kept: bytes) -> str:
    """Return the id of an object whose bytes these are."""
    return object_id(len(kept), [blake3(kept).digest()])


def test_encrypted_weights_are_checked_and_not_opened() -> None:
    """A later version may write them: this one proves what is stored, and says what it cannot."""
    ((_, recipient),) = _people(1)
    raw = bfloat16((256, 256), 1)[2]
    index, body, _ = encrypted_weights(raw, recipient)
    store, pack = store_with(index, body)
    vault = Vault(store)
    identity = index.objects[0].id
    assert list(vault.check(deep=True)) == []
    with pytest.raises(UserError, match="opens no encrypted weights"):
        vault.read(identity)
    damaged = bytearray(store.get(disk.pack_name(pack)))
    damaged[len(disk.HEADER) + 100] ^= 1
    other = MemoryStore()
    other.put(disk.pack_name(pack), bytes(damaged))
    assert [each.code for each in Vault(other).check(deep=False)] == ["V005"]
    too_long = ObjectEntry(identity, 1, index.objects[0].blocks, "BF16", None, encrypted=True)
    lying, _ = store_with(Index(disk.PACK_FORMAT, (too_long,)), body)
    with pytest.raises(IntegrityError):
        Vault(lying).read(identity)


@needs_age
def test_encrypted_weights_open_with_age_as_the_page_says(tmp_path: Path) -> None:
    """The form is complete: key, block and page are all that somebody needs."""
    ((secret, recipient),) = _people(1)
    raw = bfloat16((256, 256), 1)[2]
    index, body, key = encrypted_weights(raw, recipient)
    (block,) = index.objects[0].blocks
    opened = _age(key + body, secret, tmp_path)
    salt, coded = opened[:32], opened[32:]
    assert len(coded) == sum(block.planes)
    decoded = codec.decode(coded, (block.codec, block.planes), len(raw), codec.Layout("BF16", 0))
    assert bytes(decoded) == raw
    assert blake3(decoded, key=salt).hexdigest() == block.raw_hash
