"""The requests that are sent, and how an answer is checked: one conversation in both dialects, at a stated size."""

from __future__ import annotations

from typing import Any

import msgspec

from bench.mock.dialects import DialectName, pieces
from bench.mock.script import read_script

PATHS: dict[DialectName, str] = {"openai": "/v1/chat/completions", "anthropic": "/v1/messages"}
SYSTEM = "You are a careful assistant. Answer briefly, and say where you are not sure."
TURNS = (
    "Which of the three drafts reads best, and what would you change in it?",
    "The second. Its first paragraph says what it is about; the others begin with their history.",
    "Then shorten the second one, please, and keep the figures as they are.",
)
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "city": {"type": "string", "description": "The city's name, as on a map."},
        "unit": {"type": "string", "enum": ["celsius", "fahrenheit"]},
        "days": {"type": "array", "items": {"type": "string", "format": "date"}, "maxItems": 7},
    },
    "required": ["city"],
}
DESCRIPTION = "The weather in a city, for up to seven days."
FILLER = "A gateway carries many requests and must add as little as it can to each of them. "
TOOLS_FROM_BYTES = 2048

encode = msgspec.json.encode


def request_body(dialect: DialectName, model: str, size_bytes: int, stream: bool) -> bytes:
    """A body of exactly `size_bytes` (the last message is filled up); from 2 kB on it offers a tool, too."""
    bare = _body(dialect, model, stream, size_bytes, "")
    missing = size_bytes - len(encode(bare))
    return encode(_body(dialect, model, stream, size_bytes, (FILLER * (missing // len(FILLER) + 1))[: max(0, missing)]))


def _body(dialect: DialectName, model: str, stream: bool, size_bytes: int, filler: str) -> dict[str, Any]:
    turns = [{"role": ("user", "assistant")[n % 2], "content": text} for n, text in enumerate(TURNS)]
    turns[-1]["content"] += filler
    body: dict[str, Any] = {"model": model, "temperature": 0.2, "max_tokens": 512}
    if dialect == "openai":
        body["messages"] = [{"role": "system", "content": SYSTEM}, *turns]
    else:
        body |= {"system": SYSTEM, "messages": turns}
    if size_bytes >= TOOLS_FROM_BYTES:
        function: dict[str, Any] = {"name": "get_weather", "description": DESCRIPTION}
        if dialect == "openai":
            body["tools"] = [{"type": "function", "function": {**function, "parameters": SCHEMA}}]
        else:
            body["tools"] = [{**function, "input_schema": SCHEMA}]
    return body | {"stream": True} if stream else body


def expected_text(script: str) -> str:
    return "".join(pieces(read_script(script)))


def wrong_answer(dialect: DialectName, stream: bool, script: str, status: int, body: bytes) -> str | None:
    """What is wrong with an answer, or None."""
    if status != 200:
        return f"status {status}: {body[:200].decode('utf-8', 'replace')}"
    try:
        text = _streamed_text(dialect, body) if stream else _whole_text(dialect, msgspec.json.decode(body))
    except (msgspec.DecodeError, KeyError, IndexError, TypeError, ValueError) as error:
        return f"unreadable: {error!r}: {body[:200].decode('utf-8', 'replace')}"
    return None if text == expected_text(script) else f"other text: {text[:80]!r}"


def _whole_text(dialect: DialectName, answer: Any) -> str:
    if dialect == "openai":
        return str(answer["choices"][0]["message"]["content"])
    return "".join(block["text"] for block in answer["content"])


def _streamed_text(dialect: DialectName, body: bytes) -> str:
    datas = [line[5:].strip() for line in body.split(b"\n") if line.startswith(b"data:")]
    if dialect == "openai":
        if datas[-1] != b"[DONE]":
            raise ValueError("no [DONE]")
        choices = [choice for data in datas[:-1] for choice in msgspec.json.decode(data)["choices"]]
        return "".join(choice["delta"].get("content") or "" for choice in choices)
    events = [msgspec.json.decode(data) for data in datas]
    if events[-1]["type"] != "message_stop":
        raise ValueError("no message_stop")
    return "".join(event["delta"].get("text", "") for event in events if event["type"] == "content_block_delta")
