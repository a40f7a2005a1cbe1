"""ULIDs (https://github.com/ulid/spec, seen 2026-11-25): 26 characters whose order is that of time.

    10 characters   milliseconds since the epoch
    12 characters   random, this maker's own
     4 characters   a count within the millisecond

Each is greater than the one before it, also when the clock steps back: the last millisecond is then kept, and the count
goes on. Two makers differ in 60 random bits; make one in each process, after it forked, and use it on one thread.
"""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Callable

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
LENGTH = 26
_PAIRS = tuple(a + b for a in ALPHABET for b in ALPHABET)
_COUNTS = 1 << 20
_DIGITS = {digit: value for value, digit in enumerate(ALPHABET)}
_MOMENT_MAX_MS = (1 << 48) - 1


class Ulids:
    """`clock`: nanoseconds since the epoch."""

    __slots__ = ("_clock", "_count", "_era", "_head", "_ms", "_own")

    def __init__(self, clock: Callable[[], int] = time.time_ns) -> None:
        self._clock = clock
        self._own = _spelled(secrets.randbits(60), 12)
        self._ms, self._count, self._head, self._era = -1, 0, "", ""

    def next(self) -> str:
        ms = self._clock() // 1_000_000
        count = self._count + 1
        if ms > self._ms:
            self._begin(ms)
            count = 0
        elif count == _COUNTS:
            self._begin(self._ms + 1)
            count = 0
        self._count = count
        return self._head + _PAIRS[count >> 10] + _PAIRS[count & 1023]

    def _begin(self, ms: int) -> None:
        if ms >> 10 != self._ms >> 10:
            self._era = _moment(ms)[:8]
        self._ms = ms
        self._head = self._era + _PAIRS[ms & 1023] + self._own


def at(ulid: str) -> float:
    """Epoch seconds of its milliseconds."""
    ms = 0
    for digit in ulid[:10]:
        ms = ms << 5 | _DIGITS[digit]
    return ms / 1000


def is_ulid(text: str) -> bool:
    return len(text) == LENGTH and text[0] <= "7" and _DIGITS.keys() >= set(text)


def first_at(epoch_s: float) -> str:
    """The least ULID of that moment: ids in a span of time are those from `first_at(start)` to before
    `first_at(end)`."""
    return _moment(min(max(int(epoch_s * 1000), 0), _MOMENT_MAX_MS)) + "0" * 16


def made_of(epoch_s: float, content: bytes) -> str:
    """The one ULID of that moment and content: who makes it again makes the same."""
    number = int.from_bytes(hashlib.blake2b(content, digest_size=10, person=b"tb-ulid").digest(), "big")
    return first_at(epoch_s)[:10] + _spelled(number, 16)


def _moment(ms: int) -> str:
    pairs = _PAIRS
    return pairs[ms >> 40] + pairs[ms >> 30 & 1023] + pairs[ms >> 20 & 1023] + pairs[ms >> 10 & 1023] + pairs[ms & 1023]


def _spelled(number: int, width: int) -> str:
    return "".join(_PAIRS[number >> shift & 1023] for shift in range(5 * width - 10, -1, -10))
