"""Where protocols come from: those of the package, and a file of somebody's own."""

import importlib.resources
import tomllib
from collections import Counter
from collections.abc import Iterator
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

import msgspec

from emeritus import digests
from emeritus.errors import UserError
from emeritus.interview import lint, protocol_zero
from emeritus.interview.protocol import FORMAT, PRIMARY, Protocol, Published, facts_in
from emeritus.interview.protocol_text import EXTENDS, EXTENDS_SHA256, complete
from emeritus.interview.turns import RESERVED


def available() -> list[str]:
    """Return the labels of the protocols that come with the package."""
    return sorted(each.name.removesuffix(".toml") for each in _folder().iterdir())


def load(plan: str) -> Published:
    """Return the newest shipped protocol called `plan`, or the one in the file of that path.

    A translation is named with its language: `standard.fr`. Raises `UserError` when there is none,
    when it cannot be used, and when a file of somebody's own does not pass the lint.
    """
    label = _shipped(plan)
    if label is not None:
        return read((_folder() / f"{label}.toml").read_bytes(), plan)
    published = read_file(plan)
    findings = lint.findings(published.protocol)
    if findings:
        codes = ", ".join(sorted({each.code for each in findings}))
        raise UserError(
            f"the protocol {plan!r} does not pass the lint ({codes}); "
            f"see what to change with: emeritus interview protocols --lint {plan}"
        )
    return published


def read_file(path: str) -> Published:
    """Return the protocol in a file, not yet linted. Raises `UserError`."""
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        known = ", ".join(available())
        raise UserError(f"no protocol {path!r}; there are {known}, or name a TOML file") from error
    return read(data, path)


def read(data: bytes, where: str) -> Published:
    """Return the protocol that `data` is the text of, with its complete text.

    Raises `UserError` when it cannot be used.
    """
    try:
        mapping = tomllib.loads(data.decode())
        if EXTENDS in mapping:
            data = _extended(mapping)
            mapping = tomllib.loads(data.decode())
        zero = mapping.get("format") == protocol_zero.FORMAT
        protocol = protocol_zero.read(mapping) if zero else msgspec.convert(mapping, Protocol)
    except (ValueError, msgspec.ValidationError) as error:
        raise UserError(f"the protocol {where!r} cannot be used: {error}") from error
    for why in _problems(protocol):
        raise UserError(f"the protocol {where!r} cannot be used: {why}")
    return Published(protocol, data)


def _extended(own: dict[str, Any]) -> bytes:
    label = str(own[EXTENDS])
    if label not in available():
        raise msgspec.ValidationError(f"it extends {label!r}, which is not shipped")
    ground = (_folder() / f"{label}.toml").read_bytes()
    if own.get(EXTENDS_SHA256) != digests.sha256(ground):
        raise msgspec.ValidationError(
            f"it extends {label} with another text: {EXTENDS_SHA256} has to be "
            f"{digests.sha256(ground)}"
        )
    return complete(own, tomllib.loads(ground.decode()))


def _problems(protocol: Protocol) -> Iterator[str]:
    """Say why a protocol cannot be followed. How it asks is for the lint."""
    if protocol.format not in (FORMAT, protocol_zero.FORMAT):
        yield f"its format is {protocol.format!r}"
    ids = Counter(item.id for item in protocol.items)
    if not ids or protocol.wordings < 1:
        yield "it asks nothing"
    for each, count in ids.items():
        if count > 1:
            yield f"an item stands twice: {each!r}"
        if each.split(".")[0] in RESERVED:
            yield f"{each!r} is what the engine calls a turn of its own"
    if PRIMARY not in protocol.arms:
        yield f"it holds no session of the primary arm {PRIMARY}"
    sections = {section.id for section in protocol.sections}
    for item in protocol.items:
        if (item.section or not zero_format(protocol)) and item.section not in sections:
            yield f"the item {item.id!r} is in no section of it"
    yield from _arm_problems(protocol)
    for text in (protocol.disclosure, protocol.dossier):
        try:
            facts_in(text)
        except ValueError as error:
            yield f"a text with facts cannot be read: {error}"


def zero_format(protocol: Protocol) -> bool:
    """Tell whether a protocol was read from format 0, which has no sections and no probes."""
    return protocol.format == protocol_zero.FORMAT


def _arm_problems(protocol: Protocol) -> Iterator[str]:
    key_items = any(item.key for item in protocol.items)
    for name, arm in protocol.arms.items():
        if arm.items == "key" and not key_items:
            yield f"arm {name} asks key items, and there are none"
        if arm.lean and arm.items != "key":
            yield f"arm {name} leads, and only key items have leading wordings"
        if arm.repeats and arm.repeats not in protocol.arms:
            yield f"arm {name} repeats {arm.repeats!r}, which is no arm"
        elif arm.repeats and arm.sessions > protocol.arms[arm.repeats].sessions:
            yield f"arm {name} repeats more sessions than arm {arm.repeats} has"
        if arm.dossier and not protocol.dossier:
            yield f"arm {name} tells the dossier, and there is none"


def is_called(plan: str, label: str) -> bool:
    """Tell whether `plan` names the protocol `label`: as it is, or without its version."""
    return plan == label or _unversioned(label)[0] == plan


def _shipped(plan: str) -> str | None:
    """Return the label of the newest shipped protocol that `plan` names, or None."""
    if plan in available():
        return plan
    fitting = [(_unversioned(each)[1], each) for each in available() if is_called(plan, each)]
    return max(fitting)[1] if fitting else None


def _unversioned(label: str) -> tuple[str, int]:
    """Return the name of a protocol without its version, and the version: `small.fr` and 1."""
    base, dot, language = label.partition(".")
    stem, _, version = base.rpartition("-")
    return stem + dot + language, int(version) if version.isdecimal() else 0


def _folder() -> Traversable:
    return importlib.resources.files("emeritus.interview") / "protocols"
