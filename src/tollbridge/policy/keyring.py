"""Keys in memory, so that the database stands in no request's way.

1. A key that is here is found without waiting: one HMAC, one look into a dict, one comparison in constant time. An
   unknown key costs the same before it costs more.
2. What cannot be a key (another form, a wrong checksum) never reaches the store. What could be one reaches it as a
   digest of 32 bytes, once at a time, at most `ASKING_MAX` at once; that it is none is remembered. The id in a text
   made here is its form, and finds nothing: a key keeps its id when another text takes the place of its former one.
3. Block and expiry are looked at on each use. A change in this process is told by `forget`, a change in another by the
   store's list of changes, which `follow` reads twice a second.
4. A lookup that was under way when something changed may have read the old row: it is done again. So is one during
   which spend was counted into rows (`Counting`): what a row says of it must be of one moment with what memory knows.
5. While the store is away, keys that are here stay good for `grace_s` after the last word from it. Keys that are not
   here are answered with 503: that they are unknown would be a guess.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from types import MappingProxyType
from typing import Protocol

from tollbridge.errors import AuthenticationError, ServiceUnavailableError, StoreUnavailable
from tollbridge.policy.access import Access, Groups
from tollbridge.policy.minting import ACCESS_PREFIX, could_be_custom, digest_of, public_id
from tollbridge.policy.principal import Principal
from tollbridge.store.following import follow
from tollbridge.store.key import Key
from tollbridge.store.keys import KeyStore

CAPACITY = 20_000
GRACE_S = 600.0
NEGATIVE_MAX = 20_000
NEGATIVE_S = 30.0
ASKING_MAX = 64
LOOKUPS_MAX = 3

_NOBODY = bytes(32)
_log = logging.getLogger("tollbridge.keys")


class Counting(Protocol):
    """Whoever counts spend into the rows of keys while this process looks: `ledger.folding.Folding`."""

    async def rest(self) -> int: ...
    def rested_since(self, mark: int) -> bool: ...
    @property
    def stuck(self) -> bool: ...


class Nobody:
    async def rest(self) -> int:
        return 0

    def rested_since(self, mark: int) -> bool:
        return True

    @property
    def stuck(self) -> bool:
        return False


class Held:
    """A key in memory. `read_at`: on the monotonic clock."""

    __slots__ = ("digest", "key", "principal", "read_at")

    def __init__(self, key: Key, read_at: float, groups: Groups) -> None:
        self.key = key
        self.digest = key.digest
        self.principal = Principal(key.id, key=key, access=Access(key.models, key.aliases, groups))
        self.read_at = read_at


class Keyring:
    """`asked`: how often the store was asked for a key. `groups`: access groups of models. `read` is told of each that
    comes into memory with a spend that is to be believed. Used from one event loop."""

    def __init__(
        self,
        store: KeyStore,
        pepper: bytes,
        *,
        capacity: int = CAPACITY,
        grace_s: float = GRACE_S,
        counting: Counting | None = None,
        read: Callable[[Key], None] | None = None,
        groups: Groups = MappingProxyType({}),
        wall: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._pepper = pepper
        self._capacity = capacity
        self._grace_s = grace_s
        self._counting = Nobody() if counting is None else counting
        self._read = read
        self._groups = groups
        self._wall = wall
        self._monotonic = monotonic
        self._began = wall() - monotonic()
        self._held: OrderedDict[bytes, Held] = OrderedDict()
        self._digests: dict[str, bytes] = {}
        self._negative: OrderedDict[bytes, float] = OrderedDict()
        self._asking: dict[bytes, asyncio.Task[Principal]] = {}
        self._changes = 0
        self._heard_at = monotonic()
        self._since: int | None = None
        self.asked = 0

    def find(self, presented: bytes) -> Principal | Awaitable[Principal]:
        """Who shows this key. Raises AuthenticationError where that is known: none, blocked, expired. What is returned
        to be awaited raises the same, and ServiceUnavailableError where it cannot be known now."""
        digest = digest_of(self._pepper, presented)
        held = self._held.get(digest)
        same = hmac.compare_digest(digest, _NOBODY if held is None else held.digest)
        if held is None or not same or self._stale(held):
            return self._seek(presented, digest)
        key = held.key
        if key.blocked or key.expires_at is not None:
            self._check(key)
        self._held.move_to_end(digest)
        return held.principal

    def find_digest(self, digest: bytes) -> Principal | Awaitable[Principal]:
        """As `find`, for who was told the digest by us, and not a key."""
        held = self._held.get(digest)
        if held is None or self._stale(held):
            return self._look_up(digest)
        self._check(held.key)
        self._held.move_to_end(digest)
        return held.principal

    def still(self, known: Principal) -> bool:
        """Whether `find` would give this principal again: the key is here, the same, and good. Who asks has made sure
        that what was presented is the same, byte for byte."""
        if known.key is None:  # another door's: a master key from before
            return False
        digest = known.key.digest
        held = self._held.get(digest)
        if held is None or held.principal is not known:
            return False
        if self._monotonic() - self._heard_at > self._grace_s and self._stale(held):
            return False
        key = held.key
        if key.blocked or key.expires_at is not None:
            return False  # `find` knows more
        self._held.move_to_end(digest)
        return True

    def _stale(self, held: Held) -> bool:
        """The store was not heard of for so long that the key counts as unknown."""
        now = self._monotonic()
        return now - self._heard_at > self._grace_s and now - held.read_at > self._grace_s

    def forget(self, id: str) -> None:
        """The key changed, or is gone, or is new."""
        self._changes += 1
        self._negative.clear()
        self._drop(id)

    def forget_all(self) -> None:
        self._changes += 1
        self._negative.clear()
        self._held.clear()
        self._digests.clear()

    async def follow(self) -> None:
        """Hears of changes in other processes until it is cancelled."""
        await follow(self.hear, _log, "changes of keys")

    async def hear(self) -> None:
        """Reads what changed since the last time. Raises StoreUnavailable."""
        asked_at = self._monotonic()
        changes = await self._store.changes(self._since)
        if self._since is None or not changes.complete:
            self.forget_all()
        for id in changes.ids:
            self.forget(id)
        self._since = changes.newest
        self._heard_at = asked_at

    def _seek(self, presented: bytes, digest: bytes) -> Awaitable[Principal]:
        if presented.startswith(ACCESS_PREFIX.encode()):
            raise AuthenticationError(
                "This is an access token for the MCP endpoint (/mcp), and good for nothing else. Use a key here.",
                code="invalid_api_key",
            )
        if public_id(presented) is None and not could_be_custom(presented):
            raise unknown()
        return self._look_up(digest)

    def _look_up(self, digest: bytes) -> Awaitable[Principal]:
        until = self._negative.get(digest)
        if until is not None and until > self._monotonic():
            raise unknown()
        asking = self._asking.get(digest)
        if asking is None:
            if len(self._asking) >= ASKING_MAX:
                raise ServiceUnavailableError(
                    "Too many unknown keys are being looked up. Try again.", code="key_lookups_full", retry_after_s=1.0
                )
            asking = asyncio.ensure_future(self._ask(digest))
            self._asking[digest] = asking
            asking.add_done_callback(lambda task: self._answered(digest, task))
        return asyncio.shield(asking)

    def _answered(self, digest: bytes, task: asyncio.Task[Principal]) -> None:
        del self._asking[digest]
        if not task.cancelled():
            task.exception()  # whoever asked may have left

    async def _ask(self, digest: bytes) -> Principal:
        held: Held | None = None
        counting = self._counting
        for _ in range(LOOKUPS_MAX):
            changes, mark, read_at = self._changes, await counting.rest(), self._monotonic()
            try:
                self.asked += 1
                key = await self._store.get_by_digest(digest, as_kept=True)
            except StoreUnavailable as error:
                raise StoreUnavailable(
                    "This key cannot be checked now: the database does not answer. Try again.",
                    code="key_lookup_unavailable",
                    retry_after_s=1.0,
                ) from error
            same = hmac.compare_digest(digest, _NOBODY if key is None else key.digest)
            held = Held(key, read_at, self._groups) if key is not None and same else None
            if changes != self._changes:
                continue
            believed = held is None or counting.rested_since(mark)  # what is not there has spent nothing
            if believed or counting.stuck:
                self._keep(digest, held)
                if held is not None and believed and self._read is not None:
                    self._read(held.key)
                break
        if held is None:
            raise unknown()
        self._check(held.key)
        return held.principal

    def _keep(self, digest: bytes, held: Held | None) -> None:
        if held is None:
            self._negative[digest] = self._monotonic() + NEGATIVE_S
            if len(self._negative) > NEGATIVE_MAX:
                self._negative.popitem(last=False)
            return
        self._drop(held.key.id)  # a former text of it
        self._held[digest] = held
        self._digests[held.key.id] = digest
        if len(self._held) > self._capacity:
            self._drop(next(iter(self._held.values())).key.id)

    def _drop(self, id: str) -> None:
        digest = self._digests.pop(id, None)
        if digest is not None:
            del self._held[digest]

    def _check(self, key: Key) -> None:
        if key.blocked:
            raise AuthenticationError("This key is blocked. Ask whoever gave it to you.", code="key_blocked")
        if key.expires_at is not None and key.expires_at <= self._now():
            raise AuthenticationError("This key has expired. Ask for a new one.", code="key_expired")

    def _now(self) -> float:
        """The wall clock, which may be set back: what has expired stays so."""
        return max(self._wall(), self._began + self._monotonic())


def unknown() -> AuthenticationError:
    return AuthenticationError(
        "This key is not known here. Use the gateway's own key, not a provider's.", code="invalid_api_key"
    )
