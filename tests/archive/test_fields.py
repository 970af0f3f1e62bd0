"""An event has exactly the fields of its kind: every reader finds the same, none is hidden."""

import enum
import json
import re
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

import msgspec
import pytest

from emeritus import canonical
from emeritus.archive import Archive
from emeritus.archive.dossier import write_dossier
from emeritus.archive.fixity import verify_all
from emeritus.archive.people import add_person
from emeritus.errors import IntegrityError, UserError
from emeritus.record import Signer
from emeritus.record import format as disk
from emeritus.record.events import KINDS, ModelCovered, ModelRegistered, Span, values
from tests.archive.conftest import MODEL
from tests.archive.test_dossier import checker, relist, verdicts

COVERED = {"kind": "model.covered", "model": MODEL, "covered": True, "reason": "public"}
CELEBRATED = {"kind": "model.celebrated", "model": MODEL, "spans": 5, "sha256": None}
SPAN = {"session": "s", "turn": 1, "start": 0, "end": 1, "text": "x",
        "turn_sha256": "sha256:" + "0" * 64}  # fmt: skip
STANCE = {"kind": "stance.coded", "model": MODEL, "stance": "calm", "coders": ["rules"],
          "sessions_with": 1, "sessions_total": 1}  # fmt: skip
REGISTERED = {"kind": "model.registered", "model": "acme/b", "form": "x", "architecture": "X",
              "parameters": 1}  # fmt: skip
FINE: dict[str, dict[str, Any]] = {
    "every field": COVERED,
    "a nested object": {**STANCE, "spans": [SPAN]},
    "defaults left out": REGISTERED,
    "defaults there": {**REGISTERED, "base": None, "chat_template": False, "weights_held": True},
}
WRONG: dict[str, dict[str, Any]] = {
    "a field added": {**COVERED, "also": "hidden"},
    "a field missing": {name: COVERED[name] for name in ("kind", "model", "covered")},
    "a nested field added": {**STANCE, "spans": [{**SPAN, "also": "hidden"}]},
    "a nested field missing": {**STANCE, "spans": [{"session": "s"}]},
    "another type": {**COVERED, "covered": 1},
    "a number that is true": {**STANCE, "spans": [], "sessions_with": True},
    "a number below": {**STANCE, "spans": [], "sessions_with": -1},
    "no list": {**STANCE, "spans": SPAN},
    "no null there": {**REGISTERED, "chat_template": None},
    "another form": {**COVERED, "model": "Acme/../b"},
    "a line feed behind it": {**COVERED, "model": MODEL + "\n"},
    "a day that no calendar has": {"kind": "retirement.announced", "model": MODEL,
                                   "offering": "api", "retire_on": "2027-02-30",
                                   "date_kind": "announced"},
    "a page below another folder": {"kind": "format.described", "software": "x",
                                    "pages": {"packs/../x": "sha256:" + "0" * 64}},
    "a page whose digest is none": {"kind": "format.described", "software": "x",
                                    "pages": {"README.txt": "x"}},
    "no kind": {"model": MODEL},
    "a kind that is no text": {**COVERED, "kind": ["model.covered"]},
    "a key without form": {"kind": "key.revoked", "key": 5, "reason": "x"},
}  # fmt: skip


def _signed(root: Path, body: dict[str, Any], signer: Signer) -> None:
    """Add a commit that holds `body` behind the last one in a folder, as whoever has a key can."""
    names = sorted((root / "record").glob("[0-9]*/*.json"))
    last = disk.parse(names[-1].read_bytes(), excerpt=True)
    header = msgspec.structs.replace(
        last.header,
        sequence=last.header.sequence + 1,
        prev=last.link,
        signer=signer.key,
        leaves=(disk.leaf_of(canonical.dumps(body)),),
    )
    commit = disk.Commit(
        header=header, events=(body,), signature=signer.sign(disk.signed_message(header))
    )
    path = root / disk.name_of(header.sequence)
    path.write_bytes(disk.render(commit))


def _codes(archive: Archive) -> list[str]:
    return [finding.code for _, finding in verify_all(archive).damage]


def _checked(archive: Archive) -> Any:
    """Return the verdict of the one-file program."""
    return checker()["check"](str(archive.root), archive.genesis)


@pytest.mark.parametrize("body", FINE.values(), ids=FINE)
def test_an_event_with_its_fields_is_sound_for_all(kept: Archive, body: dict[str, Any]) -> None:
    """Signed by a key that may, it is no finding for the program and for the checker."""
    _signed(kept.root, body, kept.signer("steward"))
    assert _codes(kept) == []
    assert _checked(kept).wrong == []


@pytest.mark.parametrize("body", WRONG.values(), ids=WRONG)
def test_an_event_with_other_fields_is_refused_by_all(kept: Archive, body: dict[str, Any]) -> None:
    """A valid signature helps nothing: it is R011 for the program, and wrong for the checker."""
    _signed(kept.root, body, kept.signer("steward"))
    assert _codes(kept) == ["R011"]
    with pytest.raises(IntegrityError, match="R011"):
        kept.history()
    (wrong,) = _checked(kept).wrong
    assert re.search(r": event \d+\.0: it(s \w+)? (lacks|has) ", wrong)


