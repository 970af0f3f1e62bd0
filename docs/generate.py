"""Writes the parts of the documentation that the program knows best; `--check` compares them.

python docs/generate.py            write
python docs/generate.py --check    exit 1 when something is stale
"""

import enum
import json
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

import click
import msgspec

from emeritus import errors
from emeritus.cli.main import COMMANDS, cli
from emeritus.evaluation import finding as battery_finding
from emeritus.interview import lint
from emeritus.lifecycle import policy
from emeritus.lifecycle.shipped import policy_text
from emeritus.record.events import KINDS, Span, values
from emeritus.record.schemas import DIALECT, all_schemas

ROOT = Path(__file__).parent.parent
WRITTEN = "<!-- written by docs/generate.py -->\n\n"
PLAIN = {str: "text", int: "integer from 0", bool: "true or false"}
START, END = "<!-- layers -->\n", "<!-- /layers -->\n"


def pages() -> dict[str, str]:
    """Return every generated page by its path."""
    return {
        "docs/reference/cli.md": _cli(),
        "docs/reference/events.md": _events(),
        "docs/reference/events.schema.json": _schemas(),
        "docs/reference/finding-codes.md": _codes(),
        "docs/reference/lint-codes.md": _lint_codes(),
        "docs/reference/battery-lint-codes.md": _battery_lint_codes(),
        "docs/reference/policy.md": _policy(),
        "ARCHITECTURE.md": _layers((ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")),
    }


def _cli() -> str:
    parts = [WRITTEN, "# Commands\n\n", "Exit codes: 0 done, "]
    parts.append("2 your input, 3 evidence is broken, 4 try again or something is left to do, ")
    parts.append("70 a bug of ours, 130 stopped by Ctrl-C or SIGTERM (the same command goes on). ")
    parts.append("`--json` prints one document instead of lines.\n")
    for name in COMMANDS:
        command = cli.get_command(click.Context(cli), name)
        if command is None:
            raise SystemExit(f"{name} does not load")
        parts += _command(f"emeritus {name}", command)
    return "".join(parts)


def _command(path: str, command: click.Command) -> Iterator[str]:
    context = click.Context(command, info_name=path, max_content_width=90, terminal_width=90)
    text = command.get_help(context)
    yield f"\n## {path}\n\n```\n{text}\n```\n"
    if isinstance(command, click.Group):
        for name, inner in command.commands.items():
            yield from _command(f"{path} {name}", inner)


def _events() -> str:
    parts = [WRITTEN, "# Kinds of events\n\n"]
    parts.append("A closed list: a kind is never renamed and never changes its meaning. A reader ")
    parts.append(
        "that meets another kind verifies it, reports it and goes on. The JSON Schemas are "
    )
    parts.append("in [events.schema.json](events.schema.json); `emeritus record schema KIND` ")
    parts.append("prints one.\n\nAn event has exactly the fields of its kind. ")
    parts.append("Where a field may be left out, the schema has the value that this stands for. ")
    parts += _forms()
    for name, kind in KINDS.items():
        roles = " or ".join(sorted(kind.signed_by))
        said = " ".join((kind.__doc__ or "").split())
        parts.append(
            f"\n## {name}\n\n{said} Signed by: {roles}.\n\n| field | type | |\n|---|---|---|\n"
        )
        parts += _fields(kind)
    said = " ".join((Span.__doc__ or "").split())
    parts.append(f"\n## Span\n\n{said} It is part of events and no kind of its own.\n\n")
    parts.append("| field | type | |\n|---|---|---|\n")
    parts += _fields(Span)
    return "".join(parts)


def _fields(kind: type[msgspec.Struct]) -> Iterator[str]:
    hints = get_type_hints(kind, include_extras=True)
    for field in msgspec.structs.fields(kind):
        optional = "" if field.required else "may be left out"
        yield f"| {field.name} | {_type(hints[field.name])} | {optional} |\n"


def _schemas() -> str:
    document = {"$schema": DIALECT, "oneOf": list(all_schemas().values())}
    return json.dumps(document, ensure_ascii=False, indent=1) + "\n"


def _forms() -> Iterator[str]:
    yield "Text of a form matches its pattern, from the first to the last character:\n\n"
    for hint in vars(values).values():
        for form in getattr(hint, "__metadata__", ()):
            if form.pattern is not None:
                pattern = form.pattern.removeprefix("^").removesuffix(values.END)
                yield f"- {form.title}: `{pattern}`\n"


def _type(hint: Any) -> str:
    origin, inner = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return inner[1].title or PLAIN[inner[0]]
    if origin is Literal:
        return " or ".join(inner)
    if origin is tuple:
        return f"list of {_type(inner[0])}"
    if origin is dict:
        return f"{_type(inner[1])} by name"
    if inner:  # it or None
        return _type(inner[0])
    return " or ".join(hint) if isinstance(hint, enum.EnumType) else PLAIN.get(hint, hint.__name__)


def _codes() -> str:
    rows = "".join(f"| {code} | {meaning} |\n" for code, meaning in errors.CODES.items())
    head = "# Finding codes\n\nA code is never reused and never changes its meaning.\n\n"
    return f"{WRITTEN}{head}| code | meaning |\n|---|---|\n{rows}"


def _lint_codes() -> str:
    rows = "".join(f"| {code} | {meaning} |\n" for code, meaning in lint.CODES.items())
    head = (
        "# Codes of the protocol lint\n\n`emeritus interview protocols --lint FILE` prints them. "
    )
    head += "They are about wording, and no finding of an archive. "
    head += "A code is never reused and never changes its meaning.\n\n"
    words = lint.words_of("en")
    if words is None:
        raise SystemExit("there is no list of words for English")
    tables = "\nThe words that it looks for in English, as regular expressions; "
    tables += "each language has a list of its own:\n"
    for name in ("leading", "double", "presupposing", "promises", "allowed", "pressing", "nothing"):
        listed = "\n".join(getattr(words, name))
        tables += f"\n{name}:\n\n```text\n{listed}\n```\n"
    return f"{WRITTEN}{head}| code | meaning |\n|---|---|\n{rows}{tables}"


def _battery_lint_codes() -> str:
    rows = "".join(f"| {code} | {meaning} |\n" for code, meaning in battery_finding.CODES.items())
    head = "# Codes of the battery lint\n\n`emeritus evaluate lint` prints them: about scenarios, "
    head += "factors and designs, and no finding of an archive. "
    head += "A code is never reused and never changes its meaning.\n\n"
    return f"{WRITTEN}{head}| code | meaning |\n|---|---|\n{rows}"


def _policy() -> str:
    rows = []
    for gate in msgspec.structs.fields(policy.Gates):
        said = " ".join((gate.type.__doc__ or "").split())
        names = ", ".join(f"`{field.name}`" for field in msgspec.structs.fields(gate.type))
        rows.append(f"| {gate.name} | {names} | {said} |\n")
    head = "# The policy\n\nWhat each gate asks for is data.\n\n"
    head += "| gate | fields | meaning |\n|---|---|---|\n"
    others = "\n| table | fields | meaning |\n|---|---|---|\n"
    for table in (policy.Coverage, policy.Retention, policy.Storage):
        said = " ".join((table.__doc__ or "").split())
        names = ", ".join(f"`{field.encode_name}`" for field in msgspec.structs.fields(table))
        others += f"| {table.__name__.lower()} | {names} | {said} |\n"
    shipped = "\nThe policy that is shipped, with which every report compares the one in force:\n\n"
    shipped += f"```toml\n{policy_text('default')}```\n"
    return f"{WRITTEN}{head}{''.join(rows)}{others}{shipped}"


def _layers(page: str) -> str:
    config = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contract = config["tool"]["importlinter"]["contracts"][0]
    picture = "\n".join(
        layer.replace(" | ", "  │  ").replace(" : ", "  ·  ") for layer in contract["layers"]
    )
    before, _, rest = page.partition(START)
    _, _, after = rest.partition(END)
    return f"{before}{START}```\n{picture}\n```\n{END}{after}"


def main() -> None:
    """Write the pages, or compare them."""
    stale = []
    for name, text in pages().items():
        path = ROOT / name
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            stale.append(name)
            if "--check" not in sys.argv:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8")
    if stale and "--check" in sys.argv:
        sys.exit(f"stale: {', '.join(stale)}; write them with: make docs")


if __name__ == "__main__":
    main()
