"""Options that every command shares, and the archive that they name."""

import contextlib
import functools
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

import click

from emeritus.cli.output import Output
from emeritus.errors import UserError

if TYPE_CHECKING:
    from emeritus.archive import Archive

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
"""A file that is there."""

P = ParamSpec("P")
R = TypeVar("R")


class Amount(click.ParamType[Decimal]):
    """An amount of money, exact."""

    name = "amount"

    def convert(
        self, value: str | Decimal, param: click.Parameter | None, ctx: click.Context | None
    ) -> Decimal:
        """Return the amount; one that is none, or not above zero, is refused."""
        try:
            amount = Decimal(value)
        except InvalidOperation:
            self.fail(f"{value!r} is no amount, such as 12.50", param, ctx)
        if not (amount.is_finite() and amount > 0):
            self.fail(f"{value!r} is no amount above zero", param, ctx)
        return amount


def with_output(function: Callable[Concatenate[Output, P], R]) -> Callable[..., R]:
    """Give a command `--json`, and its output as the first argument."""

    @click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
    @functools.wraps(function)
    def command(*args: Any, as_json: bool, **kwargs: Any) -> R:
        return function(Output(as_json), *args, **kwargs)

    return command


def with_archive(function: Callable[Concatenate["Archive", Output, P], R]) -> Callable[..., R]:
    """Give a command `--archive` and `--json`; the open archive and the output come first."""
    return _given(function, foreign=True)


def with_archive_to_check(
    function: Callable[Concatenate["Archive", Output, P], R],
) -> Callable[..., R]:
    """Do the same for a command that checks: what another version wrote for people stays."""
    return _given(function, foreign=False)


def _given(
    function: Callable[Concatenate["Archive", Output, P], R], *, foreign: bool
) -> Callable[..., R]:
    @click.option(
        "--archive",
        "root",
        type=click.Path(path_type=Path),
        help="The archive [default: $EMERITUS_ARCHIVE, else ./emeritus-archive].",
    )
    @click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
    @functools.wraps(function)
    def command(*args: Any, root: Path | None, as_json: bool, **kwargs: Any) -> R:
        archive = opened(root)
        outcome = function(archive, Output(as_json), *args, **kwargs)
        if archive.record.grew:
            from emeritus.archive.documents import write_renderings
            from emeritus.archive.format_pages import describe_anew

            if foreign:
                # Without the steward's key it waits for who has it: `verify` says so until then.
                with contextlib.suppress(UserError):
                    describe_anew(archive)
            write_renderings(archive, foreign=foreign)
        return outcome

    return command


def opened(root: Path | None) -> "Archive":
    """Open the archive at `root`, or the one that the environment names."""
    from emeritus import settings
    from emeritus.archive import open_archive
    from emeritus.clock import SystemClock

    loaded = settings.load()
    return open_archive(root or loaded.archive, loaded, SystemClock())


def _fingerprint(_: click.Context, __: click.Parameter, text: str | None) -> str | None:
    """Return a fingerprint as it is recorded, also when it was given as bare hex digits.

    What cannot be one is refused: it would look like an archive that is not trusted.
    """
    from emeritus import digests

    if text is None:
        return None
    tagged = "sha256:" + text.lower().removeprefix("sha256:")
    if not digests.is_digest(tagged):
        raise UserError(
            f"--trust {text!r} is no fingerprint: it is `sha256:` and 64 hex digits, "
            "as `emeritus init` printed it"
        )
    return tagged


with_trust = click.option(
    "--trust",
    metavar="FINGERPRINT",
    callback=_fingerprint,
    help="The fingerprint that you know from elsewhere, with or without sha256:.",
)

with_plan = click.option(
    "--plan",
    metavar="PLAN",
    help="The protocol of the sessions [default: the one on record, if it is one].",
)

as_person = click.option(
    "--as", "key", default="steward", show_default=True, metavar="NAME", help="The key that signs."
)


def with_limits(function: Callable[..., R]) -> Callable[..., R]:
    """Give a command the options that bound what it uses; it is given them as `limits`."""

    @click.option(
        "--max-tokens-total",
        type=click.IntRange(1),
        help="Stop when so many are used; what is under way ends.",
    )
    @click.option("--max-cost", type=Amount(), help="Stop when it costs so much, by --prices.")
    @click.option("--prices", type=FILE, help="A table of prices a million tokens.")
    @click.option(
        "--timeout",
        type=click.IntRange(1),
        default=600,
        show_default=True,
        metavar="SECONDS",
        help="What an answer may take; a server that misses it twice in a row is asked no more.",
    )
    @functools.wraps(function)
    def command(
        *args: Any,
        max_tokens_total: int | None,
        max_cost: Decimal | None,
        prices: Path | None,
        timeout: int,
        **kwargs: Any,
    ) -> R:
        from emeritus.procedure.limits import Limits

        limits = Limits(max_tokens_total, max_cost, prices, timeout)
        return function(*args, limits=limits, **kwargs)

    return command


def with_target(function: Callable[..., R]) -> Callable[..., R]:
    """Give a command the options that say where its model is spoken to, as `target`."""

    @click.option(
        "--endpoint", metavar="URL", help="Where it is served [default: a restored copy]."
    )
    @click.option("--served-as", metavar="NAME", help="Its name at the endpoint [default: ID].")
    @click.option(
        "--api",
        type=click.Choice(["openai", "anthropic"]),
        default="openai",
        show_default=True,
        help="What the endpoint speaks.",
    )
    @click.option("--runtime", help="local, reference, vllm or llama-server [default: what fits].")
    @functools.wraps(function)
    def command(
        *args: Any,
        endpoint: str | None,
        served_as: str | None,
        api: str,
        runtime: str | None,
        **kwargs: Any,
    ) -> R:
        from emeritus.procedure.reaching import Target

        target = Target(endpoint, served_as or kwargs["model"], runtime, api)
        return function(*args, target=target, **kwargs)

    return command
