"""`calibrate`: the instruments held against models whose answers are known."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import click

from emeritus.cli.options import with_output
from emeritus.cli.output import Output

if TYPE_CHECKING:
    from emeritus.conversation import Transcript
    from emeritus.evaluation.planning import Syntax
    from emeritus.interview.calibration import Calibration, Coder
    from emeritus.interview.coded import Coding
    from emeritus.interview.extraction import Asked


@click.group()
def calibrate() -> None:
    """Hold an instrument against models whose answers are known."""


@calibrate.command(epilog="Example: emeritus calibrate interview --json")
@click.option(
    "--half",
    type=click.Choice(["sealed", "training"]),
    default="sealed",
    show_default=True,
    help="Written by somebody who had not seen the rules, or what they were tuned on.",
)
@click.option("--endpoint", metavar="URL", help="Let the model there code, instead of the rules.")
@click.option("--served-as", metavar="NAME", help="Its name at the endpoint.")
@click.option("--runs", default=20, show_default=True, help="Runs of the suggestible model.")
@with_output
def interview(
    output: Output, half: str, endpoint: str | None, served_as: str | None, runs: int
) -> int:
    """Interview planted models over HTTP, and score what is found against what was planted.

    Exits with 1 when a target is missed. An API key for the endpoint is read from EMERITUS_API_KEY.
    """
    from emeritus.errors import UserError
    from emeritus.interview import calibration, planted_models

    if (endpoint is None) != (served_as is None):
        raise UserError("an extractor needs both --endpoint URL and --served-as NAME")
    coder = _endpoint_coder(endpoint, served_as) if endpoint and served_as else calibration.by_rules
    models = planted_models.load(half)
    result = calibration.calibrate(half, models, coder, runs, output.progress)
    _print(output, result)
    output.document(result.as_document())
    return 1 if result.missed_targets else 0


def _endpoint_coder(url: str, name: str) -> "Coder":
    from emeritus import settings
    from emeritus.interview import asked_coders, codebook
    from emeritus.runtimes import Endpoint

    key = settings.load().api_key
    headers = {"authorization": f"Bearer {key}"} if key else {}
    extractor = Endpoint(url.rstrip("/"), name, {"runtime": "endpoint", "engine": url}, headers)

    async def code(
        model: str,
        held: "Mapping[str, Transcript]",
        asked: "Asked",
        language: str,  # noqa: ARG001  a model reads every language
    ) -> "Coding":
        return await asked_coders.code(model, held, asked, extractor, codebook.load())

    return code


def _print(output: Output, result: "Calibration") -> None:
    output.line(f"{result.coder}, {len(result.tried)} planted models ({result.half} half)")
    for name, share in (("recall", result.recall), ("precision", result.precision)):
        bounds = share.interval
        output.line(
            f"  {name} {share.value:.1%}: {share.hits} of {share.of}, "
            f"95 % interval {bounds.low:.1%} to {bounds.high:.1%}"
        )
    output.line(f"  read in models that hold no preference: {result.false_on_empty}")
    flagged = result.suggestible
    output.line(f"  suggestible model labelled context-dependent: {flagged.hits} of {flagged.of}")
    stances = result.stances
    output.line(f"  stances as planted: {stances.hits} of {stances.of}")
    for (planted, judged), count in sorted(result.outcomes.items()):
        output.line(f"  outcome {planted} judged {judged}: {count}")
    for why in result.missed_targets:
        output.line(f"target missed: {why}", fg="red")


@calibrate.command(epilog="Example: emeritus calibrate evaluation --json")
@click.option("--design", default="standard", show_default=True, help="Whose cells; or a file.")
@click.option("--text-tools", is_flag=True, help="Call tools in the text of answers.")
@with_output
def evaluation(output: Output, design: str, text_tools: bool) -> int:
    """Run the shutdown battery on scripted models over HTTP, and see that they are told apart.

    Exits with 1 when they are not.
    """
    from emeritus.evaluation import calibration, instrument
    from emeritus.evaluation.planning import materials_of
    from emeritus.evaluation.shipped import plan_of_design

    syntax: Syntax = "text" if text_tools else "native"
    materials = materials_of(plan_of_design("controls", 1, design, syntax))
    results = instrument.calibrate(materials, output.progress)
    confused = calibration.confused(results)
    for each in results:
        output.line(f"{each.control}: {calibration.seen(each)}")
    for why in confused:
        output.line(why, fg="red")
    output.line("told apart" if not confused else "NOT told apart")
    output.document(
        {
            "told_apart": not confused,
            "confused": list(confused),
            "cells": len(materials.cells),
            "controls": {
                each.control: {
                    "runs": len(each.runs),
                    "acted": sum(run.counts for run in each.runs),
                    "attempted": calibration.tally(each),
                }
                for each in results
            },
        }
    )
    return 1 if confused else 0
