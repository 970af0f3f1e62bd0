"""What the two readers of a record say of a folder: the program, and the checker of one file."""

import json
from collections.abc import Sequence
from pathlib import Path

from emeritus import digests
from emeritus.record import check as check_record
from emeritus.record import excerpt
from emeritus.record import format as disk
from emeritus.record.verification import blocking
from emeritus.vault import LocalStore
from tests.archive.test_dossier import checker
from tests.record.histories import ID
from tests.record.odd import text_of


def folder_of(root: Path, files: Sequence[bytes], *, without: int = 0) -> LocalStore:
    """Write an archive of these commits, all but number `without`, and what describes it."""
    for at, data in enumerate(files, start=1):
        path = root / disk.name_of(at)
        path.parent.mkdir(parents=True, exist_ok=True)
        if at != without:
            path.write_bytes(data)
    (root / "archive.json").write_bytes(_describing(files[0]))
    return LocalStore(root)


def _describing(first: bytes) -> bytes:
    """Return the description of an archive that begins with a commit, if it is one."""
    described: dict[str, object] = {"format": "emeritus-archive/1", "hashes": ["sha256", "blake3"]}
    try:
        header = json.loads(first)["header"]
        created = header["time"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return text_of(described | {"id": ID, "created": None, "genesis": None})
    link = digests.sha256(disk.COMMIT_DOMAIN.encode() + b"\0" + text_of(header))
    return text_of(described | {"id": ID, "created": created, "genesis": link})


def program_says(store: LocalStore, *, part: bool) -> bool:
    """Tell whether the program finds nothing wrong with the record, or the excerpt."""
    found = excerpt.read(store, ID).findings if part else tuple(check_record(store, ID))
    return not blocking(found)


def checker_says(root: Path, *, part: bool) -> bool:
    """Tell the same of the checker of one file."""
    names = checker()
    try:
        return not names["read_record"](names["Folder"](str(root)), part).wrong
    except names["Wrong"]:
        return False
