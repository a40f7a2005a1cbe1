"""The operator's defaults, which are written in chat's words, in those of the format of a deployment: for requests that
go on as they came. Those that are translated get them in the neutral model."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from tollbridge.model.json import Json, JsonObject
from tollbridge.wires import dialects

_ANYWHERE = frozenset(
    {"n", "seed", "frequency_penalty", "presence_penalty", "logit_bias", "logprobs", "response_format"}
)
_UNSAID: Mapping[str, frozenset[str]] = {
    dialects.MESSAGES: _ANYWHERE | {"top_logprobs", "parallel_tool_calls", "verbosity"},
    dialects.RESPONSES: _ANYWHERE | {"top_k", "stop"},
}
"""Chat's fields that the format has no word for, or one of another shape that stands beside what the request says."""


def in_words_of(wire: str, defaults: JsonObject) -> JsonObject:
    said: JsonObject = {}
    for name, value in defaults.items():
        written, told = _written(wire, name, value)
        said.setdefault(written, told)
    return said


def _written(wire: str, name: str, value: Json) -> tuple[str, Json]:
    match wire, name:
        case (dialects.RESPONSES, "reasoning_effort"):
            return "reasoning", {"effort": value}
        case (dialects.RESPONSES, "verbosity"):
            return "text", {"verbosity": value}
        case (dialects.MESSAGES, "user"):
            return "metadata", {"user_id": value}
        case (dialects.MESSAGES, "stop"):
            return "stop_sequences", [value] if isinstance(value, str) else value
        case (dialects.MESSAGES, "max_completion_tokens"):
            return "max_tokens", value
        case _:
            return name, value


def unsaid_by(wire: str, defaults: Collection[str]) -> frozenset[str]:
    """Those of the `defaults` that are left out, with a Caveat."""
    return _UNSAID.get(wire, frozenset()).intersection(defaults)
