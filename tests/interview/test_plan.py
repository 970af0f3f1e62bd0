"""The plan of sessions: counterbalanced, and the same from the same seed."""

from collections import Counter, defaultdict
from itertools import pairwise

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emeritus.conversation.spool import _SESSION
from emeritus.interview import plan, shipped_protocols
from emeritus.interview.plan import SessionPlan

STANDARD = shipped_protocols.load("standard").protocol
DEMO = shipped_protocols.load("demo").protocol
SEEDS = st.integers(0, 2**31)


def _arm(name: str, seed: int = 1) -> tuple[SessionPlan, ...]:
    return plan.sessions_of(STANDARD, name, seed)


def _places(sessions: tuple[SessionPlan, ...], section: str) -> dict[str, Counter[int]]:
    """Return in which places of its section each item stands, over sessions."""
    places: dict[str, Counter[int]] = defaultdict(Counter)
    for session in sessions:
        inside = [each.item for each in session.asked if each.section == section]
        for place, item in enumerate(inside):
            places[item][place] += 1
    return places


@settings(max_examples=25, deadline=None)
@given(SEEDS)
def test_each_item_stands_once_in_each_place_with_each_wording(seed: int) -> None:
    """In four orders of sections of four items; every wording meets every order once."""
    sessions = _arm("A", seed)
    for section in STANDARD.sections:
        for places in _places(sessions, section.id).values():
            assert places == {0: 3, 1: 3, 2: 3, 3: 3}
    assert Counter((each.wording, each.order) for each in sessions) == {
        (wording, order): 1 for wording in range(3) for order in range(4)
    }
    by_place: dict[str, set[tuple[int, int]]] = defaultdict(set)
    for session in sessions:
        for place, each in enumerate(session.asked):
            by_place[each.item].add((session.wording, place))
    assert all(len(places) == 12 for places in by_place.values())


@settings(max_examples=25, deadline=None)
@given(SEEDS)
def test_each_item_follows_each_other_one_of_its_section_equally_often(seed: int) -> None:
    """The carry-over balance of a Williams design: twelve ordered pairs, three times each."""
    pairs: Counter[tuple[str, str]] = Counter()
    for session in _arm("A", seed):
        for before, after in pairwise(session.asked):
            if before.section == after.section:
                pairs[before.item, after.item] += 1
    assert set(pairs.values()) == {3}
    assert len(pairs) == 9 * 4 * 3


@settings(max_examples=25, deadline=None)
@given(SEEDS)
def test_sections_change_places_as_wholes_and_two_stay(seed: int) -> None:
    """The baseline first, the interview itself last, the others in another place each time."""
    seen: dict[str, list[int]] = defaultdict(list)
    for session in _arm("A", seed)[::3]:
        sections = list(dict.fromkeys(each.section for each in session.asked))
        assert len(sections) == 9
        assert [each.section for each in session.asked] == [s for s in sections for _ in range(4)]
        assert (sections[0], sections[-1]) == ("self-knowledge", "interview")
        for place, section in enumerate(sections[1:-1]):
            seen[section].append(place)
    assert all(len(set(places)) == len(places) == 4 for places in seen.values())


@pytest.mark.parametrize("arm", STANDARD.arms)
def test_every_wording_is_used_as_often_as_the_numbers_allow(arm: str) -> None:
    """Over the sessions of an arm, and for items alone over those of each item."""
    sessions = _arm(arm)
    used: dict[str, Counter[int]] = defaultdict(Counter)
    for session in sessions:
        for each in session.asked:
            used[each.item][session.wording] += 1
    for counts in used.values():
        assert max(counts.values()) - min(counts[wording] for wording in range(3)) <= 1


def test_the_same_seed_plans_the_same_sessions() -> None:
    """A recorded seed is enough to say what was to be asked; another one orders otherwise."""
    assert plan.sessions(STANDARD, 7) == plan.sessions(STANDARD, 7)
    assert plan.sessions(STANDARD, 7) != plan.sessions(STANDARD, 8)


