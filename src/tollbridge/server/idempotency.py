"""The same answer twice: a retry under the same `Idempotency-Key` gets the first result again, and is billed once.

    match await idempotency.begin(principal, route, key, body):
        case Replay() as replay: ...                     answer with it; nothing else is done, nothing is counted
        case Claim() as claim:                           go on, and then one of
            await claim.keep(status, headers, body)      before the answer goes out
            claim.drop()                                 in a `finally`; after `keep` it does nothing

1. Scope: a principal, a route, the key. The body must be the same, byte for byte: another one is 422.
2. Of several at once the first goes on, the others wait for its result, however long that takes: `WAITING_MAX` of
   them, since who waits is held to no limit of its key. More are told to come again (409).
3. What is kept is an answer: a status below 400, up to `BODY_MAX`, for a day. An error is not kept: it cost nothing,
   and what was wrong may be mended. Those who waited go on then, one after another.
4. It is kept before the client has it: whoever lost it on the way finds it again, after a crash too. What was not
   finished at a crash is not there, and is done again. Where the database is away at the beginning, 503: a promise that
   cannot be kept is not made. Where it is away at the end, the answer goes out and the log tells.
5. Within one process. Streams have no part in it; neither have requests without the header, which cost nothing here.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable

import msgspec

from tollbridge.calls.headers import Header, Pair, pairs
from tollbridge.errors import APIError, BadRequestError, ConflictError, UnprocessableEntityError
from tollbridge.policy.principal import Principal
from tollbridge.store.replies import Kept, Reply, ReplyStore

HEADER = b"idempotency-key"
REPLAYED = (b"x-tollbridge-idempotent-replay", b"true")
KEY_BYTES_MAX = 255
BODY_MAX = 1024 * 1024
WAITING_MAX = 128

KEPT_HEADERS = (b"content-type", b"x-tollbridge-", b"x-litellm-", b"llm_provider-", b"openai-")
_TIMES = (b"x-litellm-response-duration-ms", b"x-litellm-overhead-duration-ms")
NOT_KEPT = (b"x-tollbridge-request-id", b"x-litellm-call-id", b"x-litellm-key-", *_TIMES)
"""About the request that asked, not about the answer."""

_log = logging.getLogger("tollbridge.idempotency")


class Replay(msgspec.Struct, frozen=True):
    """The first result. Its headers say that it is one; those of the request at hand are to be added."""

    status: int
    headers: tuple[Pair, ...]
    body: bytes


class Claim:
    """The first of its kind: what it comes to is what all others get."""

    __slots__ = ("_fingerprint", "_id", "_idempotency", "_outcome", "_waiting", "_writing")

    def __init__(self, idempotency: Idempotency, id: bytes, fingerprint: bytes) -> None:
        self._idempotency = idempotency
        self._id = id
        self._fingerprint = fingerprint
        self._outcome: asyncio.Future[Replay | None] = asyncio.get_running_loop().create_future()
        self._waiting = 0
        self._writing: asyncio.Future[None] | None = None

    async def keep(self, status: int, headers: Iterable[Header], body: bytes) -> None:
        """Returns when it is in the database. Others are answered before."""
        if self._outcome.done():
            return
        if status >= 400:
            self.drop()
            return
        reply = Reply(status, kept_headers(headers), body)
        self._outcome.set_result(replay(reply))
        if len(body) > BODY_MAX:
            self._idempotency.end(self._id)
            return
        self._writing = asyncio.ensure_future(self._write(reply))
        await asyncio.shield(self._writing)  # a client that leaves now is the one who will ask again

    async def _write(self, reply: Reply) -> None:
        try:
            await self._idempotency.store.keep(self._id, self._fingerprint, reply)
        except APIError as error:
            _log.warning("An answer could not be kept for a retry: %s", error)
        finally:
            self._idempotency.end(self._id)

    def drop(self) -> None:
        """Nothing to keep: whoever waits goes on."""
        if not self._outcome.done():
            self._outcome.set_result(None)
            self._idempotency.end(self._id)

    def abandoned(self, looking: asyncio.Future[Kept | None]) -> None:
        """Who claimed it left before it was known whether there is an answer. What went wrong then is nobody's."""
        if not looking.cancelled():
            looking.exception()
        self.drop()

    async def outcome(self, fingerprint: bytes) -> Replay | None:
        """What it came to, for another with the same id. None: nothing to repeat. Raises ConflictError where too many
        wait for it."""
        _refuse_another(fingerprint, self._fingerprint)
        if self._waiting >= WAITING_MAX:
            raise ConflictError(
                f"A request with this Idempotency-Key is being answered, and {WAITING_MAX} others wait for the same "
                "answer. Try again when it is there.",
                code="idempotency_key_in_use",
                retry_after_s=1.0,
            )
        self._waiting += 1
        try:
            return await asyncio.shield(self._outcome)
        finally:
            self._waiting -= 1


class Idempotency:
    """One event loop's."""

    def __init__(self, store: ReplyStore) -> None:
        self.store = store
        self._claims: dict[bytes, Claim] = {}

    async def begin(self, principal: Principal, route: str, key: bytes, body: bytes) -> Replay | Claim:
        """`route`: with the model, where the path names one. `key`: the header. Raises BadRequestError where that is
        none, UnprocessableEntityError for another body, StoreUnavailable."""
        if not 0 < len(key) <= KEY_BYTES_MAX or not key.isascii():
            raise BadRequestError(
                f"An Idempotency-Key has 1 to {KEY_BYTES_MAX} characters of ASCII. A random UUID will do.",
                code="invalid_idempotency_key",
            )
        id = self.store.id(principal.id.encode(), route.encode(), key)
        fingerprint = self.store.fingerprint(body)
        while (claim := self._claims.get(id)) is not None:
            found = await claim.outcome(fingerprint)
            if found is not None:
                return found
        claim = self._claims[id] = Claim(self, id, fingerprint)
        looking = asyncio.ensure_future(self.store.get(id))
        try:
            kept = await asyncio.shield(looking)
            if kept is None:
                return claim
            _refuse_another(fingerprint, kept.fingerprint)
        except asyncio.CancelledError:
            looking.add_done_callback(claim.abandoned)
            raise
        except BaseException:
            claim.drop()
            raise
        claim.drop()  # those who waited find it in the store as well
        return replay(kept.reply)

    def end(self, id: bytes) -> None:
        """Of a claim."""
        del self._claims[id]

    def __len__(self) -> int:
        """Requests under way that others would wait for."""
        return len(self._claims)


def replay(reply: Reply) -> Replay:
    return Replay(reply.status, (*reply.headers, REPLAYED), reply.body)


def kept_headers(headers: Iterable[Header]) -> tuple[Pair, ...]:
    return tuple(
        pair for pair in pairs(headers) if pair[0].startswith(KEPT_HEADERS) and not pair[0].startswith(NOT_KEPT)
    )


def _refuse_another(fingerprint: bytes, first: bytes) -> None:
    if fingerprint != first:
        raise UnprocessableEntityError(
            "This Idempotency-Key was used with another body. A new request needs a new key.",
            code="idempotency_key_reused",
        )
