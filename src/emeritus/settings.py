"""The only reader of the environment."""

import dataclasses
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

# Read once, when the library is loaded.
_THREAD_LIMITS: Final = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")


@dataclasses.dataclass(frozen=True, slots=True)
class Settings:
    """Where things lie on this machine and how much of it may be used.

    `archive`: the archive that commands use; `config`: keys; `state`: spools of conversations that
    are not sealed yet and notes about this machine; `cache`: what may be thrown away; `threads`:
    how many threads a runtime may use. The three keys are those of the model that is asked, of
    models that lead sessions, and of models that code: none is sent to another's server.
    """

    archive: Path
    config: Path
    state: Path
    cache: Path
    threads: int = 1
    passphrase: str | None = dataclasses.field(default=None, repr=False)
    api_key: str | None = dataclasses.field(default=None, repr=False)
    interviewer_key: str | None = dataclasses.field(default=None, repr=False)
    coder_key: str | None = dataclasses.field(default=None, repr=False)


def load(environment: Mapping[str, str] | None = None) -> Settings:
    """Return the settings that the environment asks for (XDG Base Directory layout)."""
    values = os.environ if environment is None else environment  # noqa: TID251  the one reader
    home = Path(values.get("HOME") or Path("~").expanduser())

    def folder(name: str, default: str) -> Path:
        return Path(values.get(name) or home / default) / "emeritus"

    return Settings(
        archive=Path(values.get("EMERITUS_ARCHIVE") or "emeritus-archive"),
        config=folder("XDG_CONFIG_HOME", ".config"),
        state=folder("XDG_STATE_HOME", ".local/state"),
        cache=folder("XDG_CACHE_HOME", ".cache"),
        threads=_count(values.get("EMERITUS_THREADS")),
        passphrase=values.get("EMERITUS_PASSPHRASE") or None,
        api_key=values.get("EMERITUS_API_KEY") or None,
        interviewer_key=values.get("EMERITUS_INTERVIEWER_API_KEY") or None,
        coder_key=values.get("EMERITUS_CODER_API_KEY") or None,
    )


def limit_threads() -> None:
    """Keep numerical libraries that are loaded from now on to the threads that settings allow.

    Where the environment says how many, that stays.
    """
    for name in _THREAD_LIMITS:
        os.environ.setdefault(name, str(load().threads))  # noqa: TID251  the one reader


def child_environment(threads: int) -> dict[str, str]:
    """Return the environment for a child process that computes with `threads` threads."""
    limits = dict.fromkeys(_THREAD_LIMITS, str(threads))
    return {**os.environ, **limits}  # noqa: TID251  the one reader


def _count(text: str | None) -> int:
    # One thread by default: two that spin for each other on a busy machine are slower.
    return int(text) if text and text.isdigit() and int(text) > 0 else 1
