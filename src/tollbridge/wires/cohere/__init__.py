"""Cohere's chat format, version 2, as its servers speak it.

write_request (write_messages, settings)     Request -> a body; `wires.turns` pairs calls and results before
response, stream_reader                      answers, whole and in events; citations, logprobs, usage
errors, shapes                               as in every wire
"""

from __future__ import annotations

from tollbridge.wires.cohere.errors import read_error
from tollbridge.wires.cohere.response import read_response
from tollbridge.wires.cohere.stream_reader import CohereReader
from tollbridge.wires.cohere.vocabulary import NAME
from tollbridge.wires.cohere.write_request import write_request
from tollbridge.wires.only_providers import OnlyProviders


class Cohere(OnlyProviders):
    """The wire as one value; its functions live in the files beside."""

    name = NAME
    write_request = staticmethod(write_request)
    read_response = staticmethod(read_response)
    read_error = staticmethod(read_error)

    def stream_reader(self) -> CohereReader:
        return CohereReader()


COHERE = Cohere()

__all__ = ["COHERE", "Cohere"]
