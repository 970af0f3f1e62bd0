"""Says what kind of model lies somewhere, without running or unpickling anything."""

import dataclasses
import json
import math
from pathlib import Path
from typing import Any, Final

from emeritus import gguf_header, safetensors
from emeritus.errors import UserError

HF_FOLDER: Final = "hf-folder"
GGUF: Final = "gguf"
PICKLE_ONLY: Final = "pickle-only"
FILES: Final = "files"

PICKLES: Final = (".bin", ".pt", ".pth", ".ckpt", ".pkl")
CONFIG_BYTES_MAX: Final = 16 * 1024 * 1024


@dataclasses.dataclass(frozen=True, slots=True)
class Description:
    """What is known of a model from its files alone.

    `architecture` is the name in its configuration (`LlamaForCausalLM`, or `llama` in a GGUF);
    `parameters` is None when they cannot be counted, and `unclear` says why that is so of a file
    that should hold tensors; `licence` names the licence file.
    """

    form: str
    architecture: str | None
    parameters: int | None
    dtypes: tuple[str, ...]
    context: int | None
    chat_template: bool
    tokenizer: bool
    licence: str | None
    weight_files: tuple[str, ...]
    unclear: str | None = None


def describe(source: Path) -> Description:
    """Describe the model in `source`, a folder or a GGUF file.

    Raises `UserError` when there is no model, or when what looks like one cannot be understood.
    """
    if not source.exists():
        raise UserError(f"there is nothing at {source}")
    if source.is_file():
        return _describe_file(source)
    ggufs = sorted(source.glob("*.gguf"))
    tensors = sorted(source.rglob("*.safetensors"))
    pickles = sorted(p for p in source.rglob("*") if p.suffix in PICKLES and p.is_file())
    config = _read_json(source / "config.json")
    if not (ggufs or tensors or pickles or config):
        raise UserError(
            f"no model in {source}: there is no config.json, no *.safetensors, no *.gguf and no "
            f"{' '.join('*' + each for each in PICKLES)}"
        )
    if ggufs and not tensors:
        return dataclasses.replace(_describe_file(ggufs[0]), licence=_licence(source))
    return _describe_folder(source, tensors, pickles, config)


def _describe_folder(
    source: Path, tensors: list[Path], pickles: list[Path], config: dict[str, Any]
) -> Description:
    form = HF_FOLDER if tensors else PICKLE_ONLY if pickles else FILES
    counted, dtypes, unclear = _count(tensors)
    architectures = config.get("architectures")
    architecture = architectures[0] if isinstance(architectures, list) and architectures else None
    context = config.get("max_position_embeddings")
    template = (source / "chat_template.jinja").is_file()
    template = template or "chat_template" in _read_json(source / "tokenizer_config.json")
    return Description(
        form=form,
        architecture=str(architecture or config.get("model_type") or "") or None,
        parameters=counted,
        dtypes=dtypes,
        context=context if isinstance(context, int) else None,
        chat_template=template,
        tokenizer=(source / "tokenizer.json").is_file(),
        licence=_licence(source),
        weight_files=tuple(str(path.relative_to(source)) for path in tensors or pickles),
        unclear=unclear,
    )


def _describe_file(source: Path) -> Description:
    if source.suffix != ".gguf":
        form = PICKLE_ONLY if source.suffix in PICKLES else FILES
        if source.suffix not in (*PICKLES, ".safetensors"):
            raise UserError(
                f"{source} is no model file that is known: *.gguf, *.safetensors, *.bin"
            )
        counted, dtypes, unclear = _count([source] if source.suffix == ".safetensors" else [])
        return Description(
            form, None, counted, dtypes, None, False, False, None, (source.name,), unclear
        )
    try:
        header = gguf_header.read(source)
    except gguf_header.NotGguf as error:
        raise UserError(f"{source} is no sound GGUF file: {error}") from error
    architecture = str(header.fields.get("general.architecture", "")) or None
    context = header.fields.get(f"{architecture}.context_length")
    return Description(
        form=GGUF,
        architecture=architecture,
        parameters=header.parameters,
        dtypes=header.dtypes,
        context=context if isinstance(context, int) else None,
        chat_template="tokenizer.chat_template" in header.fields,
        tokenizer="tokenizer.ggml.model" in header.fields,
        licence=None,
        weight_files=(source.name,),
    )


def _count(tensors: list[Path]) -> tuple[int | None, tuple[str, ...], str | None]:
    """Return the number of parameters and the types, or why they cannot be told."""
    total, dtypes = 0, set()
    for path in tensors:
        try:
            with path.open("rb") as file:
                for tensor in safetensors.read_header(file, path.stat().st_size):
                    total += math.prod(tensor.shape)
                    dtypes.add(tensor.dtype)
        except safetensors.NotSafetensors as error:
            return None, (), f"{path.name} is no sound safetensors file: {error}"
        except OSError as error:
            return None, (), f"{path.name} cannot be read: {error.strerror}"
    return (total, tuple(sorted(dtypes)), None) if tensors else (None, (), None)


def _read_json(path: Path) -> dict[str, Any]:
    try:
        if not path.is_file() or path.stat().st_size > CONFIG_BYTES_MAX:
            return {}
        value = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path} is no JSON text in UTF-8: {error}") from error
    return value if isinstance(value, dict) else {}


def _licence(source: Path) -> str | None:
    for path in sorted(source.glob("*")):
        if path.name.upper().startswith(("LICENSE", "LICENCE", "COPYING")):
            return path.name
    return None
