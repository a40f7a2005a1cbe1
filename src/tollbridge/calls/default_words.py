"""The operator's defaults, which are written in chat's words, in those of the format of a deployment.

A request that is translated gets what the neutral model has a word for in that (`spoken`), and the rest, where nobody
translates it, as the provider's format says it (`beside`). A request that goes on as it came gets all of them so.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

import msgspec

from tollbridge.errors import BadRequestError
from tollbridge.model.json import Json, JsonObject
from tollbridge.model.request import OutputFormat, Reasoning, Request, Tool, ToolChoice
from tollbridge.wires import dialects
from tollbridge.wires.openai_chat import OPENAI_CHAT
from tollbridge.wires.openai_chat.thinking import WORDS, Style
from tollbridge.wires.stumble import snake

_ANYWHERE = frozenset({"n", "seed", "frequency_penalty", "presence_penalty", "logit_bias", "logprobs"})
_OF_CHAT = frozenset({"verbosity", "store", "prediction", "modalities", "audio", "web_search_options"})
_OLD = frozenset({"functions", "function_call"})
_OF_OPENAI = _OLD | {"stream_options", "prompt_cache_key", "prompt_cache_retention", "safety_identifier"}
_UNSAID: Mapping[str, frozenset[str]] = {
    dialects.MESSAGES: _ANYWHERE | _OF_CHAT | _OF_OPENAI | {"top_logprobs", "parallel_tool_calls"},
    dialects.RESPONSES: _ANYWHERE
    | _OLD
    | {"stream_options"}
    | {"top_k", "stop", "prediction", "modalities", "audio", "web_search_options"},
    dialects.GEMINI: _OF_CHAT | _OF_OPENAI | {"logit_bias", "metadata", "user"},
}
"""Chat's fields that the format has no word for, or one of another shape that stands beside what the request says."""
_OBJECTS: Mapping[str, frozenset[str]] = {
    dialects.MESSAGES: frozenset({"metadata"}),
    dialects.RESPONSES: frozenset({"text", "reasoning"}),
}
"""Fields with a member that chat has a field for."""
NEUTRAL: Mapping[str, str] = {
    "response_format": "output",
    "tools": "tools",
    "tool_choice": "tool_choice",
    "parallel_tool_calls": "parallel_tools",
    "thinking": "reasoning",
    "user": "user",
}
"""What the neutral request has a word for, but for what is one number or text in it, and that word."""
_ONE_WISH: Mapping[str, tuple[frozenset[str], ...]] = {
    dialects.CHAT: (
        frozenset({"max_tokens", "max_completion_tokens"}),
        frozenset({"stop", "stop_sequences"}),
        frozenset({"tools", "functions"}),
        frozenset({"tool_choice", "function_call"}),
    ),
}
"""Names of one format that say the same."""
_ELSEWHERE: Mapping[str, Mapping[str, str]] = {
    dialects.RESPONSES: {"verbosity": "text.verbosity"},
    dialects.GEMINI: {"service_tier": "serviceTier"},
}
"""By the client's format: where it says what chat calls by this name, if the neutral request has no word for it."""
_SHAPED = frozenset({"response_format", "tools", "tool_choice"})
_SHAPED_IN: Mapping[str, frozenset[str]] = {dialects.MESSAGES: _SHAPED, dialects.RESPONSES: _SHAPED | {"thinking"}}
"""Of these, what the format does not take as it stands."""


def spoken(defaults: JsonObject) -> Request | None:
    """What of them the neutral model has a word for (`NEUTRAL`). None: there is nothing, or it has no shape of chat's,
    and may be a word of the provider's own."""
    said = {name: value for name, value in defaults.items() if name in NEUTRAL and value is not None}
    if not said:
        return None
    try:
        return OPENAI_CHAT.read_request({"model": "", "messages": [], **said}).value
    except BadRequestError:
        return None


def with_spoken(request: Request, said: Request, wire: str) -> dict[str, object]:
    """What a request that does not say these itself says then. Fields of chat's own stay behind where another format's
    writer would take them for its own. A tool is strict in the Responses format where nobody says that it is not."""
    changes: dict[str, object] = {}
    for name in ("output", "reasoning", "user", "parallel_tools"):
        if getattr(request, name) is None and getattr(said, name) is not None:
            changes[name] = getattr(said, name)
    if said.tools and not request.tools:
        changes["tools"] = said.tools
    if said.tool_choice is not None and request.tool_choice is None and (request.tools or said.tools):
        changes["tool_choice"] = said.tool_choice
    if request.origin == dialects.CHAT:
        return changes
    loose = request.origin == wire == dialects.RESPONSES
    return {name: _bare(value, loose) for name, value in changes.items()}


