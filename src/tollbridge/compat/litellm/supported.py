"""`get_supported_openai_params`: which fields of a chat request reach a model.

No list is kept for it: a small request with the field is written as it would be sent, and the field is supported where
nothing was said to be dropped.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from tollbridge.calls.build import Wanted, build
from tollbridge.calls.deployment import Deployment
from tollbridge.calls.prepare import LOSSES, prepare
from tollbridge.errors import APIError, NotFoundError
from tollbridge.providers.resolve import Given
from tollbridge.providers.table import ROWS
from tollbridge.sdk.call import read_call
from tollbridge.sdk.engine import ask_of
from tollbridge.sdk.whose import located
from tollbridge.secret import Secret

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
_ADDRESS = "https://nowhere.invalid"
_SAMPLE_PLACE: Mapping[str, str] = {"aws_region_name": "us-east-1", "vertex_project": "p", "project_id": "p"}
"""Where a deployment is that nothing is sent to; what else a row's address is made of is `x`."""


def get_supported_openai_params(model: str, custom_llm_provider: str | None = None, **_others: Any) -> list[str] | None:
    """Fields of a chat request that the model takes, by its provider's row and its format; None where nobody is known
    for it. Raises BadRequestError for a name that the provider's models cannot have."""
    try:
        row, name = located(model, custom_llm_provider)
    except NotFoundError:
        return None
    return list(_supported(row.name, name))


@lru_cache(maxsize=256)
def _supported(provider: str, model: str) -> tuple[str, ...]:
    deployment = _deployment(provider, model)
    return tuple(name for name, body in SAMPLES.items() if _takes(deployment, name, body))


def _deployment(provider: str, model: str) -> Deployment:
    row = ROWS[provider]
    holes = {hole.given: "x" for hole in row.holes.values()}
    given = Given(api_key=Secret("k"), api_base=None if row.base_url else _ADDRESS, extra={**holes, **_SAMPLE_PLACE})
    return build(Wanted(id=model, group=model, model=model, provider=provider, given=given), {}, ROWS)


def _takes(deployment: Deployment, name: str, body: Mapping[str, Any]) -> bool:
    try:
        call = read_call("it", _ASK, name in ("stream", "stream_options"), body)
        caveats = prepare(ask_of(call, call.orders[0]), deployment).caveats
    except APIError:
        return False
    return not any(caveat.code in LOSSES and caveat.where.startswith(f"$.{name}") for caveat in caveats)
