"""What the engine brought back -> what the caller is handed: a ModelResponse, or the chunks of a stream."""

from __future__ import annotations

import asyncio
import math
import time
import weakref
from collections import deque
from collections.abc import Sequence
from typing import Self, TypeVar

import msgspec

from tollbridge.calls.ask import Ask
from tollbridge.calls.deployment import Deployment
from tollbridge.calls.exchange import Answer, Streaming
from tollbridge.calls.provider_headers import provider_headers
from tollbridge.calls.streams import Stream, stream_error
from tollbridge.catalog.facts import catalog
from tollbridge.errors import APIError, BadGatewayError
from tollbridge.model.json import Json, JsonObject
from tollbridge.model.money import write_dollars
from tollbridge.model.response import Caveat, Usage
from tollbridge.sdk.objects import Answer as AnyAnswer
from tollbridge.sdk.objects import ModelResponse
from tollbridge.sdk.price_list import PRICES
from tollbridge.sdk.streams import AsyncStream
from tollbridge.wires.openai_chat.usage import write_usage
from tollbridge.wires.sse import SseParser

T = TypeVar("T", bound=AnyAnswer)
END_S = 0.5  # how long the provider has to end the body after the stream's end marker, so that the connection is kept

_COSTS = (b"x-tollbridge-cost-usd", b"x-litellm-response-cost")
_REQUEST_IDS = ("llm_provider-x-request-id", "llm_provider-request-id")


def whole(answer: Answer, ask: Ask, known: JsonObject) -> ModelResponse:
    """`known`: what `_hidden_params` tells besides. Raises BadGatewayError."""
    response = ModelResponse(_mended(msgspec.json.decode(answer.body), ask, answer.deployment))
    return told(response, answer, known)


def told(response: T, answer: Answer, known: JsonObject) -> T:
    """The response, with what is known of its way. `known`: what `_hidden_params` tells besides."""
    headers = headers_of(answer)
    response._hidden_params = hidden(answer, headers, known)
    response._response_headers = headers
    response._request_id = request_id(headers)
    return response


def streamed(streaming: Streaming, ask: Ask, known: JsonObject, began: float) -> AsyncStream:
    """To be called on the loop that the stream belongs to. `began`: the call, on the monotonic clock."""
    headers = headers_of(streaming)
    told_of = hidden(streaming, headers, known)
    chunks = Chunks(streaming, ask, told_of, began)
    return AsyncStream(chunks, include_usage=ask.include_usage, hidden_params=told_of, response_headers=headers)


class Chunks:
    """The stream as dictionaries, one an event. Where it breaks, the error is raised after the chunks that arrived.

    At the end `hidden` is complete: its `caveats`, and `usage` and `response_cost` where usage was told. Dropped or
    closed before its end, it closes the provider's connection.
    """

    def __init__(self, streaming: Streaming, ask: Ask, hidden: JsonObject, began: float) -> None:
        self._deployment = streaming.deployment
        self._stream = streaming.stream
        self._ask = ask
        self._hidden = hidden
        self._began = began
        self._parser = SseParser()
        self._waiting: deque[JsonObject] = deque()
        self._last: JsonObject = {}
        self._told_usage = False
        self._error: APIError | None = None
        self._over = False
        loop = asyncio.get_running_loop()
        self._dropped = weakref.finalize(self, _drop, loop, self._stream)
        self._dropped.atexit = False  # the loop's end closes all connections

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> JsonObject:
        while not self._waiting:
            if self._error is not None:
                error, self._error = self._error, None
                raise error
            if self._over:
                raise StopAsyncIteration
            await self._read()
        return self._waiting.popleft()

    async def aclose(self) -> None:
        self._waiting.clear()
        self._error = None
        if not self._over:
            self._end()
            await asyncio.sleep(0)  # the socket is closed in the next turn of the loop

    async def _read(self) -> None:
        try:
            block = await self._stream.next()
            if not block:
                self._finish()
                return
            for event in self._parser.feed(block):
                if event.data == "[DONE]":
                    await self._rest()
                    self._finish()
                    return
                self._waiting.append(self._chunk(event.data))
        except APIError as error:
            if not error.provider:
                error.provider, error.model = self._deployment.provider, self._deployment.model
            self._error = error
            self._end()

    def _chunk(self, data: str) -> JsonObject:
        try:
            chunk: Json = msgspec.json.decode(data)
        except msgspec.DecodeError as error:
            raise BadGatewayError(f"The provider sent a chunk that is not valid JSON: {error}.") from error
        if not isinstance(chunk, dict):
            raise BadGatewayError("The provider sent a chunk that is no object.")
        if chunk.get("error") and not chunk.get("choices"):
            raise stream_error(self._deployment.wire, chunk)
        if not chunk.get("id") and (chunk.get("choices") or chunk.get("usage")):
            chunk["id"] = self._ask.id  # not before: what Azure filtered comes ahead of the answer and of its id
        for choice in chunk.get("choices") or ():
            if isinstance(choice, dict) and choice.get("delta") is None:
                choice["delta"] = {}
        self._told_usage = self._told_usage or chunk.get("usage") is not None
        self._last = chunk
        return chunk

    async def _rest(self) -> None:
        """What follows the end marker: the end of the body, or nothing in time."""
        try:
            async with asyncio.timeout(END_S):
                while await self._stream.next():
                    continue
        except (TimeoutError, APIError):
            pass  # the answer is complete all the same

    def _finish(self) -> None:
        """The honest end. Usage that only we asked for is told in a last chunk, which the reader need not see."""
        said = self._stream.said
        usage, tier = said.usage, said.service_tier
        self._hidden["response_cost"] = price(self._deployment, usage, tier, time.monotonic() - self._began)
        if usage is not None:
            self._hidden["usage"] = write_usage(usage)
        if usage is not None and not self._told_usage:
            head = {name: value for name, value in self._last.items() if name in ("id", "object", "created", "model")}
            self._waiting.append({**head, "choices": [], "usage": write_usage(usage)})
        self._end()

    def _end(self) -> None:
        self._over = True
        self._dropped.detach()
        self._stream.abort()  # changes nothing after the honest end
        self._hidden["caveats"].extend(shown(self._stream.caveats))


