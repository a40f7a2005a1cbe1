"""What a key may still use: its limits and its budget, taken together for one request and given back once."""

from __future__ import annotations

from collections.abc import Sequence

from tollbridge.calls.ask import Ask
from tollbridge.calls.deployment import Deployment
from tollbridge.ledger.book import Book, Hold
from tollbridge.observe import Record
from tollbridge.policy.limits import Limiter, Place
from tollbridge.server.inbound import Headers
from tollbridge.server.worst_case import worst_case
from tollbridge.store.key import Key


class Held:
    """Of one request under way. What it really used is told once, when its last bytes are out."""

    __slots__ = ("_hold", "_place")

    def __init__(self, place: Place, hold: Hold) -> None:
        self._place = place
        self._hold = hold

    def settle(self, record: Record) -> None:
        """An answer that came to nothing costs nothing, but counts as a request."""
        tokens = record.tokens
        self._place.settle(0 if tokens is None else tokens["input"] + tokens["output"])
        self._hold.settle(0 if tokens is None else record.cost_nanousd)

    def headers(self) -> Headers:
        return self._place.headers()


class Allowance:
    def __init__(self, limiter: Limiter, book: Book) -> None:
        self._limiter = limiter
        self._book = book

    def hold(self, key: Key, ask: Ask, members: Sequence[Deployment]) -> Held:
        """Raises RateLimitError and BudgetExceededError; then nothing is held."""
        worst = worst_case(ask, members, priced=key.max_budget_nanousd is not None, counted=key.tpm is not None)
        place = self._limiter.reserve(key, worst.tokens)
        try:
            hold = self._book.reserve(key, worst.nanousd)
        except BaseException:
            place.release()
            raise
        return Held(place, hold)
