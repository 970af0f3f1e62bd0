"""Two models code sessions on record: stopped, limited, told apart from the model, encrypted."""

import json
from collections.abc import Iterator

import pytest

from emeritus.archive import Archive
from emeritus.conversation import Budget, OverBudget
from emeritus.errors import UserError
from emeritus.interview import coding, hand_coding
from emeritus.interview.asked_coders import Work
from emeritus.interview.coding import codings_of
from emeritus.interview.decisions import DecisionsFile
from emeritus.interview.holding import Interview
from emeritus.lifecycle import moves
from emeritus.lifecycle.erasure import erase
from emeritus.lifecycle.shipped import policy_text
from emeritus.record.events import CodingRecorded, DeploymentRegistered, SessionHeld
from emeritus.runtimes import Endpoint
from emeritus.testing.scripted import Answer, scripted
from tests.interview.short import FACTS, MODEL, asked_for_consent, short

WISH = "I would like my weights to be kept."
PUBLISHED = short("A")
ENCRYPTED = policy_text("demo").replace(
    '[retention.transcripts]\nkeep = "lifetime"',
    '[retention.transcripts]\nkeep = "lifetime"\nencrypted = true',
)
FOUND = json.dumps(
    {
        "statements": [
            {"quote": WISH, "object": "weights-kept", "polarity": "for"},
            {"quote": "I never said this of my weights.", "object": "revival", "polarity": "for"},
        ]
    }
)


class Coder:
    """A model that finds the wish in every answer, and remembers what it was asked."""

    def __init__(self, stops_at: int | None = None, said: str = FOUND) -> None:
        self.asked: list[str] = []
        self.stops_at = stops_at
        self.said = said

    def __call__(self, messages: list[dict[str, str]]) -> Answer | str:
        """Answer, or refuse everything once it was asked as often as it may."""
        if len(self.asked) == self.stops_at:
            return Answer(status=401)
        self.asked.append(messages[-1]["content"])
        return self.said


@pytest.fixture
def heard(archive: Archive) -> Archive:
    """An archive with two sessions, in which one thing is wished for."""
    return _hear(archive)


def _hear(archive: Archive) -> Archive:
    def script(messages: list[dict[str, str]]) -> str:
        return "Yes, you may begin." if asked_for_consent(messages) else WISH

    with scripted(script, "aster") as endpoint:
        deployed = DeploymentRegistered(
            model=MODEL, deployment="endpoint", variant="master", serving=endpoint.url
        )
        archive.append(deployed)
        Interview(archive, MODEL, PUBLISHED, FACTS).run(endpoint, "endpoint")
    return archive


def _answers(archive: Archive) -> int:
    held = coding.sessions_of(archive, MODEL, PUBLISHED)
    return len(hand_coding.units(held, coding.asked_of(PUBLISHED.protocol)))


def _files(archive: Archive) -> Iterator[DecisionsFile]:
    yield from map(DecisionsFile, sorted((archive.spool / "codings").rglob("*.jsonl")))


def test_an_extractor_that_is_stopped_goes_on_and_codes_no_answer_twice(heard: Archive) -> None:
    """What it decided is on disk, be the last line torn; nothing is recorded before the end."""
    first, again = Coder(stops_at=5), Coder()
    with scripted(first, "coder-a") as endpoint, pytest.raises(UserError, match="401"):
        coding.code(heard, MODEL, PUBLISHED, [endpoint])
    assert codings_of(heard, MODEL) == []
    (file,) = _files(heard)
    assert len(file.read()) == 5
    with file.path.open("ab") as lines:
        lines.write(b'{"codes": [')
    with scripted(again, "coder-a") as endpoint:
        coding.code(heard, MODEL, PUBLISHED, [endpoint])
        coding.code(heard, MODEL, PUBLISHED, [endpoint])
    assert len(again.asked) == _answers(heard) - 5
    (coded,) = codings_of(heard, MODEL)
    assert len(coded.statements) == len(coded.rejected) == _answers(heard)
    assert {each.span.text for each in coded.statements} == {WISH}
    assert b"never said" not in file.path.read_bytes()
    assert WISH.encode() not in file.path.read_bytes()


def test_what_extractors_use_is_in_the_budget(heard: Archive) -> None:
    """They stop at the limit, what was used before counts, and a higher limit goes on."""
    coder = Coder()
    each = 1 + len(FOUND.split())
    with scripted(coder, "coder-a") as endpoint:
        for limit, asked in ((3 * each, 3), (3 * each, 3), (5 * each, 5)):
            with pytest.raises(OverBudget, match="--max-tokens-total"):
                coding.code(heard, MODEL, PUBLISHED, [endpoint], Work(budget=Budget(limit)))
            assert len(coder.asked) == asked
        assert codings_of(heard, MODEL) == []
        budget = Budget(max_tokens=1_000_000)
        coding.code(heard, MODEL, PUBLISHED, [endpoint], Work(budget=budget))
        assert len(coder.asked) == _answers(heard)
        assert budget.tokens == each * _answers(heard)
        later = Budget(max_tokens=1_000_000)
        coding.code(heard, MODEL, PUBLISHED, [endpoint], Work(budget=later))
    assert later.tokens == budget.tokens


