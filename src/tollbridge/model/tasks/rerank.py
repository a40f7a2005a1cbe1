"""Documents in the order in which they answer a question."""

from __future__ import annotations

import msgspec

from tollbridge.model.json import Json, JsonObject
from tollbridge.model.tasks.task import SEARCH_UNITS, TaskRequest, TaskResponse

DOCUMENTS_IN_A_UNIT = 100
"""https://cohere.com/pricing (seen 2026-11-26): a search is a query with up to 100 documents."""


class RerankRequest(TaskRequest, frozen=True, kw_only=True):
    """`documents`: texts, or objects with a `text` and more. `rank_fields`: of objects, those that count."""

    query: str
    documents: tuple[str | JsonObject, ...]
    top: int | None = None
    return_documents: bool | None = None
    tokens_per_document: int | None = None
    rank_fields: tuple[str, ...] = ()

    @property
    def texts(self) -> tuple[str, ...]:
        return (self.query, *map(text_of, self.documents))

    @property
    def units(self) -> dict[str, int]:
        return {SEARCH_UNITS: max(1, -(-len(self.documents) // DOCUMENTS_IN_A_UNIT))}


class Ranked(msgspec.Struct, frozen=True, kw_only=True):
    """`index`: of the document in the request."""

    index: int
    score: float
    document: str | JsonObject | None = None


class RerankResponse(TaskResponse, frozen=True, kw_only=True):
    """`results`: the best first."""

    results: tuple[Ranked, ...]


def text_of(document: str | JsonObject) -> str:
    """What there is to read in a document: its text, else all its texts, as `name: text` lines."""
    if isinstance(document, str):
        return document
    text: Json = document.get("text")
    if isinstance(text, str):
        return text
    return "\n".join(f"{name}: {value}" for name, value in document.items() if isinstance(value, str))
