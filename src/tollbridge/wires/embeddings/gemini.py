"""Gemini's embeddings: `batchEmbedContents`, which takes one request for each input.

    {"requests": [{"model": "models/M", "content": {"parts": [{"text"}]}, "taskType", "outputDimensionality"}]}
    {"embeddings": [{"values": [...]}], "usageMetadata": {"promptTokenCount"}}

Up to 100 inputs. https://ai.google.dev/api/embeddings (seen 2026-11-26), and recorded exchanges: the older models tell
of no tokens.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from tollbridge.errors import APIError
from tollbridge.model.json import Json, JsonObject
from tollbridge.model.response import Usage, is_count
from tollbridge.model.tasks.embedding import EmbeddingRequest, EmbeddingResponse, ImageInput, Input
from tollbridge.wires.base import Target, Written
from tollbridge.wires.embeddings.task import EMBEDDINGS, checked, text, used
from tollbridge.wires.embeddings.titan import image_type, inline
from tollbridge.wires.gemini.errors import read_error
from tollbridge.wires.one_way import OneWay, dropped, extras, set_fields
from tollbridge.wires.task import Content, Heads, json_of, read_as

NAME = "gemini_embeddings"
INPUTS_MAX = 100
TASK_TYPES: Mapping[str, str] = {
    "query": "RETRIEVAL_QUERY",
    "document": "RETRIEVAL_DOCUMENT",
    "classification": "CLASSIFICATION",
    "clustering": "CLUSTERING",
    "similarity": "SEMANTIC_SIMILARITY",
}
KNOWN = {"title": "title", "taskType": "taskType", "task_type": "taskType"}


class _Values(msgspec.Struct):
    values: list[float]


class _Answer(msgspec.Struct):
    embeddings: list[_Values]
    usageMetadata: Json = None


class _One(msgspec.Struct):
    embedding: _Values
    usageMetadata: Json = None


class GeminiEmbeddings(OneWay):
    name = NAME
    task = EMBEDDINGS
    in_path = True

    def most(self, model: str) -> int | None:
        return INPUTS_MAX

    def write_request(self, request: EmbeddingRequest, to: Target) -> Written[Content]:
        fields, caveats = extras(request, NAME, KNOWN)
        settings = set_fields(taskType=task_type(request), outputDimensionality=request.dimensions)
        requests = [
            {
                "model": f"models/{to.model}",
                "content": {"parts": [part(item, at)]},
                **settings,
                **fields,
            }
            for at, item in enumerate(request.inputs)
        ]
        if request.truncate is not None:
            caveats = (*caveats, dropped("truncate"))
        return Written({"requests": requests}, caveats)

    def read_response(self, body: bytes, heads: Heads, asked: EmbeddingRequest) -> EmbeddingResponse:
        answer = read_as(_Answer, json_of(body))
        return EmbeddingResponse(
            vectors=checked([item.values for item in answer.embeddings], asked),
            usage=usage_of(answer.usageMetadata),
            origin=NAME,
        )

    def read_error(self, status: int, headers: Mapping[str, str], body: bytes) -> APIError:
        return read_error(status, headers, body)


class GeminiEmbedContent(OneWay):
    """The same for one input: `embedContent`, which is what Vertex has of the newer models."""

    name = "gemini_embed_content"
    task = EMBEDDINGS
    in_path = True

    def most(self, model: str) -> int | None:
        return 1

    def write_request(self, request: EmbeddingRequest, to: Target) -> Written[Content]:
        fields, caveats = extras(request, self.name, KNOWN)
        settings = set_fields(
            taskType=task_type(request), outputDimensionality=request.dimensions, autoTruncate=request.truncate
        )
        [item] = request.inputs
        return Written({"content": {"parts": [part(item, 0)]}, **settings, **fields}, caveats)

    def read_response(self, body: bytes, heads: Heads, asked: EmbeddingRequest) -> EmbeddingResponse:
        answer = read_as(_One, json_of(body))
        return EmbeddingResponse(
            vectors=checked([answer.embedding.values], asked), usage=usage_of(answer.usageMetadata), origin=self.name
        )

    def read_error(self, status: int, headers: Mapping[str, str], body: bytes) -> APIError:
        return read_error(status, headers, body)


def task_type(request: EmbeddingRequest) -> str | None:
    raw = request.raw_purpose
    return TASK_TYPES.get(request.purpose or "") or (None if raw is None else raw.upper())


def part(item: Input, at: int) -> JsonObject:
    if isinstance(item, ImageInput):
        return {"inlineData": {"mimeType": image_type(item), "data": inline(item)}}
    return {"text": text(item, at)}


def usage_of(told: Json) -> Usage | None:
    if not isinstance(told, dict) or not is_count(told.get("promptTokenCount")):
        return None
    details = told.get("promptTokenDetails") or told.get("promptTokensDetails") or ()
    images = sum(
        item["tokenCount"]
        for item in details
        if isinstance(item, dict) and item.get("modality") == "IMAGE" and is_count(item.get("tokenCount"))
    )
    return used(told["promptTokenCount"] - images, NAME, images)


GEMINI_EMBEDDINGS = GeminiEmbeddings()
GEMINI_EMBED_CONTENT = GeminiEmbedContent()
