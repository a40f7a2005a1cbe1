"""Ollama's own chat format, `/api/chat`, as its servers speak it.

write_request (write_messages, settings)     Request -> a body; `wires.turns` pairs calls and results before
response, stream_reader                      answers, whole and line by line; usage
errors, shapes                               as in every wire
"""

from __future__ import annotations

from tollbridge.wires.ndjson import LineParser
from tollbridge.wires.ollama.errors import read_error
from tollbridge.wires.ollama.response import read_response
from tollbridge.wires.ollama.stream_reader import OllamaReader
from tollbridge.wires.ollama.vocabulary import NAME
from tollbridge.wires.ollama.write_request import write_request
from tollbridge.wires.only_providers import OnlyProviders


class Ollama(OnlyProviders):
    """The wire as one value; its functions live in the files beside."""

    name = NAME
    stream_parser = LineParser
    streams_bare_json = True
    write_request = staticmethod(write_request)
    read_response = staticmethod(read_response)
    read_error = staticmethod(read_error)

    def stream_reader(self) -> OllamaReader:
        return OllamaReader()


OLLAMA = Ollama()

__all__ = ["OLLAMA", "Ollama"]
