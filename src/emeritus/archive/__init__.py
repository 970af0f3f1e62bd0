"""The archive: the open handle over vault, record, keys and clock, and what keeps it whole."""

from emeritus.archive.creation import Founding, create, open_archive
from emeritus.archive.handle import SERVICE, STEWARD, Archive
from emeritus.archive.preservation import open_tensors

__all__ = [
    "SERVICE",
    "STEWARD",
    "Archive",
    "Founding",
    "create",
    "open_archive",
    "open_tensors",
]
