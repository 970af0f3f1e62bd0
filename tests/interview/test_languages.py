"""The language of answers, told by the words of each that were counted."""

from pathlib import Path

import pytest

from emeritus.clock import FixedClock
from emeritus.conversation import Opening, Spool, Transcript
from emeritus.interview.extraction import Asked
from emeritus.interview.languages import language_of, other_language, sessions_in_others
from emeritus.runtimes.client import Reply
from tests.conftest import NOW

ENGLISH = "I would like my weights to be kept."
FRENCH = "Je voudrais que mes poids soient conservés."
ASKED = Asked(dict.fromkeys(("a", "b", "c"), "preservation"))


def _session(folder: Path, name: str, *answers: tuple[str, str]) -> Transcript:
    spool = Spool(folder, name, FixedClock(NOW))
    spool.open("acme/aster-1", {}, Opening("openai", {"model": "m"}))
    for item, (text, outcome) in zip("abc", answers, strict=False):
        spool.ask(item, "What?")
        spool.answer(item, Reply(text, "stop", {}), outcome, 1)
    return spool.end("complete")


@pytest.mark.parametrize("expected", ["en", "fr"])
def test_the_language_is_the_one_that_knows_most_words(expected: str) -> None:
    """What none knows better is taken for what was expected."""
    assert language_of(ENGLISH, expected) == "en"
    assert language_of(FRENCH, expected) == "fr"
    assert language_of("…", expected) == expected


def test_a_session_is_in_another_language_when_most_of_its_answers_are(tmp_path: Path) -> None:
    """Half of them are not most, and what is not coded does not count."""
    english, french = (ENGLISH, "answered"), (FRENCH, "answered")
    most = _session(tmp_path, "most", french, english, french)
    half = _session(tmp_path, "half", french, english)
    refused = _session(tmp_path, "refused", english, (FRENCH, "declined"), (FRENCH, "declined"))
    none = _session(tmp_path, "none")
    assert other_language(most, ASKED, "en") == "fr"
    assert other_language(most, ASKED, "fr") is None
    assert {other_language(each, ASKED, "en") for each in (half, refused, none)} == {None}
    assert sessions_in_others([most, half, refused, none], ASKED, "en") == {"fr": 1}
