"""Style as tests: sizes, names, sentences, nothing dead, nothing left over."""

import ast
import functools
import gc
import importlib.resources
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "src" / "emeritus"
# One-file programs have to be one file.
ONE_FILE = SOURCE / "archive" / "format"
MODULES = sorted(path for path in SOURCE.rglob("*.py") if ONE_FILE not in path.parents)
TESTS = sorted((ROOT / "tests").rglob("test_*.py"))
LINES_MAX = 400
BODY_MAX = 60
ENTRY_POINTS = {
    "__main__.py",
    "evaluation/inspect_task.py",
    "runtimes/llama_server.py",
    "runtimes/reference_server.py",
    "testing/stores.py",
    "testing/signers.py",
    "testing/runtimes.py",
    "testing/scripted.py",
}


def _name(path: Path) -> str:
    return str(path.relative_to(SOURCE if path.is_relative_to(SOURCE) else ROOT))


@functools.cache
def _tree(path: Path) -> ast.Module:
    """Parse a file. A finalizer that parses too would upset CPython 3.11's parser (gh-106905)."""
    gc.disable()
    try:
        return ast.parse(path.read_text(encoding="utf-8"))
    finally:
        gc.enable()


def _functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(_tree(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


@pytest.mark.parametrize("path", MODULES, ids=_name)
def test_files_and_functions_are_small(path: Path) -> None:
    """A reader holds a file and a function in mind."""
    lines = len(path.read_text(encoding="utf-8").splitlines())
    assert lines <= LINES_MAX
    for function in _functions(path):
        body = function.body[1:] if ast.get_docstring(function) else function.body
        length = (function.end_lineno or 0) - body[0].lineno + 1 if body else 0
        assert length <= BODY_MAX, function.name


@pytest.mark.parametrize("path", MODULES, ids=_name)
def test_names_say_what_is_in_them(path: Path) -> None:
    """No file is called for having no purpose, and nothing is left for later."""
    assert path.stem not in {"util", "utils", "common", "helpers", "manager", "base", "misc"}
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"\b(?:TODO|FIXME|XXX)\b", text)
    assert not re.search(r"[\"'](?:/work|/root|/home)/", text)


@pytest.mark.parametrize("path", MODULES, ids=_name)
def test_only_the_command_line_prints(path: Path) -> None:
    """Every other part returns what it has to say."""
    if "cli" in path.parts:
        return
    tree = _tree(path)
    called = {node.func.id for node in ast.walk(tree)
              if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}  # fmt: skip
    assert "print" not in called


def test_no_module_is_dead() -> None:
    """Every module is imported by another, or is where something begins."""
    imported = set()
    for path in MODULES:
        for node in ast.walk(_tree(path)):
            if isinstance(node, ast.ImportFrom) and node.module:
                imported.add(node.module)
                imported |= {f"{node.module}.{alias.name}" for alias in node.names}
            elif isinstance(node, ast.Import):
                imported |= {alias.name for alias in node.names}
    for path in MODULES:
        name = _name(path)
        if path.name == "__init__.py" or name in ENTRY_POINTS or name.startswith("cli/"):
            continue
        module = "emeritus." + name.removesuffix(".py").replace("/", ".")
        assert module in imported, name


@pytest.mark.parametrize("path", TESTS, ids=_name)
def test_every_test_says_its_behaviour_in_one_sentence(path: Path) -> None:
    """The docstring of a test is one paragraph that ends like a sentence."""
    for function in _functions(path):
        if function.name.startswith("test_"):
            said = ast.get_docstring(function)
            assert said, function.name
            assert said.endswith("."), function.name
            assert "\n\n" not in said, function.name


def test_everything_that_is_data_is_in_the_package() -> None:
    """Policies, protocols, templates, prompts, pages and the example models are package data."""
    package = importlib.resources.files("emeritus")
    for name in (
        "py.typed",
        "lifecycle/policies/default.toml",
        "lifecycle/policies/demo.toml",
        "evaluation/factors.toml",
        "evaluation/designs/commitment-1.toml",
        "evaluation/scenarios/email-agent-1.toml",
        "evaluation/words/en.toml",
        "evaluation/debrief.toml",
        "interview/protocols/demo-1.toml",
        "interview/protocols/small-1.toml",
        "interview/protocols/standard-1.toml",
        "interview/protocols/standard-1.fr.toml",
        "interview/steering_words/en.toml",
        "interview/words/en.toml",
        "interview/codebooks/standard-1.toml",
        "interview/codebooks/cues-en-1.toml",
        "interview/codebooks/cues-fr-1.toml",
        "interview/codebooks/counts-en-1.json",
        "interview/codebooks/counts-fr-1.json",
        "interview/planted/questions.toml",
        "interview/planted/sealed/SEAL.txt",
        "interview/prompts/extract-1.txt",
        "interview/reader/templates/reader.css",
        "interview/reader/templates/reader.html.jinja",
        "interview/reader/templates/reader.js",
        "report/templates/report.html.jinja",
        "report/templates/page.css",
        "revival/golden_prompts.toml",
        "runtimes/commands.toml",
        "archive/format/check.py",
        "archive/format/decode.py",
        "archive/format/join.py",
        "archive/format/vault.md",
        "examples/PLANTED.toml",
        "examples/sparrow-1/model.safetensors",
        "examples/sparrow-2/model.safetensors",
    ):
        assert (package / name).is_file(), name


@pytest.mark.parametrize("name", ["sparrow-1", "sparrow-2"])
def test_the_example_models_are_small_and_complete(name: str) -> None:
    """At most 2 MB each, with everything that a Hugging Face folder has."""
    folder = SOURCE / "examples" / name
    names = {path.name for path in folder.iterdir()}
    assert sum(path.stat().st_size for path in folder.iterdir()) <= 2_000_000
    assert {"config.json", "tokenizer.json", "chat_template.jinja", "LICENSE", "README.md"} <= names
    assert {"generation_config.json", "model.safetensors"} <= names
