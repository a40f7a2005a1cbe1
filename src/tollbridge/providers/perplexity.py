"""Perplexity: at its own address its Agent API, in the format of Responses, is asked for all text.

    sonar, sonar-pro, ...      Sonar's models of chat, by the presets that take their places, on Perplexity's own model
    preset/NAME                a preset, on whatever model that is for
    OWNER/NAME                 a model, which searches nothing by itself

A preset brings the search along. It may be for somebody else's model: who asks for Sonar stays with Perplexity, since a
model in the request goes before the preset's. Somebody else's address is asked as it says (`chat_path`).

What Sonar's chat says of a search stands in the Agent API's tool for it, and goes before what the preset's own says:

    search_domain_filter, ...  web_search.filters, under the same names
    num_search_results         web_search.max_results
    web_search_options         web_search.search_context_size, .user_location; the rest has no place there

Sources: https://docs.perplexity.ai/docs/agent-api/migrate-from-sonar, and the vendor's tables for it,
https://github.com/perplexityai/api-platform-developers/tree/main/skills/migrate-sonar-to-agent-api/references (both
seen 2026-11-28). These tables call the chat supported still; "only until September 27, 2026" are the words of
https://github.com/vercel/ai/releases/tag/%40ai-sdk%2Fperplexity%403.1.0 (likewise).
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from tollbridge.model.json import Json, JsonObject
from tollbridge.model.response import Caveat
from tollbridge.model.unsent import unsent
from tollbridge.providers.address import join
from tollbridge.providers.rewrite import Changes, Rewrite
from tollbridge.providers.row import CHAT, RESPONSES, WIRES, Place
from tollbridge.providers.said import Said

HOST = "api.perplexity.ai"
TARGET = "/v1/responses"
ASKED = (WIRES[CHAT].chat_path, TARGET)
SONAR = "perplexity/sonar"
PRESETS: Mapping[str, str] = {
    "sonar": "fast",
    "sonar-pro": "low",
    "sonar-reasoning": "low",
    "sonar-reasoning-pro": "low",
    "sonar-deep-research": "medium",
}

_SEARCH = "web_search"
_FILTERS = frozenset(
    {
        *("search_domain_filter", "search_recency_filter", "search_after_date_filter", "search_before_date_filter"),
        *("last_updated_after_filter", "last_updated_before_filter"),
    }
)
_COUNT = "num_search_results"
_OPTIONS = "web_search_options"
_SEARCHES = _FILTERS | {_COUNT, _OPTIONS}
_LOCATION = frozenset({"latitude", "longitude", "country", "region", "city"})


def perplexity_place(said: Said, model: str) -> Place:
    if said.base.host != HOST or said.path not in ASKED:
        return Place(model=model, path=join(said.base.path, said.path))
    place = Place(
        model=model, path=join(_above(said.base.path), TARGET), wire=RESPONSES, keeps=_SEARCHES, rewrites=(AS_A_TOOL,)
    )
    preset = PRESETS.get(model)
    return place if preset is None else msgspec.structs.replace(place, model=SONAR, lends={"preset": preset})


def _above(path: str) -> str:
    """Without the end by which the address is one of an endpoint for text."""
    return next((path.removesuffix(end) for end in (*ASKED, "/v1/agent") if path.endswith(end)), path)


def _as_a_tool(body: JsonObject) -> Changes:
    tool: JsonObject = {}
    filters = {name: body[name] for name in sorted(_FILTERS) if body.get(name)}
    if filters:
        tool["filters"] = filters
    if body.get(_COUNT) is not None:
        tool["max_results"] = body[_COUNT]
    caveats: tuple[Caveat, ...] = ()
    options = body.get(_OPTIONS)
    if isinstance(options, dict):
        own, caveats = _options(options)
        tool.update(own)
    elif options is not None:
        caveats = (unsent("dropped_param", f"$.{_OPTIONS}", "What is said of Perplexity's search is an object"),)
    changes: JsonObject = dict.fromkeys(_SEARCHES)
    if tool or isinstance(options, dict):
        changes["tools"] = _with(body.get("tools"), tool)
    return changes, caveats


def _options(options: JsonObject) -> tuple[JsonObject, tuple[Caveat, ...]]:
    own: JsonObject = {}
    lost = [name for name in options if name not in ("search_context_size", "user_location")]
    if options.get("search_context_size") is not None:
        own["search_context_size"] = options["search_context_size"]
    there = options.get("user_location")
    if isinstance(there, dict):
        inner = there.get("approximate")  # as OpenAI's chat has it
        place, at = (inner, "user_location.approximate") if isinstance(inner, dict) else (there, "user_location")
        own["user_location"] = {name: value for name, value in place.items() if name in _LOCATION}
        lost += [f"{at}.{name}" for name in place if name not in _LOCATION and name != "type"]
    elif there is not None:
        lost.append("user_location")
    return own, tuple(
        unsent("dropped_param", f"$.{_OPTIONS}.{name}", f"Perplexity's search has nothing like `{name}`")
        for name in lost
    )


def _with(tools: Json, said: JsonObject) -> Json:
    """The tools with the search; what a search among them says already goes before."""
    listed = tools if isinstance(tools, list) else []
    for index, tool in enumerate(listed):
        if isinstance(tool, dict) and tool.get("type") == _SEARCH:
            own, filters = tool.get("filters"), said.get("filters")
            merged: JsonObject = {**said, **{name: value for name, value in tool.items() if value is not None}}
            if isinstance(own, dict) and isinstance(filters, dict):
                merged["filters"] = {**filters, **own}
            return [*listed[:index], merged, *listed[index + 1 :]]
    return [*listed, {"type": _SEARCH, **said}]


AS_A_TOOL = Rewrite(_SEARCHES, _SEARCHES | {"tools"}, _as_a_tool, written=True)
