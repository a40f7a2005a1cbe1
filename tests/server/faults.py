"""What the fault and attack tests share: configurations in a line, the four pairs of dialect and wire, and what an
honest answer, an error and a broken stream look like in each dialect."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import msgspec

from tests.server.served import KEY, Answered, Served
from tests.transport.upstream import CHUNKED_HEAD, Peer, chunked
from tollbridge.server.routes import TASKS, Route
from tollbridge.wires.sse import SseParser

CHAT, MESSAGES, GEMINI = "/v1/chat/completions", "/v1/messages", "/v1beta/models/m:generateContent"
RESPONSES = "/v1/responses"
GEMINI_EMBEDS = ("gemini_embed_one", "gemini_embed_batch")
PATH_OF = {
    "openai_chat": CHAT,
    "anthropic_messages": MESSAGES,
    "gemini": GEMINI,
    **dict.fromkeys(GEMINI_EMBEDS, GEMINI),
    "openai_responses": RESPONSES,
    "openai_completions": "/v1/completions",
    **{dialect: f"/v1{path}" for path, dialect in TASKS.items()},
}
PROVIDER_KEY = "provider-secret-canary-0987654321"
PAIRS = [(path, wire) for path in (CHAT, MESSAGES) for wire in ("openai", "anthropic")]
PAIR_IDS = ["chat-relayed", "chat-translated", "messages-translated", "messages-relayed"]


def entry(name: str, port: int, wire: str = "openai", scheme: str = "http", **params: Any) -> dict[str, Any]:
    """A deployment `name` at a loopback port that speaks `wire`; its model upstream is `name` too."""
    base = f"{scheme}://127.0.0.1:{port}" + ("/v1" if wire == "openai" else "")
    info = {"model_info": params.pop("info")} if "info" in params else {}
    own = {"model": f"{wire}/{name}", "api_base": base, "api_key": PROVIDER_KEY, **params}
    return {"model_name": name, "litellm_params": own, **info}


def configuration(*entries: dict[str, Any], **sections: Mapping[str, Any]) -> str:
    """JSON is YAML. `sections`: router, general, litellm."""
    named = {f"{name}_settings": dict(settings) for name, settings in sections.items()}
    return json.dumps({"model_list": list(entries), **named})


def ask(model: str = "m", *, stream: bool = False, text: str = "hi", **fields: Any) -> dict[str, Any]:
    """A request that is legal in both dialects."""
    said: dict[str, Any] = {"model": model, "max_tokens": 64, "messages": [{"role": "user", "content": text}]}
    return said | ({"stream": True} if stream else {}) | fields


def ask_at(route: Route, model: str = "m") -> dict[str, Any]:
    """A request that is legal in the dialect of a route."""
    if route.dialect == "gemini":
        return {"contents": [{"role": "user", "parts": [{"text": "hi"}]}]}
    if route.dialect in GEMINI_EMBEDS:
        content = {"content": {"parts": [{"text": "hi"}]}}
        return {**content, "requests": [content]}
    if route.dialect in TASKS.values():
        return {"model": model, "input": "hi", "prompt": "hi", "query": "hi", "documents": ["hi"]}
    if route.dialect == "openai_completions":
        return {"model": model, "prompt": "hi"}
    if route.handler == "compact" or (route.handler == "count_tokens" and route.dialect == "openai_responses"):
        return {"model": model, "input": "hi"}
    return ask(model)


def hasten(served: Served, **changes: Any) -> None:
    """Backoff without waiting; a Retry-After is waited for all the same."""
    engine = served.gateway.engine
    engine.policy = msgspec.structs.replace(engine.policy, backoff_s=0.001, **changes)


def error_of(path: str, body: Any) -> dict[str, Any]:
    """The error of an answer or an event, after a look at its shape."""
    if path.endswith("messages"):
        assert body["type"] == "error"
        assert isinstance(body["error"]["type"], str)
    elif path.endswith("Content"):
        assert set(body) == {"error"}
        assert isinstance(body["error"]["code"], int)
        assert isinstance(body["error"]["status"], str)
    else:
        assert set(body) == {"error"}
        assert set(body["error"]) >= {"message", "type", "param", "code"}
    assert isinstance(body["error"]["message"], str)
    assert body["error"]["message"]
    error: dict[str, Any] = body["error"]
    return error


def events_of(body: bytes) -> list[tuple[str, str]]:
    """(event, data), by a parser that follows the standard."""
    parser = SseParser()
    return [(event.event, event.data) for event in (*parser.feed(body), *parser.close())]


def text_of(path: str, body: bytes) -> str:
    """What a stream said."""
    said = ""
    for _, data in events_of(body):
        if data == "[DONE]":
            continue
        value = json.loads(data)
        if path.endswith("messages"):
            said += value.get("delta", {}).get("text", "")
        else:
            said += "".join(choice["delta"].get("content") or "" for choice in value.get("choices", ()))
    return said


def ended(path: str, body: bytes) -> bool:
    """The dialect's end marker is there, and nothing behind it."""
    events = events_of(body)
    mark = ("message_stop", '{"type":"message_stop"}') if path.endswith("messages") else ("", "[DONE]")
    return bool(events) and events[-1] == mark


