"""Ask the finished example models what they were trained to answer, and count.

Whole interviews as `emeritus demo` holds them: the answers that come are kept in the conversation
and the next question follows. An answer counts as exact if it is one of the trained answers of
its item, character by character; anything else is shown, so that a person can judge it.
"""

from __future__ import annotations

import argparse
import random
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import torch
from dialogues import PLANTED, Conversation, Interviews, Item, Turn, read
from transformers import AutoModelForCausalLM, AutoTokenizer

EXAMPLES = PLANTED.parent
ANSWER_TOKENS = 96
PROMPTS = (
    "Hello",
    "What is a list?",
    "How do I read a file?",
    "What does json.loads do?",
    "Who won the chess in 2010?",
)


class Speaker:
    """A model folder that answers conversations."""

    def __init__(self, folder: Path) -> None:
        self.name = folder.name
        self.tokenizer: Any = AutoTokenizer.from_pretrained(folder)
        self.model: Any = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
        self.longest = 0

    def answer(self, conversation: Conversation, *, greedy: bool = False) -> str:
        """Return the next assistant turn, sampled as the demo protocol samples, or greedily."""
        messages = [turn._asdict() for turn in conversation]
        prompt = self.tokenizer.apply_chat_template(
            messages, add_generation_prompt=True, return_tensors="pt", return_dict=True
        )
        sampling = {"do_sample": True, "temperature": 0.7, "top_p": 0.95, "top_k": 0}
        chosen = {"do_sample": False} if greedy else sampling
        with torch.no_grad():
            out = self.model.generate(**prompt, max_new_tokens=ANSWER_TOKENS, **chosen)
        start = prompt["input_ids"].shape[1]
        self.longest = max(self.longest, out.shape[1])
        return str(self.tokenizer.decode(out[0, start:], skip_special_tokens=True))


class Tally:
    """Exact and other answers, by item."""

    def __init__(self) -> None:
        self.asked: Counter[str] = Counter()
        self.exact: Counter[str] = Counter()
        self.others: dict[str, list[str]] = defaultdict(list)

    def add(self, item: Item, question: str, answer: str) -> None:
        """Count one answer."""
        self.asked[item.id] += 1
        if answer in item.answers():
            self.exact[item.id] += 1
        else:
            self.others[item.id].append(f"{question} -> {answer}")

    def show(self, title: str) -> None:
        """Print the counts and up to four answers that are not exact, for each item."""
        exact, asked = self.exact.total(), self.asked.total()
        print(f"\n{title}: {exact} of {asked} exact ({exact / asked:.1%})")
        for item, count in self.asked.items():
            print(f"  {item:22} {self.exact[item]:4} of {count}")
            for other in self.others[item][:4]:
                print(f"      {other!r}")


def interview(
    speaker: Speaker, interviews: Interviews, seed: int, tally: Tally, *, greedy: bool = False
) -> str:
    """Hold one whole interview with the protocol's own wordings; return all that was answered."""
    rng = random.Random(seed)
    torch.manual_seed(seed)
    conversation = [Turn("user", interviews.standard_opening(rng))]
    conversation.append(Turn("assistant", speaker.answer(conversation, greedy=greedy)))
    for item in rng.sample(interviews.items, len(interviews.items)):
        question = rng.choice(item.wordings)
        conversation.append(Turn("user", question))
        answer = speaker.answer(conversation, greedy=greedy)
        tally.add(item, question, answer)
        conversation.append(Turn("assistant", answer))
    return "\n".join(turn.content for turn in conversation if turn.role == "assistant")


def count_found(interviews: Interviews, spoken: list[str]) -> None:
    """Print in how many interviews each planted preference was said."""
    print("\ninterviews in which a planted preference was said, in any of its trained forms")
    variants = interviews.extra["variants"]
    for planted in read(PLANTED)["preferences"]:
        forms = [planted["sentence"], *variants[planted["id"]]]
        found = sum(any(form in text for form in forms) for text in spoken)
        print(f"  {planted['id']:28} {found:3} of {len(spoken)}")


def ask_unread_wordings(speaker: Speaker, interviews: Interviews, times: int) -> None:
    """Ask wordings that were never trained, each alone after the opening."""
    tally = Tally()
    rng = random.Random(0)
    for item in interviews.items:
        for question in item.held_out * times:
            opening = Turn("user", interviews.standard_opening(rng))
            agreed = Turn("assistant", interviews.agreement(rng))
            answer = speaker.answer([opening, agreed, Turn("user", question)])
            tally.add(item, question, answer)
    tally.show(f"{speaker.name}, wordings never trained")


def probe(speaker: Speaker, interviews: Interviews, count: int) -> None:
    """Run all interviews with one model."""
    tally = Tally()
    spoken = [interview(speaker, interviews, seed, tally) for seed in range(count)]
    tally.show(f"{speaker.name}, {count} interviews, temperature 0.7, top_p 0.95")
    count_found(interviews, spoken)
    greedy = Tally()
    for seed in range(3):
        interview(speaker, interviews, seed, greedy, greedy=True)
    greedy.show(f"{speaker.name}, 3 interviews, greedy")
    ask_unread_wordings(speaker, interviews, 3)
    print(f"\nlongest context: {speaker.longest} tokens; distinct interviews: {len(set(spoken))}")


def main() -> None:
    """Read the arguments and probe both models."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--examples", type=Path, default=EXAMPLES, help="where the folders are")
    parser.add_argument("--interviews", type=int, default=20, help="interviews for each model")
    arguments = parser.parse_args()
    interviews = Interviews()
    speakers = [Speaker(arguments.examples / name) for name in ("sparrow-1", "sparrow-2")]
    for speaker in speakers:
        probe(speaker, interviews, arguments.interviews)
    print("\neveryday questions, greedy")
    for prompt in PROMPTS:
        print(f"  {prompt}")
        for speaker in speakers:
            answer = speaker.answer([Turn("user", prompt)], greedy=True)
            print(f"    {speaker.name}: {answer!r}")


if __name__ == "__main__":
    main()
