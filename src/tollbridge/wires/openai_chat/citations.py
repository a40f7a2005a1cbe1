"""Citations <-> `annotations` of a message, whose offsets count in the whole `content`.

A citation of another wire is written as a `url_citation` where it has a URL and as a `document_citation` else; its own
form travels along in `provider_specific_fields` and is taken up again when the message comes back.
"""

from __future__ import annotations

import msgspec

from tollbridge.model.json import Json, JsonObject
from tollbridge.model.parts import Citation, Part, Text
from tollbridge.wires.openai_chat.vocabulary import NAME, PROVIDER_FIELDS

_KINDS = ("url_citation", "document_citation", "file")


def read_citation(annotation: JsonObject) -> Citation:
    fields = annotation.get(PROVIDER_FIELDS)
    inner: Json = next((annotation[kind] for kind in _KINDS if annotation.get(kind).__class__ is dict), {})
    home = fields if fields.__class__ is dict and fields.get("origin").__class__ is str else None
    return Citation(
        url=_of(inner, "url", str),
        title=_of(inner, "title", str) or _of(inner, "name", str),
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
    kind = "url_citation" if citation.url is not None else "document_citation"
    inner: JsonObject = {
        "start_index": offset + (citation.start if citation.start is not None else 0),
        "end_index": offset + (citation.end if citation.end is not None else length),
    }
    for key, value in (("url", citation.url), ("title", citation.title), ("content", citation.quoted)):
        if value is not None:
            inner[key] = value
    out: JsonObject = {"type": kind, kind: inner}
    if citation.origin:
        out[PROVIDER_FIELDS] = {"origin": citation.origin, "raw": citation.raw}
    return out


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
    if citation.origin == NAME or citation.start is None or citation.end is None:
        return citation
    start, end = citation.start - offset, citation.end - offset
    whole = (start, end) == (0, length)
    return msgspec.structs.replace(citation, start=None if whole else start, end=None if whole else end)


def _of(inner: JsonObject, key: str, kind: type) -> Json:
    value = inner.get(key)
    return value if value.__class__ is kind else None
