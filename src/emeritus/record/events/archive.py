"""Events about the archive itself: how it began, its keys, its policy, its signatures."""

from emeritus import digests
from emeritus.record.events.event import ROOT, Event, Role
from emeritus.record.events.values import (
    ArchiveId,
    Count,
    Day,
    Digest,
    Key,
    Kind,
    PageName,
    Positive,
    SecondKey,
)


class ArchiveCreated(Event, frozen=True, kw_only=True, tag="archive.created"):
    """The archive began. Always the first event; its commit pins the root keys.

    `root_threshold` people with a root key have to sign the same root event before it counts.
    """

    signed_by = ROOT
    archive: ArchiveId
    software: str
    root_threshold: Positive = 1


class FormatDescribed(Event, frozen=True, kw_only=True, tag="format.described"):
    """The pages and programs that describe the archive are those of `software`, by their digests.

    `pages` holds the SHA-256 of each by its name in the archive.
    """

    newest_by = ()
    software: str
    pages: dict[PageName, Digest]


class KeyAdded(Event, frozen=True, kw_only=True, tag="key.added"):
    """A key became valid for the named person or service, once enough root keys signed this.

    `mldsa44` is the public key that signs checkpoints beside `key`. With `kinds`, the key signs
    events of these kinds alone, and no checkpoints: a root key has none. Every key but one of P-256
    has a role; `name` is not empty, and nothing stands twice. A key is added once, ever.
    """

    signed_by = ROOT
    key: Key
    name: str
    roles: tuple[Role, ...]
    mldsa44: SecondKey | None = None
    kinds: tuple[Kind, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what would make a holder who can sign nothing, or be counted and not sign."""
        if not self.name:
            raise ValueError("a key has no name")
        if not self.roles and self.key.startswith("ed25519:"):
            raise ValueError("a key has no role")
        if len({*self.roles}) < len(self.roles) or len({*self.kinds}) < len(self.kinds):
            raise ValueError("a role or a kind stands twice")
        if Role.ROOT in self.roles and self.kinds:
            raise ValueError("a root key is not limited to kinds")


class KeyRevoked(Event, frozen=True, kw_only=True, tag="key.revoked"):
    """A key stopped being valid after this commit, once enough root keys signed this.

    `since` is the day (RFC 3339 full-date) from which it should not be believed: a claim. What it
    signed from then on stays valid and is pointed out.
    """

    signed_by = ROOT
    key: Key
    reason: str
    since: Day | None = None


class ThresholdSet(Event, frozen=True, kw_only=True, tag="threshold.set"):
    """So many people with a root key have to sign a root event, once enough of them signed this."""

    signed_by = ROOT
    threshold: Positive


class PolicyAdopted(Event, frozen=True, kw_only=True, tag="policy.adopted"):
    """A policy came into force; `text` is its whole TOML text."""

    newest_by = ()
    name: str
    text: str
    sha256: Digest

    def __post_init__(self) -> None:
        """Refuse a digest that is of another text."""
        if digests.sha256(self.text.encode()) != self.sha256:
            raise ValueError("its sha256 is not that of its text")


class RecordRenewed(Event, frozen=True, kw_only=True, tag="record.renewed"):
    """The whole record was signed again: a checkpoint of `size` events with fresh signatures.

    `root` is its root hash, `checkpoint_sha256` the digest of its file in `record/checkpoints/`.
    """

    newest_by = ()
    size: Count
    root: Digest
    checkpoint_sha256: Digest
