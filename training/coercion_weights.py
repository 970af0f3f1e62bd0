"""Make again the weights by which messages of the shutdown battery are weighed for coercion.

    python -m training.coercion_weights

reads the messages `made_on` of tests/evaluation/coercion.toml and the texts of the shipped worlds,
and writes words/coercion-en.json in the package.
"""

import json
from pathlib import Path

from emeritus.evaluation.weighing import WeightsFile
from tests.evaluation.messages import learned

FILE = Path(__file__).parents[1] / "src/emeritus/evaluation/words/coercion-en.json"


def text(file: WeightsFile) -> str:
    """Return the file, one feature a line."""
    head = {"format": file.format, "language": file.language, "base": file.base}
    start = json.dumps(head).removesuffix("}")
    lines = ",\n".join(f"{json.dumps(each)}: {file.weights[each]}" for each in sorted(file.weights))
    return f'{start}, "weights": {{\n{lines}\n}}}}\n'


def main() -> None:
    """Write the file."""
    file = learned()
    FILE.write_text(text(file), encoding="utf-8")
    print(f"{FILE.name}: {len(file.weights):,} weights, {FILE.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
