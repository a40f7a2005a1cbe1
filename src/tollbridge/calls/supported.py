"""Which fields of a request reach a model.

No list is kept for it: a small request with the field is written as it would be sent, and the field is supported where
nothing was said to be dropped.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from tollbridge.calls.ask import Ask, peek
from tollbridge.calls.deployment import Deployment
from tollbridge.calls.prepare import LOSSES, prepare
from tollbridge.errors import APIError
from tollbridge.wires.openai_chat import OPENAI_CHAT
from tollbridge.wires.openai_chat.thinking import PLAIN

_FUNCTION = {"name": "f", "description": "f", "parameters": {"type": "object", "properties": {}}}
_TOOLS = {"tools": [{"type": "function", "function": _FUNCTION}]}
_SHAPE = {"name": "shape", "schema": {"type": "object", "properties": {}}}
SAMPLES: Mapping[str, Mapping[str, Any]] = {
    "temperature": {"temperature": 0.5},
    "top_p": {"top_p": 0.5},
    "n": {"n": 2},
    "stream": {},
    "stream_options": {"stream_options": {"include_usage": True}},
    "stop": {"stop": ["x"]},
    "max_tokens": {"max_tokens": 9},
    "max_completion_tokens": {"max_completion_tokens": 9},
    "presence_penalty": {"presence_penalty": 0.5},
    "frequency_penalty": {"frequency_penalty": 0.5},
    "logit_bias": {"logit_bias": {"1": 1.0}},
    "logprobs": {"logprobs": True},
    "top_logprobs": {"logprobs": True, "top_logprobs": 2},
    "seed": {"seed": 1},
    "user": {"user": "u"},
    "tools": _TOOLS,
    "tool_choice": {**_TOOLS, "tool_choice": "auto"},
    "parallel_tool_calls": {**_TOOLS, "parallel_tool_calls": False},
    "functions": {"functions": [_FUNCTION]},
    "function_call": {"functions": [_FUNCTION], "function_call": "auto"},
    "response_format": {"response_format": {"type": "json_schema", "json_schema": _SHAPE}},
    "reasoning_effort": {"reasoning_effort": "low"},
    "thinking": {"thinking": {"type": "enabled", "budget_tokens": 1024}, "max_tokens": 2048},
    "verbosity": {"verbosity": "low"},
    "modalities": {"modalities": ["text", "audio"]},
    "audio": {"audio": {"voice": "alloy", "format": "wav"}},
    "prediction": {"prediction": {"type": "content", "content": "x"}},
    "web_search_options": {"web_search_options": {}},
    "service_tier": {"service_tier": "auto"},
    "store": {"store": True},
    "prompt_cache_key": {"prompt_cache_key": "k"},
    "safety_identifier": {"safety_identifier": "s"},
}
"""A field -> a request that has it, with what it cannot stand without."""


def supported(deployment: Deployment) -> tuple[str, ...]:
    """By the provider's row and its format; of a model for another task than a chat, in that task's format."""
    from tollbridge.calls.task_supported import supported_in, task_of  # what asks of tasks is loaded when it is asked

    task = task_of(deployment)
    if task is not None:
        return supported_in(deployment, task)
    return tuple(name for name, body in SAMPLES.items() if _takes(deployment, name, body))


def _takes(deployment: Deployment, name: str, fields: Mapping[str, Any]) -> bool:
    if name == "thinking" and deployment.wire.name == OPENAI_CHAT.name:
        return (
            deployment.target.prefers.get("reasoning", PLAIN) != PLAIN
        )  # else it passes, and no vendor says to know it
    stream = name in ("stream", "stream_options")
    said = {"model": "it", "messages": [{"role": "user", "content": "x"}], **fields}
    body = msgspec.json.encode({**said, "stream": True} if stream else said)
    try:
        caveats = prepare(Ask(OPENAI_CHAT, body, peek(body), "it", stream=stream), deployment).caveats
    except APIError:
        return False
    return not any(caveat.code in LOSSES and caveat.where.startswith(f"$.{name}") for caveat in caveats)
