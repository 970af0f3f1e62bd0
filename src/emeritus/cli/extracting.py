"""Two models behind endpoints code what a model said: what the command says of it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from emeritus.cli.output import Output

if TYPE_CHECKING:
    from emeritus.archive import Archive
    from emeritus.procedure.limits import Limits


def code_by_models(
    archive: "Archive",
    output: Output,
    model: str,
    plan: str | None,
    extractors: Sequence[tuple[str, str]],
    another: str,
    limits: "Limits",
) -> None:
    """Let two models code, and print what is documented then and what waits for a person."""
    from emeritus.interview.standing import standing_of
    from emeritus.procedure.extracting import Extractors, extract
    from emeritus.procedure.reaching import Target

    two = Extractors(tuple(Target(url, name) for url, name in extractors), another)
    done = extract(archive, model, plan, two, limits, output.progress)
    coded = done.coded
    output.line(f"coded by {output.untrusted(', '.join(coded.coders))}")
    for remark in coded.remarks:
        output.line(output.untrusted(remark))
    output.line(f"preferences documented: {len(coded.preferences)}")
    for said in standing_of(archive, model).to_decide(model):
        output.line(output.untrusted(said))
    output.document(
        {
            "model": model,
            "coders": list(coded.coders),
            "preferences": [each.preference for each in coded.preferences],
            "waiting": coded.waiting,
            "remarks": list(coded.remarks),
            "used": done.budget.as_document(),
        }
    )
