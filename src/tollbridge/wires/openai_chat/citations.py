"""Citations <-> `annotations` of a message, whose offsets count in the whole `content`.

A citation of another wire is written as a `url_citation`, with an empty URL where it is of a document: the format has
no other kind, and clients that check (Vercel's AI SDK, @ai-sdk/openai 4.0.118) refuse the whole answer where one is of
another kind or without a title. Its own form travels along in `provider_specific_fields` and is taken up again when the
message comes back.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from tollbridge.model.json import Json, JsonObject
from tollbridge.model.parts import Citation, Part, Text
from tollbridge.wires.openai_chat.vocabulary import ANTHROPIC, NAME, PROVIDER_FIELDS

CITED = "citations"
CITED_NOW = "citation"
"""In `provider_specific_fields` of a message, and of a delta."""
_KINDS = ("url_citation", "document_citation", "file")


def read_citation(annotation: JsonObject) -> Citation:
    fields = annotation.get(PROVIDER_FIELDS)
    inner: Json = next((annotation[kind] for kind in _KINDS if annotation.get(kind).__class__ is dict), {})
    home = fields if fields.__class__ is dict and fields.get("origin").__class__ is str else None
    return Citation(
        url=_of(inner, "url", str) or None,
        title=_of(inner, "title", str) or _of(inner, "name", str) or None,
        quoted=_of(inner, "content", str),
        start=_of(inner, "start_index", int),
        end=_of(inner, "end_index", int),
        origin=home["origin"] if home else NAME,
        raw=home["raw"] if home and home.get("raw").__class__ is dict else dict(annotation),
    )


def write_citation(citation: Citation, offset: int, length: int) -> JsonObject:
    """`offset`, `length`: of the text that cites, in the whole content."""
    if citation.origin == NAME and citation.raw:
        return citation.raw
    inner: JsonObject = {
        "start_index": offset + (citation.start if citation.start is not None else 0),
        "end_index": offset + (citation.end if citation.end is not None else length),
        "url": citation.url or "",
        "title": citation.title or "",
    }
    if citation.quoted is not None:
        inner["content"] = citation.quoted
    out: JsonObject = {"type": "url_citation", "url_citation": inner}
    if citation.origin:
        out[PROVIDER_FIELDS] = {"origin": citation.origin, "raw": citation.raw}
    return out


def write_as_claudes(parts: tuple[Part, ...]) -> list[list[JsonObject]]:
    """Anthropic's own objects once more, a list for each text that has some, where LiteLLM's clients look for them:
    `provider_specific_fields.citations` (litellm/llms/anthropic/chat/transformation.py of 1.108.7, seen 2026-11-27)."""
    return [
        [{**citation.raw, "supported_text": part.text} for citation in own]
        for part in parts
        if isinstance(part, Text) and (own := [one for one in part.citations if is_claudes(one)])
    ]


def is_claudes(citation: Citation) -> bool:
    return citation.origin == ANTHROPIC and bool(citation.raw)


def drop_copies(fields: JsonObject, citations: Iterable[Citation]) -> None:
    """Out of `provider_specific_fields`: the citations that the annotations beside them tell."""
    if CITED in fields and any(is_claudes(one) for one in citations):
        del fields[CITED]


def cite(parts: list[Part], citations: list[Citation]) -> None:
    """Give each citation to the Text that it stands in; there is one at least."""
    texts = [(index, part) for index, part in enumerate(parts) if isinstance(part, Text)]
    if len(texts) == 1:
        index, text = texts[0]
        found = [_within(citation, 0, len(text.text)) for citation in citations]
        parts[index] = msgspec.structs.replace(text, citations=(*text.citations, *found))
        return
    gathered: dict[int, list[Citation]] = {}
    for citation in citations:
        offset = 0
        for index, text in texts:
            end = offset + len(text.text)
            if citation.start is None or citation.start < end or index == texts[-1][0]:
                gathered.setdefault(index, []).append(_within(citation, offset, len(text.text)))
                break
            offset = end
    for index, text in texts:
        if index in gathered:
            parts[index] = msgspec.structs.replace(text, citations=(*text.citations, *gathered[index]))


def _within(citation: Citation, offset: int, length: int) -> Citation:
    """With offsets in its own text. Offsets that we made up for another wire's citation are forgotten again."""
    moved = from_start(citation, offset)
    if citation.origin == NAME or (moved.start, moved.end) != (0, length):
        return moved
    return msgspec.structs.replace(moved, start=None, end=None)


def from_start(citation: Citation, offset: int) -> Citation:
    """Another wire's, with offsets in its own text, which begins there."""
    if not offset or citation.origin == NAME or citation.start is None or citation.end is None:
        return citation
    return msgspec.structs.replace(citation, start=citation.start - offset, end=citation.end - offset)


def _of(inner: JsonObject, key: str, kind: type) -> Json:
    value = inner.get(key)
    return value if value.__class__ is kind else None
