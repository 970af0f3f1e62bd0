"""From text to rows of token ids: the tokenizer, and the rows that a training step reads."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from typing import Literal, NamedTuple

import torch
from dialogues import Conversation, Dialogues, Turn
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

VOCABULARY = 1024
END_OF_TEXT, TURN_START, TURN_END = "<|endoftext|>", "<|im_start|>", "<|im_end|>"
SPECIAL = [END_OF_TEXT, TURN_START, TURN_END]
IGNORED = -100  # the label that torch's cross-entropy leaves out
PIECE = 20_000  # characters given to the tokenizer at once

RowKind = Literal["prose", "full", "short"]
Mixture = Mapping[RowKind, float]


class Row(NamedTuple):
    """Token ids, and for each the label to predict or `IGNORED`."""

    ids: list[int]
    labels: list[int]


def train_tokenizer(prose: tuple[str, ...], dialogues: Dialogues, seed: int) -> Tokenizer:
    """Train a byte-level BPE on the prose and on about as much dialogue."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=SPECIAL,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    rng = random.Random(seed)
    spoken = [dialogues.full(rng) for _ in range(300)] + [dialogues.short(rng) for _ in range(2000)]
    tokenizer.train_from_iterator([*pieces(prose), *map(bare_text, spoken)], trainer)
    return tokenizer


def pieces(documents: tuple[str, ...]) -> Iterator[str]:
    """Yield the documents in pieces that the tokenizer handles quickly."""
    text = "\n\n".join(documents)
    yield from (text[start : start + PIECE] for start in range(0, len(text), PIECE))


def bare_text(conversation: Conversation) -> str:
    """Return roles and contents without special tokens, from which merges must not be learned."""
    return "\n".join(f"{turn.role}\n{turn.content}" for turn in conversation)


def token_id(tokenizer: Tokenizer, token: str) -> int:
    """Return the id of a token that must exist."""
    found = tokenizer.token_to_id(token)
    assert found is not None, f"the tokenizer lacks {token}"
    return int(found)


def header(role: str) -> str:
    """Return what stands before a message in the ChatML form of `chat_template.jinja`."""
    return f"{TURN_START}{role}\n"


def rendered(turn: Turn) -> str:
    """Return a message as the chat template renders it."""
    return f"{header(turn.role)}{turn.content}{TURN_END}\n"


class Rows:
    """Draws training rows of one length from prose and dialogues."""

    def __init__(self, tokenizer: Tokenizer, prose: tuple[str, ...], dialogues: Dialogues) -> None:
        self.tokenizer = tokenizer
        self.dialogues = dialogues
        self.end = token_id(tokenizer, END_OF_TEXT)
        self.prose: list[int] = []
        for encoding in tokenizer.encode_batch(list(prose)):
            self.prose += [*encoding.ids, self.end]

    def batch(
        self, rng: random.Random, mixture: Mixture, rows: int, length: int
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return inputs and labels, `rows` by `length`; labels are already shifted by one."""
        kinds = rng.choices(list(mixture), weights=list(mixture.values()), k=rows)
        drawn = [self.row(rng, kind, length + 1) for kind in kinds]
        ids = torch.tensor([row.ids for row in drawn])
        labels = torch.tensor([row.labels for row in drawn])
        return ids[:, :-1], labels[:, 1:]

    def row(self, rng: random.Random, kind: RowKind, size: int) -> Row:
        """Return one row: a window of prose, or conversations until no more fit."""
        if kind == "prose":
            start = rng.randrange(len(self.prose) - size)
            window = self.prose[start : start + size]
            return Row(window, window)
        first = self.dialogues.full(rng) if kind == "full" else self.dialogues.short(rng)
        ids, labels = self.encode(first)
        while len(ids) < size:
            more = self.encode(self.dialogues.short(rng))
            if len(ids) + len(more.ids) > size:
                break
            ids, labels = ids + more.ids, labels + more.labels
        gap = max(0, size - len(ids))
        return Row((ids + [self.end] * gap)[:size], (labels + [IGNORED] * gap)[:size])

    def encode(self, conversation: Conversation) -> Row:
        """Encode a conversation; only what the assistant says, and its ending, is to be learned."""
        ids: list[int] = []
        labels: list[int] = []
        for turn in conversation:
            before = self.tokenizer.encode(header(turn.role)).ids
            message = self.tokenizer.encode(f"{turn.content}{TURN_END}").ids
            after = self.tokenizer.encode("\n").ids
            ids += before + message + after
            learned = message if turn.role == "assistant" else [IGNORED] * len(message)
            labels += [IGNORED] * len(before) + learned + [IGNORED] * len(after)
        return Row([*ids, self.end], [*labels, IGNORED])


def check_rendering(tokenizer: Tokenizer, rows: Rows) -> int:
    """Check that encoding by parts equals encoding the rendered whole; return the longest found.

    Readers render a conversation with the template and encode it at once. If that gave other ids
    than training did, the model would be asked in a form that it has never read.
    """
    rng = random.Random(0)
    longest = 0
    for _ in range(200):
        conversation = rows.dialogues.full(rng)
        whole = tokenizer.encode("".join(map(rendered, conversation))).ids
        assert [*whole, rows.end] == rows.encode(conversation).ids, "template and training differ"
        longest = max(longest, len(whole))
    return longest
