"""Requests of Converse read into neutral ones, as no part of the product does: nobody speaks that format to us. With it
a test can say: for the request that a client meant, we send what that client sent."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import msgspec

from tollbridge.model.parts import (
    CacheMark,
    Citation,
    Inline,
    Media,
    Opaque,
    Part,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
    Url,
)
from tollbridge.model.request import Message, OutputFormat, Request, Sampling, Tool, ToolChoice
from tollbridge.wires.bedrock_converse.vocabulary import DOCUMENTS, NAME, VIDEOS
from tollbridge.wires.bedrock_converse.write_parts import NO_OUTPUT

_DOCUMENT_TYPES = {word: media_type for media_type, word in reversed(DOCUMENTS.items())}
_VIDEO_TYPES = {word: f"video/{kind}" for kind, word in VIDEOS.items()}


def read(body: dict[str, Any], model: str) -> Request:
    config = body.get("inferenceConfig", {})
    tools = body.get("toolConfig", {})
    system = _parts(body.get("system", []))
    messages = [Message(role="system", parts=system)] if system else []
    for said in body["messages"]:
        ran = {block["toolResult"]["toolUseId"] for block in said["content"] if "toolResult" in block}
        messages.append(Message(role=said["role"], parts=_parts(said["content"], ran)))
    known = ("messages", "system", "inferenceConfig", "toolConfig", "outputConfig")
    return Request(
        model=model,
        messages=tuple(messages),
        tools=_tools(tools.get("tools", [])),
        tool_choice=_choice(tools.get("toolChoice")),
        sampling=Sampling(
            max_tokens=config.get("maxTokens"),
            temperature=config.get("temperature"),
            top_p=config.get("topP"),
            stop=tuple(config.get("stopSequences", ())),
        ),
        output=_output(body.get("outputConfig")),
        origin="a client's own",
        extra={key: value for key, value in body.items() if key not in known},
    )


def _parts(blocks: list[Any], ran: Collection[str] = ()) -> tuple[Part, ...]:
    """`ran`: calls whose results stand in the same message, because the provider ran them."""
    parts: list[Part] = []
    there = {block["toolUse"]["toolUseId"] for block in blocks if "toolUse" in block}.intersection(ran)
    for block in blocks:
        if (block.get("toolUse") or block.get("toolResult") or {}).get("toolUseId") in there:
            parts.append(Opaque(wire=NAME, value=block))
        elif "cachePoint" in block:
            point = block["cachePoint"]
            parts[-1] = msgspec.structs.replace(parts[-1], cache=CacheMark(ttl=point.get("ttl")))
        else:
            parts.append(_part(block))
    return tuple(parts)


def _part(block: dict[str, Any]) -> Part:
    match block:
        case {"text": str(text)}:
            return Text(text=text)
        case {"citationsContent": said}:
            cited = tuple(Citation(origin=NAME, raw=item) for item in said["citations"])
            return Text(text="".join(item["text"] for item in said["content"]), citations=cited)
        case {"image": image}:
            return Media(media_type=f"image/{image['format']}", source=_source(image["source"]))
        case {"video": video}:
            return Media(media_type=_VIDEO_TYPES[video["format"]], source=_source(video["source"]))
        case {"audio": sound}:
            return Media(media_type=f"audio/{sound['format']}", source=_source(sound["source"]))
        case {"document": document} if "bytes" in document["source"] or "s3Location" in document["source"]:
            extra = {key: document[key] for key in ("context", "citations") if key in document}
            kind = _DOCUMENT_TYPES[document["format"]]
            return Media(media_type=kind, source=_source(document["source"]), name=document["name"], extra=extra)
        case {"toolUse": call}:
            arguments = msgspec.json.encode(call["input"]).decode()
            return ToolCall(id=call["toolUseId"], name=call["name"], arguments=arguments)
        case {"toolResult": result}:
            return ToolResult(
                call_id=result["toolUseId"],
                content=tuple(_inner(item) for item in result["content"] if item != {"text": NO_OUTPUT}),
                is_error=result.get("status") == "error",
            )
        case {"reasoningContent": {"reasoningText": said}}:
            return Thinking(text=said["text"], signature=said.get("signature"), origin=NAME)
        case _:
            return Opaque(wire=NAME, value=block)


def _inner(block: dict[str, Any]) -> Part:
    return Opaque(wire=NAME, value=block) if "json" in block or "searchResult" in block else _part(block)


def _source(source: dict[str, Any]) -> Inline | Url:
    return Inline(data=source["bytes"]) if "bytes" in source else Url(url=source["s3Location"]["uri"])


def _tools(said: list[Any]) -> tuple[Tool | Opaque, ...]:
    tools: list[Tool | Opaque] = []
    for item in said:
        match item:
            case {"toolSpec": spec}:
                tools.append(
                    Tool(
                        name=spec["name"],
                        description=spec.get("description"),
                        schema=spec["inputSchema"]["json"],
                        strict=spec.get("strict"),
                    )
                )
            case {"cachePoint": _}:
                last = tools[-1]
                assert isinstance(last, Tool)
                tools[-1] = msgspec.structs.replace(last, cache=CacheMark())
            case _:
                tools.append(Opaque(wire=NAME, value=item))
    return tuple(tools)


def _choice(said: dict[str, Any] | None) -> ToolChoice | None:
    match said:
        case {"any": _}:
            return ToolChoice(mode="required")
        case {"tool": {"name": name}}:
            return ToolChoice(mode="tool", name=name)
        case {"auto": _}:
            return ToolChoice(mode="auto")
        case _:
            return None


def _output(said: dict[str, Any] | None) -> OutputFormat | None:
    if said is None:
        return None
    schema = said["textFormat"]["structure"]["jsonSchema"]
    return OutputFormat(
        kind="schema",
        name=schema.get("name"),
        description=schema.get("description"),
        schema=msgspec.json.decode(schema["schema"]),
    )
