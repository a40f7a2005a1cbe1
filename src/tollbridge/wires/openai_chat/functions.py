"""What a client's tools make of its answer.

Tools that take free text get a text, and not the arguments of a function (`wires/free_text.py`).

Clients of before tools offer `functions` and read `message.function_call`.

https://platform.openai.com/docs/api-reference/chat/create#chat-create-functions (deprecated; seen 2026-11-27). Where
their request is translated, the answer is told in these words: one call, without an id, and the finish reason
`function_call`. They can take no more than one, so one at a time is asked for (`wires/wishes.py`); what comes besides
is left out, with a Caveat.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tollbridge.model.json import JsonObject
from tollbridge.model.response import Caveat
from tollbridge.wires.free_text import CUSTOM
from tollbridge.wires.openai_chat.vocabulary import dropped_part

FUNCTIONS = "functions"
FINISHED = "function_call"
NO_CUSTOMS = frozenset[str]()
_NOTHING = (b"null", b"[]")
_CUSTOM = f'"{CUSTOM}"'.encode()


def offers_functions(fields: Mapping[str, Any]) -> bool:
    """Of the fields of a client's body, each as JSON text."""
    return FUNCTIONS in fields and all(
        (bytes(fields[name]) in _NOTHING) == empty
        for name, empty in ((FUNCTIONS, False), ("tools", True))
        if name in fields
    )


def offers_free_text(fields: Mapping[str, Any]) -> bool:
    """Whether the client may have tools that take free text. `fields`: as above."""
    return "tools" in fields and _CUSTOM in bytes(fields["tools"])


def customs_of(asked: JsonObject) -> frozenset[str]:
    """The names of those tools. `asked`: of a stream's `Head`."""
    tools = asked.get("tools") or ()
    return frozenset(
        [tool[CUSTOM]["name"] for tool in tools if tool.get("type") == CUSTOM and tool.get(CUSTOM).__class__ is dict]
    )


def in_legacy_words(answer: JsonObject) -> tuple[Caveat, ...]:
    """Of a whole answer, changed in place."""
    caveats: list[Caveat] = []
    for at, choice in enumerate(answer["choices"]):
        message = choice.get("message") or {}
        calls = [call for call in message.pop("tool_calls", ()) if "function" in call]
        if calls:
            first, *others = [call["function"] for call in calls]
            message.setdefault("function_call", first)
            caveats += [one_too_many(other["name"], f"$.choices[{at}].message") for other in others]
        if choice.get("finish_reason") == "tool_calls":
            choice["finish_reason"] = FINISHED
    return tuple(caveats)


def one_too_many(name: str, where: str = "$.choices") -> Caveat:
    return dropped_part(where, f"The call of `{name}` was left out: a client that offers `functions` takes one call.")
