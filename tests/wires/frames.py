"""AWS's frames, written: nobody in the product does."""

from __future__ import annotations

import struct
from base64 import b64encode
from binascii import crc32
from collections.abc import Mapping
from typing import Any

import msgspec


def frame(headers: Mapping[str, str], payload: bytes = b"") -> bytes:
    """All headers are texts."""
    packed = b"".join(
        bytes([len(name.encode())]) + name.encode() + b"\x07" + struct.pack(">H", len(value.encode())) + value.encode()
        for name, value in headers.items()
    )
    return raw_frame(packed, payload)


def raw_frame(headers: bytes, payload: bytes) -> bytes:
    prelude = struct.pack(">II", 16 + len(headers) + len(payload), len(headers))
    before = prelude + struct.pack(">I", crc32(prelude)) + headers + payload
    return before + struct.pack(">I", crc32(before))


def event(kind: str, value: Any) -> bytes:
    return frame({":event-type": kind, ":message-type": "event"}, msgspec.json.encode(value))


def exception(kind: str, message: str) -> bytes:
    return frame({":exception-type": kind, ":message-type": "exception"}, msgspec.json.encode({"message": message}))


def chunk(value: Any) -> bytes:
    """A model's own event, as InvokeModel streams it."""
    return event("chunk", {"bytes": b64encode(msgspec.json.encode(value)).decode(), "p": "abcd"})


def piece(data: bytes) -> bytes:
    """Of a SageMaker stream."""
    return frame({":event-type": "PayloadPart", ":message-type": "event"}, data)


def converse(*texts: str, usage: tuple[int, int] = (3, 2), stop: str = "end_turn") -> bytes:
    """A whole stream of Converse that says these texts."""
    said = [event("messageStart", {"role": "assistant", "p": "ab"})]
    said += [event("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": text}}) for text in texts]
    said += [event("contentBlockStop", {"contentBlockIndex": 0}), event("messageStop", {"stopReason": stop})]
    tokens = {"inputTokens": usage[0], "outputTokens": usage[1], "totalTokens": sum(usage)}
    said.append(event("metadata", {"usage": tokens, "metrics": {"latencyMs": 1}}))
    return b"".join(said)
