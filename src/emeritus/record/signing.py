"""Who signs: Ed25519 keys (RFC 8032) and, beside each, one of ML-DSA-44 (FIPS 204).

A key's id is `ed25519:` and the public key in hex, so an id alone is enough to verify; likewise
`mldsa44:`. Commits are signed with the first alone, checkpoints with both, so that the history
survives the fall of either algorithm.
"""

import functools
import re
from typing import TYPE_CHECKING, Final, Protocol

from emeritus.errors import UserError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

_ID = re.compile(r"ed25519:([0-9a-f]{64})\Z")
_SIGNATURE = re.compile(r"[0-9a-f]{128}\Z")
_P256_ID = re.compile(r"p256:0[23][0-9a-f]{64}\Z")
_MLDSA44_ID = re.compile(r"mldsa44:([0-9a-f]{2624})\Z")
MLDSA44_SIGNATURE_BYTES: Final = 2420
KEYS_KEPT: Final = 64  # a record has few keys, and one signs many commits in a row

_FIELD = 2**255 - 19
_SMALL_ORDER = frozenset(
    # The y of the points whose order divides 8 (RFC 7748 §7): a signature by such a "key" can be
    # made to fit many messages by somebody who holds no private key at all.
    {
        0,
        1,
        _FIELD - 1,
        0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD83D3D706A17C7,
        0x05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826,
    }
)


class Signer(Protocol):
    """Signs for one key. Implementations MUST keep the private key to themselves.

    It may lie in a file, in a token (PKCS #11) or with a service (KMS): an implementation MUST
    pass `emeritus.testing.signers`.
    """

    @property
    def key(self) -> str:
        """Return the id of its Ed25519 key."""
        ...

    @property
    def mldsa44(self) -> str | None:
        """Return the id of its ML-DSA-44 key; None when it has none and signs no checkpoints."""
        ...

    def sign(self, message: bytes) -> str:
        """Return the Ed25519 signature over `message` as lower-case hex."""
        ...

    def sign_mldsa44(self, message: bytes) -> bytes:
        """Return the ML-DSA-44 signature over `message`, with an empty context.

        Raises `UserError` when there is no such key.
        """
        ...


class Ed25519Signer:
    """Signs with a private key held in memory; it has no second key."""

    def __init__(self, seed: bytes) -> None:
        """`seed` is the 32-byte private key of RFC 8032 §5.1.5."""
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        self._private = Ed25519PrivateKey.from_private_bytes(seed)
        self._key = "ed25519:" + self._private.public_key().public_bytes_raw().hex()

    @property
    def key(self) -> str:
        """Return the id of its Ed25519 key."""
        return self._key

    @property
    def mldsa44(self) -> str | None:
        """Return None."""
        return None

    def sign(self, message: bytes) -> str:
        """Return the signature over `message` as lower-case hex."""
        return self._private.sign(message).hex()

    def sign_mldsa44(self, message: bytes) -> bytes:  # noqa: ARG002  the protocol's signature
        """Raise `UserError`."""
        raise UserError(
            f"the key {self._key[:24]}… has no ML-DSA-44 half and signs no checkpoints; "
            "replace it with: emeritus keys rotate NAME"
        )


class HybridSigner(Ed25519Signer):
    """Signs with both private keys of a pair, held in memory."""

    def __init__(self, seed: bytes, mldsa44_seed: bytes) -> None:
        """`mldsa44_seed` is ξ of FIPS 204, algorithm 1: 32 bytes, independent of `seed`."""
        from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

        super().__init__(seed)
        self._second = MLDSA44PrivateKey.from_seed_bytes(mldsa44_seed)
        self._mldsa44 = "mldsa44:" + self._second.public_key().public_bytes_raw().hex()

    @property
    def mldsa44(self) -> str | None:
        """Return the id of its ML-DSA-44 key."""
        return self._mldsa44

    def sign_mldsa44(self, message: bytes) -> bytes:
        """Return the ML-DSA-44 signature over `message`, with an empty context."""
        return self._second.sign(message)


def signature_by(signer: Signer, message: bytes) -> str:
    """Return the signature by `signer`, which is believed only when the code above made it.

    What a token or a service returns is checked before anything is recorded: a commit whose
    signature is wrong would stay. Raises `UserError`.
    """
    signature = signer.sign(message)
    ours = type(signer) in (Ed25519Signer, HybridSigner)
    if not ours and not verifies(signer.key, signature, message):
        raise UserError(
            f"not recorded: a signature by {signer.key[:24]}… does not verify; try again, and have "
            "the token or service looked at that makes it"
        )
    return signature


def verifies(key: str, signature: str, message: bytes) -> bool:
    """Tell whether `signature` (hex) was made over `message` with the private half of `key`.

    Stricter than RFC 8032 asks, so that every reader gives the same answer: hex is lower-case, the
    key is encoded canonically, and it is no point of small order.
    """
    from cryptography.exceptions import InvalidSignature

    match = _ID.match(key)
    public = _public(match[1]) if match is not None else None
    if public is None or _SIGNATURE.match(signature) is None:
        return False
    try:
        public.verify(bytes.fromhex(signature), message)
    except InvalidSignature:
        return False
    return True


@functools.lru_cache(maxsize=KEYS_KEPT)
def _public(point: str) -> "Ed25519PublicKey | None":
    """Return the key of a point in hex, or None for one that not every reader accepts."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    encoded = bytes.fromhex(point)
    y = int.from_bytes(encoded, "little") & (2**255 - 1)
    if y >= _FIELD or y in _SMALL_ORDER:
        return None
    try:
        return Ed25519PublicKey.from_public_bytes(encoded)
    except ValueError:
        return None


def verifies_mldsa44(key: str, signature: bytes, message: bytes) -> bool:
    """Tell whether `signature` was made over `message` with the private half of `key`."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PublicKey

    match = _MLDSA44_ID.match(key)
    if match is None or len(signature) != MLDSA44_SIGNATURE_BYTES:
        return False
    try:
        MLDSA44PublicKey.from_public_bytes(bytes.fromhex(match[1])).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def is_key(text: str) -> bool:
    """Tell whether `text` is the id of an Ed25519 key."""
    return _ID.match(text) is not None


def is_p256(text: str) -> bool:
    """Tell whether `text` is the id of a P-256 key, which signs model signing bundles alone."""
    return _P256_ID.match(text) is not None


def is_mldsa44(text: str) -> bool:
    """Tell whether `text` is the id of an ML-DSA-44 key."""
    return _MLDSA44_ID.match(text) is not None
