"""Looks at what is really there, in four kinds of place, and compares it with the register."""

import dataclasses
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from emeritus import canonical, digests
from emeritus.archive import Archive
from emeritus.errors import Unavailable, UserError
from emeritus.lifecycle.inventory import Line, Matcher, Seen, Usage, compare, read_usage
from emeritus.lifecycle.moves import policy_in_force
from emeritus.lifecycle.observing import bounded
from emeritus.lifecycle.statements import FILE_BYTES_MAX, text_of, words
from emeritus.lifecycle.states import models
from emeritus.record.events import UsageCounted
from emeritus.runtimes.client import BUSY

WEIGHTS: Final = frozenset(
    {".safetensors", ".gguf", ".bin", ".pt", ".pth", ".ckpt", ".onnx", ".npz", ".msgpack", ".h5"}
)
MARKS: Final = frozenset({"config.json", "model_index.json", "params.json"})
ENTRIES_MAX: Final = 2_000_000
PAGES_MAX: Final = 1_000
TIMEOUT_SECONDS: Final = 30.0

_SHARD = re.compile(r"-\d{5}-of-\d{5}\Z")
_CACHED = re.compile(r"models--(.+)\Z")  # the folder of a model in a Hugging Face cache


@dataclasses.dataclass(frozen=True, slots=True)
class Places:
    """Where to look: servers, folders, MLflow registries and listings of Hugging Face.

    A registry or a listing is an address, or a file that holds what it answers.
    """

    endpoints: tuple[str, ...] = ()
    folders: tuple[Path, ...] = ()
    mlflow: tuple[str, ...] = ()
    huggingface: tuple[str, ...] = ()


def take_inventory(
    archive: Archive,
    places: Places,
    usage: Path | None,
    aliases: Mapping[str, str],
    *,
    record: bool = False,
) -> list[Line]:
    """Return what is there beside what is registered; with `record`, usage goes on record.

    Raises `UserError` for a place that holds nothing readable, `Unavailable` for one that does not
    answer: an inventory that skipped a place would be none.
    """
    history, policy = archive.history(), policy_in_force(archive)
    counted, data = None, b""
    if usage is not None:
        data = bounded(usage)
        counted = read_usage(data, policy)
    lines = compare(history, policy, _look(places, archive.settings.api_key), counted, aliases)
    if record and counted is not None:
        known = Matcher(models(history), aliases)
        events = _usage_events(known, counted, digests.sha256(data))
        recorded = {entry.event for entry in history.all(UsageCounted)}
        news = [event for event in events if event not in recorded]
        for start in range(0, len(news), 256):
            archive.append(*news[start : start + 256])
    return lines


def _usage_events(known: Matcher, usage: Usage, sha256: str) -> list[UsageCounted]:
    sums: dict[str, int] = {}
    for name, requests in usage.requests.items():
        fits = known.find(name)
        if len(fits) == 1:
            sums[fits[0]] = sums.get(fits[0], 0) + requests
    return [
        UsageCounted(
            model=model, since=usage.since, until=usage.until, requests=requests, sha256=sha256
        )
        for model, requests in sums.items()
    ]


def _look(places: Places, api_key: str | None) -> Iterator[Seen]:
    for url in places.endpoints:
        # The key of the environment is for these servers; no other address is told it.
        headers = {"authorization": f"Bearer {api_key}"} if api_key else {}
        for name in _served(url, headers):
            yield Seen(name, url)
    for folder in places.folders:
        for name in sorted(set(models_in(folder))):
            yield Seen(name, str(folder))
    for place in places.mlflow:
        for name in _mlflow(place):
            yield Seen(name, place)
    for place in places.huggingface:
        for name in _huggingface(place):
            yield Seen(name, place)


def _served(url: str, headers: Mapping[str, str]) -> Iterator[str]:
    """Yield the names that a server lists at `/models`, beside which OpenAI clients speak to it."""
    address = f"{url.rstrip('/')}/models"
    if not _is_address(address):
        raise UserError(f"--endpoint {url!r} is no address; name one such as http://host:8000/v1")
    answer = _parsed(_fetched(address, headers), address)
    listed = answer.get("data") if isinstance(answer, dict) else None
    if not isinstance(listed, list):
        raise UserError(f"{address}: no list of models (data); does the address end in /v1?")
    for each in listed:
        yield words(each.get("id") if isinstance(each, dict) else None, address, "a name")


