"""OpenAI's chat completions, as clients and providers speak it, with the extensions in common use.

read_request    write_request      a client's body <-> Request <-> a provider's body
response        stream_reader/writer    answers, whole and in pieces
turn            what a model said, in either; content, reasoning, citations, usage: its pieces
errors          everybody's error bodies; shapes: what was wrong with a body; tap: reading along a relayed stream
"""

from __future__ import annotations

from collections.abc import Mapping

from tollbridge.errors import APIError
from tollbridge.model.json import Json, JsonObject
from tollbridge.model.request import Request
from tollbridge.model.response import Response
from tollbridge.wires.base import Head, HttpRequest, Target, Written
from tollbridge.wires.openai_chat import errors, response, tap
from tollbridge.wires.openai_chat.functions import FUNCTIONS, NO_CUSTOMS, customs_of, in_legacy_words
from tollbridge.wires.openai_chat.read_request import read_request
from tollbridge.wires.openai_chat.stream_reader import ChatStreamReader
from tollbridge.wires.openai_chat.stream_writer import ChatStreamWriter
from tollbridge.wires.openai_chat.vocabulary import NAME
from tollbridge.wires.openai_chat.write_request import write_request
from tollbridge.wires.seal import SEAL_MARK, UNKEYED, Seals
from tollbridge.wires.sse import COMMENT, SseParser

_NOTHING: JsonObject = {}


class OpenAIChat:
    """The functions of this package as one `wires.base.Wire`."""

    name = NAME
    asks_for_usage = True
    in_path = False
    stream_parser = SseParser
    streams_bare_json = False
    seal_mark = SEAL_MARK
    alive = COMMENT
    count_field = "input_tokens"
    count_object = ""

    def read_request(self, body: Json, seals: Seals = UNKEYED) -> Written[Request]:
        return read_request(body, seals)

    def write_request(self, request: Request, to: Target) -> Written[HttpRequest]:
        return write_request(request, to)

    def read_response(self, body: Json) -> Response:
        return response.read_response(body)

    def write_response(
        self, answer: Response, seals: Seals = UNKEYED, *, asked: JsonObject = _NOTHING
    ) -> Written[JsonObject]:
        """`asked`: as in a stream's `Head`."""
        written = response.write_response(answer, seals, customs_of(asked) if asked else NO_CUSTOMS)
        if FUNCTIONS not in asked:
            return written
        return Written(written.value, (*written.caveats, *in_legacy_words(written.value)))

    def read_error(self, status: int, headers: Mapping[str, str], body: bytes) -> APIError:
        return errors.read_error(status, headers, body)

    def write_error(self, error: APIError) -> tuple[int, JsonObject]:
        return errors.write_error(error)

    def stream_reader(self) -> ChatStreamReader:
        return ChatStreamReader()

    def stream_writer(self, head: Head) -> ChatStreamWriter:
        return ChatStreamWriter(head)

    def stream_tap(self, hides_usage: bool) -> tap.ChatTap:
        return tap.ChatTap(hides_usage)

    read_along = staticmethod(tap.read_along)


OPENAI_CHAT = OpenAIChat()
