"""`init` and `verify`: the archive as a whole."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from emeritus.cli.options import with_archive_to_check, with_output, with_trust
from emeritus.cli.output import Output
from emeritus.errors import Finding
from emeritus.figures import counted

if TYPE_CHECKING:
    from emeritus.archive import Archive
    from emeritus.archive.verdict import Checked, Verification

SHOWN_MAX: Final = 3  # of findings that are alike, and of what one of them affects
BEYOND_REPAIR: Final = frozenset({"A001", "A005", "A007", "R008", "R010", "R012", "R013"})


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
    founding = Founding(policies.parse_new(text).name, text, place, root_keys, root_threshold)
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
@click.option("--repair", is_flag=True, help="Replace damaged bytes by those of another copy.")
@click.option("--cause", metavar="TEXT", help="How the damage came; on record with the repair.")
@click.option(
    "--set-aside",
    metavar="REASON",
    help="Replace a last commit that cannot be read and that no copy holds; it is recorded.",
)
@with_trust
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
@with_archive_to_check
def verify(
    archive: "Archive",
    output: Output,
    deep: bool,
    repair: bool,
    cause: str | None,
    set_aside: str | None,
    trust: str | None,
    against: tuple[Path, ...],
    witnesses: tuple[str, ...],
) -> int:
    """Check everything that is stored, here and in every copy that can be reached.

    Reads the stored bytes against their recorded digests, the signed history against its chain
    and its checkpoints, and the format pages. With --against, a history that was cut off, changed,
    reordered or forked by somebody who has the keys is found too. A copy that was not reached, or
    that lacks the newest commits, is said and is no damage. Exit code 3 when something is broken.
    """
    from emeritus.archive.checkpointing import read_olds, renewal
    from emeritus.archive.creation import reopened
    from emeritus.archive.fixity import verify_all
    from emeritus.archive.repair import repair_all, set_aside_last_commit

    olds = read_olds(against, witnesses)
    if set_aside is not None:
        number = set_aside_last_commit(archive, set_aside)
        output.line(
            f"commit {number} could not be read; it is in quarantine/, and that is recorded"
        )
        archive = reopened(archive)
    check = partial(verify_all, deep=deep, trust=trust, against=olds, progress=output.progress)
    verification = check(archive)
    healed = repair_all(archive, verification, output.progress, cause) if repair else ()
    _show_damage(output, verification)
    for copy, where, source in healed:
        output.line(f"repaired  {copy}: {where}, from {source}", fg="green")
    if repair and verification.damage:
        archive = reopened(archive)
        verification = check(archive)
    for each in verification.copies:
        output.line(_read_line(each))
    for said in verification.set_aside:
        output.line(said, fg="yellow")
    if verification.sound and not _is_on_record(archive):
        output.line(
            "this version of Emeritus is not on record here; before you record anything else with "
            "it, run: emeritus renew",
            fg="yellow",
        )
    for advice in _advice(verification, repair):
        output.line(advice)
    if verification.unrecorded:
        output.line(f"this check is not recorded: {verification.unrecorded}")
    for old in olds if verification.sound else ():
        output.line(f"the first {old.checkpoint.size} events are those of {old.where}")
    if verification.sound and trust is None and not olds:
        output.line("consistent with itself; --trust FINGERPRINT also shows that it is the one")
    document = verification.as_document(healed)
    if verification.sound:
        due = renewal(archive)
        document["renewal_due"] = due.due.date().isoformat()
        if due.overdue:
            output.line("its signatures are over a year old; sign it anew with: emeritus renew")
    output.line(_verdict(verification), fg="green" if verification.sound else "red", bold=True)
    output.document(document)
    return 0 if verification.sound else 3


def _is_on_record(archive: "Archive") -> bool:
    from emeritus.archive.documents import software_on_record
    from emeritus.archive.format_pages import described

    return described().software in software_on_record(archive.history())


def _show_damage(output: Output, verification: "Verification") -> None:
    """Print the findings; of many that are alike, the first few."""
    alike: dict[tuple[str, str, str], list[Finding]] = {}
    for copy, finding in verification.damage:
        alike.setdefault((copy, finding.code, finding.detail), []).append(finding)
    for (copy, code, detail), found in alike.items():
        for finding in found[:SHOWN_MAX]:
            output.line(f"{code}  {copy}: {output.untrusted(finding.where)}", fg="red")
            output.line(f"      {output.untrusted(detail)}")
            for affected in finding.affects[:SHOWN_MAX]:
                output.line(f"      affects {output.untrusted(affected)}")
            _and_more(output, len(finding.affects), "affected")
        _and_more(output, len(found), f"{code} in {copy}")


def _and_more(output: Output, count: int, what: str) -> None:
    if count > SHOWN_MAX:
        output.line(f"      … and {count - SHOWN_MAX} more {what}; --json lists all")


def _read_line(checked: "Checked") -> str:
    if not checked.reached:
        last = f"last read {checked.last_read[:10]}" if checked.last_read else "never read"
        return f"{checked.name}: not reached: {checked.obstacle}; {last}"
    read = f"{counted(checked.commits, 'commit')} and {counted(checked.packs, 'pack')} read"
    line = f"{checked.name}: {read}"
    if checked.behind:
        command = "shards" if checked.name.startswith("shards/") else "replica"
        line += f"; behind by {counted(checked.behind, 'commit')}; run: emeritus {command} sync"
    return line


def _advice(verification: "Verification", repaired: bool) -> Iterator[str]:
    """Say what to do about what is broken."""
    from emeritus.record.format import name_of

    codes = {finding.code for _, finding in verification.damage}
    here = verification.copies[0]
    last = {f.where for name, f in verification.damage if name == here.name and f.code == "R002"}
    if forks := [name for name, finding in verification.damage if finding.code == "R013"]:
        yield (
            f"{', '.join(forks)}: another history; keep the folder as evidence, and make a new "
            "copy in another one"
        )
    if repaired and name_of(here.commits) in last:
        yield (
            "no copy that was reached holds the last commit; bring one that does, or replace it "
            "for good: emeritus verify --set-aside REASON"
        )
    if repaired and any(code.startswith("V") for code in codes):
        yield (
            "no copy that was reached has these bytes sound; with the original files at hand: "
            "emeritus preserve ID --from SOURCE"
        )
    if not repaired and any(code[0] in "VRA" and code not in BEYOND_REPAIR for code in codes):
        yield "take sound bytes from another copy with: emeritus verify --deep --repair"


def _verdict(verification: "Verification") -> str:
    if not verification.sound:
        return "something is broken"
    missed = ", ".join(each.name for each in verification.unreached)
    return (
        f"nothing is broken in what was read; not reached: {missed}"
        if missed
        else ("nothing is broken")
    )
