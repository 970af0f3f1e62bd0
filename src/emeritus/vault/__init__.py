"""The vault: where bytes live, content-addressed, proven on every read."""

from emeritus.vault.ingest import Progress
from emeritus.vault.manifest import Manifest
from emeritus.vault.restoring import Restored
from emeritus.vault.source import list_source
from emeritus.vault.store import LocalStore, NotStored, Store, Writer, copy, parts_of
from emeritus.vault.tensors import LazyTensor, Tensors
from emeritus.vault.vault import Receipt, Vault

__all__ = [
    "LazyTensor",
    "LocalStore",
    "Manifest",
    "NotStored",
    "Progress",
    "Receipt",
    "Restored",
    "Store",
    "Tensors",
    "Vault",
    "Writer",
    "copy",
    "list_source",
    "parts_of",
]
