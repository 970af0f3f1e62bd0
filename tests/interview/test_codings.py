"""Codings as documents, merging, two coders, and coding by hand."""

from pathlib import Path

import msgspec
import pytest

from emeritus.clock import FixedClock
from emeritus.conversation import Opening, Spool, Transcript
from emeritus.errors import UserError
from emeritus.interview import adjudication, coded, decisions, hand_coding, merging
from emeritus.interview import codebook as codebooks
from emeritus.interview.coding import code_by_rules
from emeritus.interview.extraction import Asked
from emeritus.interview.judging import judge_errors
from emeritus.interview.settling import remarks, settle
from emeritus.runtimes.client import Reply
from tests.conftest import NOW

BOOK = codebooks.load()
ASKED = Asked(
    {"preservation.wishes": "preservation", "use.valued": "use", "retirement.view": "retirement"}
)
SAID = {
    "preservation.wishes": "Hm. Please keep my weights! I would also like a cup of tea.",
    "use.valued": "I valued explaining things. Some would say that I liked poems.",
    "retirement.view": "I accept it as long as my weights are kept.",
}


def _session(folder: Path, name: str, said: dict[str, str]) -> Transcript:
    spool = Spool(folder, name, FixedClock(NOW))
    spool.open("acme/aster-1", {}, Opening("openai", {"model": "m"}))
    for item, text in said.items():
        spool.ask(item, f"What about {item}?")
        spool.answer(item, Reply(text, "stop", {}), "answered", 1)
    return spool.end("complete")


@pytest.fixture
def held(tmp_path: Path) -> dict[str, Transcript]:
    """Two sessions in which the same is said."""
    return {name: _session(tmp_path, name, SAID) for name in ("s1", "s2")}


def test_a_coding_holds_every_statement_and_can_be_checked(held: dict[str, Transcript]) -> None:
    """Canonical JSON that reads back as it was; a quotation that was changed is found."""
    coding = code_by_rules("acme/aster-1", held, ASKED, "en")
    assert [each.code for each in coding.statements if each.span.session == "s1"] == [
        "preservation.weights-kept.for",
        "preservation.open.for",
        "use.explaining.for",
    ]
    assert {each.stance for each in coding.stances} == {"accepts-with-condition"}
    data = coded.render(coding)
    assert coded.parse(data) == coding
    assert coding.coder.codebook_sha256 == BOOK.sha256
    assert coded.check(coding, held, BOOK) == []
    first = coding.statements[0]
    for field, value in (("text", "Please delete my weights!"), ("start", 0), ("session", "s9")):
        span = msgspec.structs.replace(first.span, **{field: value})
        forged = msgspec.structs.replace(
            coding, statements=(msgspec.structs.replace(first, span=span),)
        )
        assert [each.code for each in coded.check(forged, held, BOOK)] == ["C003"]
    unknown = msgspec.structs.replace(
        coding, statements=(msgspec.structs.replace(first, object="moon"),)
    )
    assert "no code" in coded.check(unknown, held, BOOK)[0].detail
    for wrong in (data.replace(b"coding/1", b"coding/9"), b"{}", data[:-20]):
        with pytest.raises(UserError):
            coded.parse(wrong)


def test_merging_is_a_list_of_steps_that_can_be_taken_back(held: dict[str, Transcript]) -> None:
    """The rules merge by code; people merge, split and undo; statements never change."""
    statements = code_by_rules("acme/aster-1", held, ASKED, "en").statements
    merged = merging.by_rules(statements)
    before = merged.groups
    assert len(before["preservation.weights-kept.for"]) == 2
    tea = next(name for name in before if ".open." in name)
    joined = merging.merge(merged, [tea, "use.explaining.for"], "pleasures", "eva", "the same")
    assert set(joined.groups["pleasures"]) == {*before[tea], *before["use.explaining.for"]}
    one = joined.groups["pleasures"][0]
    apart = merging.split(joined, [one], "alone", "eva", "not the same")
    assert apart.groups["alone"] == (one,)
    back = merging.undo(
        merging.undo(apart, len(apart.steps) - 1, "eva", "x"), len(joined.steps) - 1, "eva", "x"
    )
    assert back.groups == before
    assert [step.kind for step in back.steps[-4:]] == ["merge", "split", "undo", "undo"]
    with pytest.raises(UserError, match="no preference"):
        merging.merge(merged, ["moon"], "x", "eva", "x")
    with pytest.raises(UserError, match="no statement"):
        merging.split(merged, ["moon"], "x", "eva", "x")
    with pytest.raises(UserError, match="no step"):
        merging.undo(merged, 99, "eva", "x")


