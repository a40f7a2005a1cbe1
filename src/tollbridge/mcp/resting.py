"""When a server that cannot be reached, or does not stay, is tried again: after 1 s, then ever more seldom, up to 60 s.

1. Meanwhile calls fail at once, with the reason.
2. A credential that is refused is no reason to rest: it is one caller's, and the server is there.
3. A process or a stream that ends within `STEADY_S` counts as one that cannot be reached. One that stayed longer may
   have ended for any reason, and is begun anew at once.
"""

from __future__ import annotations

import asyncio
import logging

from tollbridge.mcp.http import Refused
from tollbridge.mcp.jsonrpc import UPSTREAM_FAILED, RpcError

BACKOFF_S, BACKOFF_MAX_S = 1.0, 60.0
STEADY_S = 10.0
DOUBLED_MAX = 10


log = logging.getLogger("tollbridge.mcp")


class Resting:
    """`why`: what went wrong last, None since it was reached."""

    def __init__(self, name: str) -> None:
        self.why: RpcError | None = None
        self._name = name
        self._failures = 0
        self._until = 0.0

    def check(self) -> None:
        """Raises RpcError while it rests."""
        if self.why is not None and asyncio.get_running_loop().time() < self._until:
            raise RpcError(self.why.code, self.why.message, self.why.data, last_words=self.why.last_words)

    def failed(self, why: RpcError) -> None:
        if isinstance(why, Refused) and why.http_status in (401, 403):
            return
        _tell(why)
        self._rest(why)

    def _rest(self, why: RpcError) -> None:
        self._failures += 1
        rest_s = min(BACKOFF_S * 2 ** min(self._failures - 1, DOUBLED_MAX), BACKOFF_MAX_S)
        self._until = asyncio.get_running_loop().time() + rest_s
        self.why = why

    def reached(self, *, falls: bool) -> None:
        """`falls`: it may still end by itself."""
        self.why = None
        if not falls:
            self._failures = 0

    def fell(self, lived_s: float, why: RpcError) -> None:
        _tell(why)
        if lived_s >= STEADY_S:
            self._failures = 0
        else:
            told = f"The MCP server {self._name!r} ended soon after it began."
            self._rest(RpcError(UPSTREAM_FAILED, told, last_words=why.last_words))


def _tell(why: RpcError) -> None:
    """To the operator, what a process said last."""
    if why.last_words is not None:
        log.warning("%s Its last words:%s", why.message, "".join(f"\n  {line}" for line in why.last_words) or " none.")
