"""How much of what lasts one key may have under way at once, where it counts against none of the key's limits."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tollbridge.errors import RateLimitError
from tollbridge.policy.principal import Principal

RETRY_S = 1.0


class Turns:
    """`most`: of one key. `what`: how a client is told of them, as in "4 requests of this kind"."""

    def __init__(self, most: int, what: str, code: str) -> None:
        self._most = most
        self._what = what
        self._code = code
        self._taken: dict[str, int] = {}

    @contextmanager
    def one_of(self, principal: Principal | None) -> Iterator[None]:
        """Who has no key of its own has all it wants. Raises RateLimitError."""
        if principal is None or principal.key is None:
            yield
            return
        id, taken = principal.id, self._taken
        if taken.get(id, 0) >= self._most:
            raise RateLimitError(
                f"This key has {self._most} {self._what} under way. Come again when one has ended.",
                code=self._code,
                retry_after_s=RETRY_S,
            )
        taken[id] = taken.get(id, 0) + 1
        try:
            yield
        finally:
            taken[id] -= 1
            if not taken[id]:
                del taken[id]
