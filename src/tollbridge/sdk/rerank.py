"""`rerank` and `arerank`: documents in the order in which they answer a question, in Cohere's words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from tollbridge.calls.exchange import Answer
from tollbridge.errors import BadRequestError
from tollbridge.model.json import JsonObject
from tollbridge.sdk.answers import told
from tollbridge.sdk.call import read_task
from tollbridge.sdk.engine import task
from tollbridge.sdk.loop import BACKGROUND
from tollbridge.sdk.task_objects import RerankResponse
from tollbridge.wires.rerank.cohere import NAME


async def arerank(
    model: str, query: str, documents: Iterable[str | Mapping[str, Any]], **parameters: Any
) -> RerankResponse:
    """The best first. `parameters`: `top_n`, `return_documents`, `max_tokens_per_doc`, and what `completion` takes to
    say who answers and how long it may take. Raises APIError (`tollbridge.exceptions`)."""
    if isinstance(documents, str | bytes | Mapping) or not isinstance(documents, Iterable):
        raise BadRequestError("`documents` must be a list of texts.", param="documents")
    said = {"query": query, "documents": list(documents)}
    return await task(read_task(model, NAME, said, parameters), _ranked)


def _ranked(answer: Answer, known: JsonObject) -> RerankResponse:
    return told(RerankResponse(msgspec.json.decode(answer.body)), answer, known)


def rerank(model: str, query: str, documents: Iterable[str | Mapping[str, Any]], **parameters: Any) -> RerankResponse:
    """`arerank` for a program without async, also inside a running loop (a notebook)."""
    return BACKGROUND.run(arerank(model, query, documents, **parameters))
