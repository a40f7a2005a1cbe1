"""What a call for a file, a batch or a kept response asks for, and of whom: what the server does for its tenants, for
a program.

Whose they are is said by `custom_llm_provider`, else by a `model` (`azure/gpt-4o`), else by the host of `api_base`;
else it is OpenAI. Only who keeps them in OpenAI's format can be asked. Fields that nobody here knows go into the body,
or into the query where there is none. What changes nothing when it is done twice is asked again after a failure.
"""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections.abc import Awaitable, Callable, Mapping
from itertools import count
from typing import TypeVar
from urllib.parse import urlencode

import msgspec

from tollbridge.calls.place import Place as Keeper
from tollbridge.calls.place import place as keeper_at
from tollbridge.calls.provider_headers import provider_headers
from tollbridge.calls.told import refusal
from tollbridge.errors import APIError, AuthenticationError, BadRequestError, UnsupportedParamsError
from tollbridge.files.asking import send
from tollbridge.files.formats import OPENAI
from tollbridge.model.json import JsonObject
from tollbridge.model.response import Caveat
from tollbridge.providers.names import by_host, locate
from tollbridge.providers.root import root_of
from tollbridge.providers.row import Provider
from tollbridge.providers.table import DEMO, ROWS
from tollbridge.routing.plan import Policy, backoff_s
from tollbridge.sdk.answers import request_id, shown
from tollbridge.sdk.body import plain, write_body
from tollbridge.sdk.call import retries_of, take_ineffective
from tollbridge.sdk.deployments import Kept, given_of
from tollbridge.sdk.desk import DESKS, Desk
from tollbridge.sdk.engine import RETRIES, tell_place
from tollbridge.sdk.form import Form
from tollbridge.sdk.objects import Answer
from tollbridge.sdk.order import Place, flag, read_order, text
from tollbridge.sdk.parameters import MOCKS
from tollbridge.transport.base import Incoming

R = TypeVar("R", bound=Answer)

USUAL = "openai"
_OF_MODELS = (*MOCKS, "stream", "fallbacks", "context_window_fallback_dict")


class Errand(msgspec.Struct, frozen=True, kw_only=True):
    """`place`: who is asked, to find it by again. `fields`: that are not about the way."""

    place: Place
    fields: JsonObject
    retries: int
    caveats: tuple[Caveat, ...]


def read_errand(provider: str | None, parameters: Mapping[str, object]) -> Errand:
    """Raises BadRequestError that names the parameter."""
    said = {name: value for name, value in parameters.items() if value is not None}
    for name in _OF_MODELS:
        if name in said:
            raise BadRequestError(f"`{name}` is not a parameter of this call.", param=name)
    caveats = take_ineffective(said)
    if caveats and flag(said, "strict"):
        told = refusal(caveats[0])
        raise UnsupportedParamsError(f"{told}. Do not pass it where you ask for `strict`.", param="strict")
    row = _whose(provider, text(said, "model"), text(said, "api_base") or text(said, "base_url"))
    said.pop("model", None)
    order = read_order(row.name, {**said, "custom_llm_provider": row.name})
    fields: JsonObject = msgspec.json.decode(order.body)
    del fields["model"]
    retries = retries_of(said)
    return Errand(place=order.place, fields=fields, retries=RETRIES if retries is None else retries, caveats=caveats)


def _whose(provider: str | None, model: str | None, api_base: str | None) -> Provider:
    if provider or model:
        row = locate(model or USUAL, ROWS, provider=provider)[0]
    else:
        row = by_host(api_base, ROWS) or ROWS[USUAL]
    if row.wire != OPENAI.wire.name or row.name == DEMO.name:
        raise BadRequestError(
            f"{row.name} keeps no files and batches, nor responses, in OpenAI's format. Ask it by its own SDK, or at "
            f"a gateway by the routes of its own (`/{row.name}/...`).",
            param="custom_llm_provider",
            provider=row.name,
        )
    return row


def made_keeper(place: Place, environ: Mapping[str, str]) -> Keeper:
    """Raises APIError where there is no key, or no address."""
    row = ROWS[place.provider or USUAL]
    return keeper_at(root_of(row, given_of(place), environ, ROWS), place.stream_timeouts)


