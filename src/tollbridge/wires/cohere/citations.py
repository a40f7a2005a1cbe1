"""Citations of an answer.

    {"start", "end", "text", "sources": [{"type": "document", "id", "document": {...}} | {"type": "tool", "id",
     "tool_output": {...}}], "content_index", "type": "TEXT_CONTENT" | "THINKING_CONTENT" | "PLAN"}

`start` and `end` count characters of the block `content_index` (absent: of the only text). Each source is a Citation of
its own, with the whole in `raw`, so that it goes home once and as it was. One of thinking or of a plan stays in the
message's `extra`: only texts cite.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tollbridge.model.json import Json, JsonObject
from tollbridge.model.parts import Citation
from tollbridge.wires.cohere.vocabulary import NAME

_OF_TEXT = (None, "TEXT_CONTENT")
_QUOTED = ("text", "snippet", "content")


def cites_text(value: JsonObject) -> bool:
    return value.get("type") in _OF_TEXT


def read_citation(value: JsonObject) -> Iterator[Citation]:
    start, end = _number(value.get("start")), _number(value.get("end"))
    sources = value.get("sources")
    for source in sources if isinstance(sources, list) and sources else ({},):
        held = source.get("document") or source.get("tool_output")
        said: JsonObject = held if isinstance(held, dict) else {}
        name = _text(source.get("id"))
        yield Citation(
            url=_text(said.get("url")) or (name if name is not None and _is_link(name) else None),
            title=_text(said.get("title")) or name,
            quoted=next((found for key in _QUOTED if (found := _text(said.get(key)))), None),
            start=start,
            end=end,
            origin=NAME,
            raw=value,
        )


def write_citations(citations: Iterable[tuple[int, Citation]]) -> list[JsonObject]:
    """As they came, each once; those of others are not among them. With the index of the block that cites now."""
    written: list[JsonObject] = []
    for index, citation in citations:
        if citation.origin != NAME or not citation.raw:
            continue
        value = {**citation.raw, "content_index": index} if "content_index" in citation.raw else citation.raw
        if value not in written:
            written.append(value)
    return written


def _is_link(text: str) -> bool:
    return text.startswith(("https://", "http://"))


def _number(value: Json) -> int | None:
    return value if value.__class__ is int and value >= 0 else None


def _text(value: Json) -> str | None:
    return value if isinstance(value, str) and value else None
