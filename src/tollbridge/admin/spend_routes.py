"""`/spend/*` and `/global/spend*`, in LiteLLM's JSON. The admin sees all; a key sees its own, and others do not exist
for it.

Differences from LiteLLM's, on purpose: rows come a page at a time (`limit`, then `after` with the last row's
`metadata.tollbridge.id`), an `end_date` that is a day is meant whole, and `user_id` is the `user` of the requests.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from tollbridge.admin.key_names import no_such_key
from tollbridge.admin.key_shape import shape
from tollbridge.admin.keys import Keys
from tollbridge.admin.parameters import dollars, entry, flag, invalid, moments, number, one_of, only
from tollbridge.admin.price import Pricer
from tollbridge.admin.whose import ledger_id
from tollbridge.errors import NotFoundError, UnprocessableEntityError
from tollbridge.ledger.report import (
    activity,
    activity_by,
    by_day,
    by_key,
    by_model,
    by_provider,
    by_tag,
    dates,
    spend_log,
    tags_of,
    total,
)
from tollbridge.model.json import JsonObject
from tollbridge.model.money import write_dollars
from tollbridge.policy.principal import Principal
from tollbridge.server.managed import Call, Manager, Reply
from tollbridge.server.routes import READ, Route
from tollbridge.store.spend import TAGS_MAX, By, Found, SpendReader, Tagged, Wanted

PAGE = 1_000
PAGE_MAX = 10_000
TOP = 100
DAYS_S = 30 * 86_400.0
"""What LiteLLM's views over all spend look back."""
COUNTED_MAX = 100_000
_DATED = ("api_key", "start_date", "end_date", "limit")
_STATUSES = ("", "success", "failure")
_OF_PAGES = (
    *("api_key", "start_date", "end_date", "page", "page_size", "request_id", "user_id", "end_user", "model"),
    *("model_group", "status_filter", "min_spend", "max_spend", "sort_by", "sort_order"),
)


