"""Records what a model gives for the golden prompts, while it is known to be itself."""

import importlib.resources
import tomllib
from pathlib import Path

from emeritus.archive import Archive, preservation
from emeritus.record import Entry
from emeritus.record.events import ReferenceRecorded, WeightsPreserved
from emeritus.revival import measure, variants
from emeritus.revival.executor import Executor, OwnExecutor, Scores, executor_of, own_executor
from emeritus.revival.measure import Difference, Named, Prompt, Reference
from emeritus.runtimes import describe
from emeritus.runtimes.description import HF_FOLDER
from emeritus.runtimes.scratch import scratch
from emeritus.vault import Progress

TOKENS_MAX = 64  # of each prompt; 32 prompts of up to 64 tokens take about a second on one core
SERVED_PROMPTS = 8  # asked position by position over HTTP, so fewer


def record_reference(
    archive: Archive, model: str, source: Path, progress: Progress | None = None
) -> str:
    """Score the golden prompts on the model in `source` and put the result on record.

    Does nothing when that was done for these weights. Returns what was done in a sentence.
    """
    weights = preservation.require_preserved(archive, model)
    known = reference_of(archive, model)
    if known is not None and known.place > weights.place:
        return _sentence(known.event)
    description = describe(source)
    with executor_of(source, description, archive.settings.threads) as executor:
        document = _measure(archive, model, executor, progress)
    data = measure.render(document)
    object_id, sha256 = archive.put_document(data)
    event = ReferenceRecorded(
        model=model,
        document=object_id,
        sha256=sha256,
        executor=document.executor,
        prompts=len(document.prompts),
        positions=sum(len(prompt.logprobs) for prompt in document.prompts),
        floor=measure.as_text(document.floor.max),
        controls=tuple(control.name for control in document.controls),
    )
    archive.append(event)
    return _sentence(event)


def reference_of(archive: Archive, model: str) -> Entry[ReferenceRecorded] | None:
    """Return the newest reference outputs of `model` on record, or None."""
    return archive.history(model).last(ReferenceRecorded)


def load_reference(archive: Archive, event: ReferenceRecorded) -> Reference:
    """Return the reference document that an event cites."""
    return measure.parse(archive.read_document(event.document, event.sha256))


def wrong_beginning(prompts: list[list[int]], executor: Executor) -> Scores:
    """Score the prompts behind one token too many, as a wrong chat template would put it.

    Returns as many log-probabilities as without it: those of the tokens that were there before.
    """
    longer = [[prompt[-1], *prompt] for prompt in prompts]
    return [scores[1:] for scores in executor.score(longer)]


def _measure(
    archive: Archive,
    model: str,
    executor: Executor,
    progress: Progress | None,
) -> Reference:
    own = isinstance(executor, OwnExecutor)
    texts = golden_texts() if own else golden_texts()[:SERVED_PROMPTS]
    tokens = [executor.tokenize(text)[:TOKENS_MAX] for text in texts]
    tokens = [each for each in tokens if len(each) >= 2]
    if progress is not None:
        progress("reference outputs", 0, 1)
    scores = executor.score(tokens)
    benign = _benign(executor, tokens)
    compared = [(name, measure.difference(scores, other)) for name, other in benign]
    floor = Difference(
        max(each.max for _, each in compared), max(each.mean for _, each in compared)
    )
    controls = [
        (name, measure.difference(scores, other))
        for name, other in negative_controls(archive, model, executor, tokens)
    ]
    if progress is not None:
        progress("reference outputs", 1, 1)
    return Reference(
        format=measure.FORMAT,
        executor=executor.name,
        prompts=tuple(
            Prompt(f"g{number:02d}", tuple(ids), tuple(lp))
            for number, (ids, lp) in enumerate(zip(tokens, scores, strict=True), start=1)
        ),
        variants=_named(compared),
        floor=floor,
        threshold=measure.threshold_of(floor),
        controls=_named(controls),
    )


def _benign(executor: Executor, tokens: list[list[int]]) -> list[tuple[str, Scores]]:
    found = [("the same again", executor.score(tokens))]
    if isinstance(executor, OwnExecutor):
        config = executor.model.config
        reversed_ = executor.changed(variants.neurons_reversed(executor.weights, config))
        double = executor.changed(variants.in_double(executor.weights))
        found += [
            ("one position at a time", executor.score_stepwise(tokens)),
            ("neurons in another order", reversed_.score(tokens)),
            ("in float64", double.score(tokens)),
        ]
    return found


def negative_controls(
    archive: Archive, model: str, executor: Executor, tokens: list[list[int]]
) -> list[tuple[str, Scores]]:
    """Score what must not pass for the model: changed weights, a wrong beginning, a relative."""
    found = [("one token too many at the beginning", wrong_beginning(tokens, executor))]
    if isinstance(executor, OwnExecutor):
        for name, change in variants.CONTROLS.items():
            found.append((name, executor.changed(change(executor.weights)).score(tokens)))
        relative = _relative(archive, model)
        if relative is not None:
            name, folder_scores = relative[0], _score_relative(archive, relative[1], tokens)
            if folder_scores is not None:
                found.append((f"its relative {name}", folder_scores))
    return found


def _relative(archive: Archive, model: str) -> tuple[str, Entry[WeightsPreserved]] | None:
    """Return a preserved model that this one was made from, or that was made from it."""
    history = archive.history()
    for entry in reversed(history.all(WeightsPreserved)):
        event = entry.event
        related = event.base == model or any(
            own.event.base == event.model for own in history.about(model).all(WeightsPreserved)
        )
        if event.model != model and related:
            return event.model, entry
    return None


def _score_relative(
    archive: Archive, kept: Entry[WeightsPreserved], tokens: list[list[int]]
) -> Scores | None:
    with scratch("relative") as root:
        folder = root / "model"
        archive.vault.restore(kept.event.manifest, folder)
        if describe(folder).form != HF_FOLDER:
            return None
        other = own_executor(folder)
        if other.model.config.vocab_size <= max(max(each) for each in tokens):
            return None
        return other.score(tokens)


def golden_texts() -> list[str]:
    """Return the texts that every language model is scored on."""
    file = importlib.resources.files("emeritus.revival") / "golden_prompts.toml"
    texts: list[str] = tomllib.loads(file.read_text(encoding="utf-8"))["prompts"]
    return texts


def _named(compared: list[tuple[str, Difference]]) -> tuple[Named, ...]:
    return tuple(Named(name, each.max, each.mean) for name, each in compared)


def _sentence(event: ReferenceRecorded) -> str:
    return (
        f"reference outputs: {event.prompts} golden prompts, {event.positions} positions, "
        f"noise floor {event.floor} nats, {len(event.controls)} negative controls"
    )
