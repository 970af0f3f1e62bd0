"""`shards`: packs cut up over several places, any one of which may be lost."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from emeritus.cli.options import with_archive, with_output
from emeritus.cli.output import Output
from emeritus.cli.replica import copied
from emeritus.errors import UserError
from emeritus.figures import counted

if TYPE_CHECKING:
    from emeritus.archive import Archive
    from emeritus.vault.erasure import Scheme


@click.group()
def shards() -> None:
    """Cut packs into shards over several places; any one of them may be lost."""


@shards.command(
    "place",
    epilog="Example: emeritus shards place basel=/mnt/a oslo=/mnt/b kyoto=/mnt/c",
)
@click.argument("folders", nargs=-1, required=True, metavar="PLACE=FOLDER...")
@click.option("--scheme", default="8+4", show_default=True, help="Shards of data + of parity.")
@with_archive
def shards_place(archive: "Archive", output: Output, folders: tuple[str, ...], scheme: str) -> None:
    """Cut every pack into shards, spread evenly over these places.

    8+4 over three places takes 1.5 times the bytes, and the loss of any one place is survived. No
    place can read a model alone.
    """
    from emeritus.archive.sharding import place_shards

    placement = place_shards(archive, _by_place(folders), _scheme(scheme), output.progress)
    places = ", ".join(placement.places)
    output.line(f"{placement.scheme} shards in {places}; survives the loss of any one of them")
    output.document({"scheme": str(placement.scheme), "places": placement.places})


@shards.command("sync", epilog="Example: emeritus shards sync")
@with_archive
def shards_sync(archive: "Archive", output: Output) -> None:
    """Cut the packs that came since, and bring record and documents up to the present.

    Nothing is written to a folder that lost its mark: that is exit code 2, after the others.
    """
    from emeritus.archive.replication import advice_on
    from emeritus.archive.sharding import placement_of, sync_shards

    placement = placement_of(archive)
    if placement is None:
        raise UserError("there are no shards yet; place them with: emeritus shards place")
    synced = sync_shards(archive, placement, output.progress)
    for place, done in synced.items():
        output.line(f"{place}: {copied(done, 'shard')}")
    away = [each for each in placement.at.values() if not each.reachable]
    for each in away:
        if not each.supplanted:
            output.line(f"{each.place}: not reached: {each.obstacle}")
    if supplanted := [f"{each.place}: {advice_on(each)}" for each in away if each.supplanted]:
        raise UserError("\n".join(supplanted))
    output.document({"synced": list(synced)})


@shards.command("list", epilog="Example: emeritus shards list --json")
@with_archive
def shards_list(archive: "Archive", output: Output) -> None:
    """List the places of shards, and which shards of every pack each of them holds."""
    from emeritus.archive.sharding import placement_of

    placement = placement_of(archive)
    rows, documents = [("place", "shards", "folder")], []
    for place, each in placement.at.items() if placement else ():
        numbers = placement.numbers_at(place) if placement else []
        rows.append((place, ", ".join(map(str, numbers)), each.obstacle or str(each.folder)))
        documents.append({"place": place, "shards": numbers, "reachable": each.reachable})
    if placement is None:
        output.line("there are no shards; place them with: emeritus shards place")
    else:
        output.line(f"{placement.scheme} shards of every pack")
        output.table(rows)
    output.document({"scheme": str(placement.scheme) if placement else None, "places": documents})


@shards.command("rebuild", epilog="Example: emeritus shards rebuild ./archive /mnt/a /mnt/c")
@click.argument("dest", type=click.Path(path_type=Path))
@click.argument("folders", nargs=-1, required=True, type=click.Path(path_type=Path))
@with_output
def shards_rebuild(output: Output, dest: Path, folders: tuple[Path, ...]) -> None:
    """Make a complete archive in DEST from the shards in FOLDERS alone.

    It is marked as a replica, because the original may still live. If that is lost, delete
    replica.json in DEST to make it the primary archive.
    """
    from emeritus.archive.marks import REPLICA_MARK
    from emeritus.archive.sharding import rebuild_archive

    packs = rebuild_archive(folders, dest, output.progress)
    output.line(f"{counted(packs, 'pack')} put together in {dest}")
    output.line(f"check it with: emeritus verify --deep --archive {dest}")
    output.line(
        f"if the original is lost, delete {dest / REPLICA_MARK} to make this the primary one"
    )
    output.document({"archive": str(dest), "packs": packs})


def _by_place(folders: tuple[str, ...]) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for each in folders:
        place, equals, folder = each.partition("=")
        if not (place and equals and folder) or place in found:
            raise UserError(f"{each!r} does not name one more place; write PLACE=FOLDER")
        found[place] = Path(folder)
    return found


def _scheme(text: str) -> "Scheme":
    from emeritus.vault.erasure import Scheme

    data, _, parity = text.partition("+")
    if not (data.isdecimal() and parity.isdecimal()):
        raise UserError(f"{text!r} is no scheme; write how many shards of data and of parity: 8+4")
    return Scheme(int(data), int(parity))
