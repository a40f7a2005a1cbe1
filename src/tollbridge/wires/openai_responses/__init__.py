"""OpenAI's Responses, as clients and providers speak it: https://www.openresponses.org has it as a specification.

read_request    write_request           a client's body <-> Request <-> a provider's body (history, settings)
response        stream_reader/writer    answers, whole and in pieces (stream_item reads one, stream_items writes them)
answer          items of an answer, in either; content, items, reasoning, citations, usage: its pieces
errors          bodies, events and failed responses; shapes: what was wrong with a body; tap: reading along
asked           what an answer repeats of its request; compaction: a conversation made shorter
"""

from __future__ import annotations

from collections.abc import Mapping

from tollbridge.errors import APIError
from tollbridge.model.json import Json, JsonObject
from tollbridge.model.request import Request
from tollbridge.model.response import Response
from tollbridge.wires.base import Head, HttpRequest, Target, Written
from tollbridge.wires.openai_responses import errors, response, tap
from tollbridge.wires.openai_responses.read_request import read_request
from tollbridge.wires.openai_responses.stream_reader import ResponsesReader
from tollbridge.wires.openai_responses.stream_writer import ResponsesWriter
from tollbridge.wires.openai_responses.vocabulary import NAME
from tollbridge.wires.openai_responses.write_request import write_request
from tollbridge.wires.seal import SEAL_MARK, UNKEYED, Seals
from tollbridge.wires.sse import COMMENT, SseParser
from tollbridge.wires.tap import Along


class OpenAIResponses:
    """The functions of this package as one `wires.base.Wire`."""

    name = NAME
    asks_for_usage = False
    in_path = False
    stream_parser = SseParser
    streams_bare_json = False
    seal_mark = SEAL_MARK
    alive = COMMENT
    count_field = "input_tokens"
    count_object = "response.input_tokens"

    def read_request(self, body: Json, seals: Seals = UNKEYED) -> Written[Request]:
        return read_request(body, seals)

    def write_request(self, request: Request, to: Target) -> Written[HttpRequest]:
        return write_request(request, to)

    def read_response(self, body: Json) -> Response:
        return response.read_response(body)

    def write_response(
        self,
        answer: Response,
        seals: Seals = UNKEYED,
        asked: JsonObject = response.NOTHING_ASKED,
        now: float | None = None,
    ) -> Written[JsonObject]:
        return response.write_response(answer, seals, asked, now)

    def read_error(self, status: int, headers: Mapping[str, str], body: bytes) -> APIError:
        return errors.read_error(status, headers, body)

    def write_error(self, error: APIError) -> tuple[int, JsonObject]:
        return errors.write_error(error)

    def stream_reader(self) -> ResponsesReader:
        return ResponsesReader()

    def stream_writer(self, head: Head) -> ResponsesWriter:
        return ResponsesWriter(head)

    def stream_tap(self, hides_usage: bool) -> tap.ResponsesTap:
        return tap.ResponsesTap()

    def read_along(self, body: bytes) -> Along:
        return tap.read_along(body)


OPENAI_RESPONSES = OpenAIResponses()

__all__ = ["OPENAI_RESPONSES", "OpenAIResponses"]
