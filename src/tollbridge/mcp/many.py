"""Three tools in the place of very many: where a caller would be shown more than `above`, it is shown `search`,
`describe` and `call`, by which the others are found and used.

1. They see what the caller would be shown, no more, and under the same names: rights, pins and overrides are those of
   the list. `call` is a call of the tool that it names in every respect: it is looked at, counted, paid and entered as
   that one.
2. They have these names only where they are shown; everywhere else a tool of a server may be called so. Where a server
   that is asked alone has one of these names itself, all three have `tollbridge-` before them.
3. A search ranks by the words of names, titles, descriptions and names of arguments, the rarer the better (BM25).
"""

from __future__ import annotations

import math
import re
from collections import Counter, OrderedDict
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from tollbridge.mcp.absent import meant
from tollbridge.mcp.access import unknown
from tollbridge.mcp.jsonrpc import INVALID_PARAMS, RpcError, encode
from tollbridge.model.json import Json, JsonObject

if TYPE_CHECKING:
    from tollbridge.mcp.view import View

SEARCH, DESCRIBE, CALL = "search", "describe", "call"
NAMES = (SEARCH, DESCRIBE, CALL)
OURS = "tollbridge"
FOUND, FOUND_MAX = 10, 50
DESCRIBED_MAX = 20
SHOWN_CHARACTERS = 300
VIEWS_MAX = 10_000
_WORD = re.compile(r"[a-z0-9]+|[^\W\d_]+")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_K, _B = 1.2, 0.75
"""BM25's usual numbers."""


class Many:
    """`above`: None shows everything, however much it is."""

    def __init__(self, above: int | None = None) -> None:
        self.above = above
        self._shown: OrderedDict[tuple[str, str], dict[str, str]] = (
            OrderedDict()
        )  # by caller and servers, as last listed

    def instead(self, view: View, tools: Sequence[JsonObject]) -> list[JsonObject] | None:
        """What is shown in the place of all that the caller would be shown; None where that is shown."""
        if self.above is None:
            return None
        taken = {tool["name"] for tool in tools}
        before = "" if taken.isdisjoint(NAMES) else f"{OURS}{view.hub.separator}"
        exceeds = len(tools) > self.above
        key = _key(view)
        self._shown[key] = {before + name: name for name in NAMES} if exceeds else {}
        self._shown.move_to_end(key)
        while len(self._shown) > VIEWS_MAX:
            self._shown.popitem(last=False)
        return [{**tool, "name": before + tool["name"]} for tool in _tools(len(tools))] if exceeds else None

    async def meant(self, view: View, name: Json) -> str | None:
        """Which of the three a caller means by a name; None where it means a tool."""
        if self.above is None or not isinstance(name, str):
            return None
        if name.removeprefix(f"{OURS}{view.hub.separator}") not in NAMES:
            return None
        key = _key(view)
        if key not in self._shown:
            self.instead(view, await view.tools())
        return self._shown.get(key, {}).get(name)


def _key(view: View) -> tuple[str, str]:
    return view.caller.principal.id, f"{view.where} {view.prefixed}"


def inner(params: JsonObject) -> JsonObject:
    """The parameters of the call that `call` stands for. Raises RpcError."""
    said = params.get("arguments")
    name = said.get("name") if isinstance(said, dict) else None
    arguments = said.get("arguments") if isinstance(said, dict) else None
    if not isinstance(name, str) or not isinstance(arguments, dict | None):
        raise RpcError(INVALID_PARAMS, "`call` takes the `name` of a tool and its `arguments`, an object.")
    return {**params, "name": name, "arguments": arguments or {}}


