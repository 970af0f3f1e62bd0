"""What a run may use: tokens, and money by a table of prices that the user gives."""

import dataclasses
import tomllib
from collections.abc import Iterable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, Self

import msgspec

from emeritus.conversation.format import ANSWERED, ERROR
from emeritus.conversation.request import asked_as
from emeritus.conversation.transcript import Transcript
from emeritus.errors import UserError

MILLION: Final = 1_000_000
FORM: Final = """\
currency = "USD"
as_of = "2027-01-01"
source = "where the prices stand"
[models."the name that is sent to the server"]
input = 3.00
output = 15.00
"""


class OverBudget(UserError):
    """What a run may use is used up. Everything said is kept, and a higher limit goes on."""


class Price(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a million tokens cost; what is read from a server's cache costs as much at most."""

    input: Decimal
    output: Decimal


class Prices(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Prices of models, by the name that is sent to the server, with their day and source."""

    currency: str
    as_of: str
    source: str
    models: dict[str, Price]

    def of(self, model: str) -> Price:
        """Return the price of a model. Raises `UserError` when the table has none."""
        if model not in self.models:
            known = ", ".join(sorted(self.models)) or "none"
            raise UserError(
                f"the prices of {model!r} are not known, so its cost cannot be limited; "
                f"the table has: {known}"
            )
        return self.models[model]


def load_prices(path: Path) -> Prices:
    """Read a table of prices. Raises `UserError` when it has another form, and shows the form."""
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"), parse_float=str)
        prices = msgspec.convert(document, Prices, strict=False)
        for price in prices.models.values():
            if min(price.input, price.output) < 0 or not (price.input + price.output).is_finite():
                raise ValueError("a price is below zero or no number")
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}") from error
    except (ValueError, ArithmeticError) as error:
        raise UserError(
            f"{path} is no table of prices: {error}; it looks like this:\n{FORM}"
        ) from error
    return prices


@dataclasses.dataclass(slots=True)
class Budget:
    """What is used and what may be. `max_tokens` and `max_cost` are None where there is no limit.

    Requests that are under way when a limit is reached are still paid for: at most as many as are
    allowed at once.
    """

    max_tokens: int | None = None
    max_cost: Decimal | None = None
    prices: Prices | None = None
    tokens: int = 0
    cost: Decimal = Decimal(0)

    def __post_init__(self) -> None:
        if self.max_cost is not None and self.prices is None:
            raise UserError("to limit the cost, name a table of prices with --prices FILE")

    @classmethod
    def after(
        cls,
        earlier: Iterable[Transcript],
        max_tokens: int | None = None,
        max_cost: Decimal | None = None,
        prices: Prices | None = None,
    ) -> Self:
        """Return a budget of which `earlier` conversations used their part already."""
        budget = cls(max_tokens, max_cost, prices)
        for transcript in earlier:
            budget.count_all(transcript)
        return budget

    def count_all(self, transcript: Transcript) -> None:
        """Count everything that a conversation used."""
        asked = asked_as(transcript.header)
        for turn in transcript.turns:
            if turn.author is not None:
                self.count(turn.author.name, turn.author.usage)
            if turn.role == ANSWERED and turn.outcome != ERROR:
                self.count(asked, turn.usage or {})

    def count(self, model: str, usage: Mapping[str, int]) -> None:
        """Count one answer. Raises `UserError` when a limit cannot be kept with what is known."""
        read, written = usage.get("prompt_tokens"), usage.get("completion_tokens")
        if read is None or written is None:
            if self.limited:
                raise UserError(
                    f"the server of {model!r} does not say how many tokens an answer took, so no "
                    "limit can be kept; what was said is kept: run the command without a limit"
                )
            return
        self.tokens += read + written
        if self.prices is not None and (self.max_cost is not None or model in self.prices.models):
            price = self.prices.of(model)
            self.cost += (read * price.input + written * price.output) / MILLION

    @property
    def limited(self) -> bool:
        """Whether there is a limit at all."""
        return self.max_tokens is not None or self.max_cost is not None

    def require_left(self, model: str) -> None:
        """Raise `OverBudget` when nothing more may be asked, `UserError` for an unknown price."""
        if self.max_cost is not None and self.prices is not None:
            self.prices.of(model)
            if self.cost >= self.max_cost:
                used = f"{self.cost:.4f} of {self.max_cost} {self.prices.currency}"
                raise _spent(used, "--max-cost")
        if self.max_tokens is not None and self.tokens >= self.max_tokens:
            raise _spent(f"{self.tokens} of {self.max_tokens} tokens", "--max-tokens-total")

    def as_document(self) -> dict[str, Any]:
        """Return what was used, for programs."""
        cost = None if self.prices is None else str(self.cost)
        return {"tokens": self.tokens, "cost": cost}


def _spent(used: str, option: str) -> OverBudget:
    """Say that it is used up. `used` lacks the answers that are still under way."""
    return OverBudget(
        f"the budget is used up: at least {used}; what was said is kept: "
        f"run the same command with a higher {option} to go on"
    )
