"""`/spend/*` and `/global/spend*`, in LiteLLM's JSON. The admin sees all; a key sees its own, and others do not exist
for it.

Differences from LiteLLM's, on purpose: rows come a page at a time (`limit`, then `after` with the last row's
`metadata.tollbridge.id`), an `end_date` that is a day is meant whole, and `user_id` is the `user` of the requests.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from tollbridge.admin.key_fields import unknown_field
from tollbridge.admin.key_shape import shape
from tollbridge.admin.keys import Keys, no_such_key
from tollbridge.admin.price import Pricer
from tollbridge.errors import UnprocessableEntityError
from tollbridge.ledger.report import by_day, by_key, by_model, by_provider, by_tag, read_date, spend_log
from tollbridge.model.money import write_dollars
from tollbridge.policy.minting import CUSTOM_PREFIX
from tollbridge.policy.principal import Principal
from tollbridge.server.managed import Call, Manager, Reply
from tollbridge.server.routes import READ, Route
from tollbridge.store.spend import TAGS_MAX, By, Found, SpendReader, Wanted

PAGE = 1_000
PAGE_MAX = 10_000
TOP = 100
DAYS_S = 30 * 86_400.0
"""What LiteLLM's views over all spend look back."""

_FLAGS = {"true": True, "false": False, "1": True, "0": False, "": True}


def spend_routes(
    reader: SpendReader, keys: Keys, pricer: Pricer, clock: Callable[[], float] = time.time
) -> tuple[Route, ...]:
    desk = SpendDesk(reader, keys, pricer, clock)

    def get(path: str, manager: Manager) -> Route:
        return Route(methods=READ, path=path, handler="managed", access="self", manager=manager)

    return (
        get("/spend/logs", desk.logs),
        get("/spend/keys", desk.keys),
        get("/spend/tags", desk.tags),
        Route(methods=("POST",), path="/spend/calculate", handler="managed", access="self", manager=desk.calculate),
        get("/global/spend", desk.total),
        get("/global/spend/logs", desk.days),
        get("/global/spend/keys", desk.by_key),
        get("/global/spend/models", desk.by_model),
        get("/global/spend/provider", desk.by_provider),
    )


