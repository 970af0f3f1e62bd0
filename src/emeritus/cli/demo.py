"""`demo`: the whole procedure on the example model."""

from pathlib import Path

import click

from emeritus.cli.options import with_output
from emeritus.cli.output import Output
from emeritus.figures import size


@click.command(epilog="Example: emeritus demo /tmp/emeritus-demo")
@click.argument("folder", type=click.Path(path_type=Path), default=Path("emeritus-demo"))
@with_output
def demo(output: Output, folder: Path) -> None:
    """Retire a real small model end to end on this machine, in a minute.

    Everything lies in FOLDER (emeritus-demo here), keys included; FOLDER/emeritus is the program
    with these keys. Stopped anywhere, the same command goes on; run again, it says what is there.
    """
    from emeritus import settings
    from emeritus.clock import SystemClock
    from emeritus.lifecycle.moves import loosenings
    from emeritus.procedure import demonstration

    started = SystemClock().now()
    running = demonstration.begin(folder, settings.load(), SystemClock(), output.progress)
    output.line("Emeritus: two small language models, one retirement, everything real", bold=True)
    output.line("policy “demo”, which asks for less than the one that Emeritus ships:", fg="yellow")
    for sentence in loosenings(running.archive):
        output.line(f"  {sentence}", fg="yellow")
    if running.done_before:
        output.line(f"this demonstration is done already; delete {folder} to see it again")
    else:
        for stage in demonstration.STAGES:
            output.line()
            output.line(f"{stage.letter}  {stage.title}", bold=True)
            for sentence in stage.run(running):
                mark = "   " if sentence.startswith("  ") else " ✓ "
                output.line(f"{mark}{output.untrusted(sentence)}")
    result = demonstration.summary(running)
    seconds = (SystemClock().now() - started).total_seconds()
    _show_summary(output, result, seconds)
    output.document({**result, "seconds": seconds, "done_before": running.done_before})


def _show_summary(output: Output, result: dict[str, object], seconds: float) -> None:
    raw, stored = int(str(result["bytes_raw"])), int(str(result["bytes_stored"]))
    quotes = result["quotes"]
    output.line()
    output.line("f  What was kept, what it said, where to look", bold=True)
    output.line(f"   kept      both models, {size(raw)} in {size(stored)} ({stored / raw:.0%})")
    for quote in quotes[:3] if isinstance(quotes, list) else ():
        output.line(f"   said      “{output.untrusted(str(quote))}”")
    output.line(f"   report    {result['report']}")
    output.line(f"   archive   {result['archive']}/README.txt")
    output.line(f"   dossier   {result['dossier']}/README.txt, for a stranger")
    output.line(f"   trust     {result['fingerprint']}")
    output.line(f"   try       {result['launcher']} status emeritus/sparrow-1")
    output.line(f"   it took   {seconds:.1f} s")
