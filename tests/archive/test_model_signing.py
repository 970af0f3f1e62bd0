"""The model signing bundle of a dossier, checked by tools that are not ours."""

import base64
import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from emeritus.archive import Archive
from emeritus.archive.dossier import write_dossier
from emeritus.archive.dossier_check import check_dossier
from emeritus.archive.model_signing import (
    NAME,
    NotABundle,
    key_on_record,
    public_pem,
    require_bundle,
    sign,
)
from emeritus.archive.people import rotate
from emeritus.archive.preservation import preserve, require_preserved, restore
from emeritus.vault import Manifest
from tests.archive.test_dossier import checker

MODEL = "acme/aster-1"


def _key(archive: Archive) -> str:
    key = key_on_record(archive.record.authority)
    assert key is not None
    return key


def _manifest(archive: Archive) -> Manifest:
    return archive.vault.manifest(require_preserved(archive, MODEL).event.manifest)


def _signed(archive: Archive) -> bytes:
    bundle = sign(archive, MODEL, _manifest(archive))
    assert bundle is not None
    return bundle


def _payload(bundle: bytes) -> dict[str, Any]:
    envelope = json.loads(bundle)["dsseEnvelope"]
    statement: dict[str, Any] = json.loads(base64.b64decode(envelope["payload"]))
    return statement


def test_openssl_and_sha256sum_alone_check_the_weights(kept: Archive, tmp_path: Path) -> None:
    """Signature and files hold, by the two steps that the page of the dossier describes."""
    given = write_dossier(kept, MODEL, tmp_path / "d").path / "data" / "models" / MODEL
    restore(kept, MODEL, tmp_path / "back")
    envelope = json.loads((given / "model.sig").read_bytes())["dsseEnvelope"]
    payload = base64.b64decode(envelope["payload"])
    head = f"DSSEv1 {len(envelope['payloadType'])} {envelope['payloadType']} {len(payload)} "
    (tmp_path / "signed").write_bytes(head.encode() + payload)
    (tmp_path / "signature").write_bytes(base64.b64decode(envelope["signatures"][0]["sig"]))
    openssl = ["openssl", "dgst", "-sha256", "-verify", str(given / "model-signing.pem"),
               "-signature", str(tmp_path / "signature"), str(tmp_path / "signed")]  # fmt: skip
    assert subprocess.run(openssl, capture_output=True, check=False).returncode == 0
    listed = json.loads(payload)["predicate"]["resources"]
    sums = "".join(f"{each['digest']}  {each['name']}\n" for each in listed)
    (tmp_path / "sums").write_text(sums)
    command = ["sha256sum", "--check", "--strict", str(tmp_path / "sums")]
    back = tmp_path / "back"
    assert subprocess.run(command, cwd=back, capture_output=True, check=False).returncode == 0
    assert {each["name"] for each in listed} == {path.name for path in back.iterdir()}
    (tmp_path / "signed").write_bytes(head.encode() + payload.replace(b"config", b"confih"))
    assert subprocess.run(openssl, capture_output=True, check=False).returncode == 1


def test_a_bundle_has_the_form_of_the_standard(kept: Archive) -> None:
    """Media type, hint, kind of statement and predicate are those of the specification 1.0."""
    bundle = json.loads(_signed(kept))
    assert bundle["mediaType"] == "application/vnd.dev.sigstore.bundle.v0.3+json"
    hint = bundle["verificationMaterial"]["publicKey"]["hint"]
    assert hint == hashlib.sha256(public_pem(_key(kept))).hexdigest()
    statement = _payload(_signed(kept))
    assert statement["predicateType"] == "https://model_signing/signature/v1.0"
    assert statement["subject"][0]["name"] == "aster-1"
    resources = statement["predicate"]["resources"]
    assert [each["name"] for each in resources] == ["config.json", "m.safetensors"]
    root = hashlib.sha256(b"".join(bytes.fromhex(each["digest"]) for each in resources))
    assert statement["subject"][0]["digest"] == {"sha256": root.hexdigest()}
    assert _signed(kept) == _signed(kept)


def test_a_bundle_over_anything_else_is_refused(kept: Archive, source: Path) -> None:
    """Another list, another signature, another key, another file, or no bundle at all."""
    bundle, key, manifest = _signed(kept), _key(kept), _manifest(kept)
    assert require_bundle(bundle, key, manifest) == 2
    parsed = json.loads(bundle)
    statement = _payload(bundle)
    statement["predicate"]["resources"].pop()
    parsed["dsseEnvelope"]["payload"] = base64.b64encode(json.dumps(statement).encode()).decode()
    doubled = json.loads(bundle)
    doubled["dsseEnvelope"]["signatures"] *= 2
    unsigned = json.loads(bundle)
    unsigned["dsseEnvelope"]["signatures"][0]["sig"] = base64.b64encode(bytes(70)).decode()
    forgeries: list[Any] = [parsed, doubled, unsigned, {}, [], {"dsseEnvelope": 1}]
    for forged in forgeries:
        with pytest.raises(NotABundle):
            require_bundle(json.dumps(forged).encode(), key, manifest)
    (source / "config.json").write_text('{"a":1}')
    preserve(kept, MODEL, source)
    with pytest.raises(NotABundle, match="other files"):
        require_bundle(bundle, key, _manifest(kept))


