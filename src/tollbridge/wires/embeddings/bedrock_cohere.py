"""Cohere's embeddings on Bedrock: version 1's fields, whose answer tells of its tokens in a header.

    v3  {"texts": [...], "input_type", "embedding_types", "truncate": "NONE" | "START" | "END"}, or of one image
        {"images": ["data:..."], "input_type": "image", ...}
    v4  {"texts" | "images" | "inputs": [{"content": [{"type": "image_url", "image_url": "data:..."}]}], "input_type",
        "embedding_types", "output_dimension", "max_tokens", "truncate": "NONE" | "LEFT" | "RIGHT"}

https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-embed-v3.html, .../model-parameters-embed-v4.html
(seen 2026-11-26), and recorded exchanges: `embeddings` is a list where no `embedding_types` are asked for, else an
object.
"""

from __future__ import annotations

import msgspec

from tollbridge.errors import BadRequestError
from tollbridge.model.json import Json, JsonObject
from tollbridge.model.tasks.embedding import EmbeddingRequest, EmbeddingResponse, ImageInput
from tollbridge.wires.base import Target, Written
from tollbridge.wires.embeddings.cohere import INPUTS_MAX, settings_of, vectors_of
from tollbridge.wires.embeddings.task import EMBEDDINGS, checked, text, used
from tollbridge.wires.embeddings.titan import counted
from tollbridge.wires.one_way import OneWay, dropped, extras
from tollbridge.wires.tap import text_of
from tollbridge.wires.task import Content, Heads, json_of, read_as

NAME = "bedrock_cohere_embeddings"
KNOWN = {"embedding_types": "embedding_types", "max_tokens": "max_tokens"}
KNOWN_V3 = {"embedding_types": "embedding_types"}


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
        third = "-v3" in to.model
        fields, caveats = extras(request, NAME, KNOWN_V3 if third else KNOWN)
        settings = settings_of(request)
        if third and settings.pop("output_dimension", None) is not None:
            caveats = (*caveats, dropped("dimensions", "this model has vectors of one length"))
        elif not third and settings.get("truncate") == "END":
            settings["truncate"] = "RIGHT"
        inputs = _third(request) if third else _fourth(request)
        return Written({**settings, **inputs, **fields}, caveats)

    def read_response(self, body: bytes, heads: Heads, asked: EmbeddingRequest) -> EmbeddingResponse:
        answer = read_as(_Answer, json_of(body))
        return EmbeddingResponse(
            vectors=checked(vectors_of(answer.embeddings), asked),
            id=text_of(answer.id),
            usage=used(counted(heads), NAME),
            origin=NAME,
        )


def _third(request: EmbeddingRequest) -> JsonObject:
    """What an image is for cannot be said."""
    match request.inputs:
        case [ImageInput(url=url)]:
            return {"images": [url], "input_type": "image"}
        case inputs if any(isinstance(item, ImageInput) for item in inputs):
            raise BadRequestError(
                "This model takes one image a request, and nothing beside it - at `$.input`.",
                param="input",
                code="unsupported_input",
            )
        case inputs:
            return {"texts": [text(item, at) for at, item in enumerate(inputs)]}


def _fourth(request: EmbeddingRequest) -> JsonObject:
    images = [item.url for item in request.inputs if isinstance(item, ImageInput)]
    if not images:
        return {"texts": [text(item, at) for at, item in enumerate(request.inputs)]}
    if len(images) == len(request.inputs):
        return {"images": images}
    contents: list[Json] = [
        {"type": "image_url", "image_url": item.url}
        if isinstance(item, ImageInput)
        else {"type": "text", "text": text(item, at)}
        for at, item in enumerate(request.inputs)
    ]
    return {"inputs": [{"content": [content]} for content in contents]}


BEDROCK_COHERE_EMBEDDINGS = BedrockCohereEmbeddings()
