"""One call on the running loop: orders -> deployments -> the engine that the server uses too -> the answer.

Where the model asked for cannot even be tried (no key, say) its fallbacks are, and its own error is raised if they all
fail. A fallback that cannot be tried is passed over, with a caveat.
"""

from __future__ import annotations

import os
import time
from collections.abc import Awaitable, Callable, Mapping
from functools import cache
from typing import TYPE_CHECKING, TypeVar, cast
from uuid import uuid4

import msgspec

from tollbridge.calls.ask import Ask, peek
from tollbridge.calls.deployment import Deployment
from tollbridge.calls.exchange import Answer, Streaming, exchange
from tollbridge.errors import APIError, AuthenticationError, ConfigError
from tollbridge.home import Home
from tollbridge.model.json import JsonObject
from tollbridge.model.response import Caveat
from tollbridge.providers.names import find
from tollbridge.providers.ready import key_place
from tollbridge.providers.table import ROWS
from tollbridge.routing.board import Fallbacks, Routes
from tollbridge.routing.engine import Engine, How, Trace
from tollbridge.routing.groups import Group, Groups
from tollbridge.routing.plan import Policy
from tollbridge.sdk.answers import billed, price, shown, streamed, whole
from tollbridge.sdk.call import Call
from tollbridge.sdk.deployments import given_of, mock_deployment
from tollbridge.sdk.desk import DESKS, Desk
from tollbridge.sdk.events import AsyncEvents
from tollbridge.sdk.mocks import mock_host, mock_transport
from tollbridge.sdk.objects import Answer as AnyAnswer
from tollbridge.sdk.objects import ModelResponse
from tollbridge.sdk.order import Order, Place
from tollbridge.sdk.streams import AsyncStream
from tollbridge.transport.base import Transport
from tollbridge.transport.inprocess import ByHost
from tollbridge.wires.dialects import COMPLETIONS
from tollbridge.wires.seal import Seals

if TYPE_CHECKING:
    from tollbridge.calls.task_ask import TaskAsk

R = TypeVar("R", bound=AnyAnswer)
RETRIES = 2  # as OpenAI's SDK


Found = tuple[Answer | Streaming, Ask, JsonObject]
"""What came back, what was asked, what is known of the way."""
Way = Callable[[Call], Awaitable[Found]]


async def answer(call: Call, way: Way | None = None) -> ModelResponse | AsyncStream:
    """Of a chat. `way`: how it finds who answers; by itself, at the model that it names. Raises APIError: that of the
    model asked for, where the fallbacks failed too."""
    began = time.monotonic()
    result, ask, known = await (way or _result)(call)
    if isinstance(result, Streaming):
        return streamed(result, ask, known, began)
    return _told(whole(result, ask, known), result, began)


async def dialogue(
    call: Call,
    made: Callable[[JsonObject], R],
    whole: Callable[[Answer, JsonObject], R],
    way: Way | None = None,
    named: Callable[[JsonObject, Deployment], JsonObject] | None = None,
) -> R | AsyncEvents[R]:
    """Of a conversation in any dialect: what is `whole` of an answer, or the events of a stream as `made`; `named`: put
    into other words first, where its format is the provider's own. Raises APIError, as `answer` does."""
    began = time.monotonic()
    result, _, known = await (way or _result)(call)
    renames = named if result.relayed else None
    if isinstance(result, Streaming):
        deployment = result.deployment
        event = made if renames is None else lambda told: made(renames(told, deployment))
        return AsyncEvents(result, event, known, began)
    if renames is not None:
        told = renames(msgspec.json.decode(result.body), result.deployment)
        result = msgspec.structs.replace(result, body=msgspec.json.encode(told))
    return _told(whole(result, known), result, began)


async def task(call: Call, made: Callable[[Answer, JsonObject], R], way: Way | None = None) -> R:
    """What is `made` of the answer and of what is known of the way. Raises APIError, as `answer` does."""
    began = time.monotonic()
    result, _, known = await (way or _result)(call)
    if isinstance(result, Streaming):
        result = await _read(result)
    return _told(made(result, known), result, began)


async def _read(streaming: Streaming) -> Answer:
    """All of what came as bytes."""
    stream, blocks = streaming.stream, []
    try:
        while block := await stream.next():
            blocks.append(block)
    finally:
        stream.abort()
    return Answer(
        streaming.deployment,
        b"".join(blocks),
        stream.said,
        streaming.headers,
        streaming.caveats,
        streaming.relayed,
        streaming.upstream_s,
        streaming.kind,
        stream.exact,
    )


