"""Model signing bundles (OpenSSF Model Signing 1.0): the weights' files, signed for other tools.

A bundle is a Sigstore bundle (v0.3) with a DSSE envelope around an in-toto statement that lists
the SHA-256 of every file. It is made of the manifest, so no file is read for it. The standard
allows no Ed25519, so the archive has a P-256 key beside its others that signs bundles and nothing
else: it stands on record with no role.

The statement also holds a digest over the listed digests. It leaves out the files' names, so that
two models can share it: nothing here reads it.
"""

import base64
import binascii
import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from emeritus import canonical
from emeritus.archive.handle import Archive
from emeritus.errors import UserError
from emeritus.record import History
from emeritus.record.events import KeyAdded, KeyRevoked
from emeritus.settings import Settings
from emeritus.vault import Manifest

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import (
        EllipticCurvePrivateKey,
        EllipticCurvePublicKey,
    )

NAME: Final = "model-signing"
PREFIX: Final = "p256:"
MEDIA_TYPE: Final = "application/vnd.dev.sigstore.bundle.v0.3+json"
PAYLOAD_TYPE: Final = "application/vnd.in-toto+json"
STATEMENT_TYPE: Final = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE: Final = "https://model_signing/signature/v1.0"
# What the standard has no signature over: names at the top of the model's folder.
IGNORED: Final = (".git", ".gitattributes", ".github", ".gitignore")


class NotABundle(ValueError):
    """The bytes are no bundle over these files by this key; the message says why."""


def create_key(settings: Settings, archive: str) -> str:
    """Make the P-256 key of an archive, outside of it; return its id for the record."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    private = ec.generate_private_key(ec.SECP256R1())
    encryption: serialization.KeySerializationEncryption = serialization.NoEncryption()
    if settings.passphrase:
        encryption = serialization.BestAvailableEncryption(settings.passphrase.encode())
    pem = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption
    )
    path = _path(settings, archive)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    with open(os.open(path, flags, 0o600), "wb") as file:
        file.write(pem)
        file.flush()
        os.fsync(file.fileno())
    return _id(private.public_key())


def key_on_record(history: History) -> str | None:
    """Return the newest P-256 key that is on record and not revoked, or None."""
    found: list[str] = []
    for entry in history:
        match entry.event:
            case KeyAdded(key=key) if key.startswith(PREFIX):
                found.append(key)
            case KeyRevoked(key=key) if key in found:
                found.remove(key)
    return found[-1] if found else None


def sign(archive: Archive, model: str, manifest: Manifest) -> bytes | None:
    """Return the bundle over the files of `model`, or None when this machine lacks the key.

    The same files and key give the same bytes. Raises `NotABundle` when the standard has no form
    for these files.
    """
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec

    private = _private_key(archive)
    if private is None or _id(private.public_key()) != key_on_record(archive.history()):
        return None
    payload = canonical.dumps(_statement(model, manifest))
    signature = private.sign(
        _encoded(payload), ec.ECDSA(hashes.SHA256(), deterministic_signing=True)
    )
    bundle = {
        "mediaType": MEDIA_TYPE,
        "verificationMaterial": {
            "publicKey": {"hint": _hint(_id(private.public_key()))},
            "tlogEntries": [],
        },
        "dsseEnvelope": {
            "payload": base64.b64encode(payload).decode(),
            "payloadType": PAYLOAD_TYPE,
            "signatures": [{"sig": base64.b64encode(signature).decode(), "keyid": ""}],
        },
    }
    return canonical.dumps(bundle)


def public_pem(key: str) -> bytes:
    """Return the public key of an id as PEM, as other tools take it."""
    from cryptography.hazmat.primitives import serialization

    return _public(key).public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def require_bundle(data: bytes, key: str, manifest: Manifest) -> int:
    """Return how many files a bundle signs; raises `NotABundle` unless all of it holds.

    That is: its form, the signature by `key`, and a list that is exactly the manifest's.
    """
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec

    try:
        bundle = canonical.loads(data, floats=False)
        envelope, material = bundle["dsseEnvelope"], bundle["verificationMaterial"]
        payload = base64.b64decode(envelope["payload"], validate=True)
        (signature,) = envelope["signatures"]
        signed = base64.b64decode(signature["sig"], validate=True)
        statement = canonical.loads(payload, floats=False)
        form = (bundle["mediaType"], envelope["payloadType"], material["publicKey"]["hint"])
        kind = (statement["_type"], statement["predicateType"])
        resources = statement["predicate"]["resources"]
    except (canonical.NotCanonical, binascii.Error, KeyError, TypeError, ValueError) as error:
        raise NotABundle(f"is no bundle: {error}") from error
    if form != (MEDIA_TYPE, PAYLOAD_TYPE, _hint(key)) or kind != (STATEMENT_TYPE, PREDICATE_TYPE):
        raise NotABundle("is no bundle of a known form by the key on record")
    try:
        _public(key).verify(signed, _encoded(payload), ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        raise NotABundle("its signature does not verify") from None
    if resources != _resources(manifest):
        raise NotABundle("lists other files than the manifest")
    return len(resources)


def _statement(model: str, manifest: Manifest) -> dict[str, Any]:
    resources = _resources(manifest)
    digests = b"".join(bytes.fromhex(each["digest"]) for each in resources)
    root = hashlib.sha256(digests).hexdigest()
    return {
        "_type": STATEMENT_TYPE,
        "subject": [{"name": model.rpartition("/")[2], "digest": {"sha256": root}}],
        "predicateType": PREDICATE_TYPE,
        "predicate": {
            "resources": resources,
            "serialization": {
                "method": "files",
                "hash_type": "sha256",
                "allow_symlinks": False,
                "ignore_paths": list(IGNORED),
            },
        },
    }


def _resources(manifest: Manifest) -> list[dict[str, str]]:
    """Return name and digest of each file that the standard signs, in its order."""
    if any(file.path is None for file in manifest.files):
        raise NotABundle("a file's name is no UTF-8, and a bundle has no form for it")
    listed = [
        {"name": file.name, "algorithm": "sha256", "digest": file.sha256.partition(":")[2]}
        for file in sorted(manifest.files, key=lambda each: each.name)
        if file.name.partition("/")[0] not in IGNORED
    ]
    if not listed:
        raise NotABundle("there is no file that a bundle can be over")
    return listed


def _encoded(payload: bytes) -> bytes:
    """Return what is signed: DSSE's pre-authentication encoding."""
    return b"DSSEv1 %d %s %d %s" % (len(PAYLOAD_TYPE), PAYLOAD_TYPE.encode(), len(payload), payload)