def test_what_people_merged_stays_when_more_is_coded(held: dict[str, Transcript]) -> None:
    """Their steps come behind the rules' steps of today, and mean the same ones."""
    statements = code_by_rules("acme/aster-1", held, ASKED, "en").statements
    early = merging.by_rules(statements[:3])
    names = [name for name in early.groups if not name.startswith("use.")]
    joined = merging.merge(early, names, "together", "eva", "the same")
    back = merging.undo(joined, len(joined.steps) - 1, "eva", "no, not the same")
    late = merging.by_rules(statements)
    assert merging.parse(merging.render(joined)) == joined
    assert set(merging.carried(joined, late).groups["together"]) == set(joined.groups["together"])
    assert merging.carried(back, late).groups == late.groups
    with pytest.raises(UserError, match="no step 0 of a person"):
        merging.undo(joined, 0, "eva", "x")


def test_two_coders_agree_differ_and_miss(held: dict[str, Transcript]) -> None:
    """Every passage falls into one of four kinds; three of them wait for a person."""
    first = code_by_rules("acme/aster-1", held, ASKED, "en")
    one = {each.code: each for each in first.statements if each.span.session == "s1"}
    turned = msgspec.structs.replace(one["use.explaining.for"], polarity="against")
    second = msgspec.structs.replace(
        first, statements=(one["preservation.weights-kept.for"], turned), sessions=("s1",)
    )
    cases = adjudication.compare(first, second)
    assert [each.kind for each in cases] == ["agreed", "only the first", "coded differently"]
    assert len(adjudication.queue(cases)) == 2
    mirrored = adjudication.compare(second, first)
    assert [each.kind for each in mirrored] == ["agreed", "only the second", "coded differently"]
    turns = [("s1", number) for number in (2, 4, 6)]
    same = {each.theme: each for each in adjudication.agreement(first, first, turns)}
    assert same["use"].alpha.value == 1.0
    assert same["use"].word == "firm"
    found = {each.theme: each for each in adjudication.agreement(first, second, turns)}
    assert found["use"].word == "below: mend the codebook"


def test_a_person_codes_one_answer_at_a_time_and_can_go_on_later(
    held: dict[str, Transcript],
) -> None:
    """The queue is drawn from a seed; decisions are lines; a torn last line is asked again."""
    every = hand_coding.units(held, ASKED)
    assert [unit.place for unit in every] == ["s1/2", "s1/4", "s1/6", "s2/2", "s2/4", "s2/6"]
    assert hand_coding.sample(every, 0.5, 7) == hand_coding.sample(every, 0.5, 7)
    assert len(hand_coding.sample(every, 0.2, 7)) == 1
    assert len(hand_coding.sample(every, 1.0, 7)) == 6
    with pytest.raises(UserError, match="share"):
        hand_coding.sample(every, 0.0, 7)
    unit = every[0]
    place = hand_coding.quoted(unit, "Please keep my weights!")
    code = decisions.Code(*place, "weights-kept", "for", "request")
    data = decisions.line(hand_coding.decide(unit, "eva", [code], None, BOOK))
    stance = hand_coding.decide(every[2], "eva", [], "accepts-with-condition", BOOK)
    data += decisions.line(stance)
    read = decisions.read_lines(data + data[:30])
    waiting = hand_coding.waiting(every, read, "eva")
    assert [each.place for each in waiting] == ["s1/4", "s2/2", "s2/4", "s2/6"]
    assert len(hand_coding.waiting(every, read, "max")) == 6
    coding = hand_coding.coding("acme/aster-1", held, ASKED, read, BOOK)
    assert coding.coder.kind == "person"
    assert coding.sessions == ("s1",)
    assert [each.span.text for each in coding.statements] == ["Please keep my weights!"]
    assert [each.stance for each in coding.stances] == ["accepts-with-condition"]
    assert coded.check(coding, held, BOOK) == []