async def answered(view: View, which: str, arguments: Json) -> JsonObject:
    """The result of `search` or `describe`. Raises RpcError."""
    said: Mapping[str, Json] = arguments if isinstance(arguments, dict) else {}
    tools = await view.tools()
    if which == SEARCH:
        query, limit = said.get("query"), said.get("limit", FOUND)
        if not isinstance(query, str) or not isinstance(limit, int) or isinstance(limit, bool):
            raise RpcError(INVALID_PARAMS, "`search` takes a `query`, a text, and a `limit`, a number.")
        found = ranked(tools, query)[: max(1, min(limit, FOUND_MAX))]
        return _result({"tools": [_short(tool) for tool in found], "total": len(tools)})
    names = said.get("names")
    if not isinstance(names, list) or not 0 < len(names) <= DESCRIBED_MAX:
        raise RpcError(INVALID_PARAMS, f"`describe` takes `names`, of {DESCRIBED_MAX} tools at most.")
    by_name = {tool["name"]: tool for tool in tools}
    for name in names:
        if not isinstance(name, str) or name not in by_name:
            raise unknown("tool", str(name), await meant(view, "tools", str(name)))
    return _result({"tools": [by_name[name] for name in names]})


def ranked(tools: Sequence[JsonObject], query: str) -> list[JsonObject]:
    """Those that have any of the words, the best first."""
    texts = [Counter(_words(tool)) for tool in tools]
    wanted = set(_split(query))
    holding = Counter(word for text in texts for word in wanted if word in text)
    average = sum(text.total() for text in texts) / max(1, len(texts))
    scores = []
    for at, text in enumerate(texts):
        length = _K * (1 - _B + _B * text.total() / max(1.0, average))
        score = sum(
            math.log(1 + (len(texts) - holding[word] + 0.5) / (holding[word] + 0.5))
            * text[word]
            * (_K + 1)
            / (text[word] + length)
            for word in wanted
            if text[word]
        )
        if score:
            scores.append((-score, at))
    return [tools[at] for _, at in sorted(scores)]


def _words(tool: JsonObject) -> list[str]:
    """Those of the name count twice."""
    schema = tool.get("inputSchema")
    properties = schema.get("properties") if isinstance(schema, dict) else None
    name = _split(tool["name"])
    texts = [tool.get("title"), tool.get("description"), *(properties if isinstance(properties, dict) else ())]
    return [*name, *name, *(word for text in texts if isinstance(text, str) for word in _split(text))]


def _split(text: str) -> list[str]:
    """`getUserById` and `get_user_by_id` are the same words; a plural is its singular."""
    words = _WORD.findall(_CAMEL.sub(" ", text).lower().replace("_", " "))
    return [word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word for word in words]


def _short(tool: JsonObject) -> JsonObject:
    told: JsonObject = {"name": tool["name"]}
    for field in ("title", "description"):
        if isinstance(text := tool.get(field), str):
            told[field] = text[:SHOWN_CHARACTERS]
    return told


def _result(value: JsonObject) -> JsonObject:
    return {
        "content": [{"type": "text", "text": encode(value).decode()}],
        "structuredContent": value,
        "isError": False,
    }


def _tools(total: int) -> list[JsonObject]:
    def tool(name: str, text: str, properties: JsonObject, required: list[str], *, reads: bool) -> JsonObject:
        schema: JsonObject = {"type": "object", "properties": properties, "required": required}
        return {"name": name, "description": text, "inputSchema": schema, "annotations": {"readOnlyHint": reads}}

    name: JsonObject = {"type": "string", "description": "As `search` gave it"}
    return [
        tool(
            SEARCH,
            f"Find among {total} tools those for a task, by words of their names and descriptions.",
            {
                "query": {"type": "string", "description": "What the tool should do, or words of its name"},
                "limit": {"type": "integer", "minimum": 1, "maximum": FOUND_MAX, "default": FOUND},
            },
            ["query"],
            reads=True,
        ),
        tool(
            DESCRIBE,
            "Show the whole definitions of tools, with the schemas of their arguments. Do so before the first call.",
            {"names": {"type": "array", "items": name, "minItems": 1, "maxItems": DESCRIBED_MAX}},
            ["names"],
            reads=True,
        ),
        tool(
            CALL,
            "Call a tool that was found by `search`, with the arguments that `describe` shows.",
            {"name": name, "arguments": {"type": "object"}},
            ["name"],
            reads=False,
        ),
    ]
