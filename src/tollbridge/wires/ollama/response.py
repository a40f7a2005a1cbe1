"""A whole answer.

    {"model", "created_at", "message": {"role", "content", "thinking", "tool_calls": [{"id"?, "function": {"name",
     "arguments": {...}}}]}, "done", "done_reason", "logprobs", counts and durations}

Parts stand in this order: thinking, text, calls. Calls without ids get some, from what they say and when. An answer of
`/api/generate` says the same without a message: `response` and `thinking` stand at its top.
"""

from __future__ import annotations

import hashlib
from datetime import datetime

import msgspec

from tollbridge.model.json import Json, JsonObject
from tollbridge.model.parts import Part, Text, Thinking, ToolCall
from tollbridge.model.response import Choice, Finish, Response
from tollbridge.wires.ollama.errors import error_inside
from tollbridge.wires.ollama.shapes import explain_response
from tollbridge.wires.ollama.usage import take_usage
from tollbridge.wires.ollama.vocabulary import FINISH, NAME
from tollbridge.wires.stumble import STUMBLES

_KNOWN = frozenset({"model", "created_at", "message", "response", "thinking", "done", "done_reason", "logprobs"})
_OF_MESSAGE = frozenset({"role", "content", "thinking", "tool_calls"})
_encode = msgspec.json.Encoder().encode


def read_response(body: Json) -> Response:
    """Raises BadGatewayError that names what is wrong, and APIError where it is an error in a 200. Missing and null
    fields are read as empty."""
    try:
        return _read(body)
    except STUMBLES as cause:
        explain_response(body, cause)


def _read(body: JsonObject) -> Response:
    if body.get("error"):
        raise error_inside(body)
    message = message_of(body)
    parts: list[Part] = []
    if message.get("thinking"):
        parts.append(Thinking(text=message["thinking"]))
    if message.get("content"):
        parts.append(Text(text=message["content"]))
    calls = read_calls(message.get("tool_calls"), str(body.get("created_at")), 0)
    rest = dict(body)
    usage = take_usage(rest)
    model = body.get("model")
    return Response(
        model=model if model.__class__ is str else "",
        created=moment(body.get("created_at")),
        choices=(
            Choice(
                parts=(*parts, *calls),
                finish=read_finish(body.get("done_reason"), calls=bool(calls)) if body.get("done") else None,
                logprobs=read_logprobs(body.get("logprobs")),
                message_extra=rest_of(message),
            ),
        ),
        usage=usage,
        origin=NAME,
        extra=extra_of(rest),
    )


def message_of(body: JsonObject) -> JsonObject:
    message = body.get("message")
    if message is None:
        return {"content": body.get("response"), "thinking": body.get("thinking")}
    if message.__class__ is not dict:
        raise TypeError("message")
    return dict(message)


def rest_of(message: JsonObject) -> JsonObject:
    return {key: value for key, value in message.items() if key not in _OF_MESSAGE and value is not None}


def extra_of(body: JsonObject) -> JsonObject:
    return {key: value for key, value in body.items() if key not in _KNOWN and value is not None}


def read_calls(calls: Json, salt: str, before: int) -> list[ToolCall]:
    """`before`: how many calls came before these. `salt`: what other answers have not."""
    return [_call(call, salt, number) for number, call in enumerate(calls or (), before)]


def _call(call: JsonObject, salt: str, number: int) -> ToolCall:
    function = call["function"]
    given: Json = function.get("arguments")
    arguments = given if given.__class__ is str else _encode(given or {}).decode()
    name: str = function["name"]
    made = hashlib.blake2b(f"{salt}\n{number}\n{name}\n{arguments}".encode(), digest_size=12).hexdigest()
    return ToolCall(id=call.get("id") or f"call_{made}", name=name, arguments=arguments or "{}")


def read_finish(reason: Json, *, calls: bool) -> Finish:
    """Older servers give no reason; one that stopped to call tools says `stop`."""
    raw = reason if isinstance(reason, str) and reason else None
    found = FINISH.get(raw or "stop", "other")
    return Finish(reason="tool_calls" if calls and found == "stop" else found, raw=raw)


def read_logprobs(items: Json) -> JsonObject | None:
    """They are OpenAI's, without the object around them."""
    if not items:
        return None
    return {"content": [{**_token(item), "top_logprobs": _others(item)} for item in items]}


def _others(item: JsonObject) -> list[JsonObject]:
    return [_token(other) for other in item.get("top_logprobs") or ()]


def _token(item: JsonObject) -> JsonObject:
    token = item["token"]
    return {"token": token, "logprob": item["logprob"], "bytes": item.get("bytes") or list(token.encode())}


def moment(said: Json) -> int | None:
    """Epoch seconds of `2026-08-07T06:08:07.590207Z`."""
    try:
        return int(datetime.fromisoformat(said).timestamp())
    except (TypeError, ValueError, OverflowError):
        return None
