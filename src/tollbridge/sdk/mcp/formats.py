"""What MCP says, as OpenAI's chat format says it: tools, calls, results, resources, prompts. Pure.

Everything is read from the JSON that stands on MCP's wire. Objects of the `mcp` package are turned into it first
(`wire_form`), so that 1.x (`inputSchema`) and 2.x (`input_schema`) are one thing here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from tollbridge.errors import BadRequestError
from tollbridge.model.json import Json, JsonObject
from tollbridge.sdk.mcp.values import CallToolRequestParams

AUDIO = {"audio/wav": "wav", "audio/x-wav": "wav", "audio/mpeg": "mp3", "audio/mp3": "mp3"}


def wire_form(value: Any) -> JsonObject:
    """An object of the `mcp` package, or a dictionary in either spelling, as it stands on the wire."""
    dump = getattr(value, "model_dump", None)
    said: JsonObject = dict(value) if dump is None else dump(by_alias=True, mode="json", exclude_none=True)
    if "input_schema" in said and "inputSchema" not in said:
        said["inputSchema"] = said.pop("input_schema")
    return said


def input_schema(tool: Mapping[str, Json]) -> JsonObject:
    """A copy that every API takes: an object with properties."""
    said = tool.get("inputSchema")
    schema = dict(said) if isinstance(said, dict) else {}
    if not schema:
        schema["additionalProperties"] = False
    return {**schema, "type": "object", "properties": schema.get("properties") or {}}


def chat_tool(tool: Mapping[str, Json], name: str | None = None) -> JsonObject:
    """For chat completions. `name`: what the model is to call it."""
    function = {"name": name or tool["name"], "description": _about(tool), "parameters": input_schema(tool)}
    return {"type": "function", "function": {**function, "strict": False}}


def responses_tool(tool: Mapping[str, Json]) -> JsonObject:
    """For the Responses API."""
    function = {"name": tool["name"], "description": _about(tool), "parameters": input_schema(tool)}
    return {"type": "function", **function, "strict": False}


def messages_tool(tool: Mapping[str, Json]) -> JsonObject:
    """For the Messages API."""
    return {"name": tool["name"], "description": _about(tool), "input_schema": input_schema(tool), "type": "custom"}


def _about(tool: Mapping[str, Json]) -> str:
    return tool.get("description") or tool.get("title") or ""


def called(tool_call: Any) -> CallToolRequestParams:
    """A model's call (a dictionary, an object of the OpenAI SDK or ours) as MCP takes it. Raises BadRequestError where
    the arguments are no JSON object: a call with none in their place would be another call."""
    dump = getattr(tool_call, "model_dump", None)
    said = tool_call if isinstance(tool_call, Mapping) else None if dump is None else dump()
    function = said.get("function") if isinstance(said, Mapping) else None
    if not isinstance(function, Mapping) or not isinstance(function.get("name"), str):
        raise BadRequestError("This is no tool call: it has no `function.name`.", param="openai_tool")
    return CallToolRequestParams(name=function["name"], arguments=arguments(function.get("arguments")))


def arguments(said: Json) -> JsonObject:
    """Of a call, as JSON text or already read. Raises BadRequestError."""
    if said is None or said == "":
        return {}
    try:
        read = msgspec.json.decode(said) if isinstance(said, str | bytes) else said
    except (msgspec.DecodeError, RecursionError) as error:
        raise BadRequestError(f"The arguments of the call are no JSON: {error}.", param="arguments") from error
    if not isinstance(read, dict):
        raise BadRequestError("The arguments of the call are no JSON object.", param="arguments")
    return read


def parts(blocks: Json) -> list[JsonObject]:
    """Content blocks of a result or a prompt as parts of a message."""
    return [_part(block) for block in blocks or () if isinstance(block, Mapping)]


def resource_parts(result: Mapping[str, Json]) -> list[JsonObject]:
    """What `resources/read` gave, as parts of a message."""
    return [_resource(one) for one in result.get("contents") or () if isinstance(one, Mapping)]


def prompt_messages(result: Mapping[str, Json]) -> list[JsonObject]:
    """What `prompts/get` gave, as messages. Content that is text alone is a string."""
    messages = []
    for said in result.get("messages") or ():
        content = said.get("content")
        found = parts(content if isinstance(content, list) else [content])
        messages.append({"role": said.get("role", "user"), "content": _plainest(found)})
    return messages


def tool_message(id: str, result: Mapping[str, Json]) -> JsonObject:
    """A call's result, for the model that made the call."""
    found = parts(result.get("content"))
    if not found and "structuredContent" in result:
        found = [_text(_json(result["structuredContent"]))]
    return {"role": "tool", "tool_call_id": id, "content": _plainest(found)}


def text_of(result: Mapping[str, Json]) -> str:
    """The words of a result."""
    return "\n".join(part["text"] for part in parts(result.get("content")) if part["type"] == "text")


def _plainest(found: Iterable[JsonObject]) -> Json:
    found = list(found)
    if all(part["type"] == "text" for part in found):
        return "\n".join(part["text"] for part in found)
    return found


def _part(block: Mapping[str, Json]) -> JsonObject:
    match block.get("type"):
        case "text":
            return _text(str(block.get("text", "")))
        case "image" | "audio":
            return _media(str(block.get("mimeType") or ""), str(block.get("data", "")), "")
        case "resource" if isinstance(block.get("resource"), Mapping):
            return _resource(block["resource"])
        case _:
            return _text(_json(block))


def _resource(said: Mapping[str, Json]) -> JsonObject:
    if isinstance(said.get("text"), str):
        return _text(said["text"])
    if isinstance(said.get("blob"), str):
        return _media(str(said.get("mimeType") or ""), said["blob"], str(said.get("name") or said.get("uri") or ""))
    return _text(_json(said))


def _media(kind: str, data: str, name: str) -> JsonObject:
    url = f"data:{kind or 'application/octet-stream'};base64,{data}"
    if kind.startswith("image/"):
        return {"type": "image_url", "image_url": {"url": url}}
    if kind in AUDIO:
        return {"type": "input_audio", "input_audio": {"data": data, "format": AUDIO[kind]}}
    return {"type": "file", "file": {"file_data": url, "filename": name.rpartition("/")[2] or "resource"}}


def _text(text: str) -> JsonObject:
    return {"type": "text", "text": text}


def _json(value: Json) -> str:
    return msgspec.json.encode(dict(value) if isinstance(value, Mapping) else value).decode()
