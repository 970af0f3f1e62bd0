"""A runtime from a template: starts vLLM, llama-server or another server by its command line."""

import contextlib
import dataclasses
import importlib.resources
import os
import signal
import socket
import subprocess
import tempfile
import time
import tomllib
from collections.abc import Iterator
from pathlib import Path

from emeritus import settings
from emeritus.errors import Unavailable, UserError, printable
from emeritus.runtimes.address import COMMAND
from emeritus.runtimes.client import model_names
from emeritus.runtimes.runtime import Endpoint

POLL_SECONDS = 0.2
END_SECONDS_MAX = 10.0
STDERR_SHOWN = 600


@dataclasses.dataclass(frozen=True, slots=True)
class Command:
    """A server that is started by a command.

    `argv` may hold `{source}`, `{port}`, `{model}` and `{threads}`; it is never given to a shell.
    `tested` says whether the template was run by us.
    """

    name: str
    argv: tuple[str, ...]
    tested: bool = False
    start_seconds_max: float = 600.0

    @contextlib.contextmanager
    def start(self, source: Path, threads: int, served_as: str = "") -> Iterator[Endpoint]:
        """Run the command and wait until it answers; end its whole process group afterwards."""
        port, model = _free_port(), served_as or source.name
        values = {"source": str(source), "port": port, "model": model, "threads": threads}
        argv = [part.format_map(values) for part in self.argv]
        endpoint = Endpoint(
            f"http://127.0.0.1:{port}/v1",
            model,
            {"runtime": COMMAND, "engine": self.name, "settings": " ".join(self.argv)},
        )
        with tempfile.TemporaryFile() as errors:
            try:
                process = subprocess.Popen(
                    argv,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=errors,
                    start_new_session=True,
                    env=settings.child_environment(threads),
                )
            except OSError as error:
                raise UserError(f"{argv[0]} cannot be started: {error.strerror}") from error
            try:
                self._wait(process, endpoint, errors.fileno())
                yield endpoint
            finally:
                _end(process)

    def _wait(self, process: "subprocess.Popen[bytes]", endpoint: Endpoint, errors: int) -> None:
        latest = time.monotonic() + self.start_seconds_max
        while time.monotonic() < latest:
            if process.poll() is not None:
                said = os.pread(errors, STDERR_SHOWN, 0).decode(errors="replace")
                raise Unavailable(
                    f"{self.name} ended with exit {process.returncode}: {printable(said.strip())}"
                )
            with contextlib.suppress(Unavailable):
                if model_names(endpoint):
                    return
            time.sleep(POLL_SECONDS)
        raise Unavailable(f"{self.name} did not answer within {self.start_seconds_max:.0f} s")


def templates() -> dict[str, Command]:
    """Return the templates that come with the package, by name."""
    file = importlib.resources.files("emeritus.runtimes") / "commands.toml"
    listed = tomllib.loads(file.read_text(encoding="utf-8"))["command"]
    return {
        name: Command(name, tuple(each["argv"]), each["tested"]) for name, each in listed.items()
    }


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


def _end(process: "subprocess.Popen[bytes]") -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(END_SECONDS_MAX)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
