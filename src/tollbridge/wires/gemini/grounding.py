"""Citations: `groundingMetadata` and `citationMetadata` of a candidate <-> the citations of its texts.

    groundingChunks: [{"web": {"uri", "title"}} or "retrievedContext", "maps", "image"]
    groundingSupports: [{"segment": {"partIndex", "startIndex", "endIndex", "text"}, "groundingChunkIndices": [...]}]
    citationMetadata: {"citations" or "citationSources": [{"startIndex", "endIndex", "uri", "title"}]}

Indexes of a segment count bytes of UTF-8 (https://ai.google.dev/api/generate-content#Segment, seen 2026-11-26); ours
count characters. The objects themselves stay in the choice's `extra`, from which this wire writes them back; citations
are for others.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from tollbridge.model.json import Json, JsonObject
from tollbridge.model.parts import Citation, Text
from tollbridge.wires.gemini.vocabulary import NAME, fields

GROUNDING, CITED = "groundingMetadata", "citationMetadata"


def read_citations(extra: JsonObject, texts: Mapping[int, str]) -> Iterator[tuple[int, Citation]]:
    """(place of the text, citation), of a candidate's `extra`. `texts`: the texts of its answer, by place. What is no
    such object cites nothing."""
    if not texts:
        return
    grounding, cited = extra.get(GROUNDING), extra.get(CITED)
    if grounding.__class__ is dict:
        yield from _grounded(fields(grounding), texts)
    if cited.__class__ is dict:
        said = fields(cited)
        for source in _objects(said.get("citations") or said.get("citationSources")):
            place = min(texts)
            start, end = _offsets(source, texts[place])
            yield (
                place,
                Citation(
                    url=_text(source.get("uri")),
                    title=_text(source.get("title")),
                    start=start,
                    end=end,
                    origin=NAME,
                    raw=source,
                ),
            )


def _grounded(grounding: JsonObject, texts: Mapping[int, str]) -> Iterator[tuple[int, Citation]]:
    chunks = _objects(grounding.get("groundingChunks"))
    for support in _objects(grounding.get("groundingSupports")):
        segment = fields(support["segment"]) if support.get("segment").__class__ is dict else {}
        place = _place(segment, texts)
        start, end = _offsets(segment, texts[place])
        indices = support.get("groundingChunkIndices")
        for index in indices if isinstance(indices, list) else ():
            if index.__class__ is int and 0 <= index < len(chunks):
                source = _source(chunks[index])
                yield (
                    place,
                    Citation(
                        url=_text(source.get("uri") or source.get("sourceUri")),
                        title=_text(source.get("title")),
                        quoted=_text(source.get("text")),
                        start=start,
                        end=end,
                        origin=NAME,
                        raw={"segment": segment, "chunk": chunks[index]},
                    ),
                )


def _place(segment: JsonObject, texts: Mapping[int, str]) -> int:
    """Where a segment stands: in the part that it names, else in the text that has its words, else in the last one."""
    index, words = segment.get("partIndex"), segment.get("text")
    if index.__class__ is int and index in texts:
        return index
    return next((place for place, text in texts.items() if words and words in text), max(texts))


def _offsets(segment: JsonObject, text: str) -> tuple[int | None, int | None]:
    end = segment.get("endIndex")
    if end.__class__ is not int:
        return None, None
    raw, start = text.encode(), segment.get("startIndex")
    return _characters(raw, start if isinstance(start, int) else 0), _characters(raw, end)


def _characters(raw: bytes, at: int) -> int:
    return len(raw[: max(0, at)].decode(errors="ignore"))


def _source(chunk: JsonObject) -> JsonObject:
    for name in ("web", "retrievedContext", "maps", "image"):
        if chunk.get(name).__class__ is dict:
            return fields(chunk[name])
    return {}


def write_grounding(texts: Sequence[tuple[int, Text]]) -> JsonObject | None:
    """`groundingMetadata` for citations that others made; None where there are none. `texts`: with the index of the
    part that each stands in. A citation without a span is of the whole of its text."""
    chunks: list[JsonObject] = []
    supports: list[JsonObject] = []
    for index, part in texts:
        for citation in part.citations:
            chunk = _chunk(citation)
            if chunk not in chunks:
                chunks.append(chunk)
            start, end = citation.start or 0, len(part.text) if citation.end is None else citation.end
            segment: JsonObject = {
                "startIndex": len(part.text[:start].encode()),
                "endIndex": len(part.text[:end].encode()),
                "text": part.text[start:end],
            }
            if index:
                segment["partIndex"] = index
            supports.append({"segment": segment, "groundingChunkIndices": [chunks.index(chunk)]})
    return {"groundingChunks": chunks, "groundingSupports": supports} if supports else None


def _chunk(citation: Citation) -> JsonObject:
    said = {"uri": citation.url, "title": citation.title}
    if citation.url is not None and citation.quoted is None:
        return {"web": {key: value for key, value in said.items() if value is not None}}
    said["text"] = citation.quoted
    return {"retrievedContext": {key: value for key, value in said.items() if value is not None}}


def _objects(value: Json) -> list[JsonObject]:
    """The list, with what is no object in its place as an empty one: others refer to it by index."""
    return [fields(item) if item.__class__ is dict else {} for item in value] if isinstance(value, list) else []


def _text(value: Json) -> str | None:
    return value if isinstance(value, str) else None
