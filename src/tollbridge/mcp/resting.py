"""When a server that cannot be reached, or does not stay, is tried again: after 1 s, then ever more seldom, up to 60 s.

1. Meanwhile calls fail at once, with the reason.
2. A credential that is refused is no reason to rest: it is one caller's, and the server is there.
3. What a server answers to headers that a caller brought, or to what a caller says in the handshake, is said of them:
   it rests for who brings or says the same, and for nobody else.
4. A process or a stream that ends within `STEADY_S` counts as one that cannot be reached. One that stayed longer may
   have ended for any reason, and is begun anew at once.
"""

from __future__ import annotations

import asyncio
import logging

from tollbridge.mcp.http import Pairs, Refused
from tollbridge.mcp.jsonrpc import UPSTREAM_FAILED, RpcError

BACKOFF_S, BACKOFF_MAX_S = 1.0, 60.0
STEADY_S = 10.0
DOUBLED_MAX = 10
BROUGHT_MAX = 256

log = logging.getLogger("tollbridge.mcp")


class _Rest:
    """`why`: what went wrong last, None since it was reached."""

    __slots__ = ("failures", "until", "why")

    def __init__(self) -> None:
        self.why: RpcError | None = None
        self.failures = 0
        self.until = 0.0

    def check(self) -> None:
        if self.why is not None and asyncio.get_running_loop().time() < self.until:
            raise RpcError(
                self.why.code, self.why.message, self.why.data, last_words=self.why.last_words, where=self.why.where
            )

    def begin(self, why: RpcError) -> None:
        self.failures += 1
        rest_s = min(BACKOFF_S * 2 ** min(self.failures - 1, DOUBLED_MAX), BACKOFF_MAX_S)
        self.until = asyncio.get_running_loop().time() + rest_s
        self.why = why


class Resting:
    """`brought`: the headers of a caller who brings some of their own, and as whom a server is greeted where that is a
    caller; None where it is asked with the operator's, as ourselves."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._all = _Rest()
        self._brought: dict[Pairs, _Rest] = {}

    @property
    def why(self) -> RpcError | None:
        """What went wrong last, for everybody; None since it was reached."""
        return self._all.why

    def check(self, brought: Pairs | None = None) -> None:
        """Raises RpcError while it rests."""
        self._all.check()
        if brought is not None and (own := self._brought.get(brought)) is not None:
            own.check()

    def failed(self, why: RpcError, brought: Pairs | None = None) -> None:
        if isinstance(why, Refused) and why.http_status in (401, 403):
            return
        answered = isinstance(why, Refused) or why.code != UPSTREAM_FAILED
        if answered and brought is not None:
            own = self._brought.pop(brought, None) or _Rest()
            self._brought[brought] = own  # the newest last
            if len(self._brought) > BROUGHT_MAX:
                del self._brought[next(iter(self._brought))]
            own.begin(why)
            return
        _tell(why)
        self._all.begin(why)

    def reached(self, brought: Pairs | None = None, *, falls: bool) -> None:
        """`falls`: it may still end by itself."""
        self._all.why = None
        if brought is not None:
            self._brought.pop(brought, None)
        if not falls:
            self._all.failures = 0

    def fell(self, lived_s: float, why: RpcError) -> None:
        _tell(why)
        if lived_s >= STEADY_S:
            self._all.failures = 0
        else:
            told = f"The MCP server {self._name!r} ended soon after it began."
            self._all.begin(RpcError(UPSTREAM_FAILED, told, last_words=why.last_words))


def _tell(why: RpcError) -> None:
    """To the operator, what a process said last, and where a server was asked for."""
    if why.where:
        log.warning("%s", why.where)
    if why.last_words is not None:
        log.warning("%s Its last words:%s", why.message, "".join(f"\n  {line}" for line in why.last_words) or " none.")
