"""Tools that take free text (OpenAI's custom tools), for formats that know functions alone.

In neutral terms such a tool is a function of one string, and its call's arguments an object with that string. The two
wires that have them write them as they read them; every other one sees a function. Their answers are put back into free
text by the names of the client's tools.
"""

from __future__ import annotations

import msgspec

from tollbridge.model.json import Json, JsonObject
from tollbridge.model.request import Tool

CUSTOM = "custom"
_INPUT = "input"
SCHEMA: JsonObject = {
    "type": "object",
    "properties": {_INPUT: {"type": "string"}},
    "required": [_INPUT],
    "additionalProperties": False,
}
BEGINS, ENDS = f'{{"{_INPUT}":"', '"}'
"""Of the arguments, around the pieces of a text."""


def wrap(text: str) -> str:
    """The free text of a call as the arguments of a function."""
    return msgspec.json.encode({_INPUT: text}).decode()


def wrap_piece(text: str) -> str:
    """A piece of the text, as it stands between `BEGINS` and `ENDS`."""
    return msgspec.json.encode(text)[1:-1].decode()


def unwrap(arguments: str) -> str:
    """The free text in such arguments; they themselves, where a model wrote something else."""
    try:
        value: Json = msgspec.json.decode(arguments)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return arguments
    found = value.get(_INPUT) if value.__class__ is dict and len(value) == 1 else None
    return found if found.__class__ is str else arguments


def holds_to_grammar(tool: Tool) -> bool:
    """Its text must fit a grammar, which a function cannot be held to."""
    if tool.schema != SCHEMA or tool.spelling.get("type") != CUSTOM:
        return False
    inner = tool.extra.get(CUSTOM)
    format = (inner if inner.__class__ is dict else tool.extra).get("format")
    return format.__class__ is dict and format.get("type") == "grammar"
