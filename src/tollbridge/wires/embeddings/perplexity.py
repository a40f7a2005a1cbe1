"""Perplexity's embeddings: OpenAI's but for the numbers, which are bytes with a sign, packed as base64.

https://docs.perplexity.ai/api-reference/embeddings-post (seen 2026-11-26), and a recorded exchange. They are given as
they are, from -128 to 127: only the angle between two vectors means something.
"""

from __future__ import annotations

import base64
import binascii
from array import array
from typing import Any

import msgspec

from tollbridge.errors import BadGatewayError
from tollbridge.model.tasks.embedding import EmbeddingRequest, EmbeddingResponse
from tollbridge.wires.base import Target, Written
from tollbridge.wires.embeddings.task import EMBEDDINGS, checked, texts, uncut
from tollbridge.wires.one_way import OneWay, dropped, extras, set_fields
from tollbridge.wires.openai_task import read_usage
from tollbridge.wires.tap import text_of
from tollbridge.wires.task import Content, Heads, json_of, read_as

NAME = "perplexity_embeddings"
INPUTS_MAX = 512


class _Item(msgspec.Struct):
    embedding: str
    index: int


class _Answer(msgspec.Struct):
    data: list[_Item]
    model: Any = None
    usage: Any = None


class PerplexityEmbeddings(OneWay):
    name = NAME
    task = EMBEDDINGS

    def most(self, model: str) -> int | None:
        return INPUTS_MAX

    def write_request(self, request: EmbeddingRequest, to: Target) -> Written[Content]:
        fields, caveats = extras(request, NAME)
        caveats = (*caveats, *uncut(request))
        if request.raw_purpose is not None:
            caveats = (*caveats, dropped("input_type"))
        said = set_fields(dimensions=request.dimensions, encoding_format="base64_int8")
        return Written({"model": to.model, "input": texts(request), **said, **fields}, caveats)

    def read_response(self, body: bytes, heads: Heads, asked: EmbeddingRequest) -> EmbeddingResponse:
        answer = read_as(_Answer, json_of(body))
        items = sorted(answer.data, key=lambda item: item.index)
        return EmbeddingResponse(
            vectors=checked([_unpacked(item.embedding) for item in items], asked),
            model=text_of(answer.model),
            usage=read_usage(answer.usage, NAME),
            origin=NAME,
        )


def _unpacked(text: str) -> list[float]:
    try:
        return [float(number) for number in array("b", base64.b64decode(text, validate=True))]
    except (binascii.Error, ValueError) as error:
        raise BadGatewayError("The provider packed a vector in a way that nobody reads.") from error


PERPLEXITY_EMBEDDINGS = PerplexityEmbeddings()
