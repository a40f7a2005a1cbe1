"""A search of the web that a provider runs, said as a tool in one format and wanted in another.

    Responses  {"type": "web_search", "filters": {"allowed_domains", "blocked_domains"}, "user_location",
                "search_context_size"}
    Anthropic  {"type": "web_search_20250305", "max_uses", "allowed_domains", "blocked_domains", "user_location"}
    Gemini     {"googleSearch": {}}

https://platform.claude.com/docs/en/agents-and-tools/tool-use/web-search-tool (seen 2026-11-26),
https://doc.mtuo.ai/web_search (OpenAI's guide), https://github.com/vercel/ai/issues/17898, https://docs.langchain.com/oss/javascript/integrations/tools/google
(seen 2026-11-27). Chat's own `web_search_options` are not a tool; each writer has them.
"""

from __future__ import annotations

from tollbridge.model.json import Json, JsonObject
from tollbridge.model.parts import Opaque
from tollbridge.model.response import Caveat
from tollbridge.wires.dialects import GEMINI, MESSAGES, RESPONSES

OFTEN = {"low": 1, "medium": 5, "high": 10}
"""How much to search -> how often it may."""
TOOL = {"type": "web_search_20250305", "name": "web_search"}
_FILTERS = ("allowed_domains", "blocked_domains")
_GOOGLES = frozenset({"googleSearch", "google_search"})


def searching(tool: Opaque, wire: str, where: str, caveats: list[Caveat]) -> Opaque | None:
    """The search as `wire` has it; None where the tool is none, or `wire` has none. A Caveat for what it cannot say."""
    said = _said(tool)
    if said is None or wire not in (GEMINI, MESSAGES, RESPONSES):
        return None
    own, left = _WRITERS[wire](said)
    if left:
        names = ", ".join(f"`{name}`" for name in sorted(left))
        caveats.append(
            Caveat(code="approximated", where=where, detail=f"The model may search the web, without {names}.")
        )
    return Opaque(wire=wire, value=own)


def _said(tool: Opaque) -> JsonObject | None:
    """What a search says, in Anthropic's words and `size`, a word for how much."""
    value: Json = tool.value
    if not isinstance(value, dict):
        return None
    kind = str(value.get("type"))
    if tool.wire == GEMINI and len(value) == 1 and not _GOOGLES.isdisjoint(value):
        (inner,) = value.values()
        return {f"googleSearch.{name}": said for name, said in inner.items()} if isinstance(inner, dict) else {}
    if tool.wire == MESSAGES and kind.startswith("web_search_20"):
        return {name: said for name, said in value.items() if name not in ("type", "name", "cache_control") and said}
    if value.get("external_web_access") is False:
        return None  # what the vendor has kept of the web, and no search of it: no other has that
    if tool.wire == RESPONSES and kind.startswith("web_search"):
        rest = {name: said for name, said in value.items() if name != "type" and said is not None}
        filters = rest.pop("filters", None)
        if "search_context_size" in rest:
            rest["size"] = rest.pop("search_context_size")
        return {**rest, **(filters if isinstance(filters, dict) else {})}
    return None


def _anthropics(said: JsonObject) -> tuple[JsonObject, set[str]]:
    fitting = ("max_uses", "allowed_domains", "blocked_domains", "user_location")
    own: JsonObject = {**TOOL, **{name: said[name] for name in fitting if name in said}}
    often = OFTEN.get(str(said.get("size")))
    if often is not None:
        own.setdefault("max_uses", often)
    return own, said.keys() - {*fitting, "size"}


def _responses(said: JsonObject) -> tuple[JsonObject, set[str]]:
    own: JsonObject = {"type": "web_search"}
    filters = {name: said[name] for name in _FILTERS if name in said}
    if filters:
        own["filters"] = filters
    for name, theirs in (("size", "search_context_size"), ("user_location", "user_location")):
        if name in said:
            own[theirs] = said[name]
    return own, said.keys() - {"size", "user_location", *_FILTERS}


def _googles(said: JsonObject) -> tuple[JsonObject, set[str]]:
    return {"googleSearch": {}}, set(said)


_WRITERS = {MESSAGES: _anthropics, RESPONSES: _responses, GEMINI: _googles}
