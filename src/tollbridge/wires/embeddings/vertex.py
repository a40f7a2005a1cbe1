"""Vertex AI's embeddings: `predict`.

    {"instances": [{"content", "task_type", "title"}], "parameters": {"autoTruncate", "outputDimensionality"}}
    {"predictions": [{"embeddings": {"values": [...], "statistics": {"token_count", "truncated"}}}]}

Up to 250 inputs, of `gemini-embedding-*` one.
https://docs.cloud.google.com/vertex-ai/generative-ai/docs/model-reference/text-embeddings-api (seen 2026-11-26), and
recorded exchanges.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from tollbridge.errors import APIError
from tollbridge.model.json import JsonObject
from tollbridge.model.tasks.embedding import EmbeddingRequest, EmbeddingResponse
from tollbridge.wires.base import Target, Written
from tollbridge.wires.embeddings.gemini import task_type
from tollbridge.wires.embeddings.task import EMBEDDINGS, checked, texts, used
from tollbridge.wires.gemini.errors import read_error
from tollbridge.wires.one_way import OneWay, extras, set_fields
from tollbridge.wires.task import Content, Heads, json_of, read_as

NAME = "vertex_embeddings"
INPUTS_MAX = 250


class _Statistics(msgspec.Struct, frozen=True):
    token_count: float | None = None


class _Embeddings(msgspec.Struct, frozen=True):
    values: list[float]
    statistics: _Statistics = _Statistics()


class _Prediction(msgspec.Struct, frozen=True):
    embeddings: _Embeddings


class _Answer(msgspec.Struct, frozen=True):
    predictions: list[_Prediction]


class VertexEmbeddings(OneWay):
    name = NAME
    task = EMBEDDINGS
    in_path = True

    def most(self, model: str) -> int | None:
        return 1 if model.startswith("gemini-") else INPUTS_MAX

    def write_request(self, request: EmbeddingRequest, to: Target) -> Written[Content]:
        fields, caveats = extras(request, NAME, {"title": "title", "task_type": "task_type"})
        settings = {**set_fields(task_type=task_type(request)), **fields}
        body: JsonObject = {"instances": [{"content": said, **settings} for said in texts(request)]}
        parameters = set_fields(autoTruncate=request.truncate, outputDimensionality=request.dimensions)
        if parameters:
            body["parameters"] = parameters
        return Written(body, caveats)

    def read_response(self, body: bytes, heads: Heads, asked: EmbeddingRequest) -> EmbeddingResponse:
        found = [prediction.embeddings for prediction in read_as(_Answer, json_of(body)).predictions]
        counts = [item.statistics.token_count for item in found]
        known = [int(count) for count in counts if count is not None]
        return EmbeddingResponse(
            vectors=checked([item.values for item in found], asked),
            usage=used(sum(known) if len(known) == len(counts) else None, NAME),
            origin=NAME,
        )

    def read_error(self, status: int, headers: Mapping[str, str], body: bytes) -> APIError:
        return read_error(status, headers, body)


VERTEX_EMBEDDINGS = VertexEmbeddings()
