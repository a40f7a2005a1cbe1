"""Amazon Bedrock's Converse and ConverseStream: one format for the models of all makers. Only providers speak it.

write_request      Request -> a body (history, write_parts, settings, extras), as the model's family takes it (models)
response           an answer -> Response (read_blocks, usage)
stream_reader      a stream -> events, after `wires.aws_events` unpacked its frames
errors             AWS's, in a status or inside a stream (`wires.aws_errors`)
"""

from __future__ import annotations

from tollbridge.wires.base import StreamReader
from tollbridge.wires.bedrock_converse.errors import read_error
from tollbridge.wires.bedrock_converse.response import read_response
from tollbridge.wires.bedrock_converse.stream_reader import ConverseReader
from tollbridge.wires.bedrock_converse.vocabulary import NAME
from tollbridge.wires.bedrock_converse.write_request import write_request
from tollbridge.wires.only_providers import OnlyProviders


class BedrockConverse(OnlyProviders):
    """The wire as one value; its functions live in the files beside."""

    name = NAME
    in_path = True
    write_request = staticmethod(write_request)
    read_response = staticmethod(read_response)
    read_error = staticmethod(read_error)

    def stream_reader(self) -> StreamReader:
        return ConverseReader()


BEDROCK_CONVERSE = BedrockConverse()

__all__ = ["BEDROCK_CONVERSE", "BedrockConverse"]
