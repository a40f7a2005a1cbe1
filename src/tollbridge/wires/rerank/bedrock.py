"""Ranking on Bedrock, by `InvokeModel`: Cohere's fields with a version, Amazon's without one.

    {"query", "documents": [...], "top_n", "api_version": 2}  ->  {"results": [{"index", "relevance_score"}]}

https://docs.aws.amazon.com/bedrock/latest/userguide/rerank-supported.html (seen 2026-11-26), and a recorded exchange.
It tells of no use: a query with up to 100 documents is a search.
"""

from __future__ import annotations

from tollbridge.model.json import JsonObject
from tollbridge.model.tasks.rerank import RerankRequest, RerankResponse, text_of
from tollbridge.wires.base import Target, Written
from tollbridge.wires.one_way import OneWay, extras, set_fields
from tollbridge.wires.rerank.cohere import COHERE_RERANK
from tollbridge.wires.rerank.task import RERANK
from tollbridge.wires.task import Content, Heads

NAME = "bedrock_rerank"
API_VERSION = 2


class BedrockRerank(OneWay):
    name = NAME
    task = RERANK
    in_path = True

    def write_request(self, request: RerankRequest, to: Target) -> Written[Content]:
        fields, caveats = extras(request, NAME)
        body: JsonObject = {
            "query": request.query,
            "documents": [text_of(document) for document in request.documents],
            **set_fields(top_n=request.top),
            **fields,
        }
        if "cohere." in to.model:
            body.update(api_version=API_VERSION, **set_fields(max_tokens_per_doc=request.tokens_per_document))
        return Written(body, caveats)

    def read_response(self, body: bytes, heads: Heads, asked: RerankRequest) -> RerankResponse:
        return COHERE_RERANK.read_response(body, heads, asked)


BEDROCK_RERANK = BedrockRerank()
