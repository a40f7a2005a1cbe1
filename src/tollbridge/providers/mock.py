"""`mock_response`: an answer written by the operator or the caller, given without a network.

A string is the assistant's words, except the name of an exception (`RateLimitError`, `litellm.RateLimitError`), which
is answered as that error. An object with `choices` is the whole answer, with a `message` key the assistant's message.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from tollbridge import errors
from tollbridge.model.json import Json, JsonObject

Answer = Callable[[JsonObject, str, int], tuple[int, JsonObject]]

CHARACTERS_PER_TOKEN = 4


def mocked(value: Json, tool_calls: Json = None) -> Answer:
    """An answerer for chat completion requests: (body, id, epoch seconds) -> (status, answer)."""

    def answer(body: JsonObject, id: str, created: int) -> tuple[int, JsonObject]:
        failure = _failure(value)
        if failure is not None:
            told = {"message": f"mock_response: {failure.__name__}", "type": failure.type, "param": None, "code": None}
            return failure.status_code, {"error": told}
        if isinstance(value, dict) and "choices" in value:
            return 200, {"id": id, "object": "chat.completion", "created": created, "model": body.get("model"), **value}
        return 200, _whole(value, tool_calls, body, id, created)

    return answer


def _whole(value: Json, tool_calls: Json, body: JsonObject, id: str, created: int) -> JsonObject:
    message: JsonObject = {"role": "assistant", "content": None if value is None else value, "refusal": None}
    if isinstance(value, dict) and isinstance(value.get("message"), dict):
        message = {**message, **value["message"]}
    elif value is True:
        message["content"] = "This is a mock response."
    elif value is not None and not isinstance(value, str):
        message["content"] = msgspec.json.encode(value).decode()
    if tool_calls:
        message["tool_calls"] = tool_calls
    finish = "tool_calls" if message.get("tool_calls") else "stop"
    prompt = _tokens(msgspec.json.encode(body.get("messages") or []))
    completion = _tokens(msgspec.json.encode([message["content"], message.get("tool_calls")]))
    count = body.get("n") or 1
    return {
        "id": id,
        "object": "chat.completion",
        "created": created,
        "model": body.get("model"),
        "choices": [{"index": i, "message": message, "logprobs": None, "finish_reason": finish} for i in range(count)],
        "usage": {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion},
    }


def _failure(value: Json) -> type[errors.APIError] | None:
    if not isinstance(value, str) or not value.endswith("Error"):
        return None
    found = getattr(errors, value.rpartition(".")[2], None)
    return found if isinstance(found, type) and issubclass(found, errors.APIError) else None


def _tokens(text: bytes) -> int:
    return -(-len(text) // CHARACTERS_PER_TOKEN)
