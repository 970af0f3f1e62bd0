"""The register is compared with real servers, folders and listings."""

import contextlib
import dataclasses
import functools
import http.server
import json
import os
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from emeritus.archive import Archive
from emeritus.errors import Unavailable, UserError
from emeritus.lifecycle.inventory import Finding, Line
from emeritus.lifecycle.moves import register
from emeritus.lifecycle.statements import FILE_BYTES_MAX
from emeritus.procedure.inventory import Places, models_in, take_inventory
from emeritus.record.events import ModelRegistered, UsageCounted
from emeritus.runtimes.kinds import Reference

DATA = Path(__file__).parent.parent / "excerpts" / "inventory"
MODEL = "acme/aster-1"


@pytest.fixture
def ours(archive: Archive) -> Archive:
    """An archive with one covered, public model."""
    model = ModelRegistered(model=MODEL, form="hf-folder", architecture="X", parameters=1)
    register(archive, model, "public")
    return archive


def _found(archive: Archive, places: Places) -> dict[str, Finding]:
    return {line.name: line.finding for line in take_inventory(archive, places, None, {})}


@contextlib.contextmanager
def _serving(folder: Path, told: dict[str, str | None] | None = None) -> Iterator[str]:
    """Serve the files of a folder; note in `told` which path was asked with which key."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def do_GET(self) -> None:
            if told is not None:
                told[self.path] = self.headers.get("authorization")
            super().do_GET()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Say nothing."""

    handler = functools.partial(Quiet, directory=str(folder))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_a_server_is_asked_what_it_serves(ours: Archive, sparrow: Path) -> None:
    """The reference runtime serves the example model, which nobody registered."""
    with Reference().start(sparrow, 1) as endpoint:
        found = _found(ours, Places(endpoints=(endpoint.url,)))
        assert found == {endpoint.model: Finding.UNREGISTERED, MODEL: Finding.KNOWN}
    with pytest.raises(Unavailable, match="does not answer"):
        _found(ours, Places(endpoints=(endpoint.url,)))
    with pytest.raises(UserError, match="no address"):
        _found(ours, Places(endpoints=("localhost:8000/v1",)))


def test_the_key_is_told_to_the_endpoint_alone(ours: Archive, tmp_path: Path) -> None:
    """A listing at another address is asked without it."""
    settings = dataclasses.replace(ours.settings, api_key="secret-key")
    asked = dataclasses.replace(ours, settings=settings)
    (tmp_path / "models").write_text('{"data": [{"id": "aster-1"}]}')
    (tmp_path / "listing").write_text("[]")
    told: dict[str, str | None] = {}
    with _serving(tmp_path, told) as address:
        _found(asked, Places(endpoints=(address,), huggingface=(f"{address}/listing",)))
    assert told == {"/models": "Bearer secret-key", "/listing": None}


def test_an_answer_without_end_is_cut_off(ours: Archive, tmp_path: Path) -> None:
    """A server that sends more than the limit is refused, whatever it sends."""
    with (tmp_path / "huge").open("wb") as file:
        file.truncate(FILE_BYTES_MAX + 1)
    with _serving(tmp_path) as address, pytest.raises(UserError, match="sends more than"):
        _found(ours, Places(huggingface=(f"{address}/huge",)))


def test_folders_are_read_by_name(ours: Archive, tmp_path: Path) -> None:
    """Model folders, loose files, shards and a Hugging Face cache; no weight is opened."""
    for name in (
        "acme/aster-1/config.json",
        "acme/aster-1/model-00001-of-00002.safetensors",
        "acme/aster-1/checkpoint-5/model.safetensors",
        "loose.gguf",
        "big-00001-of-00002.gguf",
        "big-00002-of-00002.gguf",
        "models--org--hub/snapshots/0a/config.json",
        "models--org--hub/snapshots/0a/model.safetensors",
        "painter/model_index.json",
        "painter/unet/weights.bin",
        "notes/readme.md",
    ):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    assert sorted(set(models_in(tmp_path))) == [
        "acme/aster-1",
        "big",
        "loose",
        "org/hub",
        "painter",
    ]
    found = _found(ours, Places(folders=(tmp_path,)))
    assert found.pop(MODEL) is Finding.KNOWN
    assert set(found.values()) == {Finding.UNREGISTERED}
    with pytest.raises(UserError, match="no folder"):
        _found(ours, Places(folders=(tmp_path / "loose.gguf",)))


