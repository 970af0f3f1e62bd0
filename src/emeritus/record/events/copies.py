"""Events about the copies: where they are, what was checked, what was lost, mended or erased."""

from typing import Literal

from emeritus.record.events.event import MACHINE, Event
from emeritus.record.events.values import Artefact, Count, Digest, FindingCode, ObjectId


class ReplicaAdded(Event, frozen=True, kw_only=True, tag="replica.added"):
    """A complete copy of the archive is kept at `place`; two replicas may share one place."""

    replica: str
    place: str


class ReplicaSynced(Event, frozen=True, kw_only=True, tag="replica.synced"):
    """A replica holds every pack that the record named up to commit `up_to`."""

    signed_by = MACHINE
    newest_by = ("replica",)
    replica: str
    up_to: Count
    packs: Count


class ReplicaWithdrawn(Event, frozen=True, kw_only=True, tag="replica.withdrawn"):
    """A replica is gone for good, or is no longer counted on; its folder was not touched."""

    replica: str
    reason: str


class ShardsPlaced(Event, frozen=True, kw_only=True, tag="shards.placed"):
    """Every pack is also cut into `data` + `parity` shards, spread evenly over `places`.

    Any `data` of them give the pack back. A place holds at most `parity`, so that any one of the
    places may be lost.
    """

    data: Count
    parity: Count
    places: tuple[str, ...]


class ShardsWritten(Event, frozen=True, kw_only=True, tag="shards.written"):
    """The places hold the shards of every pack that the record named up to commit `up_to`."""

    signed_by = MACHINE
    newest_by = ()
    up_to: Count
    packs: Count


class FixityChecked(Event, frozen=True, kw_only=True, tag="fixity.checked"):
    """The stored bytes of a replica were read and compared; `deep` also decoded them.

    It held the commits up to `up_to`, and was judged by what these name. A place of shards is
    called `shards/PLACE`.
    """

    signed_by = MACHINE
    newest_by = ("replica", "deep")
    replica: str
    deep: bool
    packs: Count
    findings: Count
    up_to: Count


class DamageFound(Event, frozen=True, kw_only=True, tag="damage.found"):
    """A check found something wrong; `code` is a finding code, `affects` what it reaches."""

    signed_by = MACHINE
    newest_by = ("replica",)
    replica: str
    code: FindingCode
    where: str
    detail: str
    affects: tuple[str, ...] = ()


class DamageRepaired(Event, frozen=True, kw_only=True, tag="damage.repaired"):
    """Damaged bytes were replaced by the same bytes of another replica; the old ones are kept.

    `kept` names them in the quarantine of that replica; `cause` is what a person knew of how the
    damage came.
    """

    signed_by = MACHINE
    newest_by = ("replica",)
    replica: str
    where: str
    source: str
    kept: tuple[str, ...] = ()
    cause: str | None = None


class CommitSetAside(Event, frozen=True, kw_only=True, tag="commit.set_aside"):
    """A file that stood where this commit stands was no commit, and no copy at hand held one.

    It lies in `quarantine/` and has the digest `sha256`. What it may have held is lost unless one
    of the copies that were `unreached` has it.
    """

    sha256: Digest
    unreached: tuple[str, ...]
    reason: str


class ObjectErased(Event, frozen=True, kw_only=True, tag="object.erased"):
    """The key of one encrypted object was destroyed, so that nobody can read it any more.

    `ground` says why that was lawful: the schedule of the policy (`retention`), a person's right
    to erasure, or a takedown. `reason` names no person. What the vault keeps of the object stays,
    and everything that cites it still verifies.
    """

    newest_by = ("object",)
    object: ObjectId
    artefact: Artefact
    ground: Literal["retention", "erasure", "takedown"]
    reason: str