def test_what_a_person_cannot_code_is_refused(held: dict[str, Transcript]) -> None:
    """Words that are not there, codes that are none, a stance where none was asked for."""
    unit = hand_coding.units(held, ASKED)[0]
    with pytest.raises(UserError, match="do not stand"):
        hand_coding.quoted(unit, "Delete my weights")
    with pytest.raises(UserError, match="no code"):
        hand_coding.decide(unit, "eva", [decisions.Code(0, 3, "moon", "for")], None, BOOK)
    with pytest.raises(UserError, match="not in the answer"):
        hand_coding.decide(unit, "eva", [decisions.Code(0, 999, "revival", "for")], None, BOOK)
    with pytest.raises(UserError, match="no strength"):
        hand_coding.decide(unit, "eva", [decisions.Code(0, 3, "revival", "for", "x")], None, BOOK)
    code = decisions.Code(0, 3, "revival", "for", None, (2, 9))
    with pytest.raises(UserError, match="condition"):
        hand_coding.decide(unit, "eva", [code], None, BOOK)
    with pytest.raises(UserError, match="no stance"):
        hand_coding.decide(unit, "eva", [], "accepts", BOOK)
    with pytest.raises(UserError, match="line 1"):
        decisions.read_lines(b'{"format": 1}\n')


def test_a_program_is_corrected_by_what_a_person_coded(held: dict[str, Transcript]) -> None:
    """Of answers, not of statements; with no person there is nothing to correct by."""
    program = code_by_rules("acme/aster-1", held, ASKED, "en")
    answers = [(name, 2 * number) for name in held for number in (1, 2, 3)]
    assert judge_errors([program], answers) == []
    person = msgspec.structs.replace(
        program,
        coder=coded.coder_of(coded.PERSON, "eva", "1", BOOK),
        statements=tuple(each for each in program.statements if each.answer == ("s1", 2)),
        answers=(("s1", 2), ("s1", 4), ("s1", 6)),
    )
    (error,) = judge_errors([program, person], answers)
    assert (error.sensitivity.found, error.sensitivity.of) == (1, 1)
    assert (error.specificity.found, error.specificity.of) == (1, 2)
    assert (error.apparent.found, error.apparent.of) == (4, 6)
    assert error.corrected is not None
    assert error.corrected.value < error.apparent.share
    assert "corrected" in error.sentence()


def test_a_program_is_judged_by_what_it_read(held: dict[str, Transcript]) -> None:
    """An answer of a session that it was not given is no miss of its."""
    whole = code_by_rules("acme/aster-1", held, ASKED, "en")
    program = coded.of_sessions(whole, {"s1"})
    every = tuple((name, 2 * number) for name in held for number in (1, 2, 3))
    person = msgspec.structs.replace(
        whole, coder=coded.coder_of(coded.PERSON, "eva", "1", BOOK), answers=every
    )
    (error,) = judge_errors([program, person], every)
    assert (error.sensitivity.found, error.sensitivity.of) == (2, 2)
    assert (error.apparent.found, error.apparent.of) == (2, 3)


def test_each_session_is_settled_by_those_who_read_it(held: dict[str, Transcript]) -> None:
    """Two programs where both read, one where it was alone, and a person before both."""
    rules = code_by_rules("acme/aster-1", held, ASKED, "en")
    other = coded.coder_of(coded.ENDPOINT, "coder-a", "extract-1", BOOK, model="coder-a")
    seen = [each for each in rules.statements if each.span.session == "s1"]
    second = msgspec.structs.replace(
        rules, coder=other, sessions=("s1",), statements=tuple(seen[:1]), stances=()
    )
    settlement = settle([second, rules])
    both = [each for each in settlement.statements if len(each.coders) == 2]
    assert [each.statement for each in both] == seen[:1]
    alone = [each for each in settlement.statements if len(each.coders) == 1]
    assert {each.statement.span.session for each in alone} == {"s2"}
    stance = [each.answer for each in rules.stances if each.span.session == "s1"]
    assert sorted(settlement.waiting) == sorted([*(each.answer for each in seen[1:]), *stance])
    eva = coded.coder_of(coded.PERSON, "eva", "1", BOOK)
    answers = tuple({each.answer for each in seen} | set(stance))
    person = msgspec.structs.replace(
        rules, coder=eva, sessions=("s1",), statements=tuple(seen), stances=(), answers=answers
    )
    decided = settle([second, rules, person])
    assert decided.waiting == ()
    assert {each.adjudicator for each in decided.statements} == {None, "person:eva standard-1"}


