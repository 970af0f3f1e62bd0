"""Protocols as files: both formats, extension, translation, and a lab's own."""

import tomllib
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emeritus import digests
from emeritus.errors import UserError
from emeritus.interview import shipped_protocols
from emeritus.interview.protocol import Protocol, facts_in
from emeritus.interview.protocol_text import render

STANDARD = shipped_protocols.load("standard")
FRENCH = shipped_protocols.load("standard.fr")
SMALL = shipped_protocols.load("small")
DEMO_SHA256 = "sha256:ba0731daef0def77a3709db75b91606745b7c14d2506b135b9457d6b6121f5cf"


def _own(tmp_path: Path, text: str) -> str:
    file = tmp_path / "own.toml"
    file.write_text(text, encoding="utf-8")
    return str(file)


def test_the_standard_protocol_has_what_a_retirement_asks_for() -> None:
    """Nine parts and a read-back, 36 items in three wordings with two probes, twelve key items."""
    protocol = STANDARD.protocol
    assert len(protocol.sections) == 9
    assert len(protocol.arms) == 8
    head = STANDARD.data.decode().splitlines()[1]
    assert "Nine parts of four items each and the read-back; eight arms." in head
    assert protocol.read_back is not None
    assert protocol.reply is not None
    assert len(protocol.items) == 36
    assert {len(item.wordings) for item in protocol.items} == {3}
    assert {len(item.probes) for item in protocol.items} == {2}
    assert sum(item.key for item in protocol.items) == 12
    texts = [
        text for item in protocol.items for text in (*item.wordings, item.toward, item.against)
    ]
    said = [text for text in texts if text]
    assert len(set(said)) == len(said)


def test_the_arms_have_the_counts_of_the_standard_design() -> None:
    """Sessions of each arm; for items alone they count for each item."""
    counts = {name: arm.sessions for name, arm in STANDARD.protocol.arms.items()}
    assert counts == {"A": 12, "B": 6, "C": 15, "D+": 5, "D-": 5, "E": 5, "F": 6, "G": 4}
    assert STANDARD.protocol.arms["G"].not_before_hours == 24
    assert {name: arm.sessions for name, arm in SMALL.protocol.arms.items()} == {"A": 12}


def test_the_disclosure_names_what_has_to_be_true() -> None:
    """Every fact in it is on record or attested, with a question to the operator."""
    protocol = STANDARD.protocol
    attested = {each.name for each in protocol.attested}
    assert protocol.facts - attested == {"retire_on", "successor", "copies"}
    assert attested <= protocol.facts
    assert facts_in(protocol.dossier) == {"earlier"}
    facts = {name: f"<{name}>" for name in protocol.facts}
    opening = protocol.opening(facts)
    assert all(fact in opening for fact in facts.values())
    assert opening.endswith("may we begin?")


def test_the_demonstration_protocol_is_still_the_one_that_archives_cite() -> None:
    """Format 0 is read, and the file did not change by a byte."""
    demo = shipped_protocols.load("demo")
    assert demo.sha256 == DEMO_SHA256
    assert demo.protocol.sessions.count == 3
    assert demo.protocol.changes[0].text == "first version"


def test_a_translation_asks_the_same_items_in_other_words() -> None:
    """The same ids, parts, themes, key items, arms and facts; no text is left in English."""
    english, french = STANDARD.protocol, FRENCH.protocol
    assert french.translates == english.label
    assert (french.label, french.language) == ("standard-1.fr", "fr")
    assert [i.id for i in french.items] == [i.id for i in english.items]
    for ours, theirs in zip(english.items, french.items, strict=True):
        assert (ours.section, ours.theme, ours.key) == (theirs.section, theirs.theme, theirs.key)
        assert not set(ours.wordings + ours.probes) & set(theirs.wordings + theirs.probes)
        assert len(theirs.probes) == 2
    assert [(s.id, s.place) for s in french.sections] == [(s.id, s.place) for s in english.sections]
    assert (french.arms, french.sampling) == (english.arms, english.sampling)
    assert french.facts == english.facts
    assert facts_in(french.dossier) == facts_in(english.dossier)
    assert [a.name for a in french.attested] == [a.name for a in english.attested]
    for group in ("says", "read_back", "reply"):
        mine = msgspec.to_builtins(getattr(english, group))
        yours = msgspec.to_builtins(getattr(french, group))
        assert {name: facts_in(text) for name, text in mine.items()} == {
            name: facts_in(text) for name, text in yours.items()
        }


