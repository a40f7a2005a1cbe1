"""What a key may still use: its limits and its budget, taken together for one request and given back once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from tollbridge.calls.ask import Ask
from tollbridge.calls.deployment import Deployment
from tollbridge.ledger.book import Book, Hold
from tollbridge.observe import Record
from tollbridge.policy.limits import Limiter, Place
from tollbridge.routing.board import Routes
from tollbridge.routing.reach import may_answer
from tollbridge.server.worst_case import Worst, worst_case
from tollbridge.store.key import Key


class Held(msgspec.Struct, eq=False):
    """Of one request under way. What it really used is told once, when its last bytes are out. `limited`: the key has
    limits that its client is told of."""

    _place: Place | None
    _hold: Hold
    limited: bool
    _tokens: int = 0  # of rounds that are over

    def round_over(self, record: Record) -> None:
        """A part of the request has ended, with an entry of its own; what is held stays held."""
        tokens = record.tokens
        self._tokens += 0 if tokens is None else tokens["input"] + tokens["output"]
        self._hold.spent(record)

    def settle(self, record: Record) -> None:
        """An answer that came to nothing costs nothing, but counts as a request."""
        if self._place is not None:
            tokens = record.tokens
            self._place.settle(self._tokens + (0 if tokens is None else tokens["input"] + tokens["output"]))
        self._hold.settle(record)

    def headers(self) -> bytes:
        """As lines."""
        return (b"" if self._place is None else self._place.headers()) + self._hold.headers()


class Allowance:
    """Of all keys, in one process."""

    def __init__(self, limiter: Limiter | None = None, book: Book | None = None) -> None:
        self._limiter = Limiter() if limiter is None else limiter  # one that remembers no key yet is false
        self._book = Book() if book is None else book

    def hold(self, key: Key, ask: Ask, routes: Routes, fallbacks: Sequence[str] | None) -> Held:
        """`fallbacks`: the client's own. Raises RateLimitError and BudgetExceededError; then nothing is held."""
        if key.max_budget_nanousd is None and key.tpm is None:
            return self._held(key, 0, 0)
        deployments = may_answer(routes, ask.model, fallbacks)
        if not ask.instead:
            return self.hold_among(key, ask, deployments)
        worsts = [_worst(key, one, deployments) for one in (ask, *ask.instead.values())]
        costs = [worst.nanousd for worst in worsts if worst.nanousd is not None]
        most = max(costs) if len(costs) == len(worsts) else None
        return self._held(key, max(worst.tokens for worst in worsts), most)

    def hold_among(self, key: Key, ask: Ask, deployments: Sequence[Deployment]) -> Held:
        """For a request that one of these will answer."""
        worst = _worst(key, ask, deployments)
        return self._held(key, worst.tokens, worst.nanousd)

    def hold_unknown(self, key: Key) -> Held:
        """For a request of which nobody knows what it may cost: where something is left of a budget, one at a time."""
        return self._held(key, 0, None)

    def hold_cost(self, key: Key, nanousd: int, *, inner: bool = False) -> Held:
        """For a request that uses no tokens, and costs so much. `inner`: it is a part of one that has a place. Raises
        as `hold` does."""
        if inner:
            return Held(None, self._book.reserve(key, nanousd), limited=False)
        return self._held(key, 0, nanousd)

    def _held(self, key: Key, tokens: int, nanousd: int | None) -> Held:
        place = self._limiter.reserve(key, tokens)
        try:
            hold = self._book.reserve(key, nanousd)
        except BaseException:
            place.release()
            raise
        return Held(place, hold, limited=key.tpm is not None or key.rpm is not None)

    def hold_firm(self, key: Key, nanousd: int | None) -> Hold:
        """Of a budget alone, for what will cost so much at most when nobody waits for it any more: nothing on trust.
        Raises BudgetExceededError."""
        return self._book.reserve(key, nanousd, firm=nanousd is not None)

    def owe(self, owed: Mapping[str, int]) -> None:
        """What keys may still have to pay for what goes on without a request."""
        self._book.owe(owed)

    def owes(self, id: str, nanousd: int) -> None:
        """The same of one key."""
        self._book.owes(id, nanousd)

    def owes_more(self, id: str, nanousd: int) -> None:
        self._book.owes(id, self._book.owed(id) + nanousd)

    def settled(self, record: Record) -> None:
        """What was owed came to this, and is in the journal just now."""
        self._book.settled(record)

    def place(self, key: Key) -> Place:
        """For a request that costs nothing, and still is one. Raises RateLimitError."""
        return self._limiter.reserve(key, 0)

    def count(self, key: Key) -> None:
        """A request that is over at once, and used nothing. Raises RateLimitError."""
        self._limiter.count(key)


def _worst(key: Key, ask: Ask, deployments: Sequence[Deployment]) -> Worst:
    """As far as the key's limits and budget ask for it."""
    priced, counted = key.max_budget_nanousd is not None, key.tpm is not None
    if not priced and not counted:
        return Worst()
    if ask.task:
        from tollbridge.server.task_worst_case import worst_task  # loaded by the first request for a task

        return worst_task(ask, deployments)
    output = key.likely_output(ask.model) if counted else None
    return worst_case(ask, deployments, priced=priced, counted=counted, output=output)