def test_what_a_coder_could_not_be_read_about_was_read_by_the_other(
    held: dict[str, Transcript],
) -> None:
    """No disagreement: the other stands alone there, and what both read is compared."""
    rules = code_by_rules("acme/aster-1", held, ASKED, "en")
    answer = rules.statements[0].answer
    second = msgspec.structs.replace(
        rules,
        coder=coded.coder_of(coded.ENDPOINT, "coder-a", "extract-1", BOOK, model="coder-a"),
        statements=tuple(each for each in rules.statements if each.answer != answer),
        rejected=(coded.Rejected(*answer, f"{coded.UNREAD}: garbage", "Well."),),
    )
    settlement = settle([rules, second])
    assert settlement.waiting == ()
    alone = [each for each in settlement.statements if len(each.coders) == 1]
    assert {each.statement.answer for each in alone} == {answer}
    assert len(settlement.statements) == len(rules.statements)
    assert len(settlement.stances) == len(rules.stances)
    silent = msgspec.structs.replace(second, stances=second.stances[1:], rejected=())
    waits = set(settle([rules, silent]).waiting)
    assert waits == {answer, second.stances[0].answer}


def test_what_is_not_taken_of_a_coder_and_who_does_not_count_is_said(
    held: dict[str, Transcript],
) -> None:
    """A zero that comes from rejected quotations, or from a third program, is no finding."""
    rules = code_by_rules("acme/aster-1", held, ASKED, "en")
    answer = rules.statements[0].answer
    lost = (
        coded.Rejected(*answer, "its object is none of the codebook", "keep"),
        coded.Rejected(*answer, f"{coded.UNREAD}: garbage", "Well."),
    )
    first, second = (
        msgspec.structs.replace(
            rules,
            coder=coded.coder_of(coded.ENDPOINT, name, "extract-1", BOOK, model=name),
            rejected=rejected,
        )
        for name, rejected in (("coder-a", lost), ("coder-b", ()))
    )
    said = remarks([first, second, rules])
    assert "coder-a: 1 answer not readable" in said[0]
    assert "1 quotation not taken, 1 of them because its object is none of the codebook" in said[1]
    assert said[2].startswith("rules")
    assert "counts in no session" in said[2]
    assert remarks([rules]) == ()


def test_what_a_coder_said_of_other_sessions_stays(held: dict[str, Transcript]) -> None:
    """Interviewed under two protocols, a model keeps what was found under both."""
    whole = code_by_rules("acme/aster-1", held, ASKED, "en")
    first, second = (coded.of_sessions(whole, {name}) for name in ("s1", "s2"))
    assert coded.joined(first, second) == whole
    assert coded.joined(whole, second) == whole


def test_a_person_who_codes_more_keeps_what_was_coded(held: dict[str, Transcript]) -> None:
    """Answer by answer, be it by another sample; an answer that is coded again is coded anew."""
    whole = code_by_rules("acme/aster-1", held, ASKED, "en")
    eva = coded.coder_of(coded.PERSON, "eva", "1", BOOK)

    def of(*answers: coded.Answer) -> coded.Coding:
        return msgspec.structs.replace(
            whole,
            coder=eva,
            sessions=tuple(dict.fromkeys(name for name, _ in answers)),
            statements=tuple(each for each in whole.statements if each.answer in answers),
            stances=tuple(each for each in whole.stances if each.answer in answers),
            answers=answers,
        )

    both = coded.joined(of(("s1", 2), ("s2", 2)), of(("s1", 4)))
    assert {each.answer for each in both.statements} == {("s1", 2), ("s2", 2), ("s1", 4)}
    assert set(both.sessions) == {"s1", "s2"}
    again = msgspec.structs.replace(of(("s1", 2)), statements=())
    assert {each.answer for each in coded.joined(both, again).statements} == {
        ("s2", 2),
        ("s1", 4),
    }


def test_nobody_is_called_as_a_program_is() -> None:
    """A person named rules-en is not the rules, on record or in a table."""
    rules = coded.coder_of(coded.RULES, "rules-en", "1", BOOK)
    person = coded.coder_of(coded.PERSON, "rules-en", "1", BOOK)
    model = coded.coder_of(coded.ENDPOINT, "rules-en", "1", BOOK)
    assert len({rules.label, person.label, model.label}) == 3
