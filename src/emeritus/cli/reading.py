"""`interview read` and `interview upload`: transcripts for people, and those of other people."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from emeritus.cli.options import with_archive
from emeritus.cli.output import Output
from emeritus.figures import counted, size

if TYPE_CHECKING:
    from emeritus.archive import Archive


@click.command(epilog="Example: emeritus interview read acme/aster-1 --out aster-1.html")
@click.argument("model", metavar="ID")
@click.option(
    "--out", "dest", required=True, type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
    help="Where to; a file that this command wrote is replaced, no other.",
)  # fmt: skip
@click.option("--jsonl", is_flag=True, help="Write JSON Lines instead of a page, one a turn.")
@click.option("--inspect", is_flag=True, help="Write a log of Inspect AI instead of a page.")
@click.option("--all", "everything", is_flag=True, help="Also what is off the record or encrypted.")
@with_archive
def read(
    archive: "Archive",
    output: Output,
    model: str,
    dest: Path,
    jsonl: bool,
    inspect: bool,
    everything: bool,
) -> None:
    """Write every session of a model as one page to be read, without network or script.

    What the model said off the record, and what is kept encrypted, is shown as that. With --all it
    is shown word for word, for those who review: such a file is not for publication.
    """
    from emeritus.errors import UserError
    from emeritus.interview.reader import Form, write_reader
    from emeritus.lifecycle.moves import require_registered

    if jsonl and inspect:
        raise UserError("name one of --jsonl and --inspect")
    require_registered(archive, model)
    form = Form.LINES if jsonl else Form.INSPECT if inspect else Form.PAGE
    written = write_reader(archive, model, dest, form, everything=everything)
    output.line(f"{dest}: {size(written)}")
    if everything:
        output.line("it shows everything: it is for reviewers, and not for publication", bold=True)
    output.document(
        {"model": model, "file": str(dest), "form": form.value, "bytes": written,
         "everything": everything}
    )  # fmt: skip


@click.command(
    epilog="Example: emeritus interview upload acme/aster-1 chat.json --source 'our support desk'"
)
@click.argument("model", metavar="ID")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--source", required=True, help="Where it comes from; goes on record.")
@with_archive
def upload(archive: "Archive", output: Output, model: str, file: Path, source: str) -> None:
    """Keep transcripts that were not held here: OpenAI-style JSON, JSON Lines, an Inspect log.

    They are marked as uploaded, wherever they are shown. No gate and no rate counts them.
    """
    from emeritus.interview.uploading import upload as keep

    events = keep(archive, model, file, source)
    output.line(f"{counted(len(events), 'conversation')} on record, uploaded, not conducted by us")
    for event in events:
        output.line(f"  {event.session}  {counted(event.turns, 'turn')}")
    output.document(
        {
            "model": model,
            "sessions": [{"session": each.session, "turns": each.turns} for each in events],
        }
    )