def _drop(loop: asyncio.AbstractEventLoop, stream: Stream) -> None:
    if not loop.is_closed():
        loop.call_soon_threadsafe(stream.abort)


def price(deployment: Deployment, usage: Usage | None, tier: Json, seconds: float) -> float | None:
    """Dollars; None where usage or a price is not known."""
    if usage is None:
        return None
    cost = PRICES.of(deployment).cost(usage, tier if isinstance(tier, str) else None, seconds)
    return write_dollars(cost)


def billed(answer: Answer, cost: float | None) -> float | None:
    """Dollars: what a gateway (LiteLLM's or ours) says that it cost, where the price is not the program's own."""
    told = _told_cost(answer.headers)
    return cost if told is None or PRICES.of(answer.deployment).priced not in ("", catalog().date) else told


def _told_cost(headers: Sequence[tuple[bytes, bytes]]) -> float | None:
    for name, value in headers:
        if name.lower() in _COSTS:
            try:
                cost = float(value)
            except ValueError:
                continue
            if 0 <= cost < math.inf:
                return cost
    return None


def _mended(body: Json, ask: Ask, by: Deployment) -> JsonObject:
    """A relayed answer is as the provider wrote it: what it left out and every reader reaches for is put there."""
    if not isinstance(body, dict) or not isinstance(choices := body.get("choices"), list):
        raise BadGatewayError("The provider's answer has no choices.", provider=by.provider, model=by.model)
    if not body.get("id"):
        body["id"] = ask.id
    for choice in choices:
        if isinstance(choice, dict) and choice.get("message") is None:
            choice["message"] = {"role": "assistant", "content": None}
    return body


def hidden(result: Answer | Streaming, headers: dict[str, str], known: JsonObject) -> JsonObject:
    deployment: Deployment = result.deployment
    return {
        "model_id": deployment.id,
        "custom_llm_provider": deployment.provider,
        "model": deployment.model,
        "api_base": f"{deployment.origin.scheme}://{deployment.origin.authority}",
        "additional_headers": headers,
        "response_cost": None,
        **known,
        "caveats": [*known["caveats"], *shown(result.caveats)],
    }


def shown(caveats: Sequence[Caveat]) -> list[JsonObject]:
    return [{"code": caveat.code, "where": caveat.where, "detail": caveat.detail} for caveat in caveats]


def headers_of(result: Answer | Streaming) -> dict[str, str]:
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in provider_headers(result.headers)}


def request_id(headers: dict[str, str]) -> str | None:
    return next((headers[name] for name in _REQUEST_IDS if name in headers), None)