def models_in(root: Path) -> Iterator[str]:
    """Yield the name of every model in a tree of folders: the path below `root` that holds it.

    A folder with weights and a configuration is one model, and is not looked into further; other
    files of weights are models of their own, shards counted together. No file is opened.
    """
    if not root.is_dir():
        raise UserError(f"{root} is no folder")
    entries = 0
    for at, folders, files in os.walk(root):
        entries += len(folders) + len(files)
        if entries > ENTRIES_MAX:
            raise UserError(f"{root} holds more than {ENTRIES_MAX:,} entries: name a folder in it")
        below = Path(at).relative_to(root)
        weights = [name for name in files if Path(name).suffix.lower() in WEIGHTS]
        if MARKS & set(files) and (weights or "model_index.json" in files):
            folders.clear()
            yield _name(below, root)
        else:
            folders.sort()
            for name in weights:
                yield (below / _SHARD.sub("", Path(name).stem)).as_posix()


def _name(below: Path, root: Path) -> str:
    for part in below.parts:
        cached = _CACHED.match(part)
        if cached:
            return cached[1].replace("--", "/", 1)
    return below.as_posix() if below.parts else root.resolve().name


def _mlflow(place: str) -> Iterator[str]:
    """Yield the names in a registry of MLflow: its REST API, or a file with one answer of it."""
    address = _is_address(place)
    query = "/api/2.0/mlflow/registered-models/search?max_results=1000"
    token = ""
    for _ in range(PAGES_MAX):
        page = _document(place.rstrip("/") + query + token if address else place)
        listed = page.get("registered_models", []) if isinstance(page, dict) else None
        if not isinstance(listed, list):
            raise UserError(f"{place}: no answer of an MLflow registry (registered_models)")
        for each in listed:
            yield words(each.get("name") if isinstance(each, dict) else None, place, "a name")
        token = page.get("next_page_token") or ""
        if not address or not token:
            return
        token = f"&page_token={_quoted(str(token))}"
    raise UserError(f"{place}: more than {PAGES_MAX} pages of models")


def _huggingface(place: str) -> Iterator[str]:
    """Yield the ids in a listing of a Hugging Face organisation (`/api/models?author=…`)."""
    listed = _document(place)
    if not isinstance(listed, list):
        raise UserError(f"{place}: no listing of models (a JSON list is expected)")
    for each in listed:
        found = each.get("id") or each.get("modelId") if isinstance(each, dict) else None
        yield words(found, place, "the id of a model")


def _is_address(place: str) -> bool:
    return place.startswith(("http://", "https://"))


def _quoted(text: str) -> str:
    from urllib.parse import quote

    return quote(text, safe="")


def _document(place: str) -> Any:
    return _parsed(_fetched(place, {}) if _is_address(place) else bounded(Path(place)), place)


def _parsed(data: bytes, place: str) -> Any:
    try:
        return canonical.loads(text_of(data).encode())
    except canonical.NotCanonical as error:
        raise UserError(f"{place}: {error}") from error


def _fetched(url: str, headers: Mapping[str, str]) -> bytes:
    """Return what an address answers, read up to a limit. Redirections are not followed.

    Raises `Unavailable` when another try may work, and `UserError` when it was refused.
    """
    import httpx2

    data = bytearray()
    try:
        with httpx2.stream("GET", url, headers=dict(headers), timeout=TIMEOUT_SECONDS) as answer:
            if answer.status_code in BUSY:
                raise Unavailable(f"{url} answered {answer.status_code}")
            if answer.status_code != 200:
                raise UserError(f"{url} refused the request ({answer.status_code})")
            for part in answer.iter_bytes():
                data += part
                if len(data) > FILE_BYTES_MAX:
                    raise UserError(f"{url} sends more than {FILE_BYTES_MAX:,} bytes")
    except httpx2.TransportError as error:
        raise Unavailable(f"{url} does not answer: {type(error).__name__}") from error
    except httpx2.InvalidURL as error:
        raise UserError(f"{url} is no address: {error}") from error
    return bytes(data)
