"""`keys`: who may sign, and for what."""

from typing import TYPE_CHECKING, Any

import click

from emeritus.cli.options import as_person, with_archive
from emeritus.cli.output import Output

if TYPE_CHECKING:
    from emeritus.archive import Archive

ROLES = ("root", "steward", "reviewer", "approver", "auditor", "service")


@click.group()
def keys() -> None:
    """Say who may sign for what: list, create, rotate and revoke keys."""


@keys.command("list", epilog="Example: emeritus keys list")
@with_archive
def keys_list(archive: "Archive", output: Output) -> None:
    """List the keys that are valid now, and what waits for more people to sign it."""
    archive.history()
    authority, here = archive.record.authority, set(archive.keys.names())
    rows, documents = [("name", "roles", "", "key")], []
    for key, holder in authority.holders().items():
        roles, kinds = ", ".join(sorted(holder.roles)), sorted(holder.kinds)
        limited = f" (only {', '.join(kinds)})" if kinds else ""
        rows.append(
            (holder.name, roles + limited, "here" if holder.name in here else "elsewhere", key)
        )
        documents.append(
            {
                "name": holder.name,
                "roles": sorted(holder.roles),
                "kinds": kinds,
                "key": key,
                "mldsa44": holder.mldsa44,
            }
        )
    output.table(rows)
    waiting = _waiting(archive)
    if authority.threshold > 1:
        output.line(f"{authority.threshold} people with a root key have to sign a change of keys")
    for each in waiting:
        output.line(
            f"commit {each['commit']} waits: {each['kind']}, signed by {', '.join(each['signed'])}"
        )
        output.line(f"  emeritus keys sign {each['commit']} --as NAME")
    output.document({"keys": documents, "threshold": authority.threshold, "waiting": waiting})


@keys.command("create", epilog="Example: emeritus keys create anna --role reviewer --role approver")
@click.argument("name")
@click.option(
    "--role",
    "roles",
    multiple=True,
    required=True,
    type=click.Choice(ROLES),
    help="What the key may sign for; repeatable.",
)
@click.option(
    "--kind",
    "kinds",
    multiple=True,
    metavar="KIND",
    help="Limit the key to this kind of event; repeatable.",
)
@click.option("--public", metavar="TEXT", help="What `keys offer` printed on another machine.")
@as_person
@with_archive
def keys_create(
    archive: "Archive",
    output: Output,
    name: str,
    roles: tuple[str, ...],
    kinds: tuple[str, ...],
    public: str | None,
    key: str,
) -> None:
    """Put a key for a person, or for a service, on record.

    The pair is made on this machine. A person who should hold it alone runs `keys offer` on a
    machine of their own, and you give what it prints to --public.
    """
    from emeritus.archive.people import add_person

    made = add_person(archive, name, roles, kinds=kinds, public=public, by=key)
    if _counts(archive, output, archive.record.authority.holder(made) is not None):
        output.line(f"{name} can sign as {', '.join(roles)}: {made}")
    _document(archive, output, name, made, roles=list(roles))


@keys.command("offer", epilog="Example: emeritus keys offer anna")
@click.argument("name")
@with_archive
def keys_offer(archive: "Archive", output: Output, name: str) -> None:
    """Make a pair on this machine, and print its public half for a steward to put on record."""
    from emeritus.archive.people import offered

    public = offered(archive, name)
    output.line(public)
    output.document({"name": name, "public": public})


@keys.command("rotate", epilog="Example: emeritus keys rotate steward --reason yearly")
@click.argument("name")
@click.option("--reason", default="rotated", show_default=True, help="Why; it stays on record.")
@as_person
@with_archive
def keys_rotate(archive: "Archive", output: Output, name: str, reason: str, key: str) -> None:
    """Replace the key of NAME by a new one: the new is added and the old revoked in one commit.

    The old private key is kept beside the new one, under another name, and signs no more.
    """
    from emeritus.archive.people import rotate

    made = rotate(archive, name, reason, key)
    if _counts(archive, output, archive.record.authority.holder(made) is not None):
        output.line(f"{name} signs with a new key: {made}")
    else:
        output.line(f"then run this again, so that {name} uses the new key")
    _document(archive, output, name, made)


@keys.command(
    "revoke", epilog="Example: emeritus keys revoke anna --since 2027-03-01 --reason 'laptop lost'"
)
@click.argument("who", metavar="NAME|KEY")
@click.option("--reason", required=True, help="Why; it stays on record.")
@click.option("--since", metavar="DATE", help="The day from which it should not be believed.")
@as_person
@with_archive
def keys_revoke(
    archive: "Archive", output: Output, who: str, reason: str, since: str | None, key: str
) -> None:
    """Revoke a key: it signs nothing more, and never again.

    What it signed before stays valid. With --since, `verify` points out what it signed from that
    day on; the day is what you say, while the order of the record is what is proven.
    """
    from emeritus.archive.people import revoke

    gone = revoke(archive, who, reason, since, key)
    if _counts(archive, output, archive.record.authority.holder(gone) is None):
        output.line(f"{who} signs no more: {gone}")
    _document(archive, output, who, gone)


@keys.command("threshold", epilog="Example: emeritus keys threshold 2")
@click.argument("people", type=click.IntRange(min=1), metavar="PEOPLE")
@as_person
@with_archive
def keys_threshold(archive: "Archive", output: Output, people: int, key: str) -> None:
    """Say how many people with a root key have to sign a change of keys from now on."""
    from emeritus.record.events import ThresholdSet

    archive.append(ThresholdSet(threshold=people), key=key)
    if _counts(archive, output, archive.record.authority.threshold == people):
        output.line(f"{people} people with a root key have to sign a change of keys from now on")
    output.document({"threshold": archive.record.authority.threshold})


@keys.command("sign", epilog="Example: emeritus keys sign 12 --as root-2")
@click.argument("commit", type=int)
@as_person
@with_archive
def keys_sign(archive: "Archive", output: Output, commit: int, key: str) -> None:
    """Sign the change of keys in COMMIT, as another person with a root key."""
    from emeritus.archive.people import countersign

    signed = countersign(archive, commit, key)
    still = [each.event for each in archive.record.authority.waiting()]
    if _counts(archive, output, not any(event in still for event in signed)):
        output.line(f"the change of commit {commit} counts from now on")
    output.document({"commit": commit, "events": len(signed), "waiting": _waiting(archive)})


def _counts(archive: "Archive", output: Output, done: bool) -> bool:
    """Say what is missing when a root event does not count yet; return whether it does."""
    if not done:
        number = archive.record.sequence
        output.line(f"signed in commit {number}; it counts when more people with a root key run:")
        output.line(f"  emeritus keys sign {number} --as NAME")
    return done


def _document(archive: "Archive", output: Output, name: str, key: str, **more: list[str]) -> None:
    valid = archive.record.authority.holder(key) is not None
    output.document({"name": name, "key": key, "valid": valid, **more})


def _waiting(archive: "Archive") -> list[dict[str, Any]]:
    from emeritus.archive.people import waiting

    return [
        {
            "commit": number,
            "kind": str(type(each.event).__struct_config__.tag),
            "signed": sorted(each.names),
        }
        for number, each in waiting(archive)
    ]
