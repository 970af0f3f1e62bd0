"""The record in the words of ECMA-428, by the rules of its text."""

from typing import Any

from emeritus.lifecycle.cle import documents
from emeritus.record.events import (
    DateKind,
    DateMoved,
    Event,
    LegacyDeclared,
    LifecycleObserved,
    ModelObserved,
    ModelRegistered,
    ModelReinstated,
    ModelRetired,
    OfferingOpened,
    RetirementAnnounced,
)
from tests.lifecycle.histories import MODEL, history

REGISTERED = ModelRegistered(
    model=MODEL, form="hf-folder", architecture="X", parameters=1, licence="Apache-2.0"
)
OPENED = OfferingOpened(model=MODEL, offering="api/eu")
NEEDED = {
    # What each type needs beside id, type, effective and published (ECMA-428, event types).
    "released": {"version"},
    "endOfMarketing": {"versions"},
    "endOfLife": {"versions"},
    "supersededBy": {"supersededByVersion"},
    "withdrawn": {"eventId"},
}


def _announced(day: str, kind: DateKind = DateKind.ANNOUNCED) -> RetirementAnnounced:
    return RetirementAnnounced(
        model=MODEL, offering="api/eu", retire_on=day, date_kind=kind, successor="acme/aster-2"
    )


def _moved(day: str) -> DateMoved:
    return DateMoved(
        model=MODEL, offering="api/eu", retire_on=day, date_kind=DateKind.CONFIRMED, reason="-"
    )


def _told(*events: Event, step_days: int = 0) -> list[dict[str, Any]]:
    """Return the events of the one document, oldest first, after judging them by the standard."""
    found = documents(history(REGISTERED, OPENED, *events, step_days=step_days))
    (document,) = found.values()
    assert set(document) == {"$schema", "identifier", "updatedAt", "events"}
    ids = [event["id"] for event in document["events"]]
    assert ids == sorted(ids, reverse=True)
    assert len(set(ids)) == len(ids)
    for event in document["events"]:
        assert {"id", "type", "effective", "published"} | NEEDED[event["type"]] <= set(event)
        assert event["effective"].endswith("Z")
        if event["type"] == "withdrawn":
            assert event["eventId"] < event["id"]
    events_in_order: list[dict[str, Any]] = document["events"][::-1]
    return events_in_order


def _types(told: list[dict[str, Any]]) -> list[str]:
    return [event["type"] for event in told]


def test_a_component_is_a_namespace_on_an_offering() -> None:
    """The model is a version of it, released when the offering opened."""
    found = documents(history(REGISTERED, OPENED))
    assert list(found) == [("acme", "api/eu")]
    (document,) = found.values()
    assert document["identifier"] == "pkg:generic/acme?channel=api%2Feu"
    (released,) = document["events"]
    assert (released["version"], released["license"]) == ("aster-1", "Apache-2.0")


def test_a_moved_end_withdraws_the_one_before() -> None:
    """Nothing is edited: the old end is withdrawn, and a new one stands."""
    told = _told(_announced("2027-06-01"), _moved("2027-07-01"))
    assert _types(told) == ["released", "endOfLife", "supersededBy", "withdrawn", "endOfLife"]
    assert told[3]["eventId"] == told[1]["id"]
    assert told[4]["effective"] == "2027-07-01T00:00:00Z"
    assert told[2]["supersededByVersion"] == "aster-2"


def test_a_floor_is_no_end() -> None:
    """ "Not before" says nothing about when."""
    told = _told(_announced("2027-06-01", DateKind.FLOOR))
    assert "endOfLife" not in _types(told)


def test_legacy_is_the_end_of_marketing() -> None:
    """Still served, and no longer recommended."""
    told = _told(LegacyDeclared(model=MODEL, offering="api/eu", reason="a better one is there"))
    assert told[-1]["type"] == "endOfMarketing"


def test_an_end_on_the_announced_day_is_said_once() -> None:
    """The plan came true; another day is told."""
    retired = ModelRetired(model=MODEL, offering="api/eu")
    assert _types(_told(_announced("2027-01-04"), retired, step_days=1)) == [
        "released",
        "endOfLife",
        "supersededBy",
    ]
    late = _told(_announced("2027-01-03"), retired, step_days=1)
    assert _types(late)[-2:] == ["withdrawn", "endOfLife"]
    assert late[-1]["effective"] == late[-1]["published"]


def test_a_reinstated_model_has_no_end() -> None:
    """Its end is withdrawn with the reason."""
    gone = ModelRetired(model=MODEL, offering="api/eu", emergency=True, reason="x")
    back = ModelReinstated(model=MODEL, offering="api/eu", reason="users asked")
    told = _told(gone, back)
    assert told[-1]["type"] == "withdrawn"
    assert told[-1]["reason"] == "users asked"


def test_unlawful_moves_and_models_of_others_are_left_out() -> None:
    """What no rule allows did not happen, and a third party's claims are not ours to make."""
    unlawful = ModelReinstated(model=MODEL, offering="api/eu", reason="-")
    met = ModelObserved(model="other/m", provider="Other", name="m", source="a page")
    seen = LifecycleObserved(
        model="other/m", offering="api", source="a page", retire_on="2027-01-01"
    )
    assert _types(_told(unlawful, met, seen)) == ["released"]
