"""`get_supported_openai_params`: of a model by its name, wherever it is."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from tollbridge.assemble.deployments import Maker
from tollbridge.calls.deployment import Deployment
from tollbridge.calls.supported import supported
from tollbridge.config.load import load_value
from tollbridge.providers.names import locate
from tollbridge.providers.table import ROWS
from tollbridge.sdk.router import Here
from tollbridge.transport.inprocess import ByHost

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
    return supported(_deployment(model))


def _deployment(model: str) -> Deployment:
    row, _ = locate(model, ROWS)
    needed = {*row.asks, *(() if row.base_url else ("api_base",))}
    place = {name: value for name, value in _PLACE.items() if name in needed}
    entry = {"model_name": "it", "litellm_params": {"model": model, "api_key": "k", **place}}
    loaded = load_value({"model_list": [entry]}, {}, "get_supported_openai_params")
    if loaded.config is None:
        raise ValueError(f"{model}: {loaded.findings[0].message}")
    return Maker(loaded.config, {}, ROWS, ByHost({}, Here())).groups().resolve("it").members[0]
