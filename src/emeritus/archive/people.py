"""The people who may sign: their keys are added, replaced and revoked here.

All of these are root events. Where the archive asks for several people, the first call records
one signature, and `countersign` adds the next; the event counts when enough have signed it.
"""

import datetime
from collections.abc import Iterable, Sequence

from emeritus.archive import model_signing
from emeritus.archive.creation import added
from emeritus.archive.handle import STEWARD, Archive
from emeritus.errors import UserError
from emeritus.record.authority import RootEvent, Waiting
from emeritus.record.events import KINDS, KeyRevoked, Role
from emeritus.record.signing import is_key, is_mldsa44, is_p256


def add_person(
    archive: Archive,
    name: str,
    roles: Iterable[str],
    *,
    kinds: Sequence[str] = (),
    public: str | None = None,
    by: str = STEWARD,
) -> str:
    """Put a key for `name` on record with `roles`; return its id.

    The pair is made on this machine, unless `public` is what `offered` returned on the machine of
    the person. A key that was made and not yet recorded, because the program was stopped between
    the two, is recorded by the next call.
    """
    archive.history()
    if any(holder.name == name for holder in archive.record.authority.holders().values()):
        raise UserError(f"{name!r} has a key on record already; replace it with: keys rotate")
    unknown = [kind for kind in kinds if kind not in KINDS]
    if unknown:
        raise UserError(f"there is no kind of event called {unknown[0]!r}")
    pair = _pair(public or offered(archive, name))
    given = tuple(Role(role) for role in roles)
    archive.append(added(name, pair, given, tuple(kinds)), key=by)
    return pair[0]


def offered(archive: Archive, name: str) -> str:
    """Make a pair for `name` on this machine, and return what somebody else can put on record."""
    made = name in archive.keys.names()
    signer = archive.keys.signer(name) if made else archive.keys.create(name)
    return " ".join(filter(None, (signer.key, signer.mldsa44)))


def rotate(archive: Archive, name: str, reason: str, by: str = STEWARD) -> str:
    """Replace the key of `name` by a new one with the same roles, in one commit; return its id.

    The new pair waits beside the old one until the record knows it; then it takes the name, and
    the old file is kept under another. A call that was stopped, or that waits for another root
    key, is finished by the next one.
    """
    archive.history()
    authority, following = archive.record.authority, f"{name}.next"
    if is_p256(key_of(archive, name)):
        pair: tuple[str, str | None] = (model_signing.offered(archive.keys, following), None)
    else:
        pair = _pair(offered(archive, following))
    if authority.holder(pair[0]) is None:
        old = key_of(archive, name)
        holder = authority.holders()[old]
        new = added(name, pair, tuple(sorted(holder.roles)), tuple(sorted(holder.kinds)))
        signed: dict[RootEvent, frozenset[str]] = {
            each.event: each.names for each in authority.waiting()
        }
        if by not in signed.get(new, ()):
            archive.append(new, KeyRevoked(key=old, reason=reason), key=by)
    if archive.record.authority.holder(pair[0]) is not None:
        if name in archive.keys.names():
            archive.keys.set_aside(name)
        archive.keys.rename(following, name)
    return pair[0]


def revoke(
    archive: Archive, who: str, reason: str, since: str | None = None, by: str = STEWARD
) -> str:
    """Revoke a key, named by its holder or its id; return its id."""
    archive.history()
    if since is not None and not _is_day(since):
        raise UserError(f"{since!r} is no date; write it like 2027-03-01")
    key = key_of(archive, who)
    archive.append(KeyRevoked(key=key, reason=reason, since=since), key=by)
    return key


def _is_day(text: str) -> bool:
    try:
        return datetime.date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def countersign(archive: Archive, commit: int, by: str) -> list[RootEvent]:
    """Sign the root events of `commit` that wait for more people; return them."""
    found = [each for number, each in waiting(archive) if number == commit]
    if not found:
        raise UserError(f"nothing waits in commit {commit}; see: emeritus keys list")
    if all(by in each.names for each in found):
        raise UserError(f"{by} has signed commit {commit} already; another person has to")
    events = [each.event for each in found]
    archive.append(*events, key=by)
    return events


def waiting(archive: Archive) -> list[tuple[int, Waiting]]:
    """Return each root event that waits for more people, with the first commit that holds it."""
    first: dict[RootEvent, int] = {}
    for entry in archive.history():
        if isinstance(entry.event, RootEvent):
            first.setdefault(entry.event, entry.place[0])
    return [(first[each.event], each) for each in archive.record.authority.waiting()]


def key_of(archive: Archive, who: str) -> str:
    """Return the id of the valid key that `who` names. Raises `UserError` when it is not one."""
    holders = archive.record.authority.holders()
    keys = [key for key, holder in holders.items() if who in (key, holder.name)]
    if len(keys) != 1:
        said = "no valid key" if not keys else f"{len(keys)} keys, name one by its id"
        raise UserError(f"{who!r} has {said}; see: emeritus keys list")
    return keys[0]


def _pair(public: str) -> tuple[str, str | None]:
    """Read the public keys of a pair, as `offered` writes them."""
    key, _, mldsa44 = public.strip().partition(" ")
    if not is_key(key) or (mldsa44 and not is_mldsa44(mldsa44)):
        raise UserError("that is no public key; it is what `emeritus keys offer NAME` prints")
    return key, mldsa44 or None