def test_the_answer_of_an_mlflow_server_is_read_from_a_file(ours: Archive) -> None:
    """A registry behind a login is exported, and the file compared."""
    found = _found(ours, Places(mlflow=(str(DATA / "mlflow.json"),)))
    assert found == {"Experiment 7": Finding.UNREGISTERED, MODEL: Finding.KNOWN}


def test_a_listing_of_hugging_face_is_read_from_a_file_or_an_address(ours: Archive) -> None:
    """An organisation's public and private models are compared by id."""
    expected = {"acme/Aster-2-Instruct": Finding.UNREGISTERED, MODEL: Finding.KNOWN}
    assert _found(ours, Places(huggingface=(str(DATA / "huggingface.json"),))) == expected
    with _serving(DATA) as address:
        assert _found(ours, Places(huggingface=(f"{address}/huggingface.json",))) == expected
        with pytest.raises(UserError, match="404"):
            _found(ours, Places(huggingface=(f"{address}/none.json",)))


@pytest.mark.parametrize(
    ("mlflow", "text"),
    [
        (True, "[]"),
        (True, '{"registered_models": {}}'),
        (True, '{"registered_models": [1]}'),
        (True, "<html>"),
        (False, "{}"),
        (False, "[1]"),
        (False, '[{"id": 3}]'),
        (False, '[{"id": "a\\u001b[2J"}]'),
    ],
)
def test_what_is_no_listing_is_refused(
    ours: Archive, tmp_path: Path, mlflow: bool, text: str
) -> None:
    """A place that cannot be read stops the inventory: skipping it would hide what is there."""
    path = tmp_path / "listing.json"
    path.write_text(text)
    place = (str(path),)
    with pytest.raises(UserError, match="listing"):
        _found(ours, Places(mlflow=place) if mlflow else Places(huggingface=place))


def test_usage_goes_on_record_once(ours: Archive, tmp_path: Path) -> None:
    """The sum over the window is an event, and the same figures make no second one."""
    usage = tmp_path / "usage.csv"
    usage.write_text("day,model,requests\n2027-01-01,aster-1,12000\n2027-01-01,rumour,1\n")
    for _ in range(2):
        lines: list[Line] = take_inventory(ours, Places(), usage, {}, record=True)
    (counted,) = ours.history(MODEL).all(UsageCounted)
    assert (counted.event.requests, counted.event.since) == (12000, "2026-12-03")
    assert {line.name: line.requests for line in lines} == {MODEL: 12000, "rumour": 1}


@pytest.mark.skipif(shutil.which("mlflow") is None, reason="mlflow is not installed")
def test_a_real_mlflow_server_is_asked(ours: Archive, tmp_path: Path) -> None:
    """Page after page of a registry, over its REST API."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    server = subprocess.Popen(
        ["mlflow", "server", "--backend-store-uri", f"sqlite:///{tmp_path}/m.db", "--host",
         "127.0.0.1", "--port", str(port), "--workers", "1"],
        cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        env={**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}, start_new_session=True,
    )  # fmt: skip
    address = f"http://127.0.0.1:{port}"
    try:
        for name in ("aster-1", "rumour"):
            _create(address, name)
        found = _found(ours, Places(mlflow=(address,)))
        assert found == {"rumour": Finding.UNREGISTERED, MODEL: Finding.KNOWN}
    finally:
        os.killpg(server.pid, signal.SIGTERM)  # its workers too
        server.wait(30)


def _create(address: str, name: str) -> None:
    for _ in range(120):
        with contextlib.suppress(httpx2.TransportError):
            path = "/api/2.0/mlflow/registered-models/create"
            answer = httpx2.post(address + path, json={"name": name})
            assert answer.status_code == 200, json.dumps(answer.text)
            return
        time.sleep(0.5)
    raise TimeoutError(address)
