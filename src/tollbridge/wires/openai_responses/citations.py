"""Another wire's citations as annotations of this format, which knows web pages and its own files."""

from __future__ import annotations

from tollbridge.model.json import JsonObject
from tollbridge.model.parts import Citation
from tollbridge.wires.openai_responses.vocabulary import NAME


def write_citation(citation: Citation, length: int) -> JsonObject | None:
    """None where it is of something that is no web page. `length`: of the text that cites."""
    if citation.origin == NAME and citation.raw:
        return citation.raw
    if citation.url is None:
        return None
    return {
        "type": "url_citation",
        "url": citation.url,
        "title": citation.title or "",
        "start_index": 0 if citation.start is None else citation.start,
        "end_index": length if citation.end is None else citation.end,
    }
