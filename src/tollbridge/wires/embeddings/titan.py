"""Amazon's Titan embeddings on Bedrock: one text a request.

    {"inputText", "dimensions", "normalize"}  ->  {"embedding": [...], "inputTextTokenCount"}

https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-titan-embed-text.html (seen 2026-11-26), and
recorded exchanges. Version 1 knows no dimensions. The model for images takes `inputImage` besides, or alone.
"""

from __future__ import annotations

import msgspec

from tollbridge.errors import BadRequestError
from tollbridge.model.response import is_count
from tollbridge.model.tasks.embedding import EmbeddingRequest, EmbeddingResponse, ImageInput
from tollbridge.wires.base import Target, Written
from tollbridge.wires.embeddings.task import EMBEDDINGS, checked, text, uncut, used
from tollbridge.wires.one_way import OneWay, dropped, extras
from tollbridge.wires.task import Content, Heads, json_of, read_as

NAME = "titan_embeddings"
TOKENS_HEADER = "x-amzn-bedrock-input-token-count"


class _Answer(msgspec.Struct):
    embedding: list[float]
    inputTextTokenCount: int | None = None


class TitanEmbeddings(OneWay):
    name = NAME
    task = EMBEDDINGS
    in_path = True

    def most(self, model: str) -> int | None:
        return 1

    def write_request(self, request: EmbeddingRequest, to: Target) -> Written[Content]:
        body, caveats = extras(request, NAME, {"normalize": "normalize"})
        [item] = request.inputs
        body.update({"inputImage": inline(item)} if isinstance(item, ImageInput) else {"inputText": text(item, 0)})
        if request.dimensions is not None:
            if "embed-image" in to.model:
                body["embeddingConfig"] = {"outputEmbeddingLength": request.dimensions}
            elif "-v1" in to.model:
                caveats = (*caveats, dropped("dimensions", "this model has vectors of one length"))
            else:
                body["dimensions"] = request.dimensions
        caveats = (*caveats, *uncut(request))
        if request.raw_purpose is not None:
            caveats = (*caveats, dropped("input_type"))
        return Written(body, caveats)

    def read_response(self, body: bytes, heads: Heads, asked: EmbeddingRequest) -> EmbeddingResponse:
        answer = read_as(_Answer, json_of(body))
        told = answer.inputTextTokenCount
        return EmbeddingResponse(
            vectors=checked([answer.embedding], asked),
            usage=used(counted(heads) if told is None else told, NAME),
            origin=NAME,
        )


def counted(heads: Heads) -> int | None:
    """What Bedrock's gateway itself counted."""
    said = heads.headers.get(TOKENS_HEADER, "")
    return int(said) if said.isdecimal() and is_count(int(said)) else None


def inline(image: ImageInput) -> str:
    """The base64 of a `data:` URL. Raises BadRequestError for a link."""
    head, comma, data = image.url.partition(",")
    if comma and head.startswith("data:") and head.endswith(";base64"):
        return data
    raise BadRequestError(
        "This model takes images as `data:` URLs, not as links - at `$.input`.", param="input", code="unsupported_input"
    )


def image_type(image: ImageInput) -> str:
    return image.url.removeprefix("data:").partition(";")[0]


TITAN_EMBEDDINGS = TitanEmbeddings()
