"""The offline provider: `demo/<any name>` answers an OpenAI chat request without a key and without a network.

It is a stand-in to see the whole path with, not a model: the same request gives the same answer, always. It repeats
what it was told, calls a tool when the request asks for one, fills in a JSON schema (where JSON is wanted without one,
the names in quotation marks), counts tokens by a rule of thumb (four characters each), honours `n`, `stop`,
`max_tokens` and `stream_options`, and refuses what a model would. Its embeddings count words: texts that share some are
alike. `demo/error-429` and its like answer with that status.
"""

from __future__ import annotations

import base64
import re
import struct
import zlib
from collections.abc import Iterator

import msgspec

from tollbridge.model.json import Json, JsonObject
from tollbridge.providers.demo_request import embeddings_refusal, refusal

CHARACTERS_PER_TOKEN = 4
SCHEMA_DEPTH_MAX = 8
DIMENSIONS = 256
DIMENSIONS_MAX = 4096

_dumps = msgspec.json.Encoder().encode
_AMOUNT = re.compile(r"[$€£¥]\s?(\d{1,15}(?:\.\d+)?)")
_QUOTED = re.compile(r"""['"`](\w{1,40})['"`]""")
_ID = re.compile(r"(?<![$€£¥\w.])[A-Za-z]*-?\d[\w-]*")


def answer(body: JsonObject, *, id: str, created: int) -> tuple[int, JsonObject]:
    """(HTTP status, body) for a chat completion request."""
    model = str(body.get("model", "demo"))
    if failure := _failure(model) or refusal(body):
        return failure
    messages = [m for m in body.get("messages") or [] if isinstance(m, dict)]
    message, finish = _message(body, messages, id)
    calls: list[JsonObject] = message.get("tool_calls", [])
    prompt_tokens = _tokens("".join(_text(m) for m in messages))
    said = (message["content"] or "") + "".join(
        call["function"]["name"] + call["function"]["arguments"] for call in calls
    )
    count = body.get("n") or 1
    completion_tokens = _tokens(said) * count
    return 200, {
        "id": id,
        "object": "chat.completion",
        "created": created,
        "model": model,
        "choices": [{"index": i, "message": message, "logprobs": None, "finish_reason": finish} for i in range(count)],
        "usage": {
            "prompt_tokens": prompt_tokens,
            "completion_tokens": completion_tokens,
            "total_tokens": prompt_tokens + completion_tokens,
        },
    }


def embeddings(body: JsonObject) -> tuple[int, JsonObject]:
    """(HTTP status, body) for an embeddings request. A vector has length 1, and a direction for each word of its text,
    which another word may have too."""
    model = str(body.get("model", "demo"))
    if failure := _failure(model) or embeddings_refusal(body):
        return failure
    said = body["input"]
    texts = said if isinstance(said, list) and not isinstance(said[0], int) else [said]
    words = [re.findall(r"\w+", str(text).lower()) for text in texts]
    asked = body.get("dimensions")
    size = asked if isinstance(asked, int) and 0 < asked <= DIMENSIONS_MAX else DIMENSIONS
    vectors: list[Json] = [_vector(one, size) for one in words]
    if body.get("encoding_format") == "base64":
        vectors = [base64.b64encode(struct.pack(f"<{size}f", *vector)).decode() for vector in vectors]
    tokens = sum(_tokens(str(text)) for text in texts)
    return 200, {
        "object": "list",
        "data": [{"object": "embedding", "index": i, "embedding": vector} for i, vector in enumerate(vectors)],
        "model": model,
        "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
    }


def _vector(words: list[str], size: int) -> list[float]:
    counts = [0.0] * size
    for word in words:
        counts[zlib.crc32(word.encode()) % size] += 1.0
    length = sum(count * count for count in counts) ** 0.5 or 1.0
    return [count / length for count in counts]


def _failure(model: str) -> tuple[int, JsonObject] | None:
    found = re.fullmatch(r"error-([45]\d\d)", model)
    if found is None:
        return None
    status = int(found.group(1))
    told = f"demo/{model} always answers with {status}."
    return status, {"error": {"message": told, "type": "demo_error", "param": None, "code": None}}


