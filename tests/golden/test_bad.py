"""Everything bad that was done to a golden archive is found by its code, by every later version."""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from unittest import mock

import pytest

import emeritus
from emeritus import settings
from emeritus.archive import notes, open_archive
from emeritus.clock import FixedClock
from emeritus.errors import CODES
from tests.golden.forging import APPENDED, CITED, REWRITTEN
from tests.golden.judging import Said, bare, remember_signatures, today
from tests.golden.life import GIVEN
from tests.golden.opening import Golden, opened, released
from tests.golden.packing import apply
from tests.golden.sources import ASTER
from tests.golden.tampering import RECIPES

NOT_DAMAGE = 0
BROKEN = 3
Asked = Callable[[Golden], Said]


def _verify(golden: Golden) -> Said:
    return golden.run("verify", "--deep")


def _against_copy(golden: Golden) -> Said:
    """Hold the record against an old copy of it, whose tiles tell what was changed."""
    return golden.run("verify", "--against", golden.root / "second")


def _trusting(golden: Golden) -> Said:
    return golden.run("verify", "--trust", golden.expected["fingerprint"])


def _beside_copy(golden: Golden) -> Said:
    """Verify on a machine that knows where the other copy lies."""
    given = settings.load({"HOME": str(golden.root / "stranger")})
    archive = open_archive(golden.root / "archive", given, FixedClock(golden.moment))
    notes.note_replica(archive, "second", golden.root / "second")
    return _verify(golden)


def _in_oslo(golden: Golden) -> Said:
    return golden.run("verify", archive="oslo")


def _restored(golden: Golden) -> Said:
    return golden.run("restore", ASTER, golden.root / "restored")


def _in_second_by_a_later_version(golden: Golden) -> Said:
    """Verify with a version of the program that has not written the pages for people."""
    with mock.patch.object(emeritus, "__version__", "9999.0"):
        return golden.run("verify", archive="second")


def _whole(golden: Golden) -> Said:
    return golden.call("check", golden.root / "whole")


def _excerpt(golden: Golden) -> Said:
    return golden.call("check", golden.root / "unpacked" / "excerpt")


@dataclasses.dataclass(frozen=True)
class Case:
    """How a tampering is found: who is asked, what stands beside its code, what else sees it.

    `code` is the exit code of the command, `sees` whether the one-file checker exits with 3, and
    `looks` the folder that it is shown.
    """

    asked: Asked = _verify
    beside: frozenset[str] = frozenset()
    code: int = BROKEN
    sees: bool = True
    looks: str = "archive"
    against: bool = False

    @property
    def needs(self) -> set[str]:
        """What of the golden archive is looked at."""
        whole = {"archive", "second", GIVEN} if self.looks in ("archive", "second") else set()
        return whole | {self.looks.partition("/")[0], "excerpt.tar.zst"}


def _case(*beside: str, **fields: object) -> Case:
    return Case(beside=frozenset(beside), **fields)  # type: ignore[arg-type]


# The one-file checker opens no packs, no pages for people, and takes no file of a folder for a
# stray: what it says is about the record and what the record cites.
BLIND = {"sees": False}
DOSSIER = {"asked": _whole, "looks": "whole"}
EXCERPT = {"asked": _excerpt, "looks": "unpacked/excerpt"}
OLD = {"asked": _against_copy, "against": True}

CASES: dict[str, Case] = {
    "V001": _case(**BLIND),
    "V002": _case("V005", **BLIND),
    "V003": _case(**BLIND),
    "V004": _case(**BLIND),
    "V005": _case(**BLIND),
    "V006": _case(**BLIND),
    "V007": _case(**BLIND),
    "V008": _case(**BLIND),
    "V009": _case(**BLIND),
    "V010": _case(asked=_restored, **BLIND),
    "V011": _case(**BLIND),
    "V012": _case(**BLIND),
    "V013": _case(asked=_in_oslo, sees=False, looks="oslo"),
    "R001": _case(),
    "R002": _case(),
    "R003": _case(),
    "R004": _case(),
    "R005": _case(),
    "R006": _case(),
    "R007": _case(),
    "R007-kind": _case(),
    "R008": _case(code=NOT_DAMAGE, sees=False),
    "R009": _case(),
    "R010": _case(code=NOT_DAMAGE, sees=False),
    "R011": _case(),
    "R012": _case(asked=_trusting),
    "R013": _case(asked=_beside_copy, sees=False, looks="second"),
    "R014": _case(),
    "R014-hidden": _case(**OLD),
    "R015": _case(**OLD),
    "R016": _case(**OLD),
    "R017": _case(**OLD),
    "R018": _case(**OLD),
    "R019": _case(),
    "R019-witness": _case(),
    "R019-stranger": _case(),
    "R020": _case(),
    "R020-missing": _case(**BLIND),
    "R021": _case(code=NOT_DAMAGE, sees=False),
    "R022": _case(code=NOT_DAMAGE, sees=False),
    "A001": _case(**BLIND),
    "A002": _case(),
    "A002-torn": _case(),
    "A003": _case(),
    "A004": _case(),
    "A004-page": _case(**BLIND),
    "A004-version": _case(**BLIND),
    "A005": _case("A004"),
    "A006": _case(),
    "A007": _case(asked=_in_second_by_a_later_version, code=NOT_DAMAGE, sees=False, looks="second"),
    "D001": _case(**DOSSIER),
    "D002": _case(**DOSSIER),
    "D003": _case(**DOSSIER),
    "D004": _case(**DOSSIER),
    "D004-proof": _case(**EXCERPT),
    "A001-dossier": _case(**DOSSIER),
    "A004-dossier": _case(**DOSSIER),
    "R005-dossier": _case("D004", **DOSSIER),
    "V005-dossier": _case(asked=_excerpt, sees=False, looks="unpacked/excerpt"),
    "C001": _case(**DOSSIER),
    "C002": _case(**DOSSIER),
    "C003": _case(**DOSSIER),
}
FORGED = {*APPENDED, *REWRITTEN, *CITED}


