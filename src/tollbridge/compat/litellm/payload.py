"""`kwargs["standard_logging_object"]`: one call in LiteLLM's flat form, as loggers write it down.

It has what is known here (LiteLLM 1.109.1's `StandardLoggingPayload`, seen 2026-11-26); fields about teams, guardrails
and the like are not there. No key is in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def payload(told: Mapping[str, Any], response: Any, error: BaseException | None) -> dict[str, Any]:
    """`told`: the kwargs of the callback. `response`: as callbacks may see it."""
    params: Mapping[str, Any] = told["litellm_params"]
    metadata: Mapping[str, Any] = params["metadata"]
    hidden = getattr(response, "_hidden_params", None) or {}
    usage = getattr(response, "usage", None) or {}
    began, ended = told["start_time"].timestamp(), told["end_time"].timestamp()
    return {
        "id": getattr(response, "id", None) or told["litellm_call_id"],
        "trace_id": told["litellm_call_id"],
        "call_type": told["call_type"],
        "stream": told["stream"],
        "status": "success" if error is None else "failure",
        "custom_llm_provider": told["custom_llm_provider"],
        "model": told["model"],
        "model_id": hidden.get("model_id"),
        "model_group": metadata.get("model_group"),
        "api_base": params["api_base"],
        "response_cost": told["response_cost"] or 0.0,
        "prompt_tokens": _count(usage, "prompt_tokens", "input_tokens"),
        "completion_tokens": _count(usage, "completion_tokens", "output_tokens"),
        "total_tokens": _count(usage, "total_tokens"),
        "startTime": began,
        "endTime": ended,
        "completionStartTime": ended,
        "response_time": ended - began,
        "cache_hit": False,
        "saved_cache_cost": 0.0,
        "request_tags": list(metadata.get("tags") or ()),
        "end_user": told["user"] or "",
        "metadata": dict(metadata),
        "messages": told["messages"],
        "response": None if response is None else _plain(response),
        "model_parameters": dict(told["optional_params"]),
        "hidden_params": {"response_cost": told["response_cost"], "model_id": hidden.get("model_id")},
        "error_str": None if error is None else str(error),
        "error_information": None if error is None else _failure(error),
    }


def _count(usage: Mapping[str, Any], *names: str) -> int:
    return next((usage[name] for name in names if usage.get(name) is not None), 0)


def _plain(response: Any) -> Any:
    return response.model_dump() if hasattr(response, "model_dump") else response


def _failure(error: BaseException) -> dict[str, str]:
    return {
        "error_class": type(error).__name__,
        "error_code": str(getattr(error, "status_code", "")),
        "error_message": str(error),
        "llm_provider": getattr(error, "llm_provider", ""),
    }