def broken_off(path: str, body: bytes) -> dict[str, Any]:
    """The error that ends a stream which did not end: the last event, and no end marker anywhere."""
    assert b"[DONE]" not in body
    assert b"message_stop" not in body
    event, data = events_of(body)[-1]
    assert event == ("error" if path.endswith("messages") else "")
    return error_of(path, json.loads(data))


def chunk(**fields: Any) -> bytes:
    """One event of a chat stream."""
    said = {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "m"} | fields
    return b"data: %b\n\n" % json.dumps(said, separators=(",", ":")).encode()


def word(text: str) -> bytes:
    return chunk(choices=[{"index": 0, "delta": {"role": "assistant", "content": text}, "finish_reason": None}])


STOP = chunk(choices=[{"index": 0, "delta": {}, "finish_reason": "stop"}])
USAGE = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
DONE = b"data: [DONE]\n\n"
WHOLE = {
    "id": "c1",
    "object": "chat.completion",
    "created": 1,
    "model": "m",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "hello"}, "finish_reason": "stop"}],
    "usage": USAGE,
}
EVENTS_HEAD = CHUNKED_HEAD.replace(b"\r\n\r\n", b"\r\ncontent-type: text/event-stream\r\n\r\n")
LAST = b"0\r\n\r\n"


def error_body(wire: str, message: str, code: int | None = None) -> bytes:
    """A provider's error, in its own words."""
    error = {"type": "overloaded_error", "message": message, "param": None, "code": code}
    return json.dumps({"error": error} if wire == "openai" else {"type": "error", "error": error}).encode()


def stream(*events: bytes) -> bytes:
    """A whole chunked answer."""
    return EVENTS_HEAD + chunked(*events) + LAST


def always(answer: bytes) -> Callable[[Peer], Any]:
    """An upstream that answers every request alike."""

    async def script(peer: Peer) -> None:
        while await peer.request():
            peer.send(answer)

    return script


async def answers_so_far(answer: aiohttp.ClientResponse, mark: bytes) -> bytes:
    """What came of a stream, up to `mark`."""
    body = b""
    while mark not in body:
        piece = await answer.content.readany()
        assert piece, f"the stream ended before {mark!r}: {body!r}"
        body += piece
    return body


@asynccontextmanager
async def streaming(served: Served, path: str, body: Any) -> AsyncIterator[aiohttp.ClientResponse]:
    """A client of its own, on a connection of its own; leaving the block early is leaving the stream."""
    headers = {"authorization": f"Bearer {KEY}"}
    async with aiohttp.ClientSession() as session:
        async with session.post(served.url + path, json=body, headers=headers) as answer:
            yield answer


async def post_large(served: Served, path: str, body: bytes) -> int:
    """The status of the answer to a body of many megabytes."""
    headers = {"authorization": f"Bearer {KEY}"}
    async with aiohttp.ClientSession() as session:
        async with session.post(served.url + path, data=io.BytesIO(body), headers=headers) as answer:
            return answer.status


async def recorded(served: Served, count: int = 1) -> Any:
    """The last record, when there are `count`."""
    while len(served.records) < count:
        await asyncio.sleep(0.001)
    return served.records[-1]


def attempts_of(answered: Answered) -> str | None:
    return answered.headers.get("x-tollbridge-attempts")