Packed = pytest.mark.parametrize("packed", released(), ids=lambda path: f"format-{path.name}")


def _do(golden: Golden, name: str) -> None:
    if name in FORGED:
        apply(golden.bad(name), golden.root)
    else:
        RECIPES[name](golden.root)


@Packed
@pytest.mark.parametrize("name", CASES)
def test_it_is_found_by_its_code(packed: Path, name: str, tmp_path: Path) -> None:
    """By its own code and those said to stand beside it; the checker that sees it exits with 3."""
    case = CASES[name]
    golden = opened(packed, tmp_path / "golden", *case.needs)
    if name == "R022":
        assert _verify(golden).code == 0  # so that the machine remembers
    _do(golden, name)
    words = ("--against", golden.given) if case.against else ()
    trust = ("--trust", golden.expected["fingerprint"]) if case.asked is _trusting else ()
    remember_signatures()
    code, told = today(golden.root / case.looks, *words, *trust)
    assert code == (BROKEN if case.sees else 0), told
    said = case.asked(golden)
    # Pages for people that an earlier version wrote are noted by every later one.
    noted = {"A007"} if golden.is_by_another_version else set()
    assert said.findings - noted == {name[:4], *case.beside} - noted, said.text
    assert name[:4] in said.findings, said.text
    assert said.code == case.code, said.text


def test_every_code_is_covered() -> None:
    """Each finding code of the reference has a tampering, and each tampering is judged."""
    assert {name[:4] for name in CASES} == CODES.keys()
    assert CASES.keys() == RECIPES.keys() | FORGED
    assert not RECIPES.keys() & FORGED


@Packed
def test_a_history_made_anew_is_consistent_and_another(packed: Path, tmp_path: Path) -> None:
    """With other keys and the same words all agrees: fingerprint and checkpoint tell."""
    golden = opened(packed, tmp_path / "golden", "archive", "second", GIVEN)
    apply(golden.bad("R012"), golden.root)
    root = golden.root / "archive"
    assert golden.run("verify", "--deep").code == 0
    assert today(root)[0] == 0
    trust = ("--trust", golden.expected["fingerprint"])
    for words, codes in (
        (trust, {"R012"}),
        (("--against", golden.given), {"R018", "R019"}),
        (("--against", golden.root / "second"), {"R018", "R019"}),
    ):
        said = golden.run("verify", *words)
        assert said.code == BROKEN, said.text
        assert said.findings == codes, said.text
    for words in (trust, ("--against", golden.given)):
        assert today(root, *words)[0] == BROKEN


@Packed
@pytest.mark.parametrize("name", ["R014-hidden", "R015", "R016", "R017", "R018"])
def test_what_was_signed_anew_agrees_until_it_is_compared(
    packed: Path, name: str, tmp_path: Path
) -> None:
    """Nothing in the folder tells it; a single kept checkpoint does, without any tiles."""
    golden = opened(packed, tmp_path / "golden", "archive", GIVEN)
    _do(golden, name)
    assert golden.run("verify", "--deep").code == 0
    assert today(golden.root / "archive")[0] == 0
    said = golden.run("verify", "--against", golden.root / GIVEN)
    assert said.code == BROKEN
    assert said.findings <= {"R014", "R018"}


@Packed
def test_the_decoder_writes_no_file_that_is_not_what_was_kept(packed: Path, tmp_path: Path) -> None:
    """A manifest that is signed and lies about a file's digest: the program says so."""
    golden = opened(packed, tmp_path / "golden", "archive")
    apply(golden.bad("V010"), golden.root)
    program = golden.root / "archive" / "format" / "decode.py"
    code, said = bare(program, golden.root / "archive", ASTER, golden.root / "decoded")
    assert code == BROKEN, said
