"""Digests, chains, time, settings, statistics and errors."""

import datetime
import hashlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emeritus import chain, clock, digests, errors, settings, statistics


@given(st.lists(st.binary(max_size=50), max_size=6))
def test_a_stream_has_the_digests_of_its_bytes(parts: list[bytes]) -> None:
    """How bytes are cut into parts does not matter."""
    whole = b"".join(parts)
    found = digests.of_chunks(parts)
    assert found.size == len(whole)
    assert found.sha256 == digests.sha256(whole) == "sha256:" + hashlib.sha256(whole).hexdigest()
    assert found.blake3 == digests.blake3_of(whole)
    assert digests.is_digest(found.sha256)
    assert digests.is_digest(found.blake3)


@pytest.mark.parametrize("text", ["", "sha256:", "md5:" + "0" * 64, "sha256:" + "G" * 64, "x" * 71])
def test_what_is_no_digest_is_told(text: str) -> None:
    """Only a known algorithm with all its digits is a digest."""
    assert not digests.is_digest(text)


def test_the_same_document_has_another_link_in_another_domain() -> None:
    """A turn of a conversation can never stand for a commit."""
    assert chain.link("a", {"x": 1}) != chain.link("b", {"x": 1})
    assert chain.message("a", {"x": 1}) == b'a\0{"x":1}'


def test_times_are_written_in_utc_and_read_back() -> None:
    """Another offset is the same moment."""
    zone = datetime.timezone(datetime.timedelta(hours=2))
    moment = datetime.datetime(2027, 1, 1, 14, tzinfo=zone)
    assert clock.timestamp(moment) == "2027-01-01T12:00:00.000Z"
    assert clock.moment_of("2027-01-01T12:00:00.000Z") == moment


@pytest.mark.parametrize("text", ["2027-01-01", "2027-01-01T12:00:00", "yesterday", ""])
def test_a_time_without_an_offset_is_no_time(text: str) -> None:
    """A record never guesses where a clock stood."""
    with pytest.raises(ValueError, match="offset"):
        clock.moment_of(text)


def test_a_fixed_clock_moves_only_when_told() -> None:
    """Tests decide what time it is."""
    fixed = clock.FixedClock(datetime.datetime(2027, 1, 1, tzinfo=datetime.UTC))
    fixed.move(datetime.timedelta(days=-1))
    assert fixed.now().day == 31
    assert clock.SystemClock().now().tzinfo is datetime.UTC


def test_settings_come_from_the_environment_that_is_given() -> None:
    """XDG folders win over the home folder, and nonsense is no thread count."""
    found = settings.load({"HOME": "/h", "XDG_STATE_HOME": "/s", "EMERITUS_THREADS": "two"})
    assert found.state == Path("/s/emeritus")
    assert found.config == Path("/h/.config/emeritus")
    assert found.threads == 1
    assert settings.load({"HOME": "/h", "EMERITUS_ARCHIVE": "/a"}).archive == Path("/a")


def test_secrets_do_not_show_in_settings() -> None:
    """A passphrase or a key never stands in a message that shows the settings."""
    values = {"HOME": "/h", "EMERITUS_PASSPHRASE": "opensesame", "EMERITUS_API_KEY": "hush"}
    shown = repr(settings.load(values))
    assert "opensesame" not in shown
    assert "hush" not in shown


@given(st.integers(0, 200), st.integers(1, 200))
def test_a_wilson_interval_holds_the_share(successes: int, trials: int) -> None:
    """The share lies in the interval, and the interval in [0, 1]."""
    successes = min(successes, trials)
    interval = statistics.wilson(successes, trials)
    assert 0 <= interval.low <= successes / trials <= interval.high <= 1


def test_wilson_agrees_with_published_figures() -> None:
    """No event in 100 trials is at most 3.7 %, and 10 of 12 is at least 55 %."""
    assert round(statistics.wilson(0, 100).high, 3) == 0.037
    assert round(statistics.wilson(10, 12).low, 2) == 0.55
    assert statistics.wilson(0, 0) == statistics.Interval(0.0, 1.0)
    with pytest.raises(ValueError, match="3 successes"):
        statistics.wilson(3, 2)


def test_every_kind_of_error_has_its_exit_code() -> None:
    """Scripts tell bad input, broken evidence and bad luck apart."""
    assert errors.UserError("x").exit_code == 2
    assert errors.IntegrityError("x").exit_code == 3
    assert errors.Unavailable("x").exit_code == 4
    assert "pip install 'emeritus[local]'" in str(errors.MissingExtra("gguf", "local"))


@given(st.text())
def test_what_a_stranger_wrote_is_shown_on_one_line_without_commands(text: str) -> None:
    """No control or reordering character reaches a terminal."""
    shown = errors.printable(text)
    assert shown.isprintable()
    assert "\n" not in shown
