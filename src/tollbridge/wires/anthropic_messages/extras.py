"""What other dialects' clients say beyond the neutral request, where the Messages format has a word for it.

Clients of the chat format name Anthropic's own fields too, as LiteLLM lets them
(https://docs.litellm.ai/docs/providers/anthropic, seen 2026-11-26): those go out as they are. `web_search_options` are
the server tool of that name (https://platform.claude.com/docs/en/agents-and-tools/tool-use/web-search-tool, seen
2026-11-26); how much to search becomes how often it may.
"""

from __future__ import annotations

from tollbridge.model.json import Json, JsonObject
from tollbridge.model.response import Caveat
from tollbridge.model.unsent import unsent_field
from tollbridge.wires.searches import OFTEN, TOOL

_OWN: dict[str, tuple[type, ...]] = {
    "cache_control": (dict,),
    "container": (str, dict),
    "context_management": (dict,),
    "mcp_servers": (list,),
    "inference_geo": (str,),
}
"""With the types that they have there: a list of `context_management` is OpenAI's."""
_TIERS = {"default": "standard_only", "standard": "standard_only", "standard_only": "standard_only"}
_PLACE = ("city", "region", "country", "timezone")


def write_extras(extra: JsonObject, body: JsonObject, caveats: list[Caveat]) -> None:
    """Puts what has a place into `body`; a Caveat for the rest."""
    for name, value in extra.items():
        if name in _OWN and isinstance(value, _OWN[name]):
            body[name] = value
        elif name in _OWN and value is None:
            continue
        elif name == "stop_sequences" and isinstance(value, list):
            body.setdefault(name, value)
        elif name == "output_format" and isinstance(value, dict):
            body["output_config"] = {"format": value, **body.get("output_config", {})}
        elif name == "output_config" and isinstance(value, dict):
            body[name] = {**value, **body.get(name, {})}
        elif name == "web_search_options" and isinstance(value, dict):
            body["tools"] = [*body.get("tools", ()), _search(value)]
        elif name == "service_tier" and value in (None, "auto"):
            continue  # the vendor's default too
        elif name == "service_tier" and isinstance(value, str) and value in _TIERS:
            body[name] = _TIERS[value]
        else:
            caveats.append(unsent_field(name, "it is not sent on in Anthropic's format"))


def _search(options: JsonObject) -> JsonObject:
    tool: JsonObject = {**TOOL}
    often = OFTEN.get(str(options.get("search_context_size")))
    if often is not None:
        tool["max_uses"] = often
    place = _place(options.get("user_location"))
    if place:
        tool["user_location"] = {"type": "approximate", **place}
    return tool


def _place(said: Json) -> JsonObject:
    """Chat has it one level deeper than Responses and Anthropic have."""
    said = said.get("approximate", said) if isinstance(said, dict) else {}
    return {name: said[name] for name in _PLACE if said.get(name)} if isinstance(said, dict) else {}
