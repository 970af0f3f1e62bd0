"""The documentation says what is there."""

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from emeritus import canonical
from emeritus.cli.main import COMMANDS, cli
from emeritus.record import HybridSigner, checkpoint, merkle, tiles
from emeritus.record import format as disk
from emeritus.record.events import ArchiveCreated
from emeritus.record.note import render

ROOT = Path(__file__).parent.parent
PAGES = sorted(
    path
    for path in [
        *ROOT.glob("*.md"),
        *(ROOT / "docs").rglob("*.md"),
        *(ROOT / "training").glob("*.md"),
    ]
    if not path.is_symlink()
)


def _name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_generated_pages_are_not_stale() -> None:
    """What the program knows best is written by the program."""
    done = subprocess.run(
        [sys.executable, "docs/generate.py", "--check"], cwd=ROOT, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_every_link_leads_somewhere(page: Path) -> None:
    """Relative links name files that are there."""
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text(encoding="utf-8")):
        if not target.startswith(("http://", "https://")):
            assert (page.parent / target).exists(), target


def _command_lines() -> Iterator[tuple[str, str]]:
    for page in PAGES:
        if page.name == "CHANGELOG.md" or "reference" in page.parts:
            continue
        for block in re.findall(r"```\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL):
            for line in block.splitlines():
                program, _, words = line.split("#")[0].strip().partition(" ")
                if program in ("emeritus", "emeritus-demo/emeritus") and words[:1] != " ":
                    yield _name(page), f"emeritus {words}"


def _examples() -> Iterator[tuple[str, str]]:
    for name in COMMANDS:
        command = cli.get_command(click.Context(cli), name)
        commands = command.commands.values() if isinstance(command, click.Group) else [command]
        for each in commands:
            if each is not None:
                yield f"--help of {name}", (each.epilog or "").removeprefix("Example: ")


@pytest.mark.parametrize(("where", "line"), [*_command_lines(), *_examples()])
def test_every_command_line_in_the_documentation_parses(where: str, line: str) -> None:
    """Commands, arguments and options are those of the program."""
    words = shlex.split(line)[1:]
    command: click.Command | None = cli
    context = click.Context(cli)
    while isinstance(command, click.Group):
        command, words = command.get_command(context, words[0]), words[1:]
    assert command is not None, where
    command.make_parser(context).parse_args(args=list(words))


def test_the_documentation_names_no_machine() -> None:
    """No path of a machine and no leftover stands in a page."""
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        assert not re.search(r"/(?:work|root|home)/", text), page
        assert "TODO" not in text, page


def test_the_test_vector_of_the_record_is_right() -> None:
    """Whoever writes another implementation can trust the vector on the page."""
    signer = HybridSigner(b"\1" * 32, b"\2" * 32)
    event = disk.render_event(ArchiveCreated(archive="0" * 32, software="test"))
    leaf = disk.leaf_of(canonical.dumps(event))
    header = disk.Header(
        format=disk.FORMAT,
        archive="0" * 32,
        sequence=1,
        prev=None,
        time="2027-01-01T00:00:00.000Z",
        signer=signer.key,
        nonce="0" * 16,
        leaves=(leaf,),
    )
    signature = signer.sign(disk.signed_message(header))
    commit = disk.Commit(header=header, events=(event,), signature=signature)
    (entry,) = tiles.entries_of(1, disk.render(commit))
    root = merkle.leaf_hash(entry)
    head = checkpoint.Checkpoint(checkpoint.origin_of("0" * 32), 1, root)
    note = render(checkpoint.sign(head, signer, 1798761600)).decode()
    first, second = (line.split(" ")[2] for line in note.splitlines()[-2:])
    page = (ROOT / "docs/formats/record.md").read_text(encoding="utf-8")
    for value in (leaf, commit.link, signature, entry.decode(), root.hex(), first):
        assert value in page
    assert str(signer.mldsa44)[8:24] in page
    assert second[:16] in page
    assert head.text.replace("\n", " 0x0A ").rstrip() in page
