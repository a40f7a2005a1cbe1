"""The neutral model itself as a dialect, for who asks from within: a loop that reads an answer to go on from it.

Nobody speaks it on a wire. A request is given as a value (`Ask.reads`), an answer comes as `Response` in JSON, a stream
as one event in JSON a line; so the way to a provider and back, with all its care for broken answers, is the usual one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from tollbridge.errors import APIError
from tollbridge.model.events import Event
from tollbridge.model.json import Json, JsonObject
from tollbridge.model.request import Request
from tollbridge.model.response import Caveat, Response
from tollbridge.wires.base import Head, HttpRequest, StreamReader, Target, Written
from tollbridge.wires.seal import SEAL_MARK, UNKEYED, Seals
from tollbridge.wires.sse import SseParser
from tollbridge.wires.tap import Along, Tap

NAME = "neutral"

_encode = msgspec.json.Encoder().encode
_response = msgspec.json.Decoder(Response).decode
_event = msgspec.json.Decoder(Event).decode


class NeutralWriter:
    def __init__(self) -> None:
        self.caveats: list[Caveat] = []

    def write(self, event: Event) -> bytes:
        return _encode(event) + b"\n"

    def close(self) -> bytes:
        return b""

    def fail(self, error: APIError) -> bytes:
        return b""


class Neutral:
    """`wires.base.Wire`, of which only the client's side is used."""

    name = NAME
    asks_for_usage = False
    in_path = False
    stream_parser = SseParser
    streams_bare_json = False
    seal_mark = SEAL_MARK
    alive = b""
    count_field = "input_tokens"
    count_object = ""

    def read_request(self, body: Json, seals: Seals = UNKEYED) -> Written[Request]:
        raise TypeError("a neutral request is a value")

    def write_request(self, request: Request, to: Target) -> Written[HttpRequest]:
        raise TypeError("no provider speaks it")

    def read_response(self, body: Json) -> Response:
        return msgspec.convert(body, Response)

    def write_response(self, answer: Response, seals: Seals = UNKEYED) -> Written[JsonObject]:
        return Written(msgspec.to_builtins(answer))

    def read_error(self, status: int, headers: Mapping[str, str], body: bytes) -> APIError:
        raise TypeError("no provider speaks it")

    def write_error(self, error: APIError) -> tuple[int, JsonObject]:
        return error.status_code, {"error": error.message}

    def stream_reader(self) -> StreamReader:
        raise TypeError("no provider speaks it")

    def stream_writer(self, head: Head) -> NeutralWriter:
        return NeutralWriter()

    def stream_tap(self, hides_usage: bool) -> Tap:
        raise TypeError("no provider speaks it")

    def read_along(self, body: bytes) -> Along:
        raise TypeError("no provider speaks it")


NEUTRAL = Neutral()


def read_answer(body: bytes) -> Response:
    return _response(body)


def read_events(block: bytes) -> Iterable[Event]:
    """Of what a neutral stream gave."""
    return [_event(line) for line in block.split(b"\n") if line]
