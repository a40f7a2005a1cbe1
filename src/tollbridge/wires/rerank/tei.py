"""Hugging Face's Text Embeddings Inference, which ranks too.

    {"query", "texts": [...], "raw_scores", "return_text", "truncate"}  ->  [{"index", "score", "text"}]

https://huggingface.github.io/text-embeddings-inference/ (seen 2026-11-26).
"""

from __future__ import annotations

import msgspec

from tollbridge.model.response import Usage
from tollbridge.model.tasks.rerank import Ranked, RerankRequest, RerankResponse, text_of
from tollbridge.wires.base import Target, Written
from tollbridge.wires.one_way import OneWay, dropped, extras
from tollbridge.wires.rerank.task import RERANK, checked
from tollbridge.wires.task import Content, Heads, json_of, read_as

NAME = "tei_rerank"
KNOWN = {name: name for name in ("raw_scores", "truncate", "truncation_direction")}


class _Result(msgspec.Struct):
    index: int
    score: float
    text: str | None = None


class TeiRerank(OneWay):
    name = NAME
    task = RERANK
    in_path = True

    def write_request(self, request: RerankRequest, to: Target) -> Written[Content]:
        fields, caveats = extras(request, NAME, KNOWN)
        if request.tokens_per_document is not None:
            caveats = (*caveats, dropped("max_tokens_per_doc"))
        texts = [text_of(document) for document in request.documents]
        return Written({"query": request.query, "texts": texts, **fields}, caveats)

    def read_response(self, body: bytes, heads: Heads, asked: RerankRequest) -> RerankResponse:
        found = read_as(list[_Result], json_of(body))
        counted = heads.headers.get("x-compute-tokens", "")
        return RerankResponse(
            results=checked([Ranked(index=one.index, score=one.score, document=one.text) for one in found], asked),
            usage=Usage(input=int(counted), origin=NAME) if counted.isdecimal() else None,
            origin=NAME,
        )


TEI_RERANK = TeiRerank()
