"""Byte-level BPE from `tokenizer.json` with the standard library alone.

Source: Radford et al. 2019 (GPT-2), `encoder.py`; the pre-tokenisation is its regular expression,
written with the classes that Python's `re` has.
"""

import functools
import itertools
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from emeritus.errors import UserError

_WORDS = re.compile(r"'s|'t|'re|'ve|'m|'ll|'d| ?[^\W\d_]+| ?\d+| ?(?:[^\s\w]|_)+|\s+(?!\S)|\s+")
WORDS_CACHED = 65_536


def _byte_characters() -> dict[int, str]:
    """Map each byte to the printable character that stands for it in a vocabulary."""
    shown = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    hidden = [byte for byte in range(256) if byte not in shown]
    table = {byte: chr(byte) for byte in shown}
    return table | {byte: chr(256 + rank) for rank, byte in enumerate(hidden)}


_CHARACTER = _byte_characters()
_BYTE = {character: byte for byte, character in _CHARACTER.items()}


class Tokenizer:
    """Turns text into token ids and back. Law: `decode(encode(text)) == text` for any text."""

    def __init__(self, document: dict[str, Any]) -> None:
        """`document` is a parsed `tokenizer.json`. Raises `UserError` for another kind of one."""
        model = document.get("model", {})
        if model.get("type") != "BPE" or model.get("byte_fallback"):
            raise UserError(f"the tokenizer is {model.get('type')!r}; ours is byte-level BPE")
        pre = document.get("pre_tokenizer") or {}
        if pre.get("type") != "ByteLevel" or pre.get("add_prefix_space"):
            raise UserError("the tokenizer splits text in a way that ours does not know")
        self._ids: dict[str, int] = model["vocab"]
        pairs = (m.split(" ") if isinstance(m, str) else m for m in model["merges"])
        self._ranks = {(left, right): rank for rank, (left, right) in enumerate(pairs)}
        self.special = {each["content"]: each["id"] for each in document.get("added_tokens", [])}
        self._tokens = {number: token for token, number in self._ids.items()}
        self._special_ids = {number: token for token, number in self.special.items()}
        longest_first = sorted(self.special, key=len, reverse=True)
        self._split = re.compile("(" + "|".join(map(re.escape, longest_first)) + ")")
        self._word = functools.lru_cache(WORDS_CACHED)(self._merge)

    @classmethod
    def load(cls, folder: Path) -> "Tokenizer":
        """Read the tokenizer of a model folder. Raises `UserError` when it cannot be used."""
        path = folder / "tokenizer.json"
        try:
            return cls(json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise UserError(f"{path} cannot be used: {error}") from error

    def encode(self, text: str, *, special: bool = True) -> list[int]:
        """Return the ids of `text`; special tokens in it count as such only with `special`."""
        ids: list[int] = []
        parts = self._split.split(text) if special and self.special else [text]
        for part in parts:
            if special and part in self.special:
                ids.append(self.special[part])
                continue
            for word in _WORDS.findall(part):
                ids += self._word(word)
        return ids

    def decode(self, ids: Sequence[int], *, special: bool = False) -> str:
        """Return the text of `ids`; special tokens are left out unless asked for."""
        data = bytearray()
        for number in ids:
            if number in self._special_ids:
                data += self._special_ids[number].encode() if special else b""
            else:
                data += bytes(_BYTE[character] for character in self._tokens[number])
        return data.decode("utf-8", "replace")

    def _merge(self, word: str) -> tuple[int, ...]:
        pieces = [_CHARACTER[byte] for byte in word.encode("utf-8", "surrogatepass")]
        while len(pieces) > 1:
            pairs = itertools.pairwise(pieces)
            rank, at = min(
                (self._ranks.get(pair, len(self._ranks)), at) for at, pair in enumerate(pairs)
            )
            if rank == len(self._ranks):
                break
            pieces[at : at + 2] = [pieces[at] + pieces[at + 1]]
        return tuple(self._ids[piece] for piece in pieces)
