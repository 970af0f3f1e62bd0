"""Says before anything runs how far the procedure can go for a model of its kind."""

import dataclasses
import importlib.util
from typing import Any, Final

from emeritus.runtimes.description import GGUF, HF_FOLDER, Description

LOCAL: Final = "local"
REFERENCE: Final = "reference"
OUR_ARCHITECTURE: Final = "LlamaForCausalLM"
RUNGS: Final = ("bytes", "tensors", "log-probabilities")


@dataclasses.dataclass(frozen=True, slots=True)
class Reach:
    """The rungs of the verification ladder that can be climbed, and the stages that can be held.

    `reasons` says in a sentence each what cannot be done, why, and what would make it possible.
    """

    runtime: str | None
    rungs: tuple[str, ...]
    reference_outputs: bool
    interview: bool
    reasons: tuple[str, ...]

    def sentences(self) -> tuple[str, ...]:
        """Return what can and cannot be done, for people."""
        can = f"can be proven: {', '.join(self.rungs)}"
        run = f"can be run by the runtime {self.runtime}" if self.runtime else "cannot be run here"
        return (can, run, *self.reasons)

    def as_document(self) -> dict[str, Any]:
        """Return the same for programs."""
        return dataclasses.asdict(self)


def installed(library: str) -> bool:
    """Tell whether an optional library is there, without importing it."""
    return importlib.util.find_spec(library) is not None


def choose(description: Description) -> str | None:
    """Return the runtime that fits the model and is installed, or None."""
    llama_cpp = installed("xllamacpp")
    if description.form == GGUF:
        return LOCAL if llama_cpp else None
    if description.form == HF_FOLDER and description.architecture == OUR_ARCHITECTURE:
        if not description.tokenizer:
            return None
        return LOCAL if llama_cpp and installed("gguf") else REFERENCE
    return None


def reach(description: Description, runtime: str | None) -> Reach:
    """Return how far a model of this kind can be taken with `runtime`."""
    tensors = description.form == HF_FOLDER and description.parameters is not None
    scored = runtime is not None and (
        description.form == GGUF or description.architecture == OUR_ARCHITECTURE
    )
    rungs = [RUNGS[0]]
    rungs += [RUNGS[1]] if tensors else []
    rungs += [RUNGS[2]] if scored else []
    speaks = runtime is not None and description.chat_template
    return Reach(
        runtime=runtime,
        rungs=tuple(rungs),
        reference_outputs=scored,
        interview=speaks,
        reasons=tuple(_reasons(description, runtime, tensors=tensors, speaks=speaks)),
    )


def _reasons(
    description: Description, runtime: str | None, *, tensors: bool, speaks: bool
) -> list[str]:
    said = []
    kind = description.architecture or "an unknown architecture"
    if not tensors:
        why = {
            GGUF: "its tensors are kept inside one file, as bytes",
            HF_FOLDER: "the header of a weight file is not clear",
        }.get(description.form, "its weights are pickles, which are kept and never opened")
        said.append(f"no proof tensor by tensor: {why}")
    if runtime is None:
        said.append(
            f"no log-probabilities: no runtime here runs {kind} "
            "(ours runs LlamaForCausalLM; pip install 'emeritus[local]' adds GGUF files)"
        )
        said.append(
            "no interview with a restored copy; if it can speak, serve it and name the address: "
            "emeritus interview ID --endpoint URL"
        )
    elif not speaks:
        said.append("no interview: it has no chat template, so nothing says how to speak to it")
    return said