def chunks(whole: JsonObject, *, include_usage: bool) -> Iterator[JsonObject]:
    """The same answer as chat completion chunks: a word, or a piece of arguments, at a time."""
    head = {"id": whole["id"], "object": "chat.completion.chunk", "created": whole["created"], "model": whole["model"]}

    def chunk(index: int, delta: JsonObject, finish: str | None = None) -> JsonObject:
        return {**head, "choices": [{"index": index, "delta": delta, "logprobs": None, "finish_reason": finish}]}

    for choice in whole["choices"]:
        index, message = choice["index"], choice["message"]
        yield chunk(index, {"role": "assistant", "content": "" if message["content"] is not None else None})
        for word in re.findall(r"\s*\S+|\s+$", message["content"] or ""):
            yield chunk(index, {"content": word})
        for position, call in enumerate(message.get("tool_calls", ())):
            function = call["function"]
            opened = {**call, "index": position, "function": {"name": function["name"], "arguments": ""}}
            yield chunk(index, {"tool_calls": [opened]})
            for start in range(0, len(function["arguments"]), 8):
                piece = function["arguments"][start : start + 8]
                yield chunk(index, {"tool_calls": [{"index": position, "function": {"arguments": piece}}]})
        yield chunk(index, {}, choice["finish_reason"])
    if include_usage:
        yield {**head, "choices": [], "usage": whole["usage"]}


def _message(body: JsonObject, messages: list[JsonObject], id: str) -> tuple[JsonObject, str]:
    last = messages[-1] if messages else {}
    prompt = next((_text(m) for m in reversed(messages) if m.get("role") == "user"), "")
    calls = [] if last.get("role") == "tool" else _wanted(body, prompt)
    if calls:
        tool_calls = [
            {
                "id": f"call_{id[-12:]}{position}",
                "type": "function",
                "function": {"name": name, "arguments": _dumps(_fill(schema, prompt)).decode()},
            }
            for position, (name, schema) in enumerate(calls)
        ]
        return {"role": "assistant", "content": None, "refusal": None, "tool_calls": tool_calls}, "tool_calls"
    text, finish = _cut(_reply(body, messages, last, prompt), body)
    return {"role": "assistant", "content": text, "refusal": None}, finish


def _reply(body: JsonObject, messages: list[JsonObject], last: JsonObject, prompt: str) -> str:
    wanted = body.get("response_format") or {}
    if wanted.get("type") == "json_schema":
        return _dumps(_fill((wanted.get("json_schema") or {}).get("schema") or {}, prompt)).decode()
    if wanted.get("type") == "json_object":
        return _dumps(dict.fromkeys(_QUOTED.findall(prompt) or ["you_said"], prompt)).decode()
    if last.get("role") == "tool":
        return f"The tool answered: {_text(last)}"
    media = [part.get("type") for m in messages for part in _parts(m) if part.get("type") != "text"]
    seen = f" I was also given: {', '.join(map(str, media))}." if media else ""
    return f"This is Tollbridge's offline demo model. You said: {prompt}{seen}"


def _wanted(body: JsonObject, prompt: str) -> list[tuple[str, JsonObject]]:
    """The tools that the request asks for: by `tool_choice`, or because the prompt names them or says to use a tool."""
    functions = [tool.get("function") or {} for tool in body.get("tools") or [] if isinstance(tool, dict)]
    tools = [(str(function["name"]), function.get("parameters") or {}) for function in functions if "name" in function]
    choice = body.get("tool_choice")
    if not tools or choice == "none":
        return []
    if isinstance(choice, dict):
        name = (choice.get("function") or {}).get("name")
        return [tool for tool in tools if tool[0] == name]
    lowered = prompt.lower()
    named = [tool for tool in tools if tool[0].lower() in lowered or tool[0].lower().replace("_", " ") in lowered]
    if named:
        return named if body.get("parallel_tool_calls") is not False else named[:1]
    words = set(re.findall(r"[a-z]{4,}", lowered))
    alike = [tool for tool in tools if words & set(re.findall(r"[a-z]{4,}", tool[0].lower()))]
    if not alike and (choice == "required" or re.search(r"\b(use|call)\b.{0,20}\btools?\b", lowered)):
        return tools[:1]
    return (alike or [tool for tool in tools if _computes(tool[1], prompt)])[:1]


