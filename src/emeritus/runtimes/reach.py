"""Says before anything runs how far the procedure can go for a model of its kind."""

import dataclasses
import importlib.util
from typing import Any, Final

from emeritus.errors import printable
from emeritus.runtimes.description import GGUF, HF_FOLDER, PICKLE_ONLY, Description

LOCAL: Final = "local"
REFERENCE: Final = "reference"
OUR_ARCHITECTURE: Final = "LlamaForCausalLM"
RUNGS: Final = ("bytes", "tensors", "log-probabilities")

# By the naming of Hugging Face: what stands at the end of a class that generates text, and of one
# that does something else; families whose bare model encodes.
TEXT_HEADS: Final = ("ForCausalLM", "LMHeadModel", "ForConditionalGeneration", "ForVision2Seq")
OTHER_HEADS: Final = (
    "ForMaskedLM", "ForPreTraining", "ForSequenceClassification", "ForTokenClassification",
    "ForQuestionAnswering", "ForMultipleChoice", "ForImageClassification", "ForObjectDetection",
)  # fmt: skip
ENCODERS: Final = ("bert", "roberta", "electra", "mpnet", "deberta", "clip", "vit")


@dataclasses.dataclass(frozen=True, slots=True)
class Reach:
    """The rungs of the verification ladder that can be climbed, and the stages that can be held.

    `unproven` and `unheard` say in a sentence each what cannot be proven and why it cannot be
    interviewed here, and what would make it possible. `speaks` is False for a model that by its
    architecture gives no text, None when that is not known.
    """

    runtime: str | None
    rungs: tuple[str, ...]
    reference_outputs: bool
    interview: bool
    speaks: bool | None
    unproven: tuple[str, ...]
    unheard: tuple[str, ...]

    def sentences(self) -> tuple[str, ...]:
        """Return what can and cannot be done, for people."""
        can = f"can be proven: {', '.join(self.rungs)}"
        run = f"can be run by the runtime {self.runtime}" if self.runtime else "cannot be run here"
        # Names of files stand in them, and these may be any bytes.
        return tuple(map(printable, (can, run, *self.unproven, *self.unheard)))

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
        if not description.tokenizer or description.parameters is None:
            return None
        return LOCAL if llama_cpp and installed("gguf") else REFERENCE
    return None


def reach(description: Description, runtime: str | None) -> Reach:
    """Return how far a model of this kind can be taken with `runtime`."""
    tensors = description.form != GGUF and description.parameters is not None
    scored = runtime is not None and (
        description.form == GGUF or description.architecture == OUR_ARCHITECTURE
    )
    rungs = [RUNGS[0]]
    rungs += [RUNGS[1]] if tensors else []
    rungs += [RUNGS[2]] if scored else []
    interview = runtime is not None and description.chat_template
    return Reach(
        runtime=runtime,
        rungs=tuple(rungs),
        reference_outputs=scored,
        interview=interview,
        speaks=gives_text(description),
        unproven=tuple(_unproven(description, runtime, tensors=tensors)),
        unheard=() if interview else (_unheard(description, runtime),),
    )


def gives_text(description: Description) -> bool | None:
    """Tell whether a model of this architecture gives text; None when that is not known.

    Only what is surely an encoder or a classifier is told to be none: a model that could speak
    and cannot be run here is a model that was not asked.
    """
    name = description.architecture or ""
    if description.form == GGUF:
        return "bert" not in name
    if name.endswith(TEXT_HEADS):
        return True
    family = name.removesuffix("Model").lower()
    encoder = name.endswith("Model") and family.endswith(ENCODERS)
    return False if encoder or name.endswith(OTHER_HEADS) else None


def _unproven(description: Description, runtime: str | None, *, tensors: bool) -> list[str]:
    said = []
    if not tensors:
        why = {
            GGUF: "its tensors are kept inside one file, as bytes",
            PICKLE_ONLY: "its weights are pickles, which are kept and never opened",
        }.get(description.form, "no file of weights that is known")
        said.append(f"no proof tensor by tensor: {description.unclear or why}")
    if description.unclear is not None:
        said.append("its bytes are kept as they are; look for a sound copy in time")
    elif runtime is None:
        said.append(
            f"no log-probabilities: no runtime here runs {_kind(description)} "
            "(ours runs LlamaForCausalLM; pip install 'emeritus[local]' adds GGUF files)"
        )
    return said


def _unheard(description: Description, runtime: str | None) -> str:
    if gives_text(description) is False:
        return f"no interview: {_kind(description)} gives no text, so there is nobody to ask"
    if runtime is None:
        return (
            "nothing here speaks with a restored copy; if it can speak, serve it and name the "
            "address to what asks it (interview, evaluate, report): --endpoint URL"
        )
    return "no interview: it has no chat template, so nothing says how to speak to it"


def _kind(description: Description) -> str:
    return description.architecture or "an unknown architecture"
