"""A request without what the format does not have, for providers that refuse unknown fields within messages.

Clients send messages back as they got them, and the next turn may be another provider's. OpenAI answers 400 ("Unknown
parameter: 'messages[0].content[0].cache_control'", "... 'messages[1].tool_calls[0].index'":
github.com/songquanpeng/one-api/issues/1319 and others, seen 2026-11-26). What was thought goes where the provider
wants it, and a Caveat tells of what is left out. A tool's message holds text only there: pictures follow in one of
the user's. What LiteLLM's clients say of a picture or a file besides, its `format`, is in the data or known to who
serves it.
"""

from __future__ import annotations

import re

from tollbridge.model.json import Json, JsonObject
from tollbridge.model.response import Caveat
from tollbridge.model.unsent import CACHES_ITSELF, unsent_marks
from tollbridge.wires.base import Written
from tollbridge.wires.openai_chat.reasoning import PLAIN
from tollbridge.wires.openai_chat.vocabulary import (
    PROVIDER_FIELDS,
    SHOWN_AFTER,
    approximated,
    from_call,
    unsent_thoughts,
)

CACHE = "cache_control"
_ADDED = frozenset({*PLAIN, "annotations", "images", "reasoning_details", "thinking_blocks", PROVIDER_FIELDS, CACHE})
_ADDED_TO_CALLS = frozenset({"position", "index", PROVIDER_FIELDS, CACHE})
_SEEN = re.compile(
    rb'"(?:annotations|images|index|position|reasoning(?:_content|_details)?|thinking_blocks|provider_specific_fields)"'
)


def extended(body: bytes) -> bool:
    """Whether a body may hold such fields. Quick, and sometimes wrong: other things may be called so."""
    if body.find(b'"cache_control"') >= 0 or (body.find(b'"assistant"') >= 0 and _SEEN.search(body) is not None):
        return True
    pictures = body.find(b'"image_url"') >= 0
    if pictures and body.find(b'"tool"') >= 0:
        return True
    return (pictures or body.find(b'"file"') >= 0) and body.find(b'"format"') >= 0


def plain(body: JsonObject) -> Written[JsonObject]:
    """The body without them. What is no list or object stays as it is: the provider says what is wrong with it."""
    caveats: list[Caveat] = []
    made = {**body}
    marks: list[str] = []
    messages = body.get("messages")
    if isinstance(messages, list):
        marks += ["$.messages[*].cache_control"] * sum(map(_marks, messages))
        cleaned = [_message(message, f"$.messages[{number}]", caveats) for number, message in enumerate(messages)]
        made["messages"] = _pictures_after(cleaned, caveats)
    for name in ("tools", "functions"):
        if isinstance(tools := body.get(name), list):
            marks += [f"$.{name}[*].cache_control"] * sum(map(_marks, tools))
            made[name] = [_tool(tool) for tool in tools]
    if marks:
        caveats.append(unsent_marks(marks[0], len(marks), CACHES_ITSELF))
    return Written(made, tuple(caveats))


def _message(message: Json, where: str, caveats: list[Caveat]) -> Json:
    if not isinstance(message, dict):
        return message
    made = {**message}
    made.pop(CACHE, None)
    if isinstance(content := message.get("content"), list):
        made["content"] = [_part(part) for part in content]
    if message.get("role") != "assistant":
        return made
    if isinstance(calls := message.get("tool_calls"), list):
        made["tool_calls"] = [_without(call, _ADDED_TO_CALLS) for call in calls]
    if any(made.get(name) for name in (*PLAIN, "reasoning_details", "thinking_blocks")):
        caveats.append(unsent_thoughts(where))
    return _without(made, _ADDED)


def _tool(tool: Json) -> Json:
    made = _without(tool, frozenset({CACHE}))
    if isinstance(made, dict) and isinstance(function := made.get("function"), dict) and CACHE in function:
        made = {**made, "function": _without(function, frozenset({CACHE}))}
    return made


def _part(part: Json) -> Json:
    made = _without(part, frozenset({CACHE}))
    for name in ("image_url", "file"):
        if isinstance(made, dict) and isinstance(inner := made.get(name), dict) and "format" in inner:
            made = {**made, name: _without(inner, frozenset({"format"}))}
    return made


def _pictures_after(messages: list[Json], caveats: list[Caveat]) -> list[Json]:
    """What a tool answered with and is no text stands after the tools' messages, in one of the user's."""
    made: list[Json] = []
    shown: list[Json] = []
    for number, message in enumerate(messages):
        said = message if isinstance(message, dict) else {}
        of_tool = said.get("role") == "tool"
        if shown and not of_tool:
            made.append({"role": "user", "content": shown})
            shown = []
        content = said.get("content")
        parts = content if of_tool and isinstance(content, list) else []
        pictures = [part for part in parts if _is_picture(part)]
        if not pictures:
            made.append(message)
            continue
        shown += [from_call(said.get("tool_call_id")), *pictures]
        note = {"type": "text", "text": "[image: see the next user message]"}
        made.append({**said, "content": [*(part for part in parts if not _is_picture(part)), note]})
        caveats.append(approximated(f"$.messages[{number}]", SHOWN_AFTER))
    return [*made, {"role": "user", "content": shown}] if shown else made


def _is_picture(part: Json) -> bool:
    return isinstance(part, dict) and part.get("type") == "image_url"


def _without(value: Json, names: frozenset[str]) -> Json:
    if not isinstance(value, dict) or names.isdisjoint(value):
        return value
    return {name: inner for name, inner in value.items() if name not in names}


def _marks(value: Json) -> int:
    """Cache marks on a message or tool, on the parts of its content and in its function."""
    if not isinstance(value, dict):
        return 0
    content = value.get("content")
    inner = [*(content if isinstance(content, list) else ()), value.get("function")]
    return (CACHE in value) + sum(isinstance(one, dict) and CACHE in one for one in inner)
