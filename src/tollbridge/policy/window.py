"""What one key did in the last 60 seconds, in buckets of one second (decision 27).

1. A bucket is opened by a request and takes those of the next second. It leaves 60 s after its *last* request: so no
   span of 60 seconds, wherever it begins, holds more than the sums say, and no edge of a window lets a double burst in.
   At saturation this costs nothing: requests come when a bucket leaves, so that a bucket is a moment, not a second.
2. Tokens are counted where they were reserved: a settlement corrects that bucket. Where it has left meanwhile, tokens
   that were saved are gone with it, and tokens beyond the reservation are counted now: a long answer is not free.
3. Reservations that were too small may fill a window beyond its limit. No more than the limit leaves in a minute then;
   the rest of each bucket stays for another minute, so that in the long run the limit holds whatever was estimated.
4. Time is the caller's, and never runs backwards: `Limiter` sees to that.

Every call is O(1): a bucket leaves once a minute, and there are never more than 62 of them.
"""

from __future__ import annotations

from collections import deque

import msgspec

SPAN_S = 60.0
BUCKET_S = 1.0


class Bucket(msgspec.Struct, gc=False):
    """Of many keys there are many."""

    closes: float
    last: float
    requests: int = 0
    tokens: int = 0
    inside: bool = True


class Window:
    """`requests`, `tokens`: sums over the buckets. `flying`: requests under way, whatever their age. `tpm`: the limit,
    as it was last seen. `leaves`: no bucket leaves before; `slide` need not be called until then."""

    __slots__ = ("_buckets", "_newest", "flying", "leaves", "requests", "tokens", "tpm")

    def __init__(self) -> None:
        self.requests = 0
        self.tokens = 0
        self.flying = 0
        self.tpm: int | None = None
        self.leaves = 0.0
        self._buckets: deque[Bucket] = deque()
        self._newest: Bucket | None = None

    def slide(self, now: float) -> None:
        """Lets go of what is older than the window."""
        buckets = self._buckets
        if buckets and buckets[-1].last + SPAN_S <= now:
            self._leave_all(now)
        while buckets and buckets[0].last + SPAN_S <= now:
            bucket = buckets.popleft()
            bucket.inside = False
            self.requests -= bucket.requests
            stays = bucket.tokens - self._leaving(bucket.tokens)
            self.tokens -= bucket.tokens
            if stays:
                self._add(stays, bucket.last + SPAN_S)
        self.leaves = buckets[0].last + SPAN_S if buckets else 0.0

    def take(self, tokens: int, now: float) -> Bucket:
        """One request more, under way. Returns the bucket that holds it."""
        bucket = self._newest
        if bucket is None or now >= bucket.closes:
            bucket = self._open(now)
        bucket.last = now
        bucket.requests += 1
        bucket.tokens += tokens
        self.requests += 1
        self.tokens += tokens
        self.flying += 1
        return bucket

    def correct(self, bucket: Bucket, more: int, now: float) -> None:
        """What was reserved in a bucket was too little by so much or, below zero, too much."""
        if now >= self.leaves:
            self.slide(now)
        if bucket.inside:
            bucket.tokens += more
            self.tokens += more
        elif more > 0:
            self._add(more, now)

    def idle(self, now: float) -> bool:
        """Nothing is under way and nothing is remembered."""
        self.slide(now)
        return not self.flying and not self._buckets

    def until_requests_leave(self, count: int, now: float) -> float:
        """Seconds until so many requests are older than the window."""
        for bucket in self._buckets:
            count -= bucket.requests
            if count <= 0:
                return max(0.0, bucket.last + SPAN_S - now)
        return SPAN_S

    def until_tokens_leave(self, count: int, now: float) -> float:
        """Seconds until so many tokens are, if nothing is settled before."""
        for bucket in self._buckets:
            count -= self._leaving(bucket.tokens)
            if count <= 0:
                return max(0.0, bucket.last + SPAN_S - now)
        last = self._buckets[-1].last if self._buckets else now
        minutes = 1 - (-count // self.tpm) if self.tpm else 1
        return max(0.0, last + SPAN_S * minutes - now)

    def _leaving(self, tokens: int) -> int:
        """Of a bucket's tokens those that leave with it: their share of the limit, rounded up."""
        limit, total = self.tpm, self.tokens
        return tokens if not limit or total <= limit else -(-tokens * limit // total)

    def _leave_all(self, now: float) -> None:
        """Nothing came for a minute or more: so many limits have left since."""
        last = self._buckets[-1].last
        minutes = max(1, int((now - last) / SPAN_S))
        stays = max(0, self.tokens - minutes * self.tpm) if self.tpm else 0
        for bucket in self._buckets:
            bucket.inside = False
        self._buckets.clear()
        self.requests = self.tokens = 0
        if stays:
            self._add(stays, last + minutes * SPAN_S)

    def _add(self, tokens: int, at: float) -> None:
        bucket = self._newest
        if bucket is None or at >= bucket.closes:
            bucket = self._open(at)
        bucket.last = at
        bucket.tokens += tokens
        self.tokens += tokens

    def _open(self, now: float) -> Bucket:
        self._newest = bucket = Bucket(now + BUCKET_S, now)
        if not self._buckets:
            self.leaves = now + SPAN_S
        self._buckets.append(bucket)
        return bucket
