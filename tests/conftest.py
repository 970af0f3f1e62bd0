"""What many tests share: an archive that was just made, and the example models."""

import datetime
import importlib.resources
from pathlib import Path

import hypothesis
import pytest

from emeritus.archive import Archive, Founding, create
from emeritus.clock import FixedClock
from emeritus.lifecycle.shipped import policy_text
from emeritus.settings import Settings, limit_threads

# A loaded machine is slow, and slow is no failure.
hypothesis.settings.register_profile(
    "patient", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("patient")
limit_threads()  # before any test loads NumPy: two workers share two cores

FOUNDING = Founding("demo", policy_text("demo"), "here")
NOW = datetime.datetime(2027, 1, 1, 12, tzinfo=datetime.UTC)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings whose folders are the test's own."""
    home = tmp_path / "home"
    return Settings(
        archive=tmp_path / "archive", config=home / "config", state=home / "state", cache=home / "c"
    )


@pytest.fixture
def clock() -> FixedClock:
    """A clock that stands at noon of the first day of 2027."""
    return FixedClock(NOW)


@pytest.fixture
def archive(settings: Settings, clock: FixedClock) -> Archive:
    """A new archive under the policy of the demonstration."""
    return create(settings.archive, FOUNDING, settings, clock)


@pytest.fixture(scope="session")
def sparrow() -> Path:
    """The folder of the example model."""
    return Path(str(importlib.resources.files("emeritus.examples"))) / "sparrow-1"


@pytest.fixture(scope="session")
def sparrow_two() -> Path:
    """The folder of its successor."""
    return Path(str(importlib.resources.files("emeritus.examples"))) / "sparrow-2"