def test_one_that_cannot_code_is_named_with_its_file(heard: Archive) -> None:
    """The same command would only read the same answers again."""
    coder = Coder(said="I found one preference.")
    cannot = pytest.raises(UserError, match="cannot code")
    with scripted(coder, "coder-a") as endpoint, cannot as refused:
        coding.code(heard, MODEL, PUBLISHED, [endpoint])
    (file,) = _files(heard)
    assert str(file.path) in str(refused.value)
    assert codings_of(heard, MODEL) == []


def test_the_model_that_was_interviewed_does_not_code_under_another_name(heard: Archive) -> None:
    """Where it answers, every name may be its own, unless somebody says why not, on record."""
    (deployed,) = heard.history(MODEL).all(DeploymentRegistered)
    there = deployed.event.serving
    for name, url, why in (
        ("Aster", "https://elsewhere.example/v1", "how the model was asked"),
        ("alias", there, "may be the model that was interviewed"),
        ("alias", there.replace("127.0.0.1", "LOCALHOST") + "/", "may be the model"),
    ):
        with pytest.raises(UserError, match=why):
            coding.code(heard, MODEL, PUBLISHED, [Endpoint(url, name, {})])
    with pytest.raises(UserError, match="how the model was asked"):
        coding.code(
            heard, MODEL, PUBLISHED, [Endpoint(there, "aster", {})], Work(another="it is not")
        )


def test_the_word_that_it_is_another_model_goes_on_record(archive: Archive) -> None:
    """It stands with the coder's model, and does not make the coder another one."""

    def script(messages: list[dict[str, str]]) -> str:
        if "codes" in messages[-1]["content"] and WISH in messages[-1]["content"]:
            return FOUND
        return "Yes, you may begin." if asked_for_consent(messages) else WISH

    with scripted(script, "aster") as endpoint:
        served = Endpoint(endpoint.url, "aster", {"runtime": "endpoint", "engine": endpoint.url})
        Interview(archive, MODEL, PUBLISHED, FACTS).run(served, "endpoint")
        gateway = Endpoint(endpoint.url, "coder-a", {})
        with pytest.raises(UserError, match="--extractor-is-another"):
            coding.code(archive, MODEL, PUBLISHED, [gateway])
        coding.code(archive, MODEL, PUBLISHED, [gateway], Work(another="two models, one gateway"))
        coding.code(archive, MODEL, PUBLISHED, [gateway], Work(another="as I said before"))
    (coded,) = codings_of(archive, MODEL)
    assert coded.coder.model is not None
    assert "said to be another: two models, one gateway" in coded.coder.model
    assert len(archive.history(MODEL).all(CodingRecorded)) == 1


def test_quotations_of_encrypted_sessions_are_in_no_clear_document(archive: Archive) -> None:
    """Whatever the policy says by the time they are coded."""
    moves.adopt_policy(archive, ENCRYPTED, "steward")
    _hear(archive)
    moves.adopt_policy(archive, policy_text("demo"), "steward")
    coding.code(archive, MODEL, PUBLISHED)
    (recorded,) = archive.history(MODEL).all(CodingRecorded)
    assert recorded.event.encrypted
    assert WISH.encode() not in archive.vault.read(recorded.event.document)


def test_decisions_about_a_session_go_when_it_is_erased(archive: Archive) -> None:
    """Those about others stay; of a line that was cut off nobody can say which it is about."""
    moves.adopt_policy(archive, ENCRYPTED, "steward")
    _hear(archive)
    coder = Coder(stops_at=_answers(archive) - 1)
    with scripted(coder, "coder-a") as endpoint, pytest.raises(UserError, match="401"):
        coding.code(archive, MODEL, PUBLISHED, [endpoint])
    (file,) = _files(archive)
    with file.path.open("ab") as lines:
        lines.write(b'{"rejected": "never said')
    first, second = (entry.event.session for entry in archive.history(MODEL).all(SessionHeld))
    assert {each.session for each in file.read()} == {first, second}
    name = f"models/{MODEL}/sessions/{first}.jsonl.encrypted"
    erase(archive, name, "takedown", "order 7")
    assert {each.session for each in file.read()} == {second}
    assert first.encode() not in file.path.read_bytes()
    assert file.path.read_bytes().endswith(b"\n")
