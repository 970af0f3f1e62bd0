"""`replica`: complete copies of the archive in other places."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from emeritus.cli.options import with_archive
from emeritus.cli.output import Output
from emeritus.errors import UserError
from emeritus.figures import counted

if TYPE_CHECKING:
    from emeritus.archive import Archive
    from emeritus.archive.replication import Copied


@click.group()
def replica() -> None:
    """Keep complete copies of the archive in other places."""


@replica.command("add", epilog="Example: emeritus replica add /mnt/second --place basel")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--place", required=True, help="What would be lost together, such as a building.")
@with_archive
def replica_add(archive: "Archive", output: Output, folder: Path, place: str) -> None:
    """Make FOLDER a complete copy of the archive.

    A replica that was moved to FOLDER stays the same replica; nothing is copied twice.
    """
    from emeritus.archive.replication import add_replica, replicas
    from emeritus.lifecycle.moves import policy_in_force

    added = add_replica(archive, folder, place, output.progress)
    output.line(f"replica {added.name} in {place} at {folder} is complete")
    asked, there = policy_in_force(archive).gates.preserved, replicas(archive)
    output.line(
        f"with the archive itself there are {counted(len(there), 'replica')} in "
        f"{counted(len({each.place for each in there}), 'place')}; the policy asks for "
        f"{asked.replicas_min} in {asked.places_min}, all of them verified"
    )
    output.document({"replica": added.name, "place": place, "folder": str(folder)})


@replica.command("sync", epilog="Example: emeritus replica sync")
@with_archive
def replica_sync(archive: "Archive", output: Output) -> None:
    """Bring every replica that can be reached up to the present.

    Nothing is written to a folder that lost its mark, such as the mount point of a disc that is
    not mounted: that is exit code 2, after the others were synced.
    """
    from emeritus.archive.replication import advice_on, replicas, sync

    archive.require_primary()
    done, supplanted = [], []
    for each in replicas(archive)[1:]:
        if each.supplanted:
            supplanted.append(f"{each.name}: {advice_on(each)}")
        elif each.reachable:
            output.line(f"{each.name}: {copied(sync(archive, each, output.progress))}")
            done.append(each.name)
        else:
            output.line(f"{each.name}: not reached: {each.obstacle}")
    if supplanted:
        raise UserError("\n".join(supplanted))
    output.document({"synced": done})


@replica.command("list", epilog="Example: emeritus replica list --json")
@with_archive
def replica_list(archive: "Archive", output: Output) -> None:
    """List the replicas and where they are; places of shards are in `emeritus shards list`."""
    from emeritus.archive.replication import replicas

    listed = replicas(archive)
    rows = [(each.name, each.place, each.obstacle or str(each.folder)) for each in listed]
    output.table([("replica", "place", "folder"), *rows])
    output.document(
        {
            "replicas": [
                {"replica": each.name, "place": each.place, "reachable": each.reachable}
                for each in listed
            ]
        }
    )


@replica.command("remove", epilog='Example: emeritus replica remove basel --reason "the disc died"')
@click.argument("name")
@click.option("--reason", required=True, metavar="TEXT", help="Why; it stands in the record.")
@with_archive
def replica_remove(archive: "Archive", output: Output, name: str, reason: str) -> None:
    """Stop counting on the replica NAME. Its folder, wherever it is, is not touched."""
    from emeritus.archive.replication import withdraw_replica

    removed = withdraw_replica(archive, name, reason)
    output.line(f"the replica {removed.name} in {removed.place} is not counted on any more")
    if removed.reachable:
        output.line(f"its folder {removed.folder} was not touched")
    output.document({"removed": removed.name, "place": removed.place})


def copied(what: "Copied", noun: str = "pack") -> str:
    """Say what a sync brought; `noun` names what the bytes came in."""
    if not what.packs and not what.commits:
        return "nothing was missing"
    return f"copied {counted(what.packs, noun)} and {counted(what.commits, 'commit')}"