def test_a_kind_that_is_not_known_is_pointed_out_and_passed_over(kept: Archive) -> None:
    """It may have any fields: R010, which is no failure, and a note of the checker."""
    _signed(kept.root, CELEBRATED, kept.signer("steward"))
    assert verify_all(kept).sound
    assert _codes(kept) == ["R010"]
    done = _checked(kept)
    assert done.wrong == []
    assert "has the unknown kind 'model.celebrated'" in done.record.notes[-1]
    assert kept.history().last(ModelRegistered)


def test_a_key_that_is_limited_signs_no_kind_that_is_not_known(kept: Archive) -> None:
    """What a later version knows is not what its holder was trusted with."""
    add_person(kept, "scrubber", ["service"], kinds=["fixity.checked"])
    _signed(kept.root, CELEBRATED, kept.signer("scrubber"))
    assert _codes(kept) == ["R010", "R007"]
    (wrong,) = _checked(kept).wrong
    assert "scrubber is limited to other kinds" in wrong


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (COVERED, None),
        (CELEBRATED, "R010"),
        (WRONG["a field added"], "R011"),
        (WRONG["a field missing"], "R011"),
        (WRONG["a nested field added"], "R011"),
    ],
)
def test_a_dossier_is_checked_for_the_same(
    kept: Archive, tmp_path: Path, body: dict[str, Any], code: str | None
) -> None:
    """Both checkers of dossiers give the verdict that an archive would have."""
    given = write_dossier(kept, MODEL, tmp_path / "d").path
    _signed(given / "data", body, kept.signer("steward"))
    path = given / "data" / "dossier.json"
    described = json.loads(path.read_bytes())
    path.write_bytes(canonical.dumps({**described, "up_to": described["up_to"] + 1}))
    relist(given)
    examined, _ = verdicts(given)
    assert [each.code for each in (*examined.findings, *examined.notes)] == ([code] if code else [])
    assert examined.sound == (code != "R011")


def test_a_default_says_the_same_as_its_absence() -> None:
    """What a writer may leave out reads equal when it is there."""
    assert disk.parse_event(FINE["defaults left out"]) == disk.parse_event(FINE["defaults there"])
    for name, kind in KINDS.items():
        for field in msgspec.structs.fields(kind):
            assert field.required or field.default is not msgspec.NODEFAULT, (name, field.name)


def test_what_would_be_refused_is_not_signed(kept: Archive) -> None:
    """A writer that made a mistake hears of it before it is on record for good."""
    before = kept.record.sequence
    with pytest.raises(UserError, match="matching regex"):
        kept.append(ModelCovered(model="Acme", covered=True, reason="x"), key="steward")
    assert kept.record.sequence == before
    assert _codes(kept) == []


# --- the table in the one-file program -----------------------------------------------------------


def _form(hint: Any, named: dict[frozenset[str], str]) -> str:
    """Return how the table spells a type."""
    origin, inner = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return inner[1].title or "count"
    if origin is Literal:
        return named[frozenset(inner)]
    if origin is tuple:
        return f"[{_form(inner[0], named)}]"
    if origin is dict:
        names = "" if inner[0] is str else f"{_form(inner[0], named)}="
        return f"{{{names}{_form(inner[1], named)}}}"
    if inner:
        return f"{_form(inner[0], named)}|null"
    if isinstance(hint, enum.EnumType):
        return named[frozenset(hint)]
    return {str: "text", bool: "flag", Span: "span"}[hint]


def _fields(kind: type[msgspec.Struct], named: dict[frozenset[str], str]) -> list[str]:
    hints = get_type_hints(kind, include_extras=True)
    spelt = []
    for field in msgspec.structs.fields(kind):
        form, left_out = _form(hints[field.name], named), "" if field.required else "?"
        spelt.append(f"{field.name}{left_out}:{form}".removesuffix(":text"))
    return spelt


def test_the_checker_knows_the_same_fields_as_the_record() -> None:
    """Names, what may be left out, and forms are those of the types that read and write events."""
    names = checker()
    forms = dict(names["FORMS"])
    for hint in vars(values).values():
        for form in getattr(hint, "__metadata__", ()):
            if form.pattern:
                assert f"^{forms.pop(form.title)}{values.END}" == form.pattern
    named = {frozenset(form.replace("[.]", ".").split("|")): name for name, form in forms.items()}
    table = {**names["FIELDS"], "span": names["SPAN"]}
    kinds: dict[str, type[msgspec.Struct]] = {**KINDS, "span": Span}
    assert {name: sorted(line.split()) for name, line in table.items()} == {
        name: sorted(_fields(kind, named)) for name, kind in kinds.items()
    }