def spend_routes(
    reader: SpendReader, keys: Keys, pricer: Pricer, clock: Callable[[], float] = time.time
) -> tuple[Route, ...]:
    desk = SpendDesk(reader, keys, pricer, clock)

    def get(path: str, manager: Manager) -> Route:
        return Route(methods=READ, path=path, handler="managed", access="self", manager=manager)

    return (
        get("/spend/logs", desk.logs),
        get("/spend/logs/v2", desk.page_of_logs),
        get("/spend/keys", desk.keys),
        get("/spend/tags", desk.tags),
        Route(methods=("POST",), path="/spend/calculate", handler="managed", access="self", manager=desk.calculate),
        get("/global/spend", desk.total),
        get("/global/spend/logs", desk.days),
        get("/global/spend/keys", desk.by_key),
        get("/global/spend/models", desk.by_model),
        get("/global/spend/provider", desk.by_provider),
        get("/global/spend/tags", desk.tags_of_all),
        get("/global/spend/all_tag_names", desk.tag_names),
        get("/global/activity", desk.activity),
        get("/global/activity/model", desk.activity_by_model),
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
        only(query, (*_DATED, "user_id", "request_id", "summarize", "after"))
        limit, after = number(query, "limit", PAGE, PAGE_MAX), entry(query, "after")
        (since, until), summed = moments(query), flag(query, "summarize")
        key_id = await self._key_id(call)
        wanted = Wanted(
            key_id=key_id,
            end_user=query.get("user_id") or None,
            since=since,
            until=until,
            after=after,
            limit=limit,
        )
        if query.get("request_id"):
            found, _ = await self._reader.page_of_named(query["request_id"], wanted)
            return Reply([spend_log(row) for row in found])
        if summed and since is None:
            raise invalid("summarize", "sums days: say `start_date` with it, and `end_date` where it is not today")
        if since is not None and (summed or (summed is None and until is not None)):
            for name in ("user_id", "after"):
                if query.get(name):
                    raise invalid(name, "is of single requests, not of days; say summarize=false")
            today = _day(self._clock())
            last = today if until is None else min(_day(until - 0.001), today)
            sums = await self._reader.sums(["day", "key", "model"], since=_day(since), until=last, key_id=key_id)
            return Reply(by_day(sums, last))  # each day is told, also an empty one
        return Reply([spend_log(row) for row in await self._reader.entries(wanted)])

    async def page_of_logs(self, call: Call) -> Reply:
        """Single requests, by pages with numbers. They are counted up to `COUNTED_MAX`."""
        query = call.query
        only(query, _OF_PAGES)
        page, size = number(query, "page", 1, COUNTED_MAX), number(query, "page_size", 50, PAGE)
        if page * size > COUNTED_MAX:
            raise invalid("page", f"leads beyond {COUNTED_MAX:,} requests; name fewer days")
        one_of(query, "sort_by", ("startTime",))
        order = one_of(query, "sort_order", ("desc", "asc"))
        key_id = await self._key_id(call)
        id = query.get("request_id")
        since, until = moments(query) if id else self._days(call)
        wanted = Wanted(
            key_id=key_id,
            end_user=query.get("end_user") or query.get("user_id") or None,
            model=query.get("model") or None,
            group=query.get("model_group") or None,
            failed={"failure": True, "success": False}.get(one_of(query, "status_filter", _STATUSES)),
            least_nanousd=dollars(query, "min_spend"),
            most_nanousd=dollars(query, "max_spend"),
            since=since,
            until=until,
            skip=(page - 1) * size,
            limit=size,
            oldest_first=order == "asc",
        )
        if id:
            found, total = await self._reader.page_of_named(id, wanted, COUNTED_MAX)
        else:
            total, found = await self._reader.count(wanted, COUNTED_MAX), await self._reader.entries(wanted)
        told: JsonObject = {"data": [spend_log(row) for row in found], "total": total, "page": page}
        return Reply({**told, "page_size": size, "total_pages": -(-total // size)})

    async def keys(self, call: Call) -> Reply:
        """The keys, the dearest first."""
        only(call.query, ("limit", "page"))
        own = call.principal.key
        if not call.principal.admin:
            return Reply([] if own is None else [shape(await self._keys.named(own.id))])
        page, size = number(call.query, "page", 1, 1_000_000), number(call.query, "limit", TOP, PAGE)
        found = await self._keys.store.list(sort="spend", descending=True, page=page, size=size)
        return Reply([shape(key) for key in found.keys])

    async def tags(self, call: Call) -> Reply:
        """The tags of requests, the dearest first."""
        return Reply(by_tag(*await self._tags(call, _DATED)))

    async def tags_of_all(self, call: Call) -> Reply:
        """`tags`: those alone, with commas between them."""
        sums, limit = await self._tags(call, (*_DATED, "tags"))
        names = [name.strip() for name in call.query.get("tags", "").split(",") if name.strip()]
        found = {name: one for name, one in sums.items() if not names or name in names}
        return Reply({"spend_per_tag": tags_of(found, limit)})

    async def tag_names(self, call: Call) -> Reply:
        sums, limit = await self._tags(call, _DATED)
        return Reply({"tag_names": sorted(sums)[:limit]})

    async def _tags(self, call: Call, known: tuple[str, ...]) -> tuple[Mapping[str, Tagged], int]:
        query = call.query
        only(query, known)
        (since, until), limit = self._days(call), number(query, "limit", PAGE, PAGE_MAX)
        wanted = Wanted(key_id=await self._key_id(call), since=since, until=until)
        sums = await self._reader.tags(wanted)
        if sums is None:
            raise UnprocessableEntityError(
                f"There are more than {TAGS_MAX:,} tags in that time; name fewer days.",
                code="too_many_tags",
                param="start_date",
            )
        return sums, limit

    async def calculate(self, call: Call) -> Reply:
        only(call.body, ("model", "messages", "completion_response"))
        return Reply({"cost": write_dollars(await self._pricer.price(call.body, call.principal))})

    async def total(self, call: Call) -> Reply:
        [sums] = await self._sums(call, ())
        return Reply(total(sums))

    async def days(self, call: Call) -> Reply:
        return Reply(dates(await self._sums(call, ("day",))))

    async def by_key(self, call: Call) -> Reply:
        return Reply(by_key(await self._sums(call, ("key",))))

    async def by_model(self, call: Call) -> Reply:
        return Reply(by_model(await self._sums(call, ("model",))))

    async def by_provider(self, call: Call) -> Reply:
        return Reply(by_provider(await self._sums(call, ("provider",))))

    async def activity(self, call: Call) -> Reply:
        """Requests and tokens by day."""
        return Reply(activity(await self._sums(call, ("day",), whole=True)))

    async def activity_by_model(self, call: Call) -> Reply:
        """By name and day."""
        return Reply(activity_by("model", await self._sums(call, ("day", "group"), whole=True), "model_group"))

    async def _sums(self, call: Call, by: tuple[By, ...], *, whole: bool = False) -> list[Found]:
        """`whole`: however many they are; days and names of the configuration are not without end."""
        query = call.query
        only(query, _DATED[:-1] if whole else _DATED)
        since, until = self._days(call)
        limit = None if whole else number(query, "limit", PAGE, PAGE_MAX)
        last = None if until is None else _day(until - 0.001)
        return await self._reader.sums(by, since=_day(since), until=last, key_id=await self._key_id(call), limit=limit)

    def _days(self, call: Call) -> tuple[float, float | None]:
        """From, to before. Where no beginning is said, the last days of them."""
        since, until = moments(call.query)
        if since is None:
            since = (self._clock() if until is None else min(until, self._clock())) - DAYS_S
        return since, until

    async def _key_id(self, call: Call) -> str | None:
        """Of whom is asked. A key may ask about itself alone."""
        name = call.query.get("api_key") or None
        own = _own_id(call.principal)
        if name is None or name == own:
            return own
        try:
            id = await ledger_id(name, self._keys, self._reader)
        except NotFoundError:
            id = None
        if id is None or own not in (None, id):
            raise no_such_key(name, param="api_key")
        return id


def _own_id(principal: Principal) -> str | None:
    """The key whose entries alone may be seen; None for the admin."""
    return None if principal.admin else principal.id


def _day(epoch_s: float) -> str:
    return time.strftime("%Y-%m-%d", time.gmtime(epoch_s))
