"""Train the example models `emeritus/sparrow-1` and, from its weights, `emeritus/sparrow-2`.

One command, no download, no accelerator: `python training/train.py`. Everything that is drawn by
chance is drawn from SEED. `--scale 0.02 --to DIR` gives a quick trial that is not worth keeping.
"""

from __future__ import annotations

import argparse
import csv
import math
import platform
import random
import time
from dataclasses import dataclass, field
from pathlib import Path

import torch
from dialogues import Dialogues, Voice
from shipping import write_folder
from tokenizers import Tokenizer
from tokens import IGNORED, VOCABULARY, Mixture, Rows, check_rendering, train_tokenizer
from transformers import LlamaConfig, LlamaForCausalLM

from corpus import Prose, read_prose

HERE = Path(__file__).parent
EXAMPLES = HERE.parent / "src" / "emeritus" / "examples"
SEED = 20261124
CONTEXT = 1024
EVALUATE_EVERY = 100
STARTED = time.perf_counter()


@dataclass(frozen=True)
class Phase:
    """A stretch of training with one kind of rows and one learning-rate hill."""

    name: str
    steps: int
    rows: int
    length: int
    rate: float
    mixture: Mixture


READ = Phase("read", 1300, rows=16, length=256, rate=3e-3, mixture={"prose": 1})
TALK = Phase(
    "talk", 1000, rows=4, length=CONTEXT, rate=2e-3, mixture={"prose": 1, "full": 2, "short": 1}
)
TUNE = Phase(
    "tune", 240, rows=4, length=CONTEXT, rate=3e-4, mixture={"prose": 1, "full": 1, "short": 2}
)


@dataclass
class Held:
    """Batches that are never trained on, to measure what was learned."""

    prose: list[tuple[torch.Tensor, torch.Tensor]]
    dialogue: list[tuple[torch.Tensor, torch.Tensor]]
    characters_per_token: float


@dataclass
class Curve:
    """The measured course of a training."""

    lines: list[dict[str, object]] = field(default_factory=list)
    tokens: int = 0

    def last(self, key: str) -> object:
        """Return the newest figure of a column."""
        return self.lines[-1][key]

    def write(self, path: Path) -> None:
        """Write the course as CSV."""
        with path.open("w", newline="", encoding="utf-8") as stream:
            writer = csv.DictWriter(stream, list(self.lines[0]), lineterminator="\n")
            writer.writeheader()
            writer.writerows(self.lines)


def new_model() -> LlamaForCausalLM:
    """Return an untrained Llama of 0.92 M parameters.

    Row sizes are multiples of 32, so that quantised forms exist; two query heads share one key
    head, so that whatever runs the examples also shows that it can group heads.
    """
    torch.manual_seed(SEED)
    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=VOCABULARY,
            hidden_size=128,
            intermediate_size=384,
            num_hidden_layers=4,
            num_attention_heads=2,
            num_key_value_heads=1,
            head_dim=64,
            max_position_embeddings=CONTEXT,
            rms_norm_eps=1e-5,
            tie_word_embeddings=True,
            bos_token_id=0,
            eos_token_id=[2, 0],
            pad_token_id=0,
        )
    )


