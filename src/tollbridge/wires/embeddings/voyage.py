"""Voyage's embeddings: OpenAI's answer, with fields of their own in the request.

    {"model", "input": [...], "input_type": "query" | "document", "truncation", "output_dimension"}
    {"object": "list", "data": [{"embedding", "index"}], "model", "usage": {"total_tokens"}}

Up to 1,000 inputs. https://docs.voyageai.com/reference/embeddings-api (seen 2026-11-26), and recorded exchanges.
"""

from __future__ import annotations

from tollbridge.model.tasks.embedding import EmbeddingRequest, EmbeddingResponse
from tollbridge.wires.base import Target, Written
from tollbridge.wires.embeddings.openai import OPENAI_EMBEDDINGS
from tollbridge.wires.embeddings.task import EMBEDDINGS, texts
from tollbridge.wires.one_way import OneWay, dropped, extras, set_fields
from tollbridge.wires.task import Content, Heads

NAME = "voyage_embeddings"
INPUTS_MAX = 1_000
KNOWN = {"output_dtype": "output_dtype", "truncation": "truncation", "output_dimension": "output_dimension"}


class VoyageEmbeddings(OneWay):
    name = NAME
    task = EMBEDDINGS

    def most(self, model: str) -> int | None:
        return INPUTS_MAX

    def write_request(self, request: EmbeddingRequest, to: Target) -> Written[Content]:
        fields, caveats = extras(request, NAME, KNOWN)
        purpose = request.purpose if request.purpose in ("query", "document") else None
        if purpose is None and request.raw_purpose is not None:
            caveats = (*caveats, dropped("input_type", "this provider knows `query` and `document`"))
        settings = set_fields(input_type=purpose, truncation=request.truncate, output_dimension=request.dimensions)
        return Written({"model": to.model, "input": texts(request), **settings, **fields}, caveats)

    def read_response(self, body: bytes, heads: Heads, asked: EmbeddingRequest) -> EmbeddingResponse:
        return OPENAI_EMBEDDINGS.read_response(body, heads, asked)


VOYAGE_EMBEDDINGS = VoyageEmbeddings()
