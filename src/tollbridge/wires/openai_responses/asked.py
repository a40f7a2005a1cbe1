"""What an answer of this format repeats of its request, made from the fields of the client's body.

A provider that speaks the format repeats it itself. Where another one answered, it is put there by us: clients read it
(which tools, whether calls may be parallel), and the specification wants it there.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from tollbridge.model.json import Json, JsonObject

_REPEATED = (
    "instructions",
    "max_output_tokens",
    "max_tool_calls",
    "metadata",
    "parallel_tool_calls",
    "presence_penalty",
    "frequency_penalty",
    "prompt_cache_key",
    "safety_identifier",
    "temperature",
    "tool_choice",
    "top_logprobs",
    "top_p",
    "truncation",
    "user",
)
_SECRET = frozenset({"authorization", "headers"})
_FUNCTION: JsonObject = {"description": None, "parameters": None, "strict": None}


def asked_of(fields: Mapping[str, Any]) -> JsonObject:
    """`fields`: the top level of the body, each value as JSON text."""
    asked: JsonObject = {}
    for name in _REPEATED:
        value = _value(fields, name)
        if value is not None:
            asked[name] = value
    text, reasoning, tools = _value(fields, "text"), _value(fields, "reasoning"), _value(fields, "tools")
    if isinstance(text, dict):
        asked["text"] = {"format": {"type": "text"}, **{key: held for key, held in text.items() if held is not None}}
    if isinstance(reasoning, dict):
        asked["reasoning"] = {"effort": None, "summary": None, **reasoning}
    if isinstance(tools, list) and all(isinstance(tool, dict) for tool in tools):
        asked["tools"] = [{**_FUNCTION, **tool} if tool.get("type") == "function" else _shown(tool) for tool in tools]
    return asked


def _shown(tool: JsonObject) -> JsonObject:
    """Credentials for a server of tools are neither told back nor kept; nor is more of its address than who is asked:
    a path or a query may be a secret."""
    if tool.get("type") != "mcp":
        return tool
    shown = {name: value for name, value in tool.items() if name not in _SECRET}
    if isinstance(shown.get("server_url"), str):
        shown["server_url"] = _whom(shown["server_url"])
    return shown


def _whom(url: str) -> str:
    """Without what may be a secret: a user, a path, a query. A name of this gateway's servers has none."""
    scheme, found, rest = url.partition("://")
    if not found:
        return url.partition("?")[0]
    return f"{scheme}://{re.split('[/?#]', rest, maxsplit=1)[0].rpartition('@')[2]}"


def _value(fields: Mapping[str, Any], name: str) -> Json:
    raw = fields.get(name)
    return None if raw is None else msgspec.json.decode(raw)
