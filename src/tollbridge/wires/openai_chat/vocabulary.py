"""The words of the chat format that several files need.

Format: https://platform.openai.com/docs/api-reference/chat (seen 2026-11-21), the exchanges in ../shared/recordings,
and the extensions that are in common use: `reasoning_content` (DeepSeek, vLLM), `reasoning` and `reasoning_details`
(OpenRouter), `thinking` content parts (Mistral), `cache_control` marks (OpenRouter), `thinking_blocks` and
`provider_specific_fields` (LiteLLM).
"""

from __future__ import annotations

from typing import TypeVar

from tollbridge.model.json import Json, JsonObject
from tollbridge.model.response import Caveat, FinishReason
from tollbridge.model.unsent import unsent_thing
from tollbridge.wires import dialects
from tollbridge.wires.dialects import CHAT, MESSAGES

T = TypeVar("T")

NAME = CHAT
PATH = "/chat/completions"
ANTHROPIC = MESSAGES  # whose signatures stand in `thinking_blocks` as they are
GEMINI = dialects.GEMINI  # whose signatures stand in `provider_specific_fields.thought_signature` as they are

FINISH: dict[str, FinishReason] = {
    "stop": "stop",
    "eos": "stop",
    "length": "length",
    "model_length": "length",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
    "content_filter": "content_filter",
}
FINISH_WORD: dict[FinishReason, str] = {
    "stop": "stop",
    "length": "length",
    "tool_calls": "tool_calls",
    "content_filter": "content_filter",
    "refusal": "content_filter",
    "pause": "stop",
    "context_window": "length",
    "other": "stop",
}

# Keys of a part's `extra` that no JSON body uses for a field. Only this wire reads them.
FIELD = "(field)"  # the field that the part stood in, where a part of its kind has several to stand in
SPELLED = "(spelled)"  # how a thing that has several spellings was spelled

TEXT_BREAKS = "text_breaks"
SERVER_TOOLS = "server_tools"
PROVIDER_FIELDS = "provider_specific_fields"


_GOOGLES = frozenset(
    {"codeExecution", "computerUse", "enterpriseWebSearch", "fileSearch", "functionDeclarations", "googleMaps"}
    | {"googleSearch", "googleSearchRetrieval", "retrieval", "urlContext"}
    | {"code_execution", "computer_use", "enterprise_web_search", "file_search", "function_declarations"}
    | {"google_maps", "google_search", "google_search_retrieval", "url_context"}
)


def of_google(tool: JsonObject) -> bool:
    """Whether a tool is one of Google's own, which clients of this format pass on: `{"googleSearch": {}}`."""
    return bool(tool) and _GOOGLES.issuperset(tool)


def of_another(tool: JsonObject) -> bool:
    """Whether a tool without a `type` is no function of this format, but one of another's."""
    return "type" not in tool and "function" not in tool and ("input_schema" in tool or of_google(tool))


SHOWN_AFTER = "A tool message holds text only; what else the result held follows in a user message."


def from_call(call_id: Json) -> JsonObject:
    """What stands before that."""
    return {"type": "text", "text": f"From the result of tool call {call_id}:"}


def string(value: Json) -> str:
    if value.__class__ is not str:
        raise TypeError("expected a string")
    return value


def take(rest: JsonObject, key: str, *kinds: type[T]) -> T | None:
    """The value of `key` out of `rest`. None, and left where it is, where it is null or absent."""
    value = rest.get(key)
    if value is None:
        return None
    if value.__class__ not in kinds:
        raise TypeError(key)
    del rest[key]
    return value


def unsent_thoughts(where: str) -> Caveat:
    return unsent_thing(where, "Thinking of earlier turns", "this provider has no field for it")


def dropped_part(where: str, detail: str) -> Caveat:
    return Caveat(code="dropped_part", where=where, detail=detail)


def approximated(where: str, detail: str) -> Caveat:
    return Caveat(code="approximated", where=where, detail=detail)
