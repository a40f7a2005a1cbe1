"""Bearer tokens that run out: one is fetched at a time, in a thread, whoever waits for it and on whatever loop.

A token that still holds is used while the next one is fetched, so that renewing one delays nobody. A fetch that failed
is tried again by whoever comes next.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Protocol

from tollbridge.secret import Secret

RENEW_S = 300.0
"""Before its end, a token is renewed in the background."""
LEAST_S = 15.0
"""With less than that left, a token is none: the request has a way to go."""


class Token(Protocol):
    @property
    def text(self) -> Secret: ...
    @property
    def expires_at(self) -> float: ...


class Tokens:
    """`fetch` blocks, and raises APIError."""

    def __init__(self, fetch: Callable[[], Token], clock: Callable[[], float] = time.time) -> None:
        self._fetch = fetch
        self._clock = clock
        self._lock = threading.Lock()
        self._held: Token | None = None
        self._under_way: Future[Token] | None = None

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must not be shown to anybody."""
        return () if self._held is None else (self._held.text.reveal(),)

    async def bearer(self) -> str:
        """The value of `authorization`. Raises what `fetch` raises."""
        held, now = self._held, self._clock()
        if held is None or held.expires_at - now < LEAST_S:
            held = await asyncio.shield(asyncio.wrap_future(self._fetching()))
        elif held.expires_at - now < RENEW_S:
            self._fetching()
        return f"Bearer {held.text.reveal()}"

    def _fetching(self) -> Future[Token]:
        """The fetch that is under way, begun where there is none."""
        with self._lock:
            if self._under_way is None:
                self._under_way = Future()
                threading.Thread(target=self._run, args=(self._under_way,), name="token", daemon=True).start()
            return self._under_way

    def _run(self, future: Future[Token]) -> None:
        try:
            token = self._fetch()
        except BaseException as error:  # noqa: BLE001 told to whoever waits; nobody else would hear of it
            self._over()
            future.set_exception(error)
            return
        self._held = token
        self._over()
        future.set_result(token)

    def _over(self) -> None:
        with self._lock:
            self._under_way = None