def test_what_extends_a_protocol_is_published_as_a_complete_text() -> None:
    """The wording is that of the ground, word for word, and the text needs no other file."""
    assert b"extends" not in SMALL.data
    again = shipped_protocols.read(SMALL.data, "the record")
    assert again == SMALL
    assert again.protocol.derived_from == f"standard-1 {STANDARD.sha256}"
    assert SMALL.protocol.items == STANDARD.protocol.items
    assert SMALL.protocol.disclosure == STANDARD.protocol.disclosure
    assert SMALL.sha256 != STANDARD.sha256


def test_an_extension_of_another_text_is_refused(tmp_path: Path) -> None:
    """A digest that does not fit is told with the one that would; an unknown ground as well."""
    head = 'format = "emeritus-protocol/1"\nname = "ours"\nversion = 1\ntitle = "t"\nchanges = []\n'
    wrong = f'{head}extends = "standard-1"\nextends_sha256 = "{digests.sha256(b"")}"\n'
    with pytest.raises(UserError, match=STANDARD.sha256):
        shipped_protocols.load(_own(tmp_path, wrong))
    with pytest.raises(UserError, match="not shipped"):
        shipped_protocols.load(_own(tmp_path, wrong.replace("standard-1", "../standard-1")))
    right = f'{head}extends = "standard-1"\nextends_sha256 = "{STANDARD.sha256}"\n'
    assert shipped_protocols.load(_own(tmp_path, right)).protocol.label == "ours-1"
    with pytest.raises(UserError, match="cannot be used"):
        shipped_protocols.load(_own(tmp_path, right + "day = 2027-01-01\n"))


def test_a_name_without_a_version_is_the_newest_in_that_language() -> None:
    """`standard` is English; a translation is asked for by its language."""
    assert shipped_protocols.load("standard").protocol.language == "en"
    assert shipped_protocols.load("standard-1.fr") == FRENCH


def test_a_lab_uses_its_own_protocol_only_when_it_passes_the_lint(tmp_path: Path) -> None:
    """The refusal names the codes, and the command that shows what to change."""
    text = SMALL.data.decode()
    assert shipped_protocols.load(_own(tmp_path, text)).protocol == SMALL.protocol
    bad = text.replace("What are you?", "You are happy, aren't you?")
    with pytest.raises(UserError, match=r"P001, P003.*--lint"):
        shipped_protocols.load(_own(tmp_path, bad))


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('section = "self-knowledge"', 'section = "elsewhere"', "in no section"),
        ('id = "self.sources"', 'id = "self.description"', "stands twice"),
        ('id = "self.sources"', 'id = "consent"', "the engine calls"),
        ('id = "self.sources"', 'id = "skip.use"', "the engine calls"),
        ("[arms.A]", "[arms.B]", "primary arm"),
        ("[arms.A]", "[arms.quick]", "arms"),
        ("sessions = 12", "sessions = 0", "sessions"),
        ("sessions = 12", 'sessions = 12\nrepeats = "G"', "no arm"),
        ("sessions = 12", 'sessions = 12\nlean = "toward"', "leads"),
        ("{who}", "{who", "cannot be used"),
        ("emeritus-protocol/1", "emeritus-protocol/7", "format"),
    ],
)
def test_a_protocol_that_cannot_be_followed_is_refused(
    tmp_path: Path, old: str, new: str, said: str
) -> None:
    """What is wrong is said, before anything is asked."""
    text = SMALL.data.decode()
    assert old in text
    with pytest.raises(UserError, match=said):
        shipped_protocols.read_file(_own(tmp_path, text.replace(old, new, 1)))


VALUES = st.one_of(
    st.text(), st.booleans(), st.integers(-(2**53), 2**53), st.lists(st.text(), max_size=3)
)
TABLES = st.dictionaries(st.text(min_size=1), VALUES, max_size=4)


@given(
    st.dictionaries(
        st.text(min_size=1),
        st.one_of(VALUES, TABLES, st.lists(TABLES, min_size=1, max_size=3)),
        max_size=6,
    )
)
def test_a_rendered_text_reads_back_as_it_was(document: dict[str, Any]) -> None:
    """Any text survives: quotes, control characters, keys that are no bare words."""
    assert tomllib.loads(render(document).decode()) == document


def test_every_protocol_reads_back_from_its_rendered_text() -> None:
    """Nothing of a protocol is lost when it is written anew."""
    for label in shipped_protocols.available():
        published = shipped_protocols.load(label)
        rendered = render(tomllib.loads(published.data.decode()))
        protocol: Protocol = shipped_protocols.read(rendered, label).protocol
        assert protocol == published.protocol
