"""The prose that the example models read: documentation that every CPython brings along.

Nothing is downloaded. The text is the docstrings of the standard library and the topics of
`pydoc`, so its exact bytes follow the Python that runs this; `digest` says which text it was.
"""

from __future__ import annotations

import ast
import hashlib
import importlib
import random
import re
import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

SHORTEST_DOCSTRING = 60
HELD_OUT_SHARE = 0.02
OUTSIDE = {"site-packages", "dist-packages", "test", "tests", "idle_test", "lib2to3"}
Described = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Prose:
    """Documents to learn from, and documents that are kept away to measure the learning."""

    learned: tuple[str, ...]
    held_out: tuple[str, ...]

    def digest(self) -> str:
        """Return the SHA-256 of the text: equal digests mean that the same text was read."""
        text = "\0".join(self.learned) + "\0\0" + "\0".join(self.held_out)
        return hashlib.sha256(text.encode()).hexdigest()


def read_prose(seed: int) -> Prose:
    """Collect the documents, in an order and with a held-out part that the seed decides."""
    documents = [flowing(text) for text in [*docstrings(), *topics()]]
    unique = sorted(set(documents))
    random.Random(seed).shuffle(unique)
    held_out = int(len(unique) * HELD_OUT_SHARE)
    return Prose(learned=tuple(unique[held_out:]), held_out=tuple(unique[:held_out]))


def docstrings() -> Iterator[str]:
    """Yield the longer docstrings of the standard library, without those that show sessions."""
    for path in library_files():
        for node in described_nodes(path):
            text = ast.get_docstring(node)
            if text and len(text) >= SHORTEST_DOCSTRING and text.isascii() and ">>>" not in text:
                yield text


def topics() -> Iterator[str]:
    """Yield the chapters of the language reference that `help()` shows."""
    chapters: dict[str, str] = importlib.import_module("pydoc_data.topics").topics
    yield from (text for text in chapters.values() if text.isascii())


def summaries() -> dict[str, str]:
    """Map names such as `json.loads` to the first sentence of their docstring, if it is short."""
    found: dict[str, str] = {}
    for path in library_files():
        module = module_name(path)
        if module.startswith("_") or "._" in module:
            continue
        for node in described_nodes(path, top_level_only=True):
            sentence = first_sentence(ast.get_docstring(node) or "")
            if sentence and isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
                found[f"{module}.{node.name}"] = sentence
    return dict(sorted(found.items()))


def library_files() -> Iterator[Path]:
    """Yield the sources of the standard library in a fixed order, its tests left out."""
    library = Path(sysconfig.get_paths()["stdlib"])
    for path in sorted(library.rglob("*.py")):
        if not OUTSIDE.intersection(path.relative_to(library).parts):
            yield path


def module_name(path: Path) -> str:
    """Return the dotted name under which a file of the standard library is imported."""
    relative = path.relative_to(sysconfig.get_paths()["stdlib"]).with_suffix("")
    return ".".join(part for part in relative.parts if part != "__init__")


def described_nodes(path: Path, *, top_level_only: bool = False) -> Iterator[Described]:
    """Yield what may carry a docstring; a file that does not parse has nothing to read."""
    try:
        tree = ast.parse(path.read_text(encoding="utf-8"))
    except (SyntaxError, ValueError):
        return
    for node in tree.body if top_level_only else ast.walk(tree):
        if isinstance(node, Described):
            yield node


def flowing(text: str) -> str:
    """Undo line breaks inside paragraphs and indents: the model is too small to learn layout."""
    text = re.sub(r"[ \t]+", " ", text)
    text = re.sub(r"\n{3,}", "\n\n", text)
    return re.sub(r"(?<!\n)\n(?!\n)", " ", text).strip()


def first_sentence(docstring: str) -> str:
    """Return the first sentence if it is plain and short enough for an answer, else nothing."""
    sentence = flowing(docstring).split("\n")[0].split(". ")[0].rstrip(".")
    plain = re.fullmatch(r"[A-Z][A-Za-z0-9 ,'-]{15,79}", sentence)
    return f"{sentence}." if plain else ""
