"""Ollama's own embeddings: `/api/embed`.

    {"model", "input": [...], "truncate", "dimensions", "options", "keep_alive"}
    {"model", "embeddings": [[...]], "prompt_eval_count"}

https://docs.ollama.com/api/embed (seen 2026-11-26). `/api/embeddings`, which it replaced, answered with one `embedding`
and told of no tokens; it is read too.
"""

from __future__ import annotations

import msgspec

from tollbridge.model.json import Json
from tollbridge.model.tasks.embedding import EmbeddingRequest, EmbeddingResponse
from tollbridge.wires.base import Target, Written
from tollbridge.wires.embeddings.task import EMBEDDINGS, checked, texts, used
from tollbridge.wires.one_way import OneWay, dropped, extras, set_fields
from tollbridge.wires.tap import text_of
from tollbridge.wires.task import Content, Heads, json_of, read_as

NAME = "ollama_embeddings"
KNOWN = {"options": "options", "keep_alive": "keep_alive"}


class _Answer(msgspec.Struct):
    embeddings: list[list[float]] = []
    embedding: list[float] = []
    model: Json = None
    prompt_eval_count: int | None = None


class OllamaEmbeddings(OneWay):
    name = NAME
    task = EMBEDDINGS

    def write_request(self, request: EmbeddingRequest, to: Target) -> Written[Content]:
        fields, caveats = extras(request, NAME, KNOWN)
        settings = set_fields(truncate=request.truncate, dimensions=request.dimensions)
        if request.raw_purpose is not None:
            caveats = (*caveats, dropped("input_type"))
        return Written({"model": to.model, "input": texts(request), **settings, **fields}, caveats)

    def read_response(self, body: bytes, heads: Heads, asked: EmbeddingRequest) -> EmbeddingResponse:
        answer = read_as(_Answer, json_of(body))
        return EmbeddingResponse(
            vectors=checked(answer.embeddings or [answer.embedding][: len(answer.embedding)], asked),
            model=text_of(answer.model),
            usage=used(answer.prompt_eval_count, NAME),
            origin=NAME,
        )


OLLAMA_EMBEDDINGS = OllamaEmbeddings()
