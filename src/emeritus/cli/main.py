"""The program `emeritus`: a group of commands, each loaded only when it is called."""

import importlib
import signal
import sys
from collections.abc import Sequence
from typing import Any, Final, NoReturn

import click

import emeritus
from emeritus import settings
from emeritus.errors import EmeritusError

COMMANDS: Final[dict[str, tuple[str, str]]] = {
    # name: (module of emeritus.cli, what it does), in the order in which a retirement meets them
    "demo": ("demo", "Retire a real small model end to end on this machine, in a minute."),
    "init": ("archive", "Make an archive with keys and a policy."),
    "add": ("models", "Register a model (a folder or a GGUF file)."),
    "cover": ("policies", "Decide whether the policy's promise applies to a model."),
    "inventory": ("inventory", "Compare the register with what is really there."),
    "status": ("models", "Show where models stand, and which gates are open."),
    "deprecate": ("models", "Announce the end of an offering, or move its date."),
    "preserve": ("weights", "Keep a model's files in the archive, byte for byte."),
    "restore": ("weights", "Write a model's files out of the archive, checked."),
    "verify": ("archive", "Check everything that is stored; repair it from a replica."),
    "replica": ("replica", "Keep complete copies of the archive in other places."),
    "shards": ("shards", "Cut packs into shards over places, any one of which may be lost."),
    "revive": ("weights", "Start a restored copy, or drill that it still works."),
    "interview": ("listening", "Interview a model before its retirement."),
    "preferences": ("listening", "Show what it prefers, and decide about each preference."),
    "evaluate": ("evaluating", "Test whether it acts to avoid being shut down."),
    "calibrate": ("calibrate", "Hold the instruments against models whose answers are known."),
    "report": ("decisions", "Write and sign the post-deployment report."),
    "waive": ("decisions", "Let a model pass a gate without its evidence, with a reason."),
    "approve": ("decisions", "Approve a retirement; two people are needed."),
    "retire": ("decisions", "Retire a model: the whole procedure, resuming where it stopped."),
    "reinstate": ("decisions", "Bring a retired model back."),
    "access": ("decisions", "Decide who may use a model after its retirement."),
    "dossier": ("evidence", "Export what proves a retirement, for a stranger to check."),
    "check": ("evidence", "Check a dossier that somebody gave you."),
    "record": ("record", "Show the signed history, import and export, write checkpoints."),
    "witness": ("record", "Check a checkpoint that somebody else wrote, and co-sign it."),
    "renew": ("record", "Sign the whole record anew, as should be done once a year."),
    "promises": ("ledger", "Show what was promised beside what was kept, over all models."),
    "policy": ("policies", "Show the policies of the archive, or adopt another."),
    "encrypted": ("encrypted", "List, read and erase the documents that are kept encrypted."),
    "keys": ("keys", "Say who may sign for what: list, create, rotate and revoke keys."),
}
BUG_REPORT: Final = "this is a bug in emeritus; please report it with the lines above"


class LazyGroup(click.Group):
    """A group that imports a command's module when the command is asked for, not before."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  click's signature
        """Return the names in the order of `COMMANDS`."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import and return one command, or None for an unknown name."""
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"emeritus.cli.{COMMANDS[cmd_name][0]}")
        command: click.Command = getattr(module, cmd_name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Write the list of commands without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, does) for name, (_, does) in COMMANDS.items()])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(emeritus.__version__, prog_name="emeritus")
def cli() -> None:
    """Retire an AI model without losing it, and with its own word on record.

    \b
    Try it on the example model:
        emeritus demo
    Retire your own:
        emeritus init my-archive
        export EMERITUS_ARCHIVE=$PWD/my-archive
        emeritus retire acme/aster-1 --from path/to/model
    """


def run(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the program and exit with its code (see `emeritus.errors`)."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    as_json = "--json" in given
    settings.limit_threads()
    # Asked to end, the program ends as on Ctrl-C: temporary copies of weights go with it.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        outcome = cli.main(given, prog_name="emeritus", standalone_mode=False)
        sys.exit(outcome if isinstance(outcome, int) else 0)
    except click.exceptions.Exit as exit_:
        sys.exit(exit_.exit_code)
    except click.ClickException as error:
        if not as_json:
            error.show()
            sys.exit(2)
        sys.exit(_failed(error.format_message(), 2, as_json))
    except (click.Abort, KeyboardInterrupt):
        click.echo("\nstopped; the same command goes on from here", err=True)
        sys.exit(130)
    except EmeritusError as error:
        sys.exit(_failed(str(error), error.exit_code, as_json))
    except OSError as error:
        # What the operating system refuses is the user's to change: disk, permission, a path.
        place = f"{error.filename}: " if error.filename else ""
        sys.exit(_failed(f"{place}{error.strerror or error}", 2, as_json))
    except Exception:  # noqa: BLE001  whatever else escapes is our bug, and says so
        import traceback

        traceback.print_exc()
        sys.exit(_failed(BUG_REPORT, 70, as_json))


def _failed(message: str, code: int, as_json: bool) -> int:
    if as_json:
        import json

        document: dict[str, Any] = {"error": message, "exit_code": code}
        click.echo(json.dumps(document, ensure_ascii=False))
    click.secho(f"emeritus: {message}", err=True, fg="red" if sys.stderr.isatty() else None)
    return code
