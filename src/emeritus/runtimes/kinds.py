"""The runtimes, by name."""

import contextlib
import dataclasses
import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path

import emeritus
from emeritus.errors import MissingExtra, UserError
from emeritus.runtimes.address import is_address
from emeritus.runtimes.child import started
from emeritus.runtimes.command import templates
from emeritus.runtimes.convert import to_gguf
from emeritus.runtimes.description import GGUF, describe
from emeritus.runtimes.reach import LOCAL, REFERENCE, installed
from emeritus.runtimes.runtime import Endpoint, Runtime
from emeritus.runtimes.scratch import scratch


@dataclasses.dataclass(frozen=True, slots=True)
class Local:
    """llama.cpp through xllamacpp: any GGUF file that it reads, and our Llama folders."""

    name: str = LOCAL

    @contextlib.contextmanager
    def start(self, source: Path, threads: int, served_as: str = "") -> Iterator[Endpoint]:
        """Serve the model in `source`; a folder is converted to float32 first."""
        if not installed("xllamacpp"):
            raise MissingExtra("xllamacpp", "local")
        name = served_as or source.name
        with scratch("gguf") as folder:
            file, converted = self._file(source, folder)
            arguments = [str(file), str(threads), name]
            with started("emeritus.runtimes.llama_server", arguments, threads) as report:
                engine = {
                    "runtime": self.name,
                    "engine": f"llama.cpp (xllamacpp {report['version']})",
                    "settings": f"float32 cache, no flash attention, {threads} threads",
                    **converted,
                }
                yield Endpoint(f"{report['url']}/v1", name, engine)

    @staticmethod
    def _file(source: Path, folder: Path) -> tuple[Path, dict[str, str]]:
        """Return the GGUF file, and what the record should say of it when it was made here."""
        if describe(source).form != GGUF:
            file = folder / "model.gguf"
            to_gguf(source, file)
            with file.open("rb") as made:
                digest = hashlib.file_digest(made, "sha256").hexdigest()
            said = {"converted": "GGUF, float32", "converted_sha256": f"sha256:{digest}"}
            return file, said
        return (source if source.is_file() else min(source.glob("*.gguf"))), {}


@dataclasses.dataclass(frozen=True, slots=True)
class Reference:
    """Our NumPy runner: Llama folders, slow and plain, and the oracle for the others."""

    name: str = REFERENCE

    @contextlib.contextmanager
    def start(self, source: Path, threads: int, served_as: str = "") -> Iterator[Endpoint]:
        """Serve the model in the folder `source`."""
        module = "emeritus.runtimes.reference_server"
        arguments = [str(source.absolute()), "0", served_as or source.name]
        with started(module, arguments, threads) as report:
            engine = {
                "runtime": self.name,
                "engine": f"emeritus reference {emeritus.__version__} (NumPy)",
                "settings": f"float32, {threads} threads",
            }
            yield Endpoint(f"http://127.0.0.1:{report['port']}/v1", report["model"], engine)


@dataclasses.dataclass(frozen=True, slots=True)
class Served:
    """Any address that is served already, by whoever; nothing is started."""

    url: str
    model: str
    headers: Mapping[str, str] = dataclasses.field(default_factory=dict, repr=False)
    name: str = "endpoint"
    api: str = "openai"

    @contextlib.contextmanager
    def start(self, source: Path, threads: int, served_as: str = "") -> Iterator[Endpoint]:  # noqa: ARG002  a seam
        """Give the address; `source` is not looked at, since the weights are elsewhere."""
        if not is_address(self.url):
            raise UserError(f"{self.url!r} is no address; write it as https://host/v1")
        if any(mark in self.url for mark in "@?#"):
            # The address goes on record, and a name, a password or a key in it would with it.
            raise UserError(
                "write the address as https://host/v1, with no name, key or query in it"
            )
        engine = {"runtime": self.name, "engine": self.url}
        yield Endpoint(self.url.rstrip("/"), self.model, engine, self.headers, self.api)


def runtime(name: str) -> Runtime:
    """Return the runtime `local`, `reference`, or one that a shipped command template starts.

    Raises `UserError` for another name, listing them all and which were not run by us.
    """
    commands = templates()
    kinds: dict[str, Runtime] = {LOCAL: Local(), REFERENCE: Reference(), **commands}
    if name not in kinds:
        untested = {each for each, command in commands.items() if not command.tested}
        listed = ", ".join(f"{each} (untested)" if each in untested else each for each in kinds)
        raise UserError(f"no runtime {name!r}; there are {listed}")
    return kinds[name]
