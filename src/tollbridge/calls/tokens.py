"""Credentials that run out: one is fetched at a time, in a thread, whoever waits for it and on whatever loop.

One that still holds is used while the next one is fetched, so that renewing it delays nobody. A fetch that failed is
tried again by whoever comes next. `Tokens` are bearer tokens; `signing.Signatures` has keys that sign each request.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Generic, Protocol, TypeVar

import msgspec

from tollbridge.secret import Secret
from tollbridge.transport.base import Outgoing

RENEW_S = 300.0
"""Before its end, a token is renewed in the background."""
LEAST_S = 15.0
"""With less than that left, a token is none: the request has a way to go."""


class Credential(Protocol):
    """`secrets`: what of it must not be shown to anybody now."""

    @property
    def secrets(self) -> tuple[str, ...]: ...
    async def shown(self, request: Outgoing) -> Outgoing:
        """The request with it. Raises APIError where there is none."""


class Ending(Protocol):
    """`expires_at`: epoch seconds."""

    @property
    def expires_at(self) -> float: ...


T = TypeVar("T", bound=Ending)


class Renewed(Generic[T]):
    """`fetch` blocks, and raises APIError."""

    def __init__(self, fetch: Callable[[], T], clock: Callable[[], float] = time.time) -> None:
        self._fetch = fetch
        self._clock = clock
        self._lock = threading.Lock()
        self._held: T | None = None
        self._under_way: Future[T] | None = None

    @property
    def held(self) -> T | None:
        return self._held

    async def current(self) -> T:
        """One that holds. Raises what `fetch` raises."""
        held, now = self._held, self._clock()
        if held is None or held.expires_at - now < LEAST_S:
            held = await asyncio.shield(asyncio.wrap_future(self._fetching()))
        elif held.expires_at - now < RENEW_S:
            self._fetching()
        return held

    def _fetching(self) -> Future[T]:
        """The fetch that is under way, begun where there is none."""
        with self._lock:
            if self._under_way is None:
                self._under_way = Future()
                threading.Thread(target=self._run, args=(self._under_way,), name="token", daemon=True).start()
            return self._under_way

    def _run(self, future: Future[T]) -> None:
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


class Token(Protocol):
    @property
    def text(self) -> Secret: ...
    @property
    def expires_at(self) -> float: ...


class Tokens:
    """Bearer tokens. `fetch` blocks, and raises APIError."""

    def __init__(self, fetch: Callable[[], Token], clock: Callable[[], float] = time.time) -> None:
        self._tokens = Renewed(fetch, clock)

    @property
    def secrets(self) -> tuple[str, ...]:
        held = self._tokens.held
        return () if held is None else (held.text.reveal(),)

    async def bearer(self) -> str:
        """The value of `authorization`. Raises what `fetch` raises."""
        return f"Bearer {(await self._tokens.current()).text.reveal()}"

    async def shown(self, request: Outgoing) -> Outgoing:
        headers = (*request.headers, ("authorization", await self.bearer()))
        return msgspec.structs.replace(request, headers=headers, head=b"")