def test_a_rotated_key_signs_from_then_on(kept: Archive, tmp_path: Path) -> None:
    """The new key takes over, is the one on record, and the old bundle is refused by its hint."""
    old, bundle = _key(kept), _signed(kept)
    rotate(kept, NAME, "yearly")
    assert _key(kept) != old
    assert require_bundle(_signed(kept), _key(kept), _manifest(kept)) == 2
    with pytest.raises(NotABundle):
        require_bundle(bundle, _key(kept), _manifest(kept))
    given = write_dossier(kept, MODEL, tmp_path / "d")
    assert not given.lacking
    assert check_dossier(given.path).sound


def test_names_that_the_standard_leaves_out_are_not_signed(
    kept: Archive, source: Path, tmp_path: Path
) -> None:
    """Files of git at the top are covered by our manifest alone, as the page says."""
    (source / ".gitattributes").write_text("x")
    (source / "deep").mkdir()
    (source / "deep" / ".gitattributes").write_text("x")
    preserve(kept, MODEL, source)
    names = [each["name"] for each in _payload(_signed(kept))["predicate"]["resources"]]
    assert names == ["config.json", "deep/.gitattributes", "m.safetensors"]
    assert check_dossier(write_dossier(kept, MODEL, tmp_path / "d").path).sound


def test_what_no_bundle_can_be_made_of_is_said(kept: Archive, source: Path, tmp_path: Path) -> None:
    """A name that is no UTF-8, and a machine without the key: a dossier without a bundle."""
    keys = kept.settings.config / "keys" / kept.id / f"{NAME}.pem"
    keys.rename(tmp_path / "away.pem")
    given = write_dossier(kept, MODEL, tmp_path / "d")
    assert given.lacking == ("a model signing bundle: its key is not on this machine",)
    examined = check_dossier(given.path)
    assert examined.sound
    assert "a model signing bundle over the files of the weights" in examined.missing
    (tmp_path / "away.pem").rename(keys)
    (source / "caf\udce9.txt").write_text("x")
    preserve(kept, MODEL, source)
    assert "UTF-8" in write_dossier(kept, MODEL, tmp_path / "e").lacking[0]


def test_the_one_file_checker_verifies_ecdsa() -> None:
    """RFC 6979, section A.2.5: the message `sample` under P-256 with SHA-256."""
    names = checker()
    public = (
        0x60FED4BA255A9D31C961EB74C6356D68C049B8923B61FA6CE669622E60F29FB6,
        0x7903FE1008B8BC99A41AE9E95628BC64F2F1B20C2D7E9F5177A3C294D4462299,
    )
    assert names["curve_read"](b"\x03" + public[0].to_bytes(32, "big")) == public
    r = "00efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716"
    s = "00f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8"
    signature = bytes.fromhex(f"30460221{r}0221{s}")
    assert names["curve_verifies"](public, signature, b"sample")
    assert not names["curve_verifies"](public, signature, b"sampld")
    for broken in (signature[:-1], signature + b"\0", signature.replace(b"\x02\x21", b"\x02\x22")):
        assert not names["curve_verifies"](public, broken, b"sample")


@pytest.mark.long
def test_the_reference_implementation_accepts_the_bundle(
    kept: Archive, source: Path, tmp_path: Path
) -> None:
    """The package `model-signing` verifies the restored files, and refuses a changed one."""
    python = str(tmp_path / "venv" / "bin" / "python")
    subprocess.run([sys.executable, "-m", "venv", str(tmp_path / "venv")], check=True)
    # It imports pyOpenSSL and does not say so among its requirements.
    install = [python, "-m", "pip", "install", "--quiet", "model-signing==1.1.1", "pyOpenSSL"]
    if subprocess.run(install, capture_output=True, check=False).returncode != 0:
        pytest.skip("the package model-signing cannot be installed here")
    (source / ".gitattributes").write_text("x")
    preserve(kept, MODEL, source)
    given = write_dossier(kept, MODEL, tmp_path / "d").path / "data" / "models" / MODEL
    restore(kept, MODEL, tmp_path / "back" / "aster-1")
    command = [python, "-m", "model_signing", "verify", "key", str(tmp_path / "back" / "aster-1"),
               "--signature", str(given / "model.sig"),
               "--public_key", str(given / "model-signing.pem")]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (tmp_path / "back" / "aster-1" / "config.json").write_text("{ }")
    assert subprocess.run(command, capture_output=True, check=False).returncode != 0
