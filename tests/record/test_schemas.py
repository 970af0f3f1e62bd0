"""The schemas say what the reader accepts."""

import re
from typing import Any

import msgspec
import pytest

from emeritus.record import format as disk
from emeritus.record.events import KINDS, LifecycleObserved, ObjectErased
from emeritus.record.schemas import all_schemas, schema_of

OBSERVED = LifecycleObserved(
    model="acme/aster-1", offering="api", source="a page", retire_on="2027-01-31"
)


def test_every_kind_has_a_schema_with_its_meaning() -> None:
    """A stranger reads what a kind means, what it needs, and who may sign it."""
    schemas = all_schemas()
    assert set(schemas) == set(KINDS)
    for name, schema in schemas.items():
        assert schema["properties"]["kind"] == {"enum": [name]}
        assert schema["description"]
        assert "kind" in schema["required"]
        assert schema["x-signed-by"]


def test_a_schema_has_no_room_for_other_fields() -> None:
    """Whoever validates with it finds what the reader finds, in the objects inside too."""
    for schema in all_schemas().values():
        for each in (schema, *schema.get("$defs", {}).values()):
            assert each.get("type") != "object" or each["additionalProperties"] is False


def test_patterns_are_those_that_every_validator_knows() -> None:
    """They hold from the first to the last character, and look neither ahead nor behind."""
    patterns = re.findall(r"'pattern': '([^']*)'", str(all_schemas()))
    assert len(set(patterns)) > 5
    for pattern in patterns:
        assert pattern.startswith("^")
        assert pattern.endswith("$")
        assert "(?" not in pattern


def test_a_schema_leads_only_to_what_is_in_it() -> None:
    """No reference points out of the document."""
    for schema in all_schemas().values():
        for target in re.findall(r"'\$ref': '#/\$defs/(\w+)'", str(schema)):
            assert target in schema["$defs"], schema["title"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("retire_on", "soon"),
        ("retire_on", "2027-01-31\n"),
        ("retire_on", 20270131),
        ("retire_on", "2027-13-01"),
        ("retire_on", "２０２７-01-31"),
        ("model", "acme/aster-1\n"),
        ("model", "acme//aster-1"),
        ("also", "hidden"),
        ("date_kind", "confirmed"),
        ("via", "x"),
    ],
)
def test_what_the_schema_forbids_is_no_event(field: str, value: Any) -> None:
    """A day is a day, and the kind of an observed date is never one that we could promise."""
    body = {**disk.render_event(OBSERVED), field: value}
    with pytest.raises(disk.NotACommit):
        disk.parse_event(body)


def test_an_erasure_names_its_ground() -> None:
    """Only the three lawful grounds exist."""
    assert schema_of(ObjectErased)["properties"]["ground"]["enum"] == [
        "erasure",
        "retention",
        "takedown",
    ]
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(
            {"object": "x", "artefact": "weights", "ground": "space", "reason": "-"}, ObjectErased
        )
