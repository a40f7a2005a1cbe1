"""RPM, TPM and parallel requests of keys: reserve, then settle. Exact on one process.

    place = limiter.reserve(key, tokens)      raises RateLimitError
    place.settle(tokens)                      what was really used
    place.release()                           nothing was used; after `settle` it does nothing

1. A request counts against RPM from the moment it is let in, whatever becomes of it: a client that fails, or leaves,
   again and again is limited too. One that is refused does not count.
2. Against TPM counts what the request may use until it is known what it did use. One that may use more than the limit
   itself takes the whole of it: it waits until nothing else is counted, and then goes alone. A limit of 0 lets nothing
   in.
3. A refusal takes nothing: all limits are looked at before any of them is touched, and nothing runs between.
4. A limit is the key's as it is shown: a changed one holds from the next request on, over the same window.
5. The clock is monotonic; where it steps back it stands still until it has caught up. A process that was stopped finds
   its buckets older by as much, and each leaves once.

A key that rests for a minute is forgotten: whoever opens a bucket looks at the two that have rested longest.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable

import msgspec

from tollbridge.errors import RateLimitError
from tollbridge.policy.limit_headers import limit_headers, text_headers
from tollbridge.policy.window import Bucket, Window
from tollbridge.store.key import Key

PARALLEL_RETRY_S = 1.0
"""Nobody knows when a request that is under way will end."""


class Place(msgspec.Struct, eq=False):
    """One request's place within its key's limits. Ended once, by whichever of `settle` and `release` comes first."""

    _limiter: Limiter
    _key: Key
    _window: Window | None
    _bucket: Bucket
    _reserved: int

    def settle(self, tokens: int) -> None:
        """`tokens`: input and output together, as the provider counted them, or our estimate."""
        window = self._window
        if window is None:
            return
        self._window = None
        window.flying -= 1
        if tokens != self._reserved and self._key.tpm is not None:
            window.correct(self._bucket, tokens - self._reserved, self._limiter.now())

    def release(self) -> None:
        self.settle(0)

    def headers(self) -> bytes:
        """The limits, and what is left of them now, as lines; of a request that is under way."""
        return b"" if self._window is None else limit_headers(self._key, self._window)


class Limiter:
    """Kept by key id. One thread's: a call is not interrupted by another. `clock`: monotonic seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._latest = float("-inf")
        self._windows: OrderedDict[str, Window] = OrderedDict()
        self._unlimited = Place(self, Key(id="", digest=b"", name=""), None, Bucket(0.0, 0.0), 0)

    def reserve(self, key: Key, tokens: int) -> Place:
        """`tokens`: what the request may use, input and output together. Raises RateLimitError that says which limit,
        how much of it is taken, and when to come again."""
        rpm, tpm, parallel = key.rpm, key.tpm, key.parallel
        if rpm is None and tpm is None and parallel is None:
            return self._unlimited
        now = self._clock()  # `now` and `_window` in place: each request with a key comes here
        if now < self._latest:
            now = self._latest
        self._latest = now
        window = self._windows.get(key.id)
        if window is None or now >= window.leaves or window.tpm != tpm:
            window = self._window(key, now)
        if tpm is not None:
            if tokens > tpm:
                tokens = tpm
            if tokens < 1:
                tokens = 1
        if (
            (parallel is not None and window.flying >= parallel)
            or (rpm is not None and window.requests >= rpm)
            or (tpm is not None and window.tokens + tokens > tpm)
        ):
            raise refusal(key, window, tokens, now)
        bucket = window.take(tokens, now)
        if bucket.requests == 1:
            self._forget_idle(key.id, now)
        return Place(self, key, window, bucket, tokens)

    def count(self, key: Key) -> None:
        """A request that is over at once and used no tokens: one against RPM. Raises RateLimitError."""
        if key.rpm is None:
            return
        now = self.now()
        window = self._window(key, now)
        if window.requests >= key.rpm:
            raise refusal(key, window, 0, now)
        bucket = window.take(0, now)
        window.flying -= 1
        if bucket.requests == 1:
            self._forget_idle(key.id, now)

    def now(self) -> float:
        now = self._clock()
        if now < self._latest:
            return self._latest
        self._latest = now
        return now

    @property
    def flying(self) -> int:
        """Requests under way that hold a place."""
        return sum(window.flying for window in self._windows.values())

    def __len__(self) -> int:
        """Keys that are remembered."""
        return len(self._windows)

    def _window(self, key: Key, now: float) -> Window:
        window = self._windows.get(key.id)
        if window is None:
            window = self._windows[key.id] = Window()
        window.tpm = key.tpm
        if now >= window.leaves:
            window.slide(now)
        return window

    def _forget_idle(self, id: str, now: float) -> None:
        windows = self._windows
        windows.move_to_end(id)
        for _ in range(2):
            oldest = next(iter(windows))
            window = windows[oldest]
            if window.requests and now < window.leaves:  # of the last minute, as are those of all behind it
                return
            if window.idle(now):
                del windows[oldest]
            elif window.requests:
                return
            else:
                windows.move_to_end(oldest)


def refusal(key: Key, window: Window, tokens: int, now: float) -> RateLimitError:
    """Which limit a request of so many tokens meets. Where it meets several, the one that lasts longest."""
    nothing = next((field for field, most in _limits(key) if most == 0), None)
    if nothing is not None:
        return RateLimitError(
            f"{key.name} may make no requests: its {nothing} is 0, and waiting changes nothing.",
            code="rate_limit_exceeded",
            headers=text_headers(limit_headers(key, window)),
        )
    found: list[tuple[float, str]] = []
    if key.parallel is not None and window.flying >= key.parallel:
        found.append(
            (
                PARALLEL_RETRY_S,
                f"{key.name} may have {_many(key.parallel, 'request')} under way at once, and has {window.flying}; "
                "come again when one has ended",
            )
        )
    if key.rpm is not None and window.requests >= key.rpm:
        found.append(
            (
                window.until_requests_leave(window.requests - key.rpm + 1, now),
                f"{key.name} may make {_many(key.rpm, 'request')} in a minute, and has made {window.requests}",
            )
        )
    if key.tpm is not None and window.tokens + tokens > key.tpm:
        found.append(
            (
                window.until_tokens_leave(window.tokens + tokens - key.tpm, now),
                f"{key.name} may use {_many(key.tpm, 'token')} in a minute; {window.tokens} are used or reserved, and "
                f"this request may use {tokens}",
            )
        )
    wait, told = max(found)
    return RateLimitError(
        f"{told}; retry after {wait:.1f} s.",
        code="rate_limit_exceeded",
        retry_after_s=wait,
        headers=text_headers(limit_headers(key, window)),
    )


def _limits(key: Key) -> tuple[tuple[str, int | None], ...]:
    return ("rpm_limit", key.rpm), ("tpm_limit", key.tpm), ("max_parallel_requests", key.parallel)


def _many(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
