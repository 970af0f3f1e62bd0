"""The only reader of the environment."""

import dataclasses
import os
from collections.abc import Mapping
from pathlib import Path


@dataclasses.dataclass(frozen=True, slots=True)
class Settings:
    """Where things lie on this machine and how much of it may be used.

    `archive`: the archive that commands use; `config`: keys; `state`: spools of conversations that
    are not sealed yet and notes about this machine; `cache`: what may be thrown away; `threads`:
    how many threads a runtime may use.
    """

    archive: Path
    config: Path
    state: Path
    cache: Path
    threads: int = 1
    passphrase: str | None = dataclasses.field(default=None, repr=False)
    api_key: str | None = dataclasses.field(default=None, repr=False)


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
    )


def child_environment(threads: int) -> dict[str, str]:
    """Return the environment for a child process that computes with `threads` threads."""
    limits = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
    return {**os.environ, **dict.fromkeys(limits, str(threads))}  # noqa: TID251  the one reader


def _count(text: str | None) -> int:
    # One thread by default: two that spin for each other on a busy machine are slower.
    return int(text) if text and text.isdigit() and int(text) > 0 else 1
