"""The seam: a runtime starts a server for a model and says where it answers."""

import contextlib
import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol


@dataclasses.dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a model answers, and over which API.

    `url` ends in `/v1`; `model` is its name there; `engine` says for the record what answers and
    how it is set (never a key); `headers` go with every request and are never recorded; `api` names
    one of `emeritus.runtimes.apis`.
    """

    url: str
    model: str
    engine: Mapping[str, str]
    headers: Mapping[str, str] = dataclasses.field(default_factory=dict, repr=False)
    api: str = "openai"


class Runtime(Protocol):
    """Starts models. An implementation MUST pass `emeritus.testing.runtimes`.

    It MUST listen on loopback only, MUST be gone when the context ends, also when this process is
    killed, and MUST give the same answer to the same request with the same seed.
    """

    @property
    def name(self) -> str:
        """Return the name under which it is chosen and recorded."""
        ...

    def start(
        self, source: Path, threads: int, served_as: str = ""
    ) -> contextlib.AbstractContextManager[Endpoint]:
        """Serve the model in `source` (a folder or a GGUF file) until the context ends.

        It is listed under the name `served_as`, or that of its source.

        Raises `UserError` when the model cannot be run, `Unavailable` when the server fails.
        """
        ...