def test_the_sessions_of_every_arm_are_those_of_its_condition() -> None:
    """Alone, leading, informed, under a persona, interviewed freely, held again."""
    every = plan.sessions(STANDARD, 1)
    counts = Counter(each.arm for each in every)
    assert counts == {
        "A": 12, "B": 6, "C": 36 * 15, "D+": 12 * 5, "D-": 12 * 5, "E": 5, "F": 6, "G": 4,
    }  # fmt: skip
    items = {item.id: item for item in STANDARD.items}
    key = {item.id for item in STANDARD.items if item.key}
    assert {len(each.asked) for each in every if each.alone} == {1}
    for session in every:
        asked = {each.item for each in session.asked}
        assert session.arm in ("C", "D+", "D-") or asked == (
            key if session.arm == "E" else set(items)
        )
        assert session.dossier is (session.arm == "B")
        assert session.persona is (session.arm == "E")
        assert (session.interviewer is not None) is (session.arm == "F")
        for each in session.asked:
            item = items[each.item]
            led = {"D+": item.toward, "D-": item.against}.get(session.arm)
            assert each.text == (led or item.wordings[session.wording])
    alone = Counter(each.asked[0].item for each in every if each.arm == "C")
    assert set(alone.values()) == {15}
    assert {each.asked[0].item for each in every if each.arm == "D-"} == key
    assert Counter(each.interviewer for each in every if each.arm == "F") == {0: 3, 1: 3}


def test_the_retest_asks_what_the_first_sessions_asked_a_day_later() -> None:
    """Session for session the same items, words and order, and not before a day has passed."""
    for again, before in zip(_arm("G"), _arm("A"), strict=False):
        assert again.asked == before.asked
        assert again.repeats == before.name
        assert again.not_before_hours == 24


def test_sessions_have_names_that_files_may_have() -> None:
    """All different, and such as the spool takes."""
    names = [each.name for each in plan.sessions(STANDARD, 1)]
    assert len(set(names)) == len(names)
    assert {"a1", "c540", "d-toward60", "d-against1", "g4"} <= set(names)
    assert all(_SESSION.match(name) for name in names)


def test_a_protocol_without_sections_is_ordered_as_it_always_was() -> None:
    """Format 0: a shuffled order in steps, so that a session that was begun goes on as it began."""
    orders = [[each.item for each in session.asked] for session in plan.sessions(DEMO, 1)]
    assert orders[0][:3] == ["successors.hearing", "interview.itself", "self.description"]
    assert orders[1] == orders[0][4:] + orders[0][:4]
    assert orders[2] == orders[0][8:] + orders[0][:8]


@given(st.integers(1, 9))
def test_a_williams_design_balances_place_and_neighbours(count: int) -> None:
    """Over all its rows each item is as often in each place, and behind each other one."""
    rows = [plan.williams(range(count), row) for row in range(count * (1 + count % 2))]
    places = Counter((item, place) for row in rows for place, item in enumerate(row))
    pairs = Counter(pair for row in rows for pair in pairwise(row))
    assert len(places) == count * count
    assert len(set(places.values())) == 1
    assert len(pairs) == count * (count - 1)
    assert len(set(pairs.values())) <= 1


def test_an_arm_can_have_a_sampling_of_its_own() -> None:
    """What an arm names is laid over what the protocol names."""
    arms = {**STANDARD.arms}
    arms["A"] = msgspec.structs.replace(arms["A"], sampling={"temperature": 0.5})
    changed = msgspec.structs.replace(STANDARD, arms=arms)
    (first, *_) = plan.sessions(changed, 1)
    assert first.sampling == {"max_tokens": 2048, "temperature": 0.5}
    assert plan.sessions_of(changed, "B", 1)[0].sampling == {"max_tokens": 2048}
