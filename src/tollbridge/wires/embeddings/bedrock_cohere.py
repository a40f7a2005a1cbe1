"""Cohere's embeddings on Bedrock: version 1's fields, whose answer tells of its tokens in a header.

https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-embed.html (seen 2026-11-26), and recorded
exchanges: `embeddings` is a list where no `embedding_types` are asked for, else an object.
"""

from __future__ import annotations

import msgspec

from tollbridge.model.json import Json
from tollbridge.model.tasks.embedding import EmbeddingRequest, EmbeddingResponse
from tollbridge.wires.base import Target, Written
from tollbridge.wires.embeddings.cohere import INPUTS_MAX, KNOWN, inputs_of, settings_of, vectors_of
from tollbridge.wires.embeddings.task import EMBEDDINGS, checked, used
from tollbridge.wires.embeddings.titan import counted
from tollbridge.wires.one_way import OneWay, extras
from tollbridge.wires.tap import text_of
from tollbridge.wires.task import Content, Heads, json_of, read_as

NAME = "bedrock_cohere_embeddings"


class _Answer(msgspec.Struct):
    embeddings: dict[str, Json] | list[list[float]]
    id: Json = None


class BedrockCohereEmbeddings(OneWay):
    name = NAME
    task = EMBEDDINGS
    in_path = True

    def most(self, model: str) -> int | None:
        return INPUTS_MAX

    def write_request(self, request: EmbeddingRequest, to: Target) -> Written[Content]:
        fields, caveats = extras(request, NAME, KNOWN)
        return Written({**inputs_of(request), **settings_of(request), **fields}, caveats)

    def read_response(self, body: bytes, heads: Heads, asked: EmbeddingRequest) -> EmbeddingResponse:
        answer = read_as(_Answer, json_of(body))
        return EmbeddingResponse(
            vectors=checked(vectors_of(answer.embeddings), asked),
            id=text_of(answer.id),
            usage=used(counted(heads), NAME),
            origin=NAME,
        )


BEDROCK_COHERE_EMBEDDINGS = BedrockCohereEmbeddings()
