"""The operator's defaults, which are written in chat's words, in those of the format of a deployment: for requests that
go on as they came. Those that are translated get them in the neutral model."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from tollbridge.model.json import Json, JsonObject
from tollbridge.wires import dialects

_NAMES: Mapping[str, Mapping[str, str]] = {
    dialects.MESSAGES: {"stop": "stop_sequences", "max_completion_tokens": "max_tokens"},
}
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
        case (dialects.MESSAGES, "stop") if isinstance(value, str):
            return "stop_sequences", [value]
        case _:
            return _NAMES.get(wire, {}).get(name, name), value


def unsaid_by(wire: str, defaults: Collection[str], keeps: Collection[str]) -> frozenset[str]:
    """Those of the `defaults` that are left out, with a Caveat. `keeps`: what the operator wants sent all the same."""
    return _UNSAID.get(wire, frozenset()).intersection(defaults).difference(keeps)