def _told(response: R, result: Answer, began: float) -> R:
    """With what it took and cost. `began`: on the monotonic clock."""
    took_s = time.monotonic() - began
    response._response_ms = took_s * 1000
    cost = price(result.deployment, result.said.usage, response.get("service_tier"), took_s)
    response._hidden_params["response_cost"] = billed(result, cost)
    return response


async def _result(call: Call) -> Found:
    desk = await DESKS.here()
    found, refused = _deployments(call, desk)
    asked = call.orders[0]
    if not found or (asked.name in refused and not any(name in found for name in call.fallbacks)):
        raise refused[asked.name]
    asks = {order.name: ask_of(call, order) for order in call.orders}
    trace = Trace([])
    try:
        result = await _ask_in_turn(call, desk, found, asks, trace)
    except APIError as error:
        if asked.name in refused:
            raise refused[asked.name] from error
        raise
    passed_over = [_passed_over(name, error) for name, error in refused.items() if name != asked.name]
    known: JsonObject = {"attempts": len(trace.attempts), "caveats": shown([*call.caveats, *passed_over])}
    return result, asks[result.deployment.group], known


async def _ask_in_turn(
    call: Call, desk: Desk, found: Mapping[str, Deployment], asks: Mapping[str, Ask], trace: Trace
) -> Answer | Streaming:
    first = next(name for name in (call.orders[0].name, *call.fallbacks) if name in found)
    general = [name for name in call.fallbacks if name in found and name != first]
    mocks = {mock_host(order.name): mock_transport(order.mock) for order in call.orders if order.mock is not None}
    routes = Routes(
        Groups([Group(name, name, (deployment,)) for name, deployment in found.items()]),
        Fallbacks(general={first: general}, context_window=call.larger),
        desk.health if general and not mocks else desk.forgiving,
    )
    transport: Transport = ByHost(mocks, desk.transport) if mocks else desk.transport
    retries = call.retries
    if retries is None:
        retries = 0 if mocks else RETRIES  # a mock fails the same way again
    policy = Policy(retries=retries, fallback_depth=len(found))

    how = how_of(asks[first])
    places = {order.name: order.place for order in call.orders}

    async def attempt(_: Ask, deployment: Deployment, transport: Transport) -> Answer | Streaming:
        try:
            return await how(asks[deployment.group], deployment, transport)
        except AuthenticationError as error:
            tell_place(error, places[deployment.group])
            raise

    return await Engine(routes, transport, policy).run(asks[first], trace, attempt)


def tell_place(error: AuthenticationError, place: Place) -> None:
    """Where the key is from that was refused."""
    row = find(error.provider, ROWS)
    if row is not None:
        error.key_place = key_place(row, given_of(place), os.environ)


def how_of(ask: Ask) -> How[Answer | Streaming]:
    """How one deployment is asked."""
    if ask.task:
        from tollbridge.calls.task_exchange import exchange_task  # loaded by the first call for a task

        return exchange_task
    if ask.dialect.name == COMPLETIONS:
        from tollbridge.calls.complete import exchange_completion  # loaded by the first legacy completion

        return exchange_completion
    return exchange


def _deployments(call: Call, desk: Desk) -> tuple[dict[str, Deployment], dict[str, APIError]]:
    """(by the order's name, why not the others)."""
    found: dict[str, Deployment] = {}
    refused: dict[str, APIError] = {}
    for order in call.orders:
        try:
            deployment = desk.deployments.at(order.place) if order.mock is None else mock_deployment(order)
        except APIError as error:
            refused[order.name] = error
            continue
        if deployment.group != order.name:
            deployment = msgspec.structs.replace(deployment, group=order.name)
        found[order.name] = deployment
    return found, refused


def ask_of(call: Call, order: Order) -> Ask:
    make = Ask
    if call.task:
        from tollbridge.calls.task_ask import TaskAsk  # loaded by the first call for a task

        make = TaskAsk
    ask = make(
        call.dialect,
        order.body,
        peek(order.body),
        order.name,
        stream=call.stream,
        id=f"chatcmpl-{uuid4().hex}",
        created=int(time.time()),
        seals=Seals(_seal_key),
        include_usage=call.include_usage,
        strict=call.strict,
    )
    if call.uploads:
        cast("TaskAsk", ask).attach(call.uploads)
    return ask


def _passed_over(name: str, error: APIError) -> Caveat:
    return Caveat(code="fallback_skipped", where="$.fallbacks", detail=f"{name} was passed over: {error.message}")


def _seal_key() -> bytes:
    """Read, or made, when a seal is met or to be written. Without a state directory seals last as long as the
    process."""
    try:
        return Home.of(os.environ).seal_key()
    except ConfigError:
        return _key_of_this_process()


@cache
def _key_of_this_process() -> bytes:
    return os.urandom(32)
