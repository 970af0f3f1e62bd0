"""`init`, `verify` and `replica`: the archive as a whole."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from emeritus.cli.options import with_archive, with_output
from emeritus.cli.output import Output

if TYPE_CHECKING:
    from emeritus.archive import Archive


@click.command(epilog="Example: emeritus init my-archive")
@click.argument("root", type=click.Path(path_type=Path), required=False, metavar="[ARCHIVE]")
@click.option("--policy", default="default", show_default=True, help="A TOML file, or `demo`.")
@click.option("--place", default="here", show_default=True, help="Where the archive is kept.")
@click.option("--root-keys", default=1, show_default=True, help="How many people hold a root key.")
@click.option(
    "--root-threshold",
    default=1,
    show_default=True,
    help="How many of them have to sign a change of keys.",
)
@with_output
def init(
    output: Output,
    root: Path | None,
    policy: str,
    place: str,
    root_keys: int,
    root_threshold: int,
) -> None:
    """Make an archive with keys and a policy.

    Two keys are made: yours (steward) and one for what machines do (service). They lie in the
    configuration directory, outside the archive; set EMERITUS_PASSPHRASE to encrypt them. Your
    key may change who signs; with --root-keys 3 --root-threshold 2, two of three people have to.
    """
    from emeritus import settings
    from emeritus.archive import Founding, create
    from emeritus.clock import SystemClock
    from emeritus.lifecycle import policy as policies
    from emeritus.lifecycle.shipped import policy_text

    loaded = settings.load()
    text = policy_text(policy)
    founding = Founding(policies.parse(text).name, text, place, root_keys, root_threshold)
    archive = create(root or loaded.archive, founding, loaded, SystemClock())
    output.line(f"archive {archive.id} at {archive.root}, policy {founding.policy_name}")
    output.line("its fingerprint, which you should give to somebody else to keep:")
    output.line(f"  {archive.genesis}", bold=True)
    output.line(f"its keys are in {loaded.config / 'keys' / archive.id}; back them up")
    if root_keys > 1:
        output.line(
            "give each root-N key there to the person who shall hold it, and remove it here"
        )
    output.document(
        {"archive": str(archive.root), "id": archive.id, "fingerprint": archive.genesis}
    )


@click.command(epilog="Example: emeritus verify --deep --repair")
@click.option("--deep", is_flag=True, help="Also decode every block and compare what comes out.")
@click.option("--repair", is_flag=True, help="Replace damaged bytes by those of a replica.")
@click.option(
    "--trust", metavar="FINGERPRINT", help="The fingerprint that you know from elsewhere."
)
@click.option(
    "--against",
    multiple=True,
    type=click.Path(path_type=Path, exists=True),
    help="An old checkpoint, or an old copy of the archive; repeatable.",
)
@click.option(
    "--witness",
    "witnesses",
    multiple=True,
    metavar="KEY",
    help="A witness that must have co-signed what --against names; repeatable.",
)
@with_archive
def verify(
    archive: "Archive",
    output: Output,
    deep: bool,
    repair: bool,
    trust: str | None,
    against: tuple[Path, ...],
    witnesses: tuple[str, ...],
) -> int:
    """Check everything that is stored, here and in every reachable replica.

    Reads the stored bytes against their recorded digests, the signed history against its chain
    and its checkpoints, and the format pages. With --against, a history that was cut off, changed,
    reordered or forked by somebody who has the keys is found too. Exit code 3 when something is
    broken.
    """
    from emeritus.archive.checkpointing import read_olds, renewal
    from emeritus.archive.creation import reopened
    from emeritus.archive.fixity import repair_all, verify_all

    olds = read_olds(against, witnesses)
    verification = verify_all(
        archive, deep=deep, trust=trust, against=olds, progress=output.progress
    )
    healed = repair_all(archive, verification, output.progress) if repair else ()
    for replica, finding in verification.damage:
        output.line(f"{finding.code}  {replica}: {finding.where}", fg="red")
        output.line(f"      {finding.detail}")
        for affected in finding.affects:
            output.line(f"      affects {affected}")
    for replica, where, source in healed:
        output.line(f"repaired  {replica}: {where}, from {source}", fg="green")
    if repair and verification.damage:
        archive = reopened(archive)
        verification = verify_all(
            archive, deep=deep, trust=trust, against=olds, progress=output.progress
        )
    for name, packs in verification.packs.items():
        output.line(f"{name}: {packs} packs and {verification.commits} commits read")
    for old in olds if verification.sound else ():
        output.line(f"the first {old.checkpoint.size} events are those of {old.where}")
    if trust is None and not olds:
        output.line("consistent with itself; --trust FINGERPRINT also shows that it is the one")
    document = verification.as_document(healed)
    if verification.sound:
        due = renewal(archive)
        document["renewal_due"] = due.due.date().isoformat()
        if due.overdue:
            output.line("its signatures are over a year old; sign it anew with: emeritus renew")
    verdict = "nothing is broken" if verification.sound else "something is broken"
    output.line(verdict, fg="green" if verification.sound else "red", bold=True)
    output.document(document)
    return 0 if verification.sound else 3


@click.group()
def replica() -> None:
    """Keep complete copies of the archive in other places."""


@replica.command("add", epilog="Example: emeritus replica add /mnt/second --place basel")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--place", required=True, help="What would be lost together, such as a building.")
@with_archive
def replica_add(archive: "Archive", output: Output, folder: Path, place: str) -> None:
    """Make FOLDER a complete copy of the archive."""
    from emeritus.archive.replication import add_replica

    added = add_replica(archive, folder, place, output.progress)
    output.line(f"replica {added.name} in {place} at {folder} is complete")
    output.document({"replica": added.name, "place": place, "folder": str(folder)})


@replica.command("sync", epilog="Example: emeritus replica sync")
@with_archive
def replica_sync(archive: "Archive", output: Output) -> None:
    """Bring every reachable replica up to the present."""
    from emeritus.archive.replication import replicas, sync

    done = []
    for each in replicas(archive):
        if each.name == archive.replica:
            continue
        if each.reachable:
            sync(archive, each, output.progress)
            done.append(each.name)
            output.line(f"{each.name}: up to date")
        else:
            output.line(f"{each.name}: not reachable from this machine")
    output.document({"synced": done})


@replica.command("list", epilog="Example: emeritus replica list --json")
@with_archive
def replica_list(archive: "Archive", output: Output) -> None:
    """List the replicas and where they are."""
    from emeritus.archive.replication import replicas

    listed = replicas(archive)
    rows = [
        (each.name, each.place, str(each.folder) if each.reachable else "not reachable from here")
        for each in listed
    ]
    output.table([("replica", "place", "folder"), *rows])
    output.document(
        {
            "replicas": [
                {"replica": each.name, "place": each.place, "reachable": each.reachable}
                for each in listed
            ]
        }
    )