def _computes(schema: JsonObject, prompt: str) -> bool:
    """The prompt is a sum, or the like, of as many numbers as the tool takes."""
    properties = schema.get("properties") or {}
    kinds = [one.get("type") for one in properties.values() if isinstance(one, dict)]
    numbers = kinds and all(kind in ("number", "integer") for kind in kinds)
    return (
        bool(numbers) and re.search(r"\d\s*[-+*/x×÷]\s*\d", prompt) is not None and len(_numbers(prompt)) == len(kinds)
    )


def _fill(schema: Json, prompt: str, depth: int = 0) -> Json:
    """A value that satisfies a JSON schema, with the prompt's words and numbers where they fit."""
    if not isinstance(schema, dict) or depth > SCHEMA_DEPTH_MAX:
        return None
    if schema.get("enum"):
        return next(
            (v for v in schema["enum"] if isinstance(v, str) and v.lower() in prompt.lower()), schema["enum"][0]
        )
    if "const" in schema:
        return schema["const"]
    for union in ("anyOf", "oneOf", "allOf"):
        if schema.get(union):
            return _fill(schema[union][0], prompt, depth + 1)
    kind = schema.get("type")
    kind = kind[0] if isinstance(kind, list) and kind else kind
    match kind:
        case "object" | None if isinstance(schema.get("properties"), dict):
            properties = schema["properties"]
            required = schema.get("required") or list(properties)
            wanted = [name for name in required if name in properties]
            numeric = [name for name in wanted if _kind(properties[name]) in ("number", "integer")]
            numbers = dict(zip(numeric, _numbers(prompt), strict=False)) if len(numeric) > 1 else {}
            return {
                name: _as(properties[name], numbers[name])
                if name in numbers
                else _field(name, properties[name], prompt, depth)
                for name in wanted
            }
        case "array":
            items = schema.get("items") or {}
            amounts = _AMOUNT.findall(prompt) if isinstance(items, dict) and items.get("type") == "number" else []
            return [float(amount) for amount in amounts] or [_fill(items, prompt, depth + 1)]
        case "integer":
            return int(_number(prompt))
        case "number":
            return _number(prompt)
        case "boolean":
            return True
        case "null":
            return None
        case "string":
            names = re.findall(r"\b[A-Z][a-z]+\b", prompt)
            quoted = re.search(r"[\"'“]([^\"'”]+)[\"'”]", prompt)
            return quoted.group(1) if quoted else names[-1] if names else prompt[:100]
        case _:
            return {}


def _field(name: str, schema: Json, prompt: str, depth: int) -> Json:
    """An id is a word with a digit in it, where the prompt has one."""
    found = _ID.search(prompt) if name.lower().endswith("id") and _is_text(schema) else None
    return found.group() if found else _fill(schema, prompt, depth + 1)


def _is_text(schema: Json) -> bool:
    return _kind(schema) == "string" and not schema.get("enum")


def _kind(schema: Json) -> Json:
    return schema.get("type") if isinstance(schema, dict) else None


def _as(schema: Json, number: float) -> float:
    return int(number) if _kind(schema) == "integer" else number


def _numbers(prompt: str) -> list[float]:
    return [float(found) for found in re.findall(r"\d{1,15}(?:\.\d+)?", prompt)]


def _number(prompt: str) -> float:
    found = re.search(r"-?\d{1,15}(?:\.\d+)?", prompt)
    return float(found.group()) if found else 1.0


def _cut(text: str, body: JsonObject) -> tuple[str, str]:
    stop = body.get("stop")
    for sequence in [stop] if isinstance(stop, str) else stop or []:
        before, found, _ = text.partition(sequence)
        if found:
            text = before
    limit = body.get("max_completion_tokens") or body.get("max_tokens")
    if isinstance(limit, int) and _tokens(text) > limit:
        return text[: limit * CHARACTERS_PER_TOKEN], "length"
    return text, "stop"


def _parts(message: JsonObject) -> list[JsonObject]:
    content = message.get("content")
    return [part for part in content if isinstance(part, dict)] if isinstance(content, list) else []


def _text(message: JsonObject) -> str:
    content = message.get("content")
    if isinstance(content, str):
        return content
    return "".join(str(part.get("text", "")) for part in _parts(message))


def _tokens(text: str) -> int:
    return -(-len(text) // CHARACTERS_PER_TOKEN)