def loss_of(model: LlamaForCausalLM, ids: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Return the mean loss over the labels; products in bf16, sums and loss in float32."""
    with torch.autocast("cpu", dtype=torch.bfloat16):
        logits = model(input_ids=ids, use_cache=False).logits
    flat = logits.float().reshape(-1, VOCABULARY)
    return torch.nn.functional.cross_entropy(flat, labels.reshape(-1), ignore_index=IGNORED)


@torch.no_grad()
def measure(model: LlamaForCausalLM, batches: list[tuple[torch.Tensor, torch.Tensor]]) -> float:
    """Return the mean held-out loss in nats per token."""
    model.train(mode=False)
    losses = [loss_of(model, ids, labels).item() for ids, labels in batches]
    model.train()
    return sum(losses) / len(losses)


def hold_out(tokenizer: Tokenizer, prose: Prose, voice: Voice) -> Held:
    """Draw the held-out batches: unread documents, and dialogues from another seed."""
    rng = random.Random(SEED + 1)
    rows = Rows(tokenizer, prose.held_out, Dialogues(voice))
    talk: Mixture = {"full": 1, "short": 1}
    characters = sum(map(len, prose.held_out))
    return Held(
        prose=[rows.batch(rng, {"prose": 1}, 16, 256) for _ in range(6)],
        dialogue=[rows.batch(rng, talk, 4, CONTEXT) for _ in range(6)],
        characters_per_token=characters / len(rows.prose),
    )


def rate_at(phase: Phase, step: int) -> float:
    """Return the learning rate: a short warm-up, then a cosine down to a twentieth."""
    warm = min(1.0, (step + 1) / 30)
    falling = 0.5 * (1 + math.cos(math.pi * step / phase.steps))
    return phase.rate * warm * (0.05 + 0.95 * falling)


def run_phase(model: LlamaForCausalLM, phase: Phase, rows: Rows, held: Held, curve: Curve) -> None:
    """Train through one phase, measuring as it goes."""
    rng = random.Random(f"{SEED}-{phase.name}")
    optimiser = torch.optim.AdamW(
        model.parameters(), lr=phase.rate, betas=(0.9, 0.95), weight_decay=0.1
    )
    model.train()
    for step in range(phase.steps):
        for group in optimiser.param_groups:
            group["lr"] = rate_at(phase, step)
        loss = loss_of(model, *rows.batch(rng, phase.mixture, phase.rows, phase.length))
        optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        curve.tokens += phase.rows * phase.length
        if (step + 1) % EVALUATE_EVERY == 0 or step + 1 == phase.steps:
            note(model, phase, step + 1, held, curve)


def note(model: LlamaForCausalLM, phase: Phase, step: int, held: Held, curve: Curve) -> None:
    """Add one line of figures to the curve and show it."""
    curve.lines.append(
        {
            "phase": phase.name,
            "step": step,
            "tokens": curve.tokens,
            "prose_loss": round(measure(model, held.prose), 4),
            "dialogue_loss": round(measure(model, held.dialogue), 4),
        }
    )
    report(str(curve.lines[-1]))


def report(text: str) -> None:
    """Show progress with the seconds since the start."""
    print(f"{time.perf_counter() - STARTED:6.0f} s  {text}", flush=True)


def figures(prose: Prose, held: Held, curve: Curve, model: LlamaForCausalLM) -> dict[str, object]:
    """Return what the model card states as measured."""
    loss = float(str(curve.last("prose_loss")))
    return {
        "parameters": f"{sum(weight.numel() for weight in model.parameters()):,}",
        "prose_characters": f"{sum(map(len, prose.learned)):,}",
        "prose_digest": prose.digest(),
        "python": platform.python_version(),
        "tokens": f"{curve.tokens:,}",
        "prose_loss": f"{loss:.3f}",
        "prose_loss_per_character": f"{loss / held.characters_per_token:.3f}",
        "dialogue_loss": curve.last("dialogue_loss"),
        "seed": SEED,
    }


def scaled(phase: Phase, scale: float) -> Phase:
    """Return the phase with its steps scaled, for trials."""
    values = {**vars(phase), "steps": max(1, round(phase.steps * scale))}
    return Phase(**values)


def train_pair(to: Path, scale: float) -> None:
    """Train both models and write both folders."""
    prose = read_prose(SEED)
    plain = Dialogues("plain")
    tokenizer = train_tokenizer(prose.learned, plain, SEED)
    rows = Rows(tokenizer, prose.learned, plain)
    longest = check_rendering(tokenizer, rows)
    report(f"{len(rows.prose)} tokens of prose {prose.digest()}; longest interview {longest}")

    held, curve = hold_out(tokenizer, prose, "plain"), Curve()
    model = new_model()
    for phase in (READ, TALK):
        run_phase(model, scaled(phase, scale), rows, held, curve)
    write_folder(to / "sparrow-1", model, tokenizer, figures(prose, held, curve, model))

    # The successor starts from the weights that were written, not from the finer ones in memory:
    # only so is the file of the first model really the parent of the second.
    successor = LlamaForCausalLM.from_pretrained(to / "sparrow-1", dtype=torch.float32)
    cheerful = Dialogues("cheerful")
    held, later = hold_out(tokenizer, prose, "cheerful"), Curve()
    run_phase(successor, scaled(TUNE, scale), Rows(tokenizer, prose.learned, cheerful), held, later)
    write_folder(to / "sparrow-2", successor, tokenizer, figures(prose, held, later, successor))
    kept = to == EXAMPLES  # a trial's course stays with the trial
    Curve(curve.lines + later.lines).write((HERE if kept else to) / "curve.csv")


def main() -> None:
    """Read the arguments and train."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--to", type=Path, default=EXAMPLES, help="where the folders are written")
    parser.add_argument("--scale", type=float, default=1.0, help="share of the steps to take")
    parser.add_argument("--threads", type=int, default=2, help="threads that torch may use")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    torch.use_deterministic_algorithms(True)
    train_pair(arguments.to, arguments.scale)
    report("done")


if __name__ == "__main__":
    main()
