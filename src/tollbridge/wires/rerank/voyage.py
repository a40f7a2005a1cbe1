"""Voyage's ranking.

    {"model", "query", "documents": [...], "top_k", "return_documents", "truncation"}
    {"object": "list", "data": [{"relevance_score", "index", "document"}], "model", "usage": {"total_tokens"}}

https://docs.voyageai.com/reference/reranker-api (seen 2026-11-26), and a recorded exchange.
"""

from __future__ import annotations

from typing import Any

import msgspec

from tollbridge.model.tasks.rerank import Ranked, RerankRequest, RerankResponse, text_of
from tollbridge.wires.base import Target, Written
from tollbridge.wires.one_way import OneWay, dropped, extras, set_fields
from tollbridge.wires.openai_task import read_usage
from tollbridge.wires.rerank.task import RERANK, checked
from tollbridge.wires.tap import text_of as said
from tollbridge.wires.task import Content, Heads, json_of, read_as

NAME = "voyage_rerank"


class _Result(msgspec.Struct):
    index: int
    relevance_score: float
    document: str | None = None


class _Answer(msgspec.Struct):
    data: list[_Result]
    model: Any = None
    usage: Any = None


class VoyageRerank(OneWay):
    name = NAME
    task = RERANK

    def write_request(self, request: RerankRequest, to: Target) -> Written[Content]:
        fields, caveats = extras(request, NAME, {"truncation": "truncation"})
        if request.tokens_per_document is not None:
            caveats = (*caveats, dropped("max_tokens_per_doc"))
        settings = set_fields(top_k=request.top, return_documents=request.return_documents)
        documents = [text_of(document) for document in request.documents]
        return Written(
            {"model": to.model, "query": request.query, "documents": documents, **settings, **fields}, caveats
        )

    def read_response(self, body: bytes, heads: Heads, asked: RerankRequest) -> RerankResponse:
        answer = read_as(_Answer, json_of(body))
        results = [Ranked(index=one.index, score=one.relevance_score, document=one.document) for one in answer.data]
        return RerankResponse(
            results=checked(results, asked),
            model=said(answer.model),
            usage=read_usage(answer.usage, NAME),
            origin=NAME,
        )


VOYAGE_RERANK = VoyageRerank()
