"""Policies are data that is read strictly and compared in words."""

import pytest

from emeritus.errors import UserError
from emeritus.lifecycle.policy import loosened, parse, parse_new
from emeritus.lifecycle.shipped import policy_text
from tests.lifecycle.histories import shipped


def test_the_shipped_policy_loosens_nothing_of_itself() -> None:
    """A policy compared with itself has nothing to say."""
    assert loosened(shipped(), shipped()) == ()


def test_how_large_a_battery_has_to_be_is_named_where_it_is_less() -> None:
    """No field of the policy says so: it follows from the protocol that counts as an interview."""
    assert "evaluated: 1 run a condition instead of 100" in loosened(shipped("demo"), shipped())
    assert not [each for each in loosened(shipped(), shipped("demo")) if "evaluated" in each]


def test_every_loosening_of_the_demonstration_is_said() -> None:
    """Each gate for which the demonstration asks less is named with both figures."""
    said = loosened(shipped("demo"), shipped())
    assert [sentence.partition(":")[0] for sentence in said] == [
        "notice",
        "preserved",
        "preserved",
        "interviewed",
        "interviewed",
        "evaluated",
        "guided",
    ]
    assert "0 days of notice instead of 60" in said[0]
    assert said[2] == "preserved: 1 place instead of 2"


def test_a_stricter_policy_loosens_nothing() -> None:
    """Asking for more is no loosening."""
    assert (
        loosened(shipped(), shipped("demo"))
        == (
            "interviewed: the protocol standard counts as well as demo",
            "revival: 2 rungs instead of 3",
        )[::-1]
    )


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("days_min = 60", "days_min = -1", "days_min"),
        ("days_min = 60", 'days_min = "many"', "days_min"),
        ("[gates.notice]", "[gates.notise]", "notise"),
        ("emeritus-policy/1", "emeritus-policy/9", "emeritus-policy/9"),
        ("[gates.notice]", "[gates.notice", "policy"),
    ],
)
def test_a_policy_that_is_wrong_is_refused_by_name(before: str, after: str, said: str) -> None:
    """The message names what cannot be used."""
    with pytest.raises(UserError, match=said):
        parse(policy_text("default").replace(before, after, 1))


def test_an_unknown_policy_is_refused() -> None:
    """A name that is neither shipped nor a file says what would be."""
    with pytest.raises(UserError, match="name a TOML file"):
        policy_text("no-such-policy")


def test_encryption_that_is_dropped_is_a_loosening() -> None:
    """What is stored in the clear from then on can never be erased."""
    text = policy_text("default")
    dropped = parse(text.replace("encrypted = true\n", ""))
    said = loosened(dropped, parse(text))
    assert said == ("retention: letters are not encrypted",)
    assert loosened(parse(text), dropped) == ()


def test_a_policy_on_record_may_ask_for_what_a_later_version_does() -> None:
    """It is read; only adopting it here is refused."""
    lasting = '[retention.weights]\nkeep = "lifetime"'
    text = policy_text("default").replace(lasting, f"{lasting}\nencrypted = true")
    assert parse(text).encrypts("weights")
    with pytest.raises(UserError, match="encrypts transcripts and letters"):
        parse_new(text)


def test_days_beyond_a_century_are_refused() -> None:
    """Whoever means a lifetime says so; a calendar ends."""
    with pytest.raises(UserError, match="36525"):
        parse(policy_text("default").replace("keep = 3650 ", "keep = 36526 "))
