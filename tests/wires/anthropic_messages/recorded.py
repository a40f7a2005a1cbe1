"""Every recorded exchange whose bodies are Anthropic Messages: Anthropic's own, and Claude on Bedrock (invoke)."""

from __future__ import annotations

import struct
from base64 import b64decode
from collections.abc import Iterator
from typing import Any

import msgspec

from tests.shared import recordings
from tollbridge.wires import sse


def exchanges() -> Iterator[dict[str, Any]]:
    yield from recordings(provider="anthropic", endpoints=("messages", "messages.count_tokens"))
    for exchange in recordings(provider="bedrock", endpoints=("invoke", "invoke-stream")):
        body = exchange.get("request_body")
        if isinstance(body, dict) and "anthropic_version" in body:
            yield exchange


def request_of(exchange: dict[str, Any]) -> dict[str, Any] | None:
    """The request's body. Bedrock has the model in the URL, where its provider row puts it: it stands here again."""
    body = exchange.get("request_body")
    if not isinstance(body, dict):
        return None
    return body if "model" in body else {**body, "model": "on-bedrock"}


def answer_of(exchange: dict[str, Any]) -> dict[str, Any] | None:
    body = exchange.get("response_body")
    wanted = exchange["endpoint"] != "messages.count_tokens" and exchange["status"] == 200 and isinstance(body, dict)
    return body if wanted else None


def stream_of(exchange: dict[str, Any]) -> bytes | None:
    """The stream as server-sent events; Bedrock's frames hold the same events, base64 in JSON."""
    match exchange.get("stream_format"):
        case "sse":
            text: str = exchange["response_text"]
            return text.encode()
        case "aws-eventstream":
            return b"".join(_unframed(b64decode(exchange["response_base64"])))
        case _:
            return None


def _unframed(data: bytes) -> Iterator[bytes]:
    """Frames: total length, length of the headers, CRC (12 bytes); headers; payload; CRC (4 bytes)."""
    at = 0
    while at < len(data):
        total, headers = struct.unpack_from(">II", data, at)
        payload = msgspec.json.decode(data[at + 12 + headers : at + total - 4])
        at += total
        event = b64decode(payload["bytes"])
        yield sse.write(event, msgspec.json.decode(event)["type"].encode())
