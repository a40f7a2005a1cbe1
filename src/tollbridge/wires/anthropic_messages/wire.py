"""The wire as one value; its functions live in the files beside."""

from __future__ import annotations

from tollbridge.errors import APIError
from tollbridge.model.json import JsonObject
from tollbridge.wires.anthropic_messages.errors import read_error, write_error
from tollbridge.wires.anthropic_messages.read_request import read_request
from tollbridge.wires.anthropic_messages.response import read_response, write_response
from tollbridge.wires.anthropic_messages.stream_reader import MessagesReader
from tollbridge.wires.anthropic_messages.stream_writer import MessagesWriter
from tollbridge.wires.anthropic_messages.tap import MessagesTap, read_along
from tollbridge.wires.anthropic_messages.vocabulary import NAME
from tollbridge.wires.anthropic_messages.write_request import write_request
from tollbridge.wires.base import Head
from tollbridge.wires.seal import SEAL_MARK
from tollbridge.wires.sse import COMMENT, SseParser


class AnthropicMessages:
    name = NAME
    asks_for_usage = False
    in_path = False
    stream_parser = SseParser
    streams_bare_json = False
    seal_mark = SEAL_MARK
    alive = COMMENT
    count_field = "input_tokens"
    count_object = ""
    read_request = staticmethod(read_request)
    write_request = staticmethod(write_request)
    read_response = staticmethod(read_response)
    write_response = staticmethod(write_response)
    read_error = staticmethod(read_error)
    read_along = staticmethod(read_along)

    def write_error(self, error: APIError) -> tuple[int, JsonObject]:
        return write_error(error)

    def stream_reader(self) -> MessagesReader:
        return MessagesReader()

    def stream_writer(self, head: Head) -> MessagesWriter:
        return MessagesWriter(head)

    def stream_tap(self, hides_usage: bool) -> MessagesTap:
        return MessagesTap()


ANTHROPIC_MESSAGES = AnthropicMessages()

__all__ = ["ANTHROPIC_MESSAGES", "AnthropicMessages"]
