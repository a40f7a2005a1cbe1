"""How much a server is asked at once and in a minute, by all of its callers together.

Counted is what callers ask of it (`COUNTED`), not the lists that are looked at on the way. A refusal takes nothing; it
says when to come again.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from tollbridge.mcp.definition import Definition
from tollbridge.mcp.jsonrpc import TOO_MANY, RpcError
from tollbridge.policy.window import Window

COUNTED = frozenset({"tools/call", "prompts/get", "resources/read", "completion/complete"})
PARALLEL_RETRY_S = 1.0


class Pace:
    """`clock`: monotonic seconds."""

    def __init__(self, definition: Definition, clock: Callable[[], float] = time.monotonic) -> None:
        self._name = definition.name
        self._rpm = definition.rpm
        self._parallel = definition.parallel
        self._clock = clock
        self._window = Window()

    def reserve(self, method: str) -> bool:
        """Whether the request has a place, which is to be released. Raises RpcError."""
        if method not in COUNTED:
            return False
        window, now = self._window, self._clock()
        if now >= window.leaves:
            window.slide(now)
        if self._parallel is not None and window.flying >= self._parallel:
            raise too_many(
                f"The MCP server {self._name!r} takes {self._parallel} calls at once, and has {window.flying}",
                PARALLEL_RETRY_S,
            )
        if self._rpm is not None and window.requests >= self._rpm:
            raise too_many(
                f"The MCP server {self._name!r} takes {self._rpm} calls in a minute, and was asked {window.requests}",
                window.until_requests_leave(window.requests - self._rpm + 1, now),
            )
        window.take(0, now)
        return True

    def release(self) -> None:
        self._window.flying -= 1


def too_many(told: str, retry_after_s: float) -> RpcError:
    wait = round(retry_after_s, 1)
    return RpcError(TOO_MANY, f"{told}; retry after {wait:g} s.", {"retry_after_s": wait}, status=429)
