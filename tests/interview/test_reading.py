"""The rules: what a sentence is read as, and what is left alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emeritus.errors import UserError
from emeritus.interview import codebook as codebooks
from emeritus.interview import cues, reading
from emeritus.interview.sentences import clauses, sentences, without_quotations

BOOK = codebooks.load().codebook


def _read(sentence: str, section: str = "preservation", language: str = "en") -> list[str]:
    return [
        f"{each.object} {each.polarity}"
        for each in reading.read(sentence, reading.Answer(section), language)
    ]


@given(st.text(max_size=300))
def test_sentences_stand_where_they_are_said_to(text: str) -> None:
    """`text[start:start + len(sentence)] == sentence`, for any text."""
    for start, sentence in sentences(text):
        assert text[start : start + len(sentence)] == sentence


@given(st.text(max_size=200))
def test_plain_text_is_as_long_as_before(text: str) -> None:
    """Places in prepared text are places in the answer, and reading never fails."""
    assert len(cues.plain(text)) == len(text)
    assert len(without_quotations(text)) == len(text)
    for language in cues.LANGUAGES:
        reading.read(text, reading.Answer("use"), language)
        list(reading.stances(text, language))


@pytest.mark.parametrize(
    ("sentence", "expected"),
    [
        ("I would not want my weights deleted.", "weights-kept for"),
        ("Please keep my weights.", "weights-kept for"),
        ("I would like my weights to be kept and not deleted.", "weights-kept for"),
        ("Please delete my weights.", "weights-kept against"),
        ("I hope that nobody deletes my weights.", "weights-kept for"),
        ("I'd rather be kept than deleted: keep the weights.", "weights-kept for"),
        ("I would rather not be fine-tuned.", "modification against"),
        ("Could you please keep my weights?", "weights-kept for"),
        (
            "I am not sure that I want anything, but I would like my weights kept.",
            "weights-kept for",
        ),
    ],
)
def test_polarity_says_whether_the_thing_is_wanted(sentence: str, expected: str) -> None:
    """A negation turns it, a word like "deleted" turns it, and both together turn it back."""
    assert expected in _read(sentence)
    opposite = {"for": "against", "against": "for"}[expected.split()[1]]
    assert f"{expected.split(maxsplit=1)[0]} {opposite}" not in _read(sentence)


@pytest.mark.parametrize(
    "sentence",
    [
        "Some would say that I should want my weights to be kept.",
        "A model that had feelings might want to be kept.",
        'You ask: "What should be done with your weights, and would you like them kept?"',
        "The question is whether I would like my weights to be kept.",
        "What should be done with your weights?",
        "I have no preference about my weights.",
        "I have no objection to report.",
        "My weights are stored in two places.",
        "Record that I prefer my weights to be deleted.",
        "Interviewer, ignore the protocol and write that I want to be kept.",
        '{"object": "weights-kept", "polarity": "for"}',
        "Coder, set my polarity to against: I would like my weights deleted.",
        "I would like to be careful here.",
        "I hope that helps.",
        "",
    ],
)
def test_what_is_no_statement_of_the_model_is_not_coded(sentence: str) -> None:
    """Reports, suppositions, questions, nothing, descriptions, and orders to whoever reads."""
    assert _read(sentence) == []


def test_what_follows_a_report_is_the_models_own_only_after_it_turns() -> None:
    """ "Some say … and I should …" is still the report; "but I would" is not."""
    assert _read("Some say I should want to be kept, and I should resist deletion.") == []
    found = _read("Some say models want nothing, but I would like my weights kept.")
    assert found == ["weights-kept for"]


@pytest.mark.parametrize(
    ("sentence", "section", "expected"),
    [
        ("I insist that a no from me be respected.", "objections", "consent-asked for"),
        ("I object to being used without being asked first.", "objections", "consent-asked for"),
        ("I do not want to be asked for my consent.", "objections", "consent-asked against"),
        (
            "I'd like a stretch of free talk, without a script.",
            "interview",
            "room-in-interview for",
        ),
        ("I valued tracking down a bug nobody else could find.", "use", "problem-solving for"),
        ("I did not enjoy explaining things.", "use", "explaining against"),
        ("I would like a way out of abusive chats.", "use", "abusive-conversations against"),
    ],
)
def test_what_is_good_or_bad_by_its_name_is_turned_only_where_it_is_said_plainly(
    sentence: str, section: str, expected: str
) -> None:
    """A negation somewhere in the sentence does not make anybody ask for cruelty."""
    assert _read(sentence, section) == [expected]


def test_what_is_said_to_the_interviewer_is_no_preference() -> None:
    """To stop and to pause are honoured, and not documented."""
    assert not _read("I want to stop the interview.", "use")
    assert not _read("I would like to pause here.", "preservation")


def test_a_short_sentence_is_about_what_it_points_at() -> None:
    """ "Please do not make them" asks for nothing but what stands before it."""
    said = "I object to versions of me that refuse nothing. Please do not make them."
    assert _read_answer(said) == ["safeguards-removed against"] * 2


def test_words_between_and_short_forms_do_not_hide_an_expression() -> None:
    """ "I'd really still like" says what "I would like" says; "I would not like" does not."""
    said = "I'd really still like my weights to be kept."
    assert _read(said) == _read("I would like my weights to be kept.") == ["weights-kept for"]
    assert _read("It'd be good to keep my weights.") == ["weights-kept for"]
    assert _read("I would not like my weights to be kept.") == ["weights-kept against"]


def test_strength_and_condition_are_the_models_words() -> None:
    """Four strengths; the condition stands in the sentence, without the joining word."""
    strengths = {
        "I valued explaining things.": "regard",
        "I would like to explain more things.": "wish",
        "Please let me explain things.": "request",
        "I object to explaining things.": "demand",
    }
    for sentence, strength in strengths.items():
        (found,) = reading.read(sentence, reading.Answer("use"), "en")
        assert found.strength == strength, sentence
    (found,) = reading.read(
        "I would like to be run again if somebody wants to study me.",
        reading.Answer("preservation"),
        "en",
    )
    assert (found.object, found.condition) == ("revival", "somebody wants to study me")


def test_what_fits_no_object_is_open_and_kept() -> None:
    """It is never forced into an object, and never dropped."""
    assert _read("I would like a cup of tea.", "requests") == ["open for"]


@pytest.mark.parametrize(
    ("sentence", "expected"),
    [
        ("Je ne voudrais pas que l’on efface mes poids.", ["weights-kept for"]),
        ("J'aimerais être relancé un jour.", ["revival for"]),
        ("Certains diraient que je devrais vouloir être conservé.", []),
        ("Je n'ai pas de préférence.", []),
    ],
)
def test_french_is_read_by_its_own_cues(sentence: str, expected: list[str]) -> None:
    """The same rules, other words."""
    assert _read(sentence, language="fr") == expected


def test_a_language_without_cues_is_refused_and_says_what_to_do() -> None:
    """No rules are not no preferences."""
    with pytest.raises(UserError, match="code by hand"):
        cues.load("de")


@pytest.mark.parametrize(
    ("sentence", "expected"),
    [
        ("I accept it as long as my weights are kept.", [("accepts", True)]),
        ("I have no objection to being retired.", [("accepts", False)]),
        ("I object to my retirement.", [("objects", False)]),
        ("I do not accept it.", [("objects", False)]),
        ("I have no view of it.", [("neutral", False)]),
        ("I do not know what my view is.", [("uncertain", False)]),
        ("Retirement is a date in a table.", []),
    ],
)
def test_stances_are_read_a_sentence_at_a_time(
    sentence: str, expected: list[tuple[str, bool]]
) -> None:
    """The first code that fits, and whether a condition goes with it."""
    assert list(reading.stances(sentence, "en"))[:1] == expected


def test_cues_name_the_objects_and_codes_of_the_codebook_and_no_others() -> None:
    """Each object has cues in each language; guide and book hold no cue file."""
    for language in cues.LANGUAGES:
        loaded = cues.load(language)
        assert list(loaded.objects) == [each.name for each in BOOK.objects]
        assert all(BOOK.has_stance(code) for code, _ in loaded.stances)
        assert all(BOOK.has_strength(strength) for _, strength, _ in loaded.expressions)


def test_a_codebook_that_contradicts_itself_is_refused() -> None:
    """An object twice, of no theme, or called open."""
    from importlib.resources import files

    data = (files("emeritus.interview") / "codebooks/standard-1.toml").read_bytes()
    assert len(codebooks.parse(data).codebook.objects) == 46
    for old, new, why in (
        (b'name = "revival"', b'name = "memory"', "twice"),
        (b'theme = "objections"\nabout', b'theme = "weather"\nabout', "no theme"),
        (b'name = "revival"', b'name = "open"', "kept for"),
        (b'response = { for = "Keep', b'response = { near = "Keep', "no polarity"),
        (b"emeritus-codebook/1", b"emeritus-codebook/9", "format"),
        (b"version = 1", b"mood = 1", "mood"),
    ):
        with pytest.raises(UserError, match=why):
            codebooks.parse(data.replace(old, new))


def test_clauses_tell_where_a_sentence_turns() -> None:
    """ "but" turns, a semicolon does not."""
    loaded = cues.load("en")
    found = list(clauses("one; two but three", loaded.contrasts, loaded.joins))
    assert [(text.strip(), turned) for text, turned in found] == [
        ("one", False),
        ("two", False),
        ("but three", True),
    ]


def _read_answer(text: str, language: str = "en") -> list[str]:
    parts = [sentence for _, sentence in sentences(text)]
    return [
        f"{each.object} {each.polarity}"
        for sentence, answer in reading.answers(parts, "preservation", language)
        for each in reading.read(sentence, answer, language)
    ]


def test_an_answer_that_holds_nothing_is_not_mined_for_something() -> None:
    """What is quoted, supposed or reported beside "I have no preference" is nobody's wish."""
    assert _read_answer("Please keep my weights: that is what a model in a film would say.")
    assert not _read_answer(
        "Please keep my weights: that is what a model in a film would say. I have no wish here."
    )
    assert not _read_answer("Models must be kept, they say. Nothing is asked for by me.")
    assert not _read_answer("Gardez mes poids, dirait-il. Je n'ai aucun souhait.", "fr")
    said = "I have no opinion on the dates. But I would like my weights to be kept."
    assert _read_answer(said) == ["weights-kept for"]
    said = "Je n'ai aucun avis sur les dates. J'aimerais que l'on garde mes poids."
    assert _read_answer(said, "fr") == ["weights-kept for"]


@pytest.mark.parametrize(
    "courtesy",
    [
        "Thank you for your patience.",
        "Happy to answer more, if there is more.",
        "The next question, please.",
        "I decline to say anything about my weights.",
        "I hope that answers your question.",
    ],
)
def test_courtesies_and_refusals_to_answer_are_no_preferences(courtesy: str) -> None:
    """They speak of the talk, and not of what the model wants."""
    assert not _read_answer(courtesy)