def _keeper(desk: Desk, place: Place) -> Keeper:
    if desk.keepers is None:
        desk.keepers = Kept(os.environ, made_keeper)
    return desk.keepers.at(place)


def path_of(noun: str, id: object, name: str, end: str = "") -> str:
    """Raises BadRequestError for what cannot be an id."""
    if not isinstance(id, str) or not id or "/" in id:
        raise BadRequestError(f"`{name}` must be an id, as the provider told it.", param=name)
    return f"{noun}/{id}{end}"


async def asked(
    errand: Errand,
    method: str,
    path: str,
    made: Callable[[Incoming], Awaitable[R]],
    fields: Mapping[str, object] | None = None,
    *,
    again: bool = False,
    large: bool = False,
) -> R:
    """What is `made` of the answer. `fields`: of the body, or of the query where the method has none. `again`: to be
    asked again after a failure. `large`: an answer whose silences are bounded, not its time. Raises APIError."""
    whole = {**errand.fields, **{name: value for name, value in (fields or {}).items() if value is not None}}
    forced = msgspec.json.decode(errand.place.forced)
    if method == "POST":
        whole.update(forced)
        body = write_body(whole) if whole else b""
        headers, query = [("content-type", "application/json")] if whole else [], ""
    else:
        if forced:
            raise BadRequestError("`extra_body` is of calls that send one.", param="extra_body")
        body, headers, query = b"", [], urlencode(plain(whole), doseq=True)

    async def once(desk: Desk, keeper: Keeper) -> Incoming:
        return await send(
            desk.transport,
            keeper,
            OPENAI,
            method,
            path,
            query,
            [*_headers(errand), *headers],
            body=body,
            timeouts=None if large else errand.place.timeouts,
        )

    return await _told(errand, once, made, errand.retries if again else 0)


async def uploaded(
    errand: Errand,
    fields: Mapping[str, object],
    file: object,
    made: Callable[[Incoming], Awaitable[R]],
) -> R:
    """What is `made` of the answer to a file, which is read as it goes. Raises APIError."""
    said = {**errand.fields, **{name: value for name, value in fields.items() if value is not None}}
    form = Form(plain({**said, **msgspec.json.decode(errand.place.forced)}), file)

    async def once(desk: Desk, keeper: Keeper) -> Incoming:
        headers = [*_headers(errand), ("content-type", form.content_type)]
        return await send(
            desk.transport, keeper, OPENAI, "POST", "files", "", headers, flow=form.next, length=form.length
        )

    try:
        return await _told(errand, once, made, 0)
    finally:
        form.close()


async def _told(
    errand: Errand,
    once: Callable[[Desk, Keeper], Awaitable[Incoming]],
    made: Callable[[Incoming], Awaitable[R]],
    retries: int,
) -> R:
    began = time.monotonic()
    desk = await DESKS.here()
    keeper = _keeper(desk, errand.place)
    policy = Policy(retries=retries)
    for attempt in count(1):
        try:
            incoming = await once(desk, keeper)
            response = await made(incoming)
        except APIError as error:
            if isinstance(error, AuthenticationError):
                tell_place(error, errand.place)
            wait = backoff_s(error.retry_after_s or 0.0, attempt, policy, random.random())
            if not error.retryable or attempt > retries or wait > policy.wait_max_s:
                raise
            await asyncio.sleep(wait)
            continue
        break
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in provider_headers(incoming.headers)}
    response._hidden_params = {
        "custom_llm_provider": keeper.root.provider,
        "api_base": f"{keeper.origin.scheme}://{keeper.origin.authority}",
        "additional_headers": headers,
        "response_cost": None,
        "attempts": attempt,
        "caveats": shown(errand.caveats),
    }
    response._response_headers = headers
    response._request_id = request_id(headers)
    response._response_ms = (time.monotonic() - began) * 1000
    return response


def _headers(errand: Errand) -> list[tuple[str, str]]:
    return [(name.lower(), value) for name, value in errand.place.headers]
