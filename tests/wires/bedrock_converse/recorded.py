"""Every recorded exchange with Bedrock's Converse and ConverseStream."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import Any

from tests.shared import recordings
from tollbridge.model.events import Event
from tollbridge.wires.aws_events import FrameParser, as_events
from tollbridge.wires.bedrock_converse import BEDROCK_CONVERSE
from tollbridge.wires.sse import SseParser


def exchanges() -> Iterator[dict[str, Any]]:
    yield from recordings(provider="bedrock", endpoints=("converse", "converse-stream"))


def answer_of(exchange: dict[str, Any]) -> dict[str, Any] | None:
    body = exchange.get("response_body")
    return body if exchange["status"] == 200 and isinstance(body, dict) else None


def stream_of(exchange: dict[str, Any]) -> bytes | None:
    """In its frames."""
    framed = exchange.get("stream_format") == "aws-eventstream" and exchange["status"] == 200
    return b64decode(exchange["response_base64"]) if framed else None


def unframed(stream: bytes) -> bytes:
    """As server-sent events."""
    frames = FrameParser()
    events = b"".join([as_events(frame) for frame in frames.feed(stream)])
    frames.close()
    return events


def read_in_pieces(pieces: Iterable[bytes]) -> list[Event]:
    """Bytes -> events, the whole way."""
    frames, parser, reader, events = FrameParser(), SseParser(), BEDROCK_CONVERSE.stream_reader(), list[Event]()
    for piece in pieces:
        for frame in frames.feed(piece):
            for framed in parser.feed(as_events(frame)):
                events.extend(reader.feed(framed))
    frames.close()
    events.extend(reader.close())
    return events


def cut(data: bytes, cuts: Iterable[int]) -> Iterator[bytes]:
    places = [0, *cuts, len(data)]
    return (data[start:end] for start, end in pairwise(places))