class SpendDesk:
    """One method per route."""

    def __init__(self, reader: SpendReader, keys: Keys, pricer: Pricer, clock: Callable[[], float]) -> None:
        self._reader = reader
        self._keys = keys
        self._pricer = pricer
        self._clock = clock

    async def logs(self, call: Call) -> Reply:
        query = call.query
        _only(query, "api_key", "user_id", "request_id", "start_date", "end_date", "summarize", "limit", "after")
        key_id = await self._key_id(call)
        limit = _count(query, "limit", PAGE, PAGE_MAX)
        if query.get("request_id"):
            return Reply([spend_log(row) for row in await self._reader.named(query["request_id"], key_id, limit)])
        since, until = _date(query, "start_date"), _date(query, "end_date", end=True)
        if since is not None and until is not None and _flag(query, "summarize"):
            if query.get("user_id"):
                raise UnprocessableEntityError(
                    "`user_id`: days are not summed by user; say summarize=false.",
                    code="invalid_field",
                    param="user_id",
                )
            first, last = (
                _day(since),
                min(_day(until - 0.001), _day(self._clock())),
            )  # each day is told, also an empty one
            sums = await self._reader.sums(["day", "key", "model"], since=first, until=last, key_id=key_id)
            return Reply(by_day(sums, last))
        wanted = Wanted(
            key_id=key_id,
            end_user=query.get("user_id") or None,
            since=since,
            until=until,
            after=query.get("after") or None,
            limit=limit,
        )
        return Reply([spend_log(row) for row in await self._reader.entries(wanted)])

    async def keys(self, call: Call) -> Reply:
        """The keys, the dearest first."""
        _only(call.query, "limit", "page")
        own = call.principal.key
        if not call.principal.admin:
            return Reply([] if own is None else [shape(await self._keys.named(own.id))])
        page, size = _count(call.query, "page", 1, 1_000_000), _count(call.query, "limit", TOP, PAGE)
        found = await self._keys.store.list(sort="spend", descending=True, page=page, size=size)
        return Reply([shape(key) for key in found.keys])

    async def tags(self, call: Call) -> Reply:
        """The tags of requests, the dearest first."""
        query = call.query
        _only(query, "api_key", "start_date", "end_date", "limit")
        since = _date(query, "start_date")
        wanted = Wanted(
            key_id=await self._key_id(call),
            since=self._clock() - DAYS_S if since is None else since,
            until=_date(query, "end_date", end=True),
        )
        limit = _count(query, "limit", PAGE, PAGE_MAX)
        sums = await self._reader.tags(wanted)
        if sums is None:
            raise UnprocessableEntityError(
                f"There are more than {TAGS_MAX:,} tags in that time; name fewer days.",
                code="too_many_tags",
                param="start_date",
            )
        return Reply(by_tag(sums, limit))

    async def calculate(self, call: Call) -> Reply:
        _only(call.body, "model", "messages", "completion_response")
        return Reply({"cost": write_dollars(await self._pricer.price(call.body, call.principal))})

    async def total(self, call: Call) -> Reply:
        [sums] = await self._sums(call, ())
        return Reply({"spend": write_dollars(sums["cost_nanousd"]), "max_budget": None})

    async def days(self, call: Call) -> Reply:
        sums = await self._sums(call, ("day",))
        return Reply([{"date": row["day"], "spend": write_dollars(row["cost_nanousd"])} for row in sums])

    async def by_key(self, call: Call) -> Reply:
        return Reply(by_key(await self._sums(call, ("key",))))

    async def by_model(self, call: Call) -> Reply:
        return Reply(by_model(await self._sums(call, ("model",))))

    async def by_provider(self, call: Call) -> Reply:
        return Reply(by_provider(await self._sums(call, ("provider",))))

    async def _sums(self, call: Call, by: tuple[By, ...]) -> list[Found]:
        query = call.query
        _only(query, "api_key", "start_date", "end_date", "limit")
        since, until = _date(query, "start_date"), _date(query, "end_date", end=True)
        return await self._reader.sums(
            by,
            since=_day(self._clock() - DAYS_S if since is None else since),
            until=None if until is None else _day(until - 0.001),
            key_id=await self._key_id(call),
            limit=_count(query, "limit", PAGE, PAGE_MAX),
        )

    async def _key_id(self, call: Call) -> str | None:
        """The key that is asked about: its id, or the key itself. A key may ask about itself alone."""
        reference = call.query.get("api_key") or None
        own = _own_id(call.principal)
        if reference is not None and reference.startswith(CUSTOM_PREFIX):
            reference = (await self._keys.named(reference)).id
        if own is None:
            return reference
        if reference not in (None, own):
            raise no_such_key()
        return own


def _own_id(principal: Principal) -> str | None:
    """The key whose entries alone may be seen; None for the admin."""
    return None if principal.admin else principal.id


def _only(said: Mapping[str, object], *known: str) -> None:
    for name in said:
        if name not in known:
            raise unknown_field(name, known)


def _date(query: Mapping[str, str], name: str, *, end: bool = False) -> float | None:
    text = query.get(name)
    if not text:
        return None
    try:
        return read_date(text, end=end)
    except ValueError as error:
        raise UnprocessableEntityError(f"`{name}` {error}.", code="invalid_field", param=name) from error


def _flag(query: Mapping[str, str], name: str) -> bool:
    found = _FLAGS.get(query.get(name, "").lower())
    if found is None:
        raise UnprocessableEntityError(f"`{name}` is true or false.", code="invalid_field", param=name)
    return found


def _count(query: Mapping[str, str], name: str, default: int, most: int) -> int:
    text = query.get(name)
    if not text:
        return default
    if not (text.isascii() and text.isdecimal()) or len(text) > 9 or not 1 <= int(text) <= most:
        raise UnprocessableEntityError(f"`{name}` is a number from 1 to {most}.", code="invalid_field", param=name)
    return int(text)


def _day(epoch_s: float) -> str:
    return time.strftime("%Y-%m-%d", time.gmtime(epoch_s))
