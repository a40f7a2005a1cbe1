"""Replicate's predictions, for language models, as its API speaks them.

write_request (prompt)                       Request -> the input of a model
prediction, stream_reader                    what became of it: asked again until it ended, or streamed from elsewhere
errors                                       as in every wire
"""

from __future__ import annotations

from tollbridge.wires.only_providers import OnlyProviders
from tollbridge.wires.replicate.errors import read_error
from tollbridge.wires.replicate.prediction import next_step, read_response
from tollbridge.wires.replicate.stream_reader import ReplicateReader
from tollbridge.wires.replicate.vocabulary import NAME
from tollbridge.wires.replicate.write_request import write_request


class Replicate(OnlyProviders):
    """The wire as one value; its functions live in the files beside."""

    name = NAME
    in_path = True
    waits = (("prefer", "wait"),)  # a minute at most
    write_request = staticmethod(write_request)
    read_response = staticmethod(read_response)
    read_error = staticmethod(read_error)
    next_step = staticmethod(next_step)

    def stream_reader(self) -> ReplicateReader:
        return ReplicateReader()


REPLICATE = Replicate()

__all__ = ["REPLICATE", "Replicate"]
