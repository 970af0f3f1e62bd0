"""What a command may use: tokens, money by a table of prices, and time for an answer."""

import dataclasses
from collections.abc import Callable, Iterable
from decimal import Decimal
from pathlib import Path

from emeritus.conversation import Budget, Patience, Transcript, load_prices
from emeritus.runtimes.client import TIMEOUT_SECONDS


@dataclasses.dataclass(frozen=True, slots=True)
class Limits:
    """What may be used over all runs of a command; `prices` is a table for `max_cost`.

    `timeout` is how many seconds one request may wait for its answer.
    """

    max_tokens: int | None = None
    max_cost: Decimal | None = None
    prices: Path | None = None
    timeout: float = TIMEOUT_SECONDS

    @property
    def patience(self) -> Patience:
        """How patiently requests are sent."""
        return Patience(timeout=self.timeout)

    def budget(self, earlier: Callable[[], Iterable[Transcript]] = tuple) -> Budget:
        """Return the budget, less what `earlier` conversations used.

        They are read only where there is a limit. Raises `UserError` for a table that is none.
        """
        prices = load_prices(self.prices) if self.prices else None
        if self.max_tokens is None and self.max_cost is None:
            return Budget(prices=prices)
        return Budget.after(earlier(), self.max_tokens, self.max_cost, prices)
