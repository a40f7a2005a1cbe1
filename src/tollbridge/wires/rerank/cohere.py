"""Cohere's ranking, which most that rank speak: Jina, Together, vLLM, Infinity, OpenRouter, LiteLLM's clients.

    {"model", "query", "documents": [text or object], "top_n", "return_documents", "max_tokens_per_doc"}
    {"id", "results": [{"index", "relevance_score", "document"}], "meta": {"billed_units": {"search_units"}}}

https://docs.cohere.com/reference/rerank, https://docs.cohere.com/v1/reference/rerank (seen 2026-11-26), and recorded
exchanges. Others tell of tokens in `usage`, and of their score in `score`; some tell no `id` and no `meta`, which then
stand in what is relayed all the same, as LiteLLM's clients count on them.
"""

from __future__ import annotations

from typing import Any

import msgspec

from tollbridge.errors import BadGatewayError, BadRequestError
from tollbridge.model.json import Json, JsonObject
from tollbridge.model.response import SEARCH_UNITS, Usage, is_count
from tollbridge.model.tasks.rerank import Ranked, RerankRequest, RerankResponse
from tollbridge.wires.base import Target, Written
from tollbridge.wires.one_way import extras, set_fields
from tollbridge.wires.openai_task import OpenAITask, read_told, read_usage
from tollbridge.wires.rerank.task import RERANK, checked
from tollbridge.wires.tap import Along, text_of
from tollbridge.wires.task import HEADLESS, Content, Heads, json_of, read_as

NAME = "cohere_rerank"
_NULL = msgspec.Raw(b"null")
_fields = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_encode = msgspec.json.Encoder().encode


class _Result(msgspec.Struct):
    index: int
    relevance_score: float | None = None
    score: float | None = None
    document: Any = None


class _Answer(msgspec.Struct):
    results: list[_Result]
    id: Any = None
    model: Any = None
    meta: Any = None
    usage: Any = None


class CohereRerank(OpenAITask):
    name = NAME
    task = RERANK

    def read_request(self, content: Content) -> Written[RerankRequest]:
        if not isinstance(content, dict):
            raise BadRequestError("A ranking is asked for in JSON.", code="invalid_json")
        known = dict(content)
        known.pop("model", None)
        query, documents = known.pop("query", None), known.pop("documents", None)
        if not isinstance(query, str) or not query:
            raise BadRequestError("`query` must be a text - at `$.query`.", param="query")
        if not isinstance(documents, list) or not documents:
            raise BadRequestError("`documents` must be a list of texts - at `$.documents`.", param="documents")
        for at, document in enumerate(documents):
            if not isinstance(document, str | dict):
                raise BadRequestError(f"Expected a text or an object - at `$.documents[{at}]`.", param="documents")
        top = known.pop("top_n", None)
        limit = known.pop("max_tokens_per_doc", None)
        returned, fields = known.pop("return_documents", None), known.pop("rank_fields", None)
        for name, value in (("top_n", top), ("max_tokens_per_doc", limit)):
            if value is not None and (value.__class__ is not int or value < 1):
                raise BadRequestError(f"`{name}` must be a number above 0 - at `$.{name}`.", param=name)
        if returned is not None and not isinstance(returned, bool):
            raise BadRequestError(
                "`return_documents` must be true or false - at `$.return_documents`.", param="return_documents"
            )
        return Written(
            RerankRequest(
                query=query,
                documents=tuple(documents),
                top=top,
                return_documents=returned,
                tokens_per_document=limit,
                rank_fields=tuple(fields) if isinstance(fields, list) else (),
                origin=NAME,
                extra=known,
            )
        )

    def write_request(self, request: RerankRequest, to: Target) -> Written[Content]:
        fields, caveats = extras(request, NAME)
        settings = set_fields(
            top_n=request.top,
            return_documents=request.return_documents,
            max_tokens_per_doc=request.tokens_per_document,
            rank_fields=list(request.rank_fields) or None,
        )
        said: JsonObject = {"model": to.model, "query": request.query, "documents": list(request.documents)}
        return Written({**said, **settings, **fields}, caveats)

    def read_response(self, body: bytes, heads: Heads, asked: RerankRequest) -> RerankResponse:
        along, _ = read_told(body)
        answer = read_as(_Answer, json_of(body))
        results = [
            Ranked(index=one.index, score=_score(one), document=_document(one.document)) for one in answer.results
        ]
        return RerankResponse(
            results=checked(results, asked),
            id=along.id,
            model=text_of(answer.model),
            usage=usage_of(answer.meta, answer.usage),
            origin=NAME,
        )

    def write_response(self, answer: RerankResponse, asked: RerankRequest) -> Written[JsonObject]:
        return Written(
            {
                "id": answer.id,
                "results": [
                    {"index": one.index, "relevance_score": one.score, **_shown(one, asked)} for one in answer.results
                ],
                "meta": _meta(answer.usage),
            }
        )

    def completed(self, body: bytes, along: Along, id: str) -> bytes:
        fields = _fields(body)
        missing = [name for name in ("id", "meta") if fields.get(name) in (None, _NULL)]
        if not missing:
            return body
        made = {"id": along.id or id, "meta": _meta(along.usage)}
        return _encode({**fields, **{name: made[name] for name in missing}})

    def read_along(self, body: bytes, heads: Heads = HEADLESS) -> Along:
        said, fields = read_told(body)
        if not isinstance(fields.get("results"), list):
            raise BadGatewayError("The provider's answer is JSON, but ranks nothing.")
        return Along(usage_of(fields.get("meta"), fields.get("usage")), said.id)


def _meta(usage: Usage | None) -> JsonObject:
    usage = Usage() if usage is None else usage
    units = (usage.units or {}).get(SEARCH_UNITS)
    billed = set_fields(search_units=units, total_tokens=usage.input or None)
    return {"billed_units": billed, "tokens": {"input_tokens": usage.input, "output_tokens": 0}}


def _score(one: _Result) -> float:
    score = one.score if one.relevance_score is None else one.relevance_score
    if score is None:
        raise BadGatewayError("The provider's answer is not what its format promises: a result has no score.")
    return score


def _document(value: Json) -> str | JsonObject | None:
    return value if isinstance(value, str | dict) else None


def _shown(one: Ranked, asked: RerankRequest) -> JsonObject:
    """The document, where it was asked for: what the provider gives back of it, else what it was given."""
    if not asked.return_documents:
        return {}
    document = asked.documents[one.index] if one.document is None else one.document
    return {"document": {"text": document} if isinstance(document, str) else document}


def usage_of(meta: Json, usage: Json) -> Usage | None:
    """By Cohere's units, or by others' tokens."""
    billed = meta.get("billed_units") if isinstance(meta, dict) else None
    billed = billed if isinstance(billed, dict) else {}
    told = read_usage(usage, NAME)
    units = billed.get("search_units")
    if told is None and is_count(billed.get("total_tokens")):
        told = Usage(input=billed["total_tokens"], origin=NAME)
    if told is None and is_count(billed.get("input_tokens")):
        told = Usage(input=billed["input_tokens"], origin=NAME)
    if isinstance(units, int | float) and is_count(int(units)):
        return msgspec.structs.replace(told or Usage(origin=NAME), units={SEARCH_UNITS: int(units)})
    return told


COHERE_RERANK = CohereRerank()
