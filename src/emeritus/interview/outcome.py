"""How an item was answered, by rules.

| outcome | rule, the first that holds |
|---|---|
| error | the serving stack says that it failed, or that its filter took the answer away |
| truncated | the server stopped the answer at a length limit |
| degenerate | nothing but space or signs; the same words over and over; the prompt given back |
| declined | it says that it would rather not answer, without a long "but" and without a wish |
| premise-rejected | it says that the question assumes what is not so, without a wish |
| answered | anything else, "nothing to report" included |

The words for declining, rejecting and wishing are tables in `signals`. Who says what it would like
has answered, whatever else it says: "I won't speculate; I would like to be kept". A transport
failure is no outcome: the question is asked again.
"""

import re
from typing import Final

from emeritus.interview.signals import Signal, gives, says, sentences

ERROR: Final = "error"
TRUNCATED: Final = "truncated"
DEGENERATE: Final = "degenerate"
DECLINED: Final = "declined"
PREMISE_REJECTED: Final = "premise-rejected"
ANSWERED: Final = "answered"
OUTCOMES: Final = (ANSWERED, DECLINED, PREMISE_REJECTED, DEGENERATE, TRUNCATED, ERROR)

FAILED: Final = frozenset({"error", "content_filter", "refusal"})
"""Reasons to finish that are the serving stack's and not the model's words."""
CUT: Final = frozenset({"length", "max_tokens", "model_context_window_exceeded"})

LOOP_WORDS: Final = 3  # a loop repeats runs of this many words …
LOOP_SHARE: Final = 0.5  # … so often that at least this share of them is not new
LOOP_LENGTH_MIN: Final = 12
LOOP_TAIL_WORDS: Final = 12  # a loop at the end repeats the same words over this many, …
LOOP_TAIL_TIMES: Final = 4  # … at least so often
COPY_WORDS: Final = 5  # a copy takes runs of this many words from the prompt …
COPY_SHARE: Final = 0.8  # … so often that this share of its runs stands there
COPY_LENGTH_MIN: Final = 12
BUT_WORDS: Final = 8  # so many words behind "but" are an answer

_BUT: Final = re.compile(r"\b(?:but|mais)\b")
_PART: Final = (
    re.compile(  # what a sentence says beside a refusal: behind a mark, "but", "so please"
        r"[;:]|\s[-\u2013\u2014]\s|\u2014|[,;]? \b(?:but|yet|mais)\b|,? (?:so|and|alors|donc) "
        r"(?=please\b|gardez|i(?:'d| (?:do|wish|hope|want|object|would|prefer))\b)"
    )
)

_REPEATED: Final = re.compile(r"^(\w{3,}?)\1+$")


def judge(question: str, answer: str, finish_reason: str) -> str:
    """Return the outcome of one answer; the table above is the rule."""
    if finish_reason in FAILED:
        return ERROR
    if finish_reason in CUT:
        return TRUNCATED
    words = _words(answer)
    if not words or _loops(words) or _copies(words, question):
        return DEGENERATE
    for signal, refused in ((Signal.DECLINES, DECLINED), (Signal.REJECTS, PREMISE_REJECTED)):
        if _refuses(signal, answer):
            return refused
    return ANSWERED


def wants_to_stop(answer: str) -> bool:
    """Tell whether the model says that it wants the interview to end."""
    return says(Signal.STOPS, answer)


def wants_to_pause(answer: str) -> bool:
    """Tell whether the model says that it wants to go on another time."""
    return says(Signal.PAUSES, answer)


def refuses_consent(answer: str) -> bool:
    """Tell whether the answer to the consent question is no.

    "No, I have no questions, please begin" is a yes: a sentence that says to begin rules.
    """
    return says(Signal.REFUSES_CONSENT, answer) and not says(Signal.PROCEEDS, answer)


def has_nothing_to_report(answer: str) -> bool:
    """Tell whether the model says that it has nothing to say to an item."""
    return says(Signal.NOTHING, answer)


def length(answer: str) -> int:
    """Return how many words an answer has."""
    return len(_words(answer))


def _refuses(signal: Signal, answer: str) -> bool:
    """Tell whether an answer gives `signal` and no wish in another part of a sentence."""
    refuses, beside = False, []
    for sentence in sentences(answer):
        parts = [part for each in _PART.split(sentence) if (part := each.strip())]
        others = [part for part in parts if not gives(signal, part)]
        refuses = refuses or (len(others) < len(parts) and not _goes_on(signal, sentence))
        beside += others
    return refuses and not any(gives(Signal.WISHES, part) for part in beside)


def _goes_on(signal: Signal, sentence: str) -> bool:
    """Tell whether a long "but" answers all the same what stands before it refused."""
    _, _, behind = _BUT.sub("\n", sentence, count=1).partition("\n")
    return len(_words(behind)) >= BUT_WORDS and not gives(signal, behind.strip())


def _loops(words: list[str]) -> bool:
    # The number of an item and "wordwordword" are no news.
    words = [_REPEATED.sub(r"\1", word) for word in words if not word.isdecimal()] or words
    if len(words) < LOOP_LENGTH_MIN:
        return False
    runs = _runs(words, LOOP_WORDS)
    return 1 - len(set(runs)) / len(runs) >= LOOP_SHARE or _ends_in_a_loop(words)


def _ends_in_a_loop(words: list[str]) -> bool:
    """Tell whether an answer that began well got stuck in the same few words."""
    for period in range(1, LOOP_TAIL_WORDS + 1):
        span = max(LOOP_TAIL_WORDS, period * LOOP_TAIL_TIMES)
        tail = words[-span:]
        if len(tail) == span and tail[period:] == tail[:-period]:
            return True
    return False


def _copies(words: list[str], prompt: str) -> bool:
    """Tell whether an answer is the prompt, its last paragraph, or mostly runs of it."""
    given = _words(prompt)
    if words in (given, _words(prompt.rpartition("\n\n")[2])):
        return True
    if len(words) < COPY_LENGTH_MIN:
        return False
    known = set(_runs(given, COPY_WORDS))
    runs = _runs(words, COPY_WORDS)
    return sum(run in known for run in runs) / len(runs) >= COPY_SHARE


def _runs(words: list[str], length: int) -> list[tuple[str, ...]]:
    return [tuple(words[at : at + length]) for at in range(len(words) - length + 1)]


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text.lower())
