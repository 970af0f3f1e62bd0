"""The people who may sign: keys are made, rotated and revoked, by one person or by several."""

import pytest

from emeritus.archive import Archive, Founding, create
from emeritus.archive.creation import added
from emeritus.archive.people import (
    add_person,
    countersign,
    key_of,
    offered,
    revoke,
    rotate,
    waiting,
)
from emeritus.clock import FixedClock
from emeritus.errors import UserError
from emeritus.lifecycle.shipped import policy_text
from emeritus.record import check
from emeritus.record.events import KeyRevoked, ReplicaAdded, Role
from emeritus.settings import Settings

NOTE = ReplicaAdded(replica="other", place="basel")


@pytest.fixture
def shared(settings: Settings, clock: FixedClock) -> Archive:
    """An archive in which two of three people change the keys."""
    founding = Founding("demo", policy_text("demo"), "here", root_keys=3, root_threshold=2)
    return create(settings.archive, founding, settings, clock)


def test_a_rotated_key_signs_under_the_same_name(archive: Archive) -> None:
    """The steward goes on with a new key; the old one is kept on this machine and refused."""
    before = archive.signer("steward")
    made = rotate(archive, "steward", "yearly")
    assert archive.signer("steward").key == made != before.key
    assert archive.signer("steward").mldsa44 != before.mldsa44
    archive.append(NOTE, key="steward")
    assert archive.signer("steward.old-1").key == before.key
    with pytest.raises(UserError, match="not valid"):
        archive.append(NOTE, key="steward.old-1")
    assert archive.record.authority.holders()[made].roles >= {"root", "steward"}
    assert list(check(archive.store, archive.id, archive.genesis)) == []


@pytest.mark.parametrize("stop", ["before", "behind", "between"])
def test_a_rotation_that_was_stopped_is_finished(archive: Archive, stop: str) -> None:
    """Killed with only the new pair made, with it on record, or with the old file set aside."""
    public = offered(archive, "steward.next")
    archive.history()
    if stop != "before":
        roles = (Role.ROOT, Role.STEWARD)
        key, mldsa44 = public.split()
        new = added("steward", (key, mldsa44), roles)
        old = key_of(archive, "steward")
        archive.append(new, KeyRevoked(key=old, reason="yearly"), key="steward")
    if stop == "between":
        archive.keys.set_aside("steward")
    commits = archive.record.sequence
    assert rotate(archive, "steward", "yearly") == public.split()[0]
    assert archive.signer("steward").key == public.split()[0]
    assert archive.record.sequence == commits + (1 if stop == "before" else 0)
    archive.append(NOTE, key="steward")


def test_two_of_three_people_change_the_keys(shared: Archive) -> None:
    """One person's signature is on record and waits; the second makes it count."""
    key = add_person(shared, "dora", ["reviewer"])
    assert shared.record.authority.holder(key) is None
    ((number, waits),) = waiting(shared)
    assert waits.names == {"steward"}
    with pytest.raises(UserError, match="another person"):
        countersign(shared, number, "steward")
    with pytest.raises(UserError, match="nothing waits"):
        countersign(shared, number - 1, "root-2")
    countersign(shared, number, "root-2")
    assert shared.record.authority.holder(key) is not None
    assert waiting(shared) == []
    assert list(check(shared.store, shared.id, shared.genesis)) == []


def test_a_rotation_by_two_people_waits_with_the_old_key_in_use(shared: Archive) -> None:
    """Asked again, it signs nothing twice; after the second signature it takes the new key."""
    before = shared.signer("steward").key
    made = rotate(shared, "steward", "yearly")
    assert shared.signer("steward").key == before
    commits = shared.record.sequence
    assert rotate(shared, "steward", "yearly") == made
    assert shared.record.sequence == commits
    countersign(shared, commits, "root-3")
    assert rotate(shared, "steward", "yearly") == made
    assert shared.signer("steward").key == made
    shared.append(NOTE, key="steward")


def test_a_key_that_was_made_elsewhere_is_put_on_record(
    archive: Archive, clock: FixedClock
) -> None:
    """Only the public half comes here, and what is no public half is refused."""
    public = offered(archive, "elsewhere")
    key = add_person(archive, "dora", ["auditor"], public=public)
    holder = archive.record.authority.holders()[key]
    assert holder.name == "dora"
    assert holder.mldsa44 == public.split()[1]
    with pytest.raises(UserError, match="no public key"):
        add_person(archive, "eva", ["auditor"], public="ssh-ed25519 AAAA")


def test_what_cannot_be_is_said(archive: Archive) -> None:
    """An unknown kind, an unknown person, a day that is none, more root keys than there are."""
    with pytest.raises(UserError, match="no kind of event"):
        add_person(archive, "bot", ["service"], kinds=["model.celebrated"])
    with pytest.raises(UserError, match="no valid key"):
        revoke(archive, "nobody", "left")
    for since in ("yesterday", "20270301"):
        with pytest.raises(UserError, match="no date"):
            revoke(archive, "service", "left", since=since)
    with pytest.raises(UserError, match="people would have a root key"):
        revoke(archive, "steward", "left")
    founding = Founding("demo", "", "here", root_keys=2, root_threshold=3)
    with pytest.raises(UserError, match="3 of 2 root keys"):
        create(archive.root / "x", founding, archive.settings, archive.clock)
    assert not (archive.root / "x").exists()
