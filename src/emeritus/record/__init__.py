"""The record: signed, append-only history, the single state that all parts share."""

from emeritus.record.entry import Entry, History
from emeritus.record.keyring import KeyRing
from emeritus.record.log import Record
from emeritus.record.signing import Ed25519Signer, HybridSigner, Signer
from emeritus.record.verification import check, genesis_of

__all__ = [
    "Ed25519Signer",
    "Entry",
    "History",
    "HybridSigner",
    "KeyRing",
    "Record",
    "Signer",
    "check",
    "genesis_of",
]
