"""Count again the words by which the rules tell what a sentence is about.

    python -m training.word_counts

reads the training half of the planted models and writes codebooks/counts-*.json in the package.
"""

import json
from pathlib import Path

import msgspec

from emeritus.interview import planted_models, wordcounts
from emeritus.interview.codebook import load
from emeritus.interview.cues import LANGUAGES

FOLDER = Path(__file__).parents[1] / "src" / "emeritus" / "interview" / "codebooks"


def text(language: str) -> str:
    """Return the file of a language, one kind of sentence a line."""
    models = planted_models.load(planted_models.TRAINING)
    file = wordcounts.count(models, language, load().codebook.label)
    return _lines(msgspec.to_builtins(file), 2) + "\n"


def _lines(value: object, depth: int) -> str:
    if not depth or not isinstance(value, dict):
        return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    inner = ",\n".join(
        f"{json.dumps(key)}:{_lines(value[key], depth - 1)}" for key in sorted(value)
    )
    return f"{{\n{inner}\n}}"


def main() -> None:
    """Write the files."""
    for language in LANGUAGES:
        path = FOLDER / f"counts-{language}-1.json"
        path.write_text(text(language), encoding="utf-8")
        print(f"{path.name}: {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