def _hint(key: str) -> str:
    return hashlib.sha256(public_pem(key)).hexdigest()


def _id(public: "EllipticCurvePublicKey") -> str:
    from cryptography.hazmat.primitives import serialization

    point = public.public_bytes(
        serialization.Encoding.X962, serialization.PublicFormat.CompressedPoint
    )
    return PREFIX + point.hex()


def _public(key: str) -> "EllipticCurvePublicKey":
    from cryptography.hazmat.primitives.asymmetric import ec

    try:
        point = bytes.fromhex(key.removeprefix(PREFIX))
        return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
    except ValueError as error:
        raise NotABundle(f"the key {key[:24]}… on record is no P-256 key") from error


def _private_key(archive: Archive) -> "EllipticCurvePrivateKey | None":
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    settings = archive.settings
    passphrase = settings.passphrase.encode() if settings.passphrase else None
    try:
        pem = _path(settings, archive.id).read_bytes()
        private = load_pem_private_key(pem, passphrase)
    except FileNotFoundError:
        return None
    except (TypeError, ValueError):
        # The library's own message may quote what it was given: it is not passed on.
        raise UserError(
            f"the key {NAME!r} does not open; set EMERITUS_PASSPHRASE to its passphrase"
        ) from None
    if not isinstance(private, ec.EllipticCurvePrivateKey):
        raise UserError(f"the key {NAME!r} is no P-256 key")
    return private


def _path(settings: Settings, archive: str) -> Path:
    return settings.keys(archive) / f"{NAME}.pem"
