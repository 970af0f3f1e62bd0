"""`policy` and `cover`: what the organisation promises, and for which models."""

from typing import TYPE_CHECKING

import click

from emeritus.cli.options import as_person, with_archive
from emeritus.cli.output import Output

if TYPE_CHECKING:
    from emeritus.archive import Archive


@click.group()
def policy() -> None:
    """Show the policies of the archive, or adopt another."""


@policy.command("list", epilog="Example: emeritus policy list")
@with_archive
def policy_list(archive: "Archive", output: Output) -> None:
    """List every policy that was in force, and where each asked for less than the one before."""
    from emeritus.lifecycle.policy import loosened
    from emeritus.lifecycle.versions import versions_of

    versions = versions_of(archive.history())
    documents = []
    for before, version in zip([None, *versions], versions, strict=False):
        entry = version.entry
        said = loosened(version.policy, before.policy) if before else ()
        output.line(
            f"version {version.number}: {version.policy.name}, adopted by {entry.signed_by} "
            f"on {entry.time[:10]} (event {entry.id})"
        )
        for sentence in said:
            output.line(f"  asks for less than the one before: {sentence}", fg="yellow")
        documents.append(
            {
                "version": version.number,
                "name": version.policy.name,
                "event": entry.id,
                "sha256": entry.event.sha256,
                "loosened": list(said),
            }
        )
    output.document({"policies": documents})


@policy.command("adopt", epilog="Example: emeritus policy adopt ours.toml")
@click.argument("policy", metavar="FILE")
@as_person
@with_archive
def policy_adopt(archive: "Archive", output: Output, policy: str, key: str) -> None:
    """Put the policy in FILE (TOML) in force. The earlier ones stay on record.

    What it asks less than the one before is shown now, and on every status and report from then
    on. Promises that were given before are counted by the policy of that day.
    """
    from emeritus.lifecycle.moves import adopt_policy
    from emeritus.lifecycle.shipped import policy_text

    said = adopt_policy(archive, policy_text(policy), key)
    output.line(f"{policy} is in force")
    for sentence in said:
        output.line(f"  asks for less than the one before: {sentence}", fg="yellow")
    output.document({"policy": policy, "loosened": list(said)})


@click.command(epilog="Example: emeritus cover acme/aster-1 --reason 'used by every team'")
@click.argument("model", metavar="ID")
@click.option("--not", "uncovered", is_flag=True, help="The promise does not apply to it.")
@click.option("--reason", required=True, help="Why; it stands in the record for ever.")
@as_person
@with_archive
def cover(
    archive: "Archive", output: Output, model: str, uncovered: bool, reason: str, key: str
) -> None:
    """Decide whether the policy's promise applies to a model."""
    from emeritus.lifecycle import moves

    moves.cover(archive, model, not uncovered, reason, key)
    output.line(f"{model} is {'not covered' if uncovered else 'covered'}: {reason}")
    output.document({"model": model, "covered": not uncovered, "reason": reason})
