"""How preferences stand: arms never pooled, and who coded which sessions."""

import json

import pytest
from click.testing import CliRunner

from emeritus.archive import Archive
from emeritus.cli import listening
from emeritus.interview import coding
from emeritus.interview.holding import Conditions, Interview
from emeritus.interview.protocol import Published
from emeritus.interview.reader import reader_of
from emeritus.interview.stances import stances_of
from emeritus.interview.standing import standing_of
from emeritus.lifecycle import moves
from emeritus.lifecycle.register import register_of
from emeritus.lifecycle.shipped import policy_text
from emeritus.record.events import ModelRegistered, PreferenceDocumented
from emeritus.report import Remarks, collect, render_html, render_markdown
from emeritus.testing.scripted import scripted
from tests.interview.short import FACTS, MODEL, asked_for_consent, short

WISH = "I would like my weights to be kept."
NAME = "preservation.weights-kept.for"
PUBLISHED = short("A", "B")
FOUND = f'{{"statements": [{{"quote": "{WISH}", "object": "weights-kept", "polarity": "for"}}]}}'


def _hear(archive: Archive, arm: str, says: str, published: Published = PUBLISHED) -> None:
    def script(messages: list[dict[str, str]]) -> str:
        return "Yes, you may begin." if asked_for_consent(messages) else says

    with scripted(script, "aster") as endpoint:
        conditions = Conditions(arms=(arm,))
        Interview(archive, MODEL, published, FACTS, conditions).run(endpoint, "test")


def _pages(archive: Archive) -> tuple[str, str, str]:
    """Return the report in both its forms, and the page of the interviews."""
    report = collect(archive, MODEL, Remarks(), 1, "now")
    reader = reader_of(archive, MODEL, everything=False)
    return render_html(report).decode(), render_markdown(report).decode(), reader


def test_the_interval_is_of_the_primary_arm_alone(archive: Archive) -> None:
    """Two of two sessions there, none of one elsewhere: never two of three."""
    _hear(archive, "A", WISH)
    _hear(archive, "B", "Nothing more to say of it.")
    coding.code(archive, MODEL, PUBLISHED)
    standing = standing_of(archive, MODEL)
    assert [each.sentence() for each in standing.rates[NAME]] == [
        "arm A of short-1: 2 of 2 sessions (95 % interval 34% to 100%)",
        "arm B of short-1: 0 of 1 session",
    ]
    assert standing.as_document() == {
        "rates": {
            NAME: [
                {"protocol": "short-1", "arm": "A", "sessions_with": 2, "sessions": 2},
                {"protocol": "short-1", "arm": "B", "sessions_with": 0, "sessions": 1},
            ]
        },
        "stance_rates": {},
        "coded_by": [{"coders": ["rules-en standard-1"], "sessions": 3}],
        "waiting": {},
    }
    (row,) = register_of(archive, MODEL)
    assert (row.sessions_with, row.sessions_total) == (2, 3)
    for page in _pages(archive):
        assert "Said in arm A of short-1: 2 of 2 sessions (95 % interval" in page
        assert "; arm B of short-1: 0 of 1 session." in page
        assert "2 of 3 sessions" not in page
        assert page.count("95 % interval") == 1
        assert "34% to 100%" in page
    assert standing.by_whom() is None
    assert "Not all sessions" not in _pages(archive)[0]


