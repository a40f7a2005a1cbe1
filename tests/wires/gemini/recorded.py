"""Every recorded exchange whose bodies are Gemini's: of Google AI Studio, and of Vertex."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from tests.shared import recordings
from tollbridge.wires import sse

ENDPOINTS = ("generateContent", "streamGenerateContent")


def exchanges() -> Iterator[dict[str, Any]]:
    for provider in ("gemini", "vertex"):
        yield from recordings(provider=provider, endpoints=ENDPOINTS)


def request_of(exchange: dict[str, Any]) -> dict[str, Any] | None:
    body = exchange.get("request_body")
    return body if isinstance(body, dict) else None


def answer_of(exchange: dict[str, Any]) -> dict[str, Any] | None:
    body = exchange.get("response_body")
    return body if exchange["status"] == 200 and isinstance(body, dict) else None


def stream_of(exchange: dict[str, Any]) -> bytes | None:
    """The stream as server-sent events. Asked for without `alt=sse` it is one array, of which each item is an event."""
    text: str = exchange.get("response_text", "")
    match exchange.get("stream_format") if exchange["status"] == 200 else None:
        case "sse":
            return text.encode()
        case "json-array":
            return b"".join([sse.write(msgspec.json.encode(item)) for item in msgspec.json.decode(text)])
        case _:
            return None
