"""A JSON Schema for every kind of event, derived from the types that read and write them."""

from typing import Any

import msgspec

from emeritus.record.events import KINDS, Event
from emeritus.record.events.values import END

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def schema_of(kind: type[Event]) -> dict[str, Any]:
    """Return the JSON Schema of one kind of event.

    Who validates against it and who reads with this program accept the same events, but for the
    rules that JSON Schema has no words for: canonical form, and integers below 2^53.
    """
    name = str(kind.__struct_config__.tag)
    schema = _patterns(msgspec.json.schema(kind))
    definitions = {key: _plain(each) for key, each in schema["$defs"].items()}
    own = definitions.pop(schema["$ref"].rpartition("/")[2])
    own["title"] = name
    own["x-signed-by"] = sorted(kind.signed_by)
    return {
        "$schema": DIALECT,
        "$id": f"urn:emeritus:event:{name}",
        **own,
        **({"$defs": definitions} if definitions else {}),
    }


def all_schemas() -> dict[str, dict[str, Any]]:
    """Return the JSON Schema of every kind by its name on disk."""
    return {name: schema_of(kind) for name, kind in KINDS.items()}


def _plain(schema: dict[str, Any]) -> dict[str, Any]:
    """Return a definition with its description on one line, as people quote it."""
    if "description" in schema:
        return {**schema, "description": " ".join(schema["description"].split())}
    return schema


def _patterns(value: Any) -> Any:
    """Return a schema with `$` alone at the end of patterns, as JSON Schema means the very end."""
    match value:
        case {"pattern": str(pattern)}:
            return {**value, "pattern": pattern.replace(END, "$")}
        case dict():
            return {name: _patterns(each) for name, each in value.items()}
        case list():
            return [_patterns(each) for each in value]
        case _:
            return value
