"""What can go wrong, what the program exits with, and the catalogue of findings.

    EmeritusError
    ├── UserError        exit 2   the input cannot be used; the message says what to do now
    │   └── MissingExtra          an optional library is needed; the message is the install line
    ├── IntegrityError   exit 3   evidence is broken
    └── Unavailable      exit 4   something outside did not answer; trying again may work

Anything else that escapes is our bug: traceback, exit 70. Errors of libraries are wrapped where
they enter the program, never passed on. Stopped by Ctrl-C or SIGTERM: exit 130.

A check returns findings and does not raise; a `require_…` raises.
"""

import dataclasses
from typing import Final


class EmeritusError(Exception):
    """Root of everything that Emeritus raises on purpose."""

    exit_code = 70


class UserError(EmeritusError):
    """The input cannot be used as it is. The message MUST say what, where and what to do now."""

    exit_code = 2


class MissingExtra(UserError):
    """An optional library is not installed. The message holds the exact install line."""

    def __init__(self, library: str, extra: str) -> None:
        super().__init__(
            f"this needs the library {library}, which is not installed; "
            f"install it with: pip install 'emeritus[{extra}]'"
        )


class IntegrityError(EmeritusError):
    """Evidence is broken: bytes, a signature or a chain do not agree with what was recorded."""

    exit_code = 3

    def __init__(self, message: str, findings: tuple["Finding", ...] = ()) -> None:
        super().__init__(message)
        self.findings = findings


class Unavailable(EmeritusError):
    """Something outside did not answer or is busy. Trying again later may work."""

    exit_code = 4


@dataclasses.dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a check found wrong.

    `code` is a key of `CODES` and stable for ever; `where` is the place (a path relative to the
    archive, or `session/turn`); `detail` is for people; `affects` names what can no longer be
    trusted or restored because of it (model ids, tensor names), possibly nothing.
    """

    code: str
    where: str
    detail: str
    affects: tuple[str, ...] = ()


def printable(text: str, limit: int = 2000) -> str:
    """Return text by a model or a stranger, safe to show: one line, no control, at most `limit`.

    Control characters and those that reorder text (Unicode Bidi_Control) are shown as escapes, so
    that no terminal obeys them and no reader is misled by them.
    """
    shown = "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode()
        for character in text[:limit]
    )
    return shown + ("…" if len(text) > limit else "")


CODES: Final[dict[str, str]] = {
    # vault: stored bytes
    "V001": "a pack is missing",
    "V002": "a pack is truncated or longer than its footer says",
    "V003": "the header or the footer of a pack is damaged",
    "V004": "the index of a pack is damaged",
    "V005": "the stored bytes of a block do not have their recorded hash",
    "V006": "a block does not decode",
    "V007": "the decoded bytes of a block do not have their recorded hash",
    "V008": "an object that is referred to is in no pack",
    "V009": "a manifest is damaged or cannot be read",
    "V010": "a file does not have its recorded SHA-256 or BLAKE3",
    "V011": "the index copy beside a pack is not the index of the pack",
    "V012": "the tensors do not have their recorded canonical digest",
    "V013": "a shard of a pack is missing or damaged",
    # record: signed history
    "R001": "a commit is missing from the sequence",
    "R002": "a commit is not valid canonical JSON of a known format",
    "R003": "the hash chain is broken: a commit does not name the one before it",
    "R004": "the signature of a commit does not verify",
    "R005": "an event does not have the digest that its signed header lists",
    "R006": "a commit is signed by a key that was not valid then",
    "R007": "a commit is signed by a key whose roles do not allow that kind of event",
    "R008": "time goes backwards between two commits",
    "R009": "a commit belongs to another archive",
    "R010": "an event of a kind that this version does not know",
    "R011": "an event lacks a field that its kind needs, or has one that its kind does not know, "
    "or one of the wrong form",
    "R012": "the first commit does not have the fingerprint that is named or trusted",
    "R013": "a replica holds a different commit under the same number",
    "R014": "the record ends before a checkpoint of it: it was truncated",
    "R015": "an event that a checkpoint covers was changed or taken out",
    "R016": "events that a checkpoint covers stand in another order",
    "R017": "an event was put between events that a checkpoint covers",
    "R018": "the record and a checkpoint of it are two histories: it was forked",
    "R019": "a checkpoint is no signed note of this archive by a key that was valid then",
    "R020": "a tile of the tree is missing or does not agree with the commits",
    "R021": "a key signed after the day from which its revocation says that it is in doubt",
    "R022": "a commit that this machine read before is not in the record any more",
    # archive: the folder
    "A001": "a file that the record does not account for",
    "A002": "the description of the archive (archive.json) is missing or damaged",
    "A003": "a page or program of the format is missing, or not the newest that is on record",
    "A004": "a readable document is missing or differs from its source in the vault",
    "A005": "a symbolic link or a special file where a regular file belongs",
    "A006": "an object that was erased on record can be read all the same",
    "A007": "a rendering was written by another version that is on record, and cannot be compared",
    # dossier
    "D001": "a file of the bag is missing, extra, or does not have its listed digest",
    "D002": "the description of a dossier (dossier.json) is damaged, or says what is not so",
    "D003": "a model signing bundle does not verify, or is over other files than the manifest's",
    "D004": "a checkpoint or a proof of a dossier does not verify",
    # conversation
    "C001": "a turn does not name the one before it",
    "C002": "a transcript is not valid canonical JSON lines of a known format",
    "C003": "a quotation is not what stands at its place in the transcript",
}
"""Every finding code with its meaning. A code is never reused and never changes its meaning."""