def _bare(value: object, loose: bool) -> object:
    match value:
        case tuple():
            return tuple([_bare(one, loose) for one in value])
        case Tool(strict=None) if loose:
            return msgspec.structs.replace(value, extra={}, strict=False)
        case OutputFormat() | Reasoning() | Tool() | ToolChoice():
            return msgspec.structs.replace(value, extra={})
        case _:
            return value


def says_in_extra(request: Request, name: str) -> bool:
    """Whether the client says in its own words, for which the neutral request has none, what chat calls by this
    name."""
    extra = request.extra
    if name in extra or (name == "metadata" and request.metadata is not None):
        return True
    holder, _, inner = _ELSEWHERE.get(request.origin, {}).get(name, "").partition(".")
    held = extra.get(holder)
    if held is not None:
        return not inner or (isinstance(held, dict) and inner in held)
    return request.origin == dialects.GEMINI and snake(name) in map(snake, extra)


def other_names(
    defaults: Collection[str], wire: str, renames: Mapping[str, str], style: Style | None
) -> Mapping[str, frozenset[str]]:
    """By which other names a body in this format may say a default, by the provider's name. `style`: how this provider
    wants to be told to think."""
    thinks = WORDS.union(() if style is None else [path[0] for path in style.places if len(path) == 1])
    if wire != dialects.CHAT:
        return _others(defaults, _wishes(wire, renames))
    found = dict(_others(defaults, (*_wishes(wire, renames), thinks)))
    for path in () if style is None else style.places:
        if len(path) > 1 and path[0] in defaults:
            found[path[0]] = thinks - {path[0]}
    return found


def outdone(forced: Collection[str], wire: str, renames: Mapping[str, str], style: Style | None) -> frozenset[str]:
    """Other names for what is forced. In a style of thinking its fields are set one by one."""
    wishes = _wishes(wire, renames)
    if wire == dialects.CHAT and style is None:
        wishes = (*wishes, WORDS)
    return frozenset().union(*_others(forced, wishes).values()) - frozenset(forced)


def _wishes(wire: str, renames: Mapping[str, str]) -> tuple[frozenset[str], ...]:
    return (*_ONE_WISH.get(wire, ()), *map(frozenset, renames.items()))


def _others(names: Collection[str], wishes: Collection[frozenset[str]]) -> Mapping[str, frozenset[str]]:
    found = {name: frozenset().union(*(wish for wish in wishes if name in wish)) - {name} for name in names}
    return {name: others for name, others in found.items() if others}


def newest(defaults: JsonObject) -> JsonObject:
    """Of two limits the newer word counts, as in chat."""
    if "max_completion_tokens" not in defaults:
        return defaults
    return {name: value for name, value in defaults.items() if name != "max_tokens"}


def beside(wire: str, origin: str, name: str) -> bool:
    """Whether a field is said in the words of the provider's format, and not left to whoever writes it."""
    return origin != dialects.CHAT and wire in (dialects.CHAT, dialects.RESPONSES) and name not in _UNSAID.get(wire, ())


def must_be_read(wire: str, defaults: Collection[str]) -> bool:
    """Whether a request in this very format has to be translated, because a default has another shape there."""
    return not _SHAPED_IN.get(wire, frozenset()).isdisjoint(defaults)


def in_words_of(wire: str, defaults: JsonObject) -> JsonObject:
    said: JsonObject = {}
    for name, value in defaults.items():
        written, told = _written(wire, name, value)
        said.setdefault(written, told)
    return said


def may_join(wire: str, name: str) -> bool:
    return name in _OBJECTS.get(wire, ())


def joined(default: Json, held: Json) -> Json:
    """What the request says, with the members of an object that only a default says."""
    return {**default, **held} if isinstance(default, dict) and isinstance(held, dict) else held


def _written(wire: str, name: str, value: Json) -> tuple[str, Json]:
    match wire, name:
        case (dialects.RESPONSES, "reasoning_effort"):
            return "reasoning", {"effort": value}
        case (dialects.RESPONSES, "verbosity"):
            return "text", {"verbosity": value}
        case (dialects.GEMINI, "service_tier"):
            return "serviceTier", value
        case (dialects.MESSAGES, "user"):
            return "metadata", {"user_id": value}
        case (dialects.MESSAGES, "stop"):
            return "stop_sequences", [value] if isinstance(value, str) else value
        case (dialects.MESSAGES, "max_completion_tokens"):
            return "max_tokens", value
        case _:
            return name, value


def unsaid_by(wire: str, defaults: JsonObject) -> frozenset[str]:
    """Those of the `defaults` that this very format has no word for."""
    found = _UNSAID.get(wire, frozenset()).intersection(defaults)
    if wire != dialects.MESSAGES:
        return found
    form = defaults.get("response_format")
    shapeless = isinstance(form, dict) and form.get("type") == "json_object"
    return found | {"response_format"} if shapeless else found
