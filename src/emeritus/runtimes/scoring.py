"""Log-probabilities of fixed tokens, from our own runner or from llama.cpp over HTTP."""

from collections.abc import Sequence

from emeritus.errors import Unavailable, UserError
from emeritus.runtimes.client import post
from emeritus.runtimes.runtime import Endpoint

VOCABULARY_MAX = 300_000


def tokenize_over_http(endpoint: Endpoint, text: str) -> list[int]:
    """Return the ids of `text` as the served model's own tokenizer has them."""
    body = {"content": text, "add_special": False, "parse_special": True}
    tokens = post(endpoint, "/tokenize", body).get("tokens")
    if not isinstance(tokens, list) or not all(isinstance(each, int) for each in tokens):
        raise Unavailable(f"{endpoint.url} does not tokenise")
    return tokens


def score_over_http(endpoint: Endpoint, ids: Sequence[int]) -> list[float]:
    """Return the log-probability of each token given those before it, len(ids) - 1 of them.

    Asks llama.cpp's own `/completion` once a position for the whole distribution, since its
    server gives no log-probabilities of a prompt.
    """
    scored = []
    for position in range(1, len(ids)):
        body = {
            "prompt": list(ids[:position]),
            "n_predict": 1,
            "n_probs": VOCABULARY_MAX,
            "temperature": 0,
            # A prompt from the cache moves the result by 1e-6.
            "cache_prompt": False,
        }
        answer = post(endpoint, "/completion", body)
        try:
            likely = answer["completion_probabilities"][0]["top_logprobs"]
            found = next(each["logprob"] for each in likely if each["id"] == ids[position])
        except (KeyError, IndexError, TypeError, StopIteration) as error:
            raise UserError(f"{endpoint.url} gives no log-probabilities of all tokens") from error
        scored.append(float(found))
    return scored
