"""Signers: the ones that we ship, and one by another program, keep the same laws."""

import subprocess
from pathlib import Path

import pytest

from emeritus.errors import UserError
from emeritus.record import Ed25519Signer, HybridSigner, KeyRing
from emeritus.record.signing import verifies_mldsa44
from emeritus.testing.signers import check_signer

SEED = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")


class OpenSSLSigner:
    """A real signer by another program, as one for a token would be: it holds no key itself."""

    def __init__(self, pem: Path) -> None:
        self._pem = pem
        shown = self._openssl("pkey", "-in", str(pem), "-pubout", "-outform", "DER")
        self._key = "ed25519:" + shown[-32:].hex()

    @property
    def key(self) -> str:
        """Return the key's id."""
        return self._key

    @property
    def mldsa44(self) -> str | None:
        """Return None."""
        return None

    def sign(self, message: bytes) -> str:
        """Return the signature in hex."""
        path = self._pem.with_suffix(".message")
        path.write_bytes(message)
        words = ("pkeyutl", "-sign", "-rawin", "-inkey", str(self._pem), "-in", str(path))
        return self._openssl(*words).hex()

    def sign_mldsa44(self, message: bytes) -> bytes:  # noqa: ARG002  the protocol's signature
        """Raise `UserError`."""
        raise UserError("this token has no ML-DSA-44")

    @staticmethod
    def _openssl(*words: str) -> bytes:
        return subprocess.run(["openssl", *words], check=True, capture_output=True).stdout


def test_every_signer_keeps_the_laws(tmp_path: Path) -> None:
    """A pair in memory, a single key in memory, and a pair from a file with a passphrase."""
    check_signer(lambda: HybridSigner(SEED, b"\2" * 32))
    check_signer(lambda: Ed25519Signer(SEED))
    ring = KeyRing(tmp_path, "opensesame")
    ring.create("anna")
    check_signer(lambda: ring.signer("anna"))


def test_a_signer_outside_of_python_keeps_the_laws(tmp_path: Path) -> None:
    """OpenSSL holds the key and signs; the record cannot tell the difference."""
    pem = tmp_path / "key.pem"
    pem.write_bytes(OpenSSLSigner._openssl("genpkey", "-algorithm", "ed25519"))
    check_signer(lambda: OpenSSLSigner(pem))


class _Sloppy(Ed25519Signer):
    """A double that signs the first byte alone."""

    def sign(self, message: bytes) -> str:
        return super().sign(message[:1])


class _Boasting(Ed25519Signer):
    """A double that promises a second key and does not use it."""

    @property
    def mldsa44(self) -> str | None:
        return HybridSigner(SEED, b"\2" * 32).mldsa44

    def sign_mldsa44(self, message: bytes) -> bytes:  # noqa: ARG002  the protocol's signature
        return b"\0" * 2420


@pytest.mark.parametrize("wrong", [_Sloppy, _Boasting])
def test_the_suite_finds_a_signer_that_breaks_a_law(wrong: type[Ed25519Signer]) -> None:
    """A suite that passes everything would be worth nothing."""
    with pytest.raises(AssertionError, match="breaks the law"):
        check_signer(lambda: wrong(SEED))


def test_a_second_signature_is_by_one_key_over_one_message() -> None:
    """Another key, another message, a flipped bit and a malformed id are refused."""
    one, other = HybridSigner(SEED, b"\2" * 32), HybridSigner(SEED, b"\3" * 32)
    assert one.key == other.key
    assert one.mldsa44 is not None
    assert other.mldsa44 is not None
    signature = one.sign_mldsa44(b"message")
    assert verifies_mldsa44(one.mldsa44, signature, b"message")
    assert not verifies_mldsa44(other.mldsa44, signature, b"message")
    assert not verifies_mldsa44(one.mldsa44, signature, b"messagf")
    assert not verifies_mldsa44(one.mldsa44, signature[:-1], b"message")
    assert not verifies_mldsa44(one.mldsa44, bytes([signature[0] ^ 1]) + signature[1:], b"message")
    assert not verifies_mldsa44(one.key, signature, b"message")


def test_a_key_file_is_a_pair_and_is_never_quoted(tmp_path: Path) -> None:
    """Both halves are encrypted; a wrong passphrase and a torn file quote nothing."""
    ring = KeyRing(tmp_path, "opensesame")
    made = ring.create("anna")
    path = tmp_path / "anna.pem"
    assert path.read_bytes().count(b"BEGIN ENCRYPTED PRIVATE KEY") == 2
    assert ring.signer("anna").mldsa44 == made.mldsa44
    with pytest.raises(UserError, match="does not open") as caught:
        KeyRing(tmp_path, "wrong-word").signer("anna")
    assert "wrong-word" not in str(caught.value)
    first = path.read_bytes().split(b"-----END")[0]
    path.chmod(0o600)
    path.write_bytes(first)
    with pytest.raises(UserError, match="no Ed25519 key") as caught:
        ring.signer("anna")
    assert first[40:80].decode() not in str(caught.value)
