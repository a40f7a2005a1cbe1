"""The wire as one value; its functions live in the files beside."""

from __future__ import annotations

from tollbridge.errors import APIError
from tollbridge.model.json import JsonObject
from tollbridge.wires.base import Head
from tollbridge.wires.gemini.errors import read_error, write_error
from tollbridge.wires.gemini.read_request import read_request
from tollbridge.wires.gemini.response import read_response, write_response
from tollbridge.wires.gemini.signature import SEAL_MARK
from tollbridge.wires.gemini.stream_reader import GeminiReader
from tollbridge.wires.gemini.stream_writer import GeminiWriter
from tollbridge.wires.gemini.tap import GeminiTap, read_along
from tollbridge.wires.gemini.vocabulary import NAME
from tollbridge.wires.gemini.write_request import write_request
from tollbridge.wires.sse import SseParser


class Gemini:
    name = NAME
    asks_for_usage = False
    in_path = True
    stream_parser = SseParser
    streams_bare_json = False
    seal_mark = SEAL_MARK
    alive = b"\n"  # its clients read no comments; an empty line is nothing, also in an array
    count_field = "totalTokens"
    count_object = ""
    read_request = staticmethod(read_request)
    write_request = staticmethod(write_request)
    read_response = staticmethod(read_response)
    write_response = staticmethod(write_response)
    read_error = staticmethod(read_error)
    read_along = staticmethod(read_along)

    def write_error(self, error: APIError) -> tuple[int, JsonObject]:
        return write_error(error)

    def stream_reader(self) -> GeminiReader:
        return GeminiReader()

    def stream_writer(self, head: Head) -> GeminiWriter:
        return GeminiWriter(head)

    def stream_tap(self, hides_usage: bool) -> GeminiTap:
        return GeminiTap()


GEMINI = Gemini()

__all__ = ["GEMINI", "Gemini"]
