"""Responses that the gateway keeps itself (`store` of the Responses format, which is the default there).

Where the provider speaks the format natively it keeps its answers, under ids of its own; here it is known whose each
is, and which deployment has it: another tenant's does not exist, and a request that goes on from one goes there. For
every other model the gateway keeps them, under ids that begin with `PREFIX`:

1. `begin` puts what `previous_response_id` stands for into `input`: all items since the first response, as they were
   given and answered. The request is then whole, whoever answers it. Instructions are not carried over, as the format
   has it. An id that is not this tenant's is one that does not exist.
2. The answer gets an id of ours and is kept before the client has its last bytes. Where the database takes nothing, the
   client is answered all the same, and the log tells.
3. An answer that the client does not want stored is not kept; neither is one that is too large.
4. One that is to run in the background (`background`) is kept here whoever answers, before it has begun.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping

import msgspec

from tollbridge.calls.ask import Ask, KeptBy, field, is_true
from tollbridge.errors import BadRequestError, NotFoundError, RequestTooLargeError
from tollbridge.model.json import Json, JsonObject
from tollbridge.server.background import Background
from tollbridge.server.keeping import KEPT_BYTES_MAX, Keeping, Kept
from tollbridge.server.managed import Call, Reply
from tollbridge.server.routes import Route, with_and_without_v1
from tollbridge.store.responses import KeptResponse, ResponseStore
from tollbridge.wires.openai_responses.vocabulary import NAME, made_id

PREFIX = "resp_tb"
PAGE_MAX, PAGE = 100, 20

_encode = msgspec.json.Encoder().encode


class Responses:
    def __init__(self, store: ResponseStore) -> None:
        self._store = store
        self.background = Background(store)

    async def begin(self, owner: str, ask: Ask) -> Keeping | None:
        """None where the answer is not to be kept. Raises BadRequestError for an id that does not exist, and
        StoreUnavailable."""
        background = "background" in ask.fields and is_true(ask.fields, "background")
        if background:
            if field(ask.fields, "store") is False:
                raise BadRequestError(
                    "A response that runs in the background is stored: how else could it be asked for? - at `$.store`. "
                    "Leave `store` out.",
                    param="store",
                )
            ask.replace(background=None)  # the provider need not know
            ask.repeats["background"] = True
        asked = field(ask.fields, "input")
        if asked is not None and not isinstance(asked, str | list):
            return None  # whoever reads it will refuse it
        given = _items(asked)
        previous = field(ask.fields, "previous_response_id")
        said = previous if isinstance(previous, str) else None
        before = None if said is None else await self._goes_on(owner, ask, said, given)
        if field(ask.fields, "store") is False:
            return None
        encoded = _encode(given)
        if background and len(encoded) > KEPT_BYTES_MAX:
            raise RequestTooLargeError(
                f"A response that runs in the background is kept with its input, of at most {KEPT_BYTES_MAX} bytes; "
                f"this has {len(encoded)} - at `$.input`. Leave `background` out.",
                param="input",
            )
        id = f"{PREFIX}{secrets.token_hex(20)}"
        ask.repeats.update(id=id, store=True)
        if background:
            ask.shown_id = id
        return Keeping(self._store, Kept(owner, id, encoded, before, said, background))

    async def _goes_on(self, owner: str, ask: Ask, said: str, given: list[Json]) -> str | None:
        """Puts what came before into the request, or sends it to who has it. The id of the one before, where its items
        are here."""
        if not said.startswith(PREFIX):
            theirs = await self._store.get(owner, said)
            if theirs is None:
                raise _not_found(said)
            ask.only = KeptBy(theirs.deployment, theirs.account)
            return None
        chain = await self._before(owner, said)
        last = await self.background.came_to(owner, said, chain[-1])
        if last is None:
            raise BadRequestError(
                f"The response {said[:100]!r} is still under way. Go on from it when it has ended.",
                param="previous_response_id",
                code="previous_response_not_completed",
            )
        if last.deployment:  # its provider keeps it; or another gateway does, by ids that look like ours
            ask.only = KeptBy(last.deployment, last.account)
            if last.theirs:
                ask.replace(previous_response_id=_encode(last.theirs))
            return None
        before = [item for kept in (*chain[:-1], last) for item in (*_list(kept.input), *_output(kept.response))]
        ask.replace(input=_encode([*before, *given]), previous_response_id=None)
        ask.repeats["previous_response_id"] = said
        return said

    async def _before(self, owner: str, id: str) -> list[KeptResponse]:
        """It, and all before it."""
        chain = await self._store.chain(owner, id)
        if chain is None:
            raise _not_found(id)
        return chain

    def routes(self) -> tuple[Route, ...]:
        """Those of responses that were kept. A longer path stands before the one that would answer for it."""
        return tuple(
            route
            for path, methods, manager in (
                ("/v1/responses/{id}/input_items", ("GET", "HEAD"), self._input_items),
                ("/v1/responses/{id}/cancel", ("POST",), self._cancel),
                ("/v1/responses/{id}", ("GET", "HEAD", "DELETE"), self._one),
            )
            for route in with_and_without_v1(
                Route(methods=methods, path=path, handler="managed", access="self", dialect=NAME, manager=manager)
            )
        )

    async def _one(self, call: Call) -> Reply:
        owner, kept = call.principal.id, await self._kept(call)
        if call.method == "DELETE":
            if not await self._store.forget(owner, call.id):
                raise _unknown(call.id)
            self.background.forget(owner, call.id)
            return Reply({"id": call.id, "object": "response", "deleted": True})
        if call.query.get("stream") == "true":
            return Reply(None, events=self.background.events(owner, call.id, kept, _after(call.query)))
        return Reply(msgspec.Raw(await self.background.shown(owner, call.id, kept)))

    async def _input_items(self, call: Call) -> Reply:
        """All that the response was given, what came before it included, the latest first unless `order` is `asc`."""
        await self._kept(call)
        chain = await self._store.chain(call.principal.id, call.id)
        if chain is None:
            raise _unknown(call.id)
        items: list[Json] = []
        for kept in chain[:-1]:
            items += [*_list(kept.input), *_output(kept.response)]
        items += _list(chain[-1].input)
        shown = [_shown(item, call.id, number) for number, item in enumerate(items)]
        return Reply(_page(shown, call.query))

    async def _cancel(self, call: Call) -> Reply:
        kept = await self._kept(call)
        if not _runs_alone(kept.response).background:
            raise BadRequestError(
                "Only a response that was asked for with `background: true` can be cancelled.", param="response_id"
            )
        return Reply(msgspec.Raw(await self.background.cancel(call.principal.id, call.id, kept)))

    async def _kept(self, call: Call) -> KeptResponse:
        kept = await self._store.get(call.principal.id, call.id)
        if kept is None:
            raise _unknown(call.id)
        if not kept.response:
            raise NotFoundError(
                f"The response {call.id[:100]!r} is kept by its provider, who alone can show or delete it.",
                type="invalid_request_error",
                param="response_id",
            )
        return kept


class _Alone(msgspec.Struct):
    background: bool | None = None


_runs_alone = msgspec.json.Decoder(_Alone).decode


def _after(query: Mapping[str, str]) -> int:
    after = query.get("starting_after", "-1")
    if after != "-1" and not (after.isdecimal() and after.isascii() and len(after) < 12):
        raise BadRequestError("`starting_after` is the `sequence_number` of an event.", param="starting_after")
    return int(after)


def _not_found(id: str) -> BadRequestError:
    return BadRequestError(
        f"Previous response with id {id[:100]!r} not found, or one before it. Send the earlier items again in `input`.",
        param="previous_response_id",
        code="previous_response_not_found",
    )


def _unknown(id: str) -> NotFoundError:
    return NotFoundError(f"Response with id {id[:100]!r} not found.", type="invalid_request_error", param="response_id")


def _items(given: Json) -> list[Json]:
    """`input` as the list of items that it stands for."""
    if isinstance(given, str):
        return [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": given}]}]
    return given or []


def _list(encoded: bytes) -> list[Json]:
    found: list[Json] = msgspec.json.decode(encoded)
    return found


def _output(response: bytes) -> list[Json]:
    found: list[Json] = msgspec.json.decode(response)["output"]
    return found


def _shown(item: Json, response: str, number: int) -> JsonObject:
    """With an id, and a message's content as a list: as the format lists items."""
    shown: JsonObject = {"type": "message", **item} if isinstance(item, dict) else {"type": "unknown"}
    kind = str(shown["type"])
    shown.setdefault("id", made_id("msg" if kind == "message" else "item", response, number))
    if kind == "message" and isinstance(shown.get("content"), str):
        text = "output_text" if shown.get("role") == "assistant" else "input_text"
        shown["content"] = [{"type": text, "text": shown["content"]}]
    return shown


def _page(items: list[JsonObject], query: Mapping[str, str]) -> JsonObject:
    limit = query.get("limit", str(PAGE))
    if not limit.isdecimal() or not 1 <= int(limit) <= PAGE_MAX:
        raise BadRequestError(f"`limit` is a number from 1 to {PAGE_MAX}.", param="limit")
    if query.get("order", "desc") not in ("asc", "desc"):
        raise BadRequestError("`order` is `asc` or `desc`.", param="order")
    ordered = items if query.get("order") == "asc" else items[::-1]
    after = query.get("after")
    if after is not None:
        ids = [item["id"] for item in ordered]
        if after not in ids:
            raise BadRequestError(f"There is no item {after[:100]!r} in this list.", param="after")
        ordered = ordered[ids.index(after) + 1 :]
    page = ordered[: int(limit)]
    return {
        "object": "list",
        "data": page,
        "first_id": page[0]["id"] if page else None,
        "last_id": page[-1]["id"] if page else None,
        "has_more": len(ordered) > len(page),
    }
