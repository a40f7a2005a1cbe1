"""Cohere's embeddings, version 2.

    {"model", "texts": [...] or "inputs": [{"content": [...]}], "input_type", "embedding_types": ["float"],
     "output_dimension", "truncate": "NONE" | "START" | "END"}
    {"id", "embeddings": {"float": [[...]]}, "texts", "meta": {"billed_units": {"input_tokens", "image_tokens"}}}

`input_type` must be said: where nobody does it is a document to be searched. Up to 96 inputs.
https://docs.cohere.com/reference/embed (seen 2026-11-26), and recorded exchanges.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from tollbridge.model.json import Json, JsonObject
from tollbridge.model.response import Usage, is_count
from tollbridge.model.tasks.embedding import EmbeddingRequest, EmbeddingResponse, ImageInput
from tollbridge.wires.base import Target, Written
from tollbridge.wires.embeddings.task import EMBEDDINGS, checked, text, used
from tollbridge.wires.one_way import OneWay, extras, set_fields
from tollbridge.wires.tap import text_of
from tollbridge.wires.task import Content, Heads, json_of, read_as

NAME = "cohere_embeddings"
INPUTS_MAX = 96
INPUT_TYPES: Mapping[str, str] = {
    "query": "search_query",
    "document": "search_document",
    "classification": "classification",
    "clustering": "clustering",
    "similarity": "clustering",
}
KNOWN = {"embedding_types": "embedding_types", "max_tokens": "max_tokens", "priority": "priority"}


class _Answer(msgspec.Struct):
    embeddings: dict[str, Json] | list[list[float]]
    id: Json = None
    meta: Json = None


class CohereEmbeddings(OneWay):
    name = NAME
    task = EMBEDDINGS

    def most(self, model: str) -> int | None:
        return INPUTS_MAX

    def write_request(self, request: EmbeddingRequest, to: Target) -> Written[Content]:
        fields, caveats = extras(request, NAME, KNOWN)
        return Written({"model": to.model, **inputs_of(request), **settings_of(request), **fields}, caveats)

    def read_response(self, body: bytes, heads: Heads, asked: EmbeddingRequest) -> EmbeddingResponse:
        answer = read_as(_Answer, json_of(body))
        return EmbeddingResponse(
            vectors=checked(vectors_of(answer.embeddings), asked),
            id=text_of(answer.id),
            usage=billed(answer.meta),
            origin=NAME,
        )


def inputs_of(request: EmbeddingRequest) -> JsonObject:
    """Texts as such; where images are among them, each input as its content."""
    if not any(isinstance(item, ImageInput) for item in request.inputs):
        return {"texts": [text(item, at) for at, item in enumerate(request.inputs)]}
    contents = [
        {"type": "image_url", "image_url": {"url": item.url}}
        if isinstance(item, ImageInput)
        else {"type": "text", "text": text(item, at)}
        for at, item in enumerate(request.inputs)
    ]
    return {"inputs": [{"content": [content]} for content in contents]}


def settings_of(request: EmbeddingRequest) -> JsonObject:
    purpose = INPUT_TYPES.get(request.purpose or "") or request.raw_purpose or "search_document"
    truncate = None if request.truncate is None else "END" if request.truncate else "NONE"
    return {
        "input_type": purpose,
        "embedding_types": ["float"],
        **set_fields(output_dimension=request.dimensions, truncate=truncate),
    }


def vectors_of(value: dict[str, Json] | list[list[float]]) -> list[list[float]]:
    """By kind of number, or the floats alone, as before version 2."""
    return value if isinstance(value, list) else read_as(list[list[float]], value.get("float"))


def billed(meta: Json) -> Usage | None:
    units = meta.get("billed_units") if isinstance(meta, dict) else None
    if not isinstance(units, dict):
        return None
    tokens, images = units.get("input_tokens"), units.get("image_tokens")
    return used(int(tokens), NAME, int(images) if is_count(images) else None) if is_count(tokens) else None


COHERE_EMBEDDINGS = CohereEmbeddings()
