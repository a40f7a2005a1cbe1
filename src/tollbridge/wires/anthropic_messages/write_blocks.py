"""Parts -> content blocks: what a request and an answer have in common.

`own`: the value came from this wire, so that its `extra` and `spelling` are ours to write. Known fields win over
`extra`.
"""

from __future__ import annotations

from base64 import b64decode

from tollbridge.model.json import JsonObject
from tollbridge.model.parts import CacheMark, FileRef, Inline, Media, Text, ToolCall, Url
from tollbridge.wires.anthropic_messages.read_blocks import joined_text, parsed_object
from tollbridge.wires.anthropic_messages.vocabulary import INVALID_JSON, SOURCE, WHOLE
from tollbridge.wires.documents import ANTHROPICS_FILE


def cache_control(mark: CacheMark, own: bool) -> JsonObject:
    control: JsonObject = {"type": "ephemeral"}
    if mark.ttl is not None:
        control["ttl"] = mark.ttl
    return {**control, **mark.extra} if own else control


def with_cache(block: JsonObject, mark: CacheMark | None, own: bool) -> JsonObject:
    if mark is not None:
        block["cache_control"] = cache_control(mark, own)
    return block


def text_block(part: Text, own: bool, citations: list[JsonObject]) -> JsonObject:
    block: JsonObject = {"type": "text", "text": part.text}
    if own and part.extra:
        whole = part.extra.get(WHOLE)
        block = {**part.extra, **block} if whole is None else _whole_block(whole, part.text)
    if citations:
        block["citations"] = citations
    return with_cache(block, part.cache, own) if part.cache is not None else block


def _whole_block(whole: JsonObject, text: str) -> JsonObject:
    """The block as it came; where its text has been rewritten since, the new text in its place."""
    in_source = whole["type"] == "document"
    came = whole["source"]["content"] if in_source else whole["content"]
    if joined_text(came) == text:
        return dict(whole)
    now = [{"type": "text", "text": text}]
    return {**whole, "source": {**whole["source"], "content": now}} if in_source else {**whole, "content": now}


def tool_use_block(part: ToolCall, own: bool, call_id: str) -> JsonObject:
    kind = "tool_use"
    if part.runs_on == "provider":
        kind = part.extra.get("type", "server_tool_use") if own else "server_tool_use"
    block: JsonObject = {"type": kind, "id": call_id, "name": part.name, "input": tool_input(part.arguments)}
    if own and part.extra:
        block = {**part.extra, **block}
    return with_cache(block, part.cache, own) if part.cache is not None else block


def tool_input(arguments: str) -> JsonObject:
    """`input` must be an object: no arguments are `{}`; text that is no JSON object is wrapped, whole."""
    if not arguments:
        return {}
    value = parsed_object(arguments)
    return {INVALID_JSON: arguments} if value is None else value


def image_or_document(part: Media, own: bool) -> JsonObject | None:
    """None where the format has no block for it: audio, video, inline documents that are no PDF and no text, and files
    in another provider's store."""
    family = part.media_type.partition("/")[0]
    source = _source(part, family, own)
    if source is None:
        return None
    block: JsonObject = {"type": "image" if family == "image" else "document", "source": source}
    if part.name is not None and family != "image":
        block["title"] = part.name
    if own and part.extra:
        block = {**part.extra, **block}
        source.update(block.pop(SOURCE, {}))
    return with_cache(block, part.cache, own)


def _source(part: Media, family: str, own: bool) -> JsonObject | None:
    if family in ("audio", "video"):
        return None
    match part.source:
        case Url(url=url):
            return {"type": "url", "url": url}
        case FileRef(id=file_id) if own or ANTHROPICS_FILE.match(file_id):
            return {"type": "file", "file_id": file_id}
        case Inline(data=data) if family == "text":
            text = _decoded(data)
            return None if text is None else {"type": "text", "media_type": "text/plain", "data": text}
        case Inline(data=data) if family == "image" or part.media_type == "application/pdf":
            return {"type": "base64", "media_type": part.media_type, "data": data}
        case _:
            return None


def _decoded(data: str) -> str | None:
    try:
        return b64decode("".join(data.split()), validate=True).decode()
    except ValueError:
        return None
