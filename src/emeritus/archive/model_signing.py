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
from typing import TYPE_CHECKING, Any, Final

from emeritus import canonical
from emeritus.archive.handle import Archive
from emeritus.record import KeyRing
from emeritus.record.authority import Authority
from emeritus.record.signing import is_p256
from emeritus.vault import Manifest

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey

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


def offered(keys: KeyRing, name: str) -> str:
    """Return the id of the P-256 key called `name` of this machine; make it when there is none."""
    made = name in keys.names()
    return _id((keys.p256(name) if made else keys.create_p256(name)).public_key())


def key_on_record(authority: Authority) -> str | None:
    """Return the newest P-256 key that is valid, or None."""
    keys = [key for key in authority.holders() if is_p256(key)]
    return keys[-1] if keys else None


def sign(archive: Archive, model: str, manifest: Manifest) -> bytes | None:
    """Return the bundle over the files of `model`, or None when this machine lacks the key.

    The same files and key give the same bytes. Raises `NotABundle` when the standard has no form
    for these files.
    """
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec

    key = key_on_record(archive.record.authority)
    private = archive.keys.p256(NAME) if NAME in archive.keys.names() else None
    if private is None or _id(private.public_key()) != key:
        return None
    payload = canonical.dumps(_statement(model, manifest))
    signature = private.sign(
        _encoded(payload), ec.ECDSA(hashes.SHA256(), deterministic_signing=True)
    )
    bundle = {
        "mediaType": MEDIA_TYPE,
        "verificationMaterial": {
            "publicKey": {"hint": _hint(key)},
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
