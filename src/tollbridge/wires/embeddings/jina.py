"""Jina's embeddings: OpenAI's answer, with fields of their own in the request.

    {"model", "input": [text or {"text"} or {"image"}], "task": "retrieval.query" ..., "dimensions", "truncate",
     "embedding_type": "float"}

Up to 512 inputs. https://api.jina.ai/redoc (seen 2026-11-26).
"""

from __future__ import annotations

from collections.abc import Mapping

from tollbridge.model.json import Json
from tollbridge.model.tasks.embedding import EmbeddingRequest, EmbeddingResponse, ImageInput, Input
from tollbridge.wires.base import Target, Written
from tollbridge.wires.embeddings.openai import OPENAI_EMBEDDINGS
from tollbridge.wires.embeddings.task import EMBEDDINGS, text
from tollbridge.wires.embeddings.titan import inline
from tollbridge.wires.one_way import OneWay, extras, set_fields
from tollbridge.wires.task import Content, Heads

NAME = "jina_embeddings"
INPUTS_MAX = 512
TASKS: Mapping[str, str] = {
    "query": "retrieval.query",
    "document": "retrieval.passage",
    "classification": "classification",
    "clustering": "separation",
    "similarity": "text-matching",
}
KNOWN = {"normalized": "normalized", "late_chunking": "late_chunking"}


class JinaEmbeddings(OneWay):
    name = NAME
    task = EMBEDDINGS

    def most(self, model: str) -> int | None:
        return INPUTS_MAX

    def write_request(self, request: EmbeddingRequest, to: Target) -> Written[Content]:
        fields, caveats = extras(request, NAME, KNOWN)
        settings = set_fields(
            task=TASKS.get(request.purpose or "") or request.raw_purpose,
            dimensions=request.dimensions,
            truncate=request.truncate,
            embedding_type="float",
        )
        inputs = [_item(item, at) for at, item in enumerate(request.inputs)]
        if any(isinstance(item, dict) for item in inputs):
            inputs = [item if isinstance(item, dict) else {"text": item} for item in inputs]
        return Written({"model": to.model, "input": inputs, **settings, **fields}, caveats)

    def read_response(self, body: bytes, heads: Heads, asked: EmbeddingRequest) -> EmbeddingResponse:
        return OPENAI_EMBEDDINGS.read_response(body, heads, asked)


def _item(item: Input, at: int) -> Json:
    if isinstance(item, ImageInput):
        return {"image": inline(item) if item.url.startswith("data:") else item.url}
    return text(item, at)


JINA_EMBEDDINGS = JinaEmbeddings()
