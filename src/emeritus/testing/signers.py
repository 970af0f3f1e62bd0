"""What every signer must do, whether its private key lies in a file, a token or a service."""

import re
from collections.abc import Callable

from emeritus.errors import UserError
from emeritus.record import Signer
from emeritus.record.signing import is_key, is_mldsa44, verifies, verifies_mldsa44

_HEX = re.compile(r"[0-9a-f]{128}\Z")


def check_signer(make: Callable[[], Signer]) -> None:
    """Raise `AssertionError` when a signer from `make` breaks a law of `record.Signer`.

    Two signers from `make` MUST be for the same key.
    """
    signer, again = make(), make()
    _require(is_key(signer.key), "its id is `ed25519:` and 64 lower-case hex digits")
    _require(signer.key == signer.key == again.key, "its id does not change")
    for message in (b"one", b"emeritus-record/1/commit\0{}", bytes(range(256)) * 512):
        signature = signer.sign(message)
        _require(_HEX.match(signature) is not None, "a signature is 128 lower-case hex digits")
        _require(verifies(signer.key, signature, message), "a signature verifies")
        _require(again.sign(message) == signature, "Ed25519 signs a message in one way (RFC 8032)")
        _require(not verifies(signer.key, signature, message + b"x"), "it signs one message")
    _check_second(signer)


def _check_second(signer: Signer) -> None:
    key = signer.mldsa44
    if key is None:
        try:
            signer.sign_mldsa44(b"one")
        except UserError:
            return
        raise AssertionError("a signer breaks the law: without a second key it refuses to use it")
    _require(is_mldsa44(key), "its second id is `mldsa44:` and 2624 lower-case hex digits")
    for message in (b"one", b"subtree/v1\n\0"):
        signature = signer.sign_mldsa44(message)
        _require(verifies_mldsa44(key, signature, message), "a second signature verifies")
        _require(not verifies_mldsa44(key, signature, message + b"x"), "it signs one message")


def _require(holds: bool, law: str) -> None:
    if not holds:
        raise AssertionError(f"a signer breaks the law: {law}")
