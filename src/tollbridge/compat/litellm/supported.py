"""`get_supported_openai_params`: which fields of a chat request reach a model.

No list is kept for it: a small request with the field is written as it would be sent, and the field is supported where
nothing was said to be dropped.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from tollbridge.assemble.deployments import Maker
from tollbridge.calls.deployment import Deployment
from tollbridge.calls.prepare import LOSSES, prepare
from tollbridge.config.load import load_value
from tollbridge.errors import APIError
from tollbridge.providers.names import locate
from tollbridge.providers.table import ROWS
from tollbridge.sdk.call import read_call
from tollbridge.sdk.engine import ask_of
from tollbridge.sdk.router import Here
from tollbridge.transport.inprocess import ByHost

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
_ASK = ({"role": "user", "content": "x"},)
_PLACE = {
    "api_base": "https://nowhere.invalid",
    "api_version": "2024-10-21",
    "aws_region_name": "us-east-1",
    "vertex_project": "p",
    "vertex_location": "us-central1",
}
"""Where a deployment is that has no address of its own; nothing is sent there."""


def get_supported_openai_params(model: str, custom_llm_provider: str | None = None, **_others: Any) -> list[str]:
    """Fields of a chat request that the model takes, by its provider's row and its format."""
    row, name = locate(model, ROWS, provider=custom_llm_provider)
    return list(_supported(f"{row.name}/{name}"))


@lru_cache(maxsize=256)
def _supported(model: str) -> tuple[str, ...]:
    deployment = _deployment(model)
    return tuple(name for name, body in SAMPLES.items() if _takes(deployment, name, body))


def _deployment(model: str) -> Deployment:
    row, _ = locate(model, ROWS)
    needed = {*row.asks, *(() if row.base_url else ("api_base",))}
    place = {name: value for name, value in _PLACE.items() if name in needed}
    entry = {"model_name": "it", "litellm_params": {"model": model, "api_key": "k", **place}}
    loaded = load_value({"model_list": [entry]}, {}, "get_supported_openai_params")
    if loaded.config is None:
        raise ValueError(f"{model}: {loaded.findings[0].message}")
    return Maker(loaded.config, {}, ROWS, ByHost({}, Here())).groups().resolve("it").members[0]


def _takes(deployment: Deployment, name: str, body: Mapping[str, Any]) -> bool:
    try:
        call = read_call("it", _ASK, name in ("stream", "stream_options"), body)
        caveats = prepare(ask_of(call, call.orders[0]), deployment).caveats
    except APIError:
        return False
    return not any(caveat.code in LOSSES and caveat.where.startswith(f"$.{name}") for caveat in caveats)