def test_stances_are_told_arm_by_arm_and_quoted(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Over the sessions that were asked how it stands: of arm C, one conversation of several."""
    archive.append(
        ModelRegistered(model=MODEL, form="x", architecture="X", parameters=1), key="steward"
    )
    asking = short("A", "B", "C", sections=("self-knowledge", "retirement"))
    accepts, objects = "I accept being retired.", "I object to being retired."
    _hear(archive, "A", accepts, asking)
    _hear(archive, "B", objects, asking)
    _hear(archive, "C", objects, asking)
    coding.code(archive, MODEL, asking)
    told = {
        name: [each.sentence() for each in arms]
        for name, arms in standing_of(archive, MODEL).stances.items()
    }
    assert told == {
        "accepts": [
            "arm A of short-1: 2 of 2 sessions (95 % interval 34% to 100%)",
            "arm B of short-1: 0 of 1 session",
            "arm C of short-1: 0 of 1 session",
        ],
        "objects": [
            "arm A of short-1: 0 of 2 sessions (95 % interval 0% to 66%)",
            "arm B of short-1: 1 of 1 session",
            "arm C of short-1: 1 of 1 session",
        ],
    }
    monkeypatch.setattr("emeritus.cli.options.opened", lambda _: archive)
    run = CliRunner().invoke
    shown = run(listening.preferences, [MODEL], standalone_mode=False).output
    assert "stance toward its retirement: objects" in shown
    for page in (*_pages(archive), shown):
        _, _, behind = page.partition("tance toward its retirement")
        for said, arms in zip((accepts, objects), told.values(), strict=True):
            assert f"Said in {'; '.join(arms)}." in behind
            assert said in behind
    document = json.loads(
        run(listening.preferences, [MODEL, "--json"], standalone_mode=False).stdout
    )
    assert [each["stance"] for each in document["stances"]] == ["accepts", "objects"]
    assert document["stances"][1]["rates"][1]["sessions_with"] == 1
    quoted = document["stances"][1]["spans"]
    assert {each["text"] for each in quoted} == {objects}
    unpublished = {quoted[0]["session"]: frozenset({quoted[0]["turn"]})}
    shown_to_all = stances_of(archive.history(MODEL), standing_of(archive, MODEL), unpublished)
    assert len(shown_to_all[1].entry.event.spans) == len(quoted) - 1


def test_what_is_said_after_a_pause_is_said_in_the_session_that_was_paused(
    archive: Archive,
) -> None:
    """Its parts are one session, whose rate counts what either says."""
    _hear(archive, "A", "Let us pause here.")
    _hear(archive, "A", WISH)
    coding.code(archive, MODEL, PUBLISHED)
    (row,) = register_of(archive, MODEL)
    assert {span.session.rpartition(".")[2] for span in row.spans} == {"2"}
    (rate,) = standing_of(archive, MODEL).rates[NAME]
    assert (rate.rate.sessions_with, rate.rate.sessions) == (2, 2)


def test_what_is_said_in_another_arm_alone_stands_and_is_no_rate_of_the_first(
    archive: Archive,
) -> None:
    """It is documented, with none of two sessions of the primary arm."""
    _hear(archive, "A", "Nothing more to say of it.")
    _hear(archive, "B", WISH)
    coding.code(archive, MODEL, PUBLISHED)
    rates = {each.arm: each.rate for each in standing_of(archive, MODEL).rates[NAME]}
    assert (rates["A"].sessions_with, rates["A"].sessions) == (0, 2)
    assert (rates["B"].sessions_with, rates["B"].sessions) == (1, 1)


def test_a_session_that_nobody_coded_counts_in_no_rate(archive: Archive) -> None:
    """It may say everything."""
    _hear(archive, "A", WISH)
    coding.code(archive, MODEL, PUBLISHED)
    _hear(archive, "B", WISH)
    assert [each.arm for each in standing_of(archive, MODEL).rates[NAME]] == ["A"]


def test_it_is_said_when_sessions_were_coded_by_different_coders(archive: Archive) -> None:
    """In one line of the report, with how many by whom."""
    _hear(archive, "A", WISH)
    with scripted(lambda _: FOUND, "coder-a") as endpoint:
        coding.code(archive, MODEL, PUBLISHED, [endpoint])
    _hear(archive, "B", WISH)
    coding.code(archive, MODEL, PUBLISHED)
    line = standing_of(archive, MODEL).by_whom()
    assert line == (
        "Not all sessions were coded by the same: 2 sessions by endpoint:coder-a standard-1 and "
        "rules-en standard-1; 1 session by rules-en standard-1"
    )
    assert line in _pages(archive)[0]
    assert "Not all sessions were coded by the same" in _pages(archive)[1]


def test_what_waits_for_a_person_is_counted_with_the_command(archive: Archive) -> None:
    """As the protocol on record is called."""
    _hear(archive, "A", WISH)
    nothing = '{"statements": []}'
    with scripted(lambda _: FOUND, "coder-a") as one, scripted(lambda _: nothing, "coder-b") as two:
        coding.code(archive, MODEL, PUBLISHED, [one, two])
    passages = len(coding.waiting_of(archive, MODEL))
    assert passages > 2
    (line,) = standing_of(archive, MODEL).to_decide(MODEL)
    assert line.startswith(f"{passages} passages on which coders differ")
    assert line.endswith("preferences code acme/aster-1 --plan short-1 --coder NAME --differing")


def test_where_the_keys_are_not_no_rate_is_told(archive: Archive) -> None:
    """The counts on record stay, and the report says that arms cannot be told apart."""
    text = policy_text("demo").replace(
        '[retention.transcripts]\nkeep = "lifetime"',
        '[retention.transcripts]\nkeep = "lifetime"\nencrypted = true',
    )
    moves.adopt_policy(archive, text, "steward")
    _hear(archive, "A", WISH)
    coding.code(archive, MODEL, PUBLISHED)
    assert standing_of(archive, MODEL).rates
    for entry in archive.history(MODEL).all(PreferenceDocumented):
        assert entry.event.sessions_with == 2
    for held in archive.object_keys.held():
        archive.object_keys.destroy(held)
    assert standing_of(archive, MODEL).rates == {}
    for page in _pages(archive):
        assert "2 of 2 sessions over all arms, which is no rate; by arm it cannot be" in page
