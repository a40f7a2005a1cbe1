"""The request of a response that the gateway itself keeps (`store` of the Responses format), made again from it.

A kept response tells the settings that it was made with, and its input items are kept beside it, with all that came
before. Two things are not as they were said: a setting that is the format's default may not have been said at all, so
that it is left out; and items have ids that the gateway made, which mean nothing to another provider.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote, urlencode

from tollbridge.cli.gateway import Gateway
from tollbridge.errors import NotFoundError
from tollbridge.model.json import Json, JsonObject

PAGE = 100
DEFAULTS: Mapping[str, tuple[Json, ...]] = {
    "instructions": (),
    "max_output_tokens": (),
    "max_tool_calls": (),
    "metadata": ({},),
    "parallel_tool_calls": (True,),
    "presence_penalty": (0,),
    "frequency_penalty": (0,),
    "prompt_cache_key": (),
    "reasoning": ({},),
    "safety_identifier": (),
    "service_tier": ("auto", "default"),
    "temperature": (1,),
    "text": ({"format": {"type": "text"}}, {}),
    "tool_choice": ("auto",),
    "tools": ([],),
    "top_logprobs": (0,),
    "top_p": (1,),
    "truncation": ("disabled",),
    "user": (),
}
"""By setting, what says nothing besides null (https://platform.openai.com/docs/api-reference/responses, seen
2026-11-26)."""
KEEPS_ITS_ID = frozenset({"item_reference", "reasoning"})


async def kept_request(gateway: Gateway, id: str) -> JsonObject | None:
    """None where this key has no such response there."""
    path = f"/v1/responses/{quote(id, safe='')}"
    try:
        response: JsonObject = await gateway.ask("GET", path)
        items = await _items(gateway, path)
    except NotFoundError:
        return None
    return made_again(response, items)


def made_again(response: JsonObject, items: list[JsonObject]) -> JsonObject:
    """Nothing more is kept of it."""
    settings = {name: _without_nulls(response.get(name)) for name in DEFAULTS}
    said = {name: value for name, value in settings.items() if value is not None and value not in DEFAULTS[name]}
    return {"input": [_without_id(item) for item in items], **said, "store": False}


async def _items(gateway: Gateway, path: str) -> list[JsonObject]:
    found: list[JsonObject] = []
    query: dict[str, str | int] = {"limit": PAGE, "order": "asc"}
    while True:
        page = await gateway.ask("GET", f"{path}/input_items?{urlencode(query)}")
        found += page["data"]
        if not page["has_more"]:
            return found
        query["after"] = page["last_id"]


def _without_nulls(value: Json) -> Json:
    return {name: one for name, one in value.items() if one is not None} if isinstance(value, dict) else value


def _without_id(item: JsonObject) -> JsonObject:
    keeps = item.get("type") in KEEPS_ITS_ID
    return {name: value for name, value in item.items() if name != "id" or keeps}
