"""What LiteLLM's Router has beside ours."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

import tollbridge


def test_a_deployment_is_chosen_of_those_that_are_ready(litellm: Any) -> None:
    router = litellm.Router(
        [
            {"model_name": "fast", "litellm_params": {"model": "demo/one"}, "model_info": {"id": "a"}},
            {"model_name": "fast", "litellm_params": {"model": "demo/error-401"}, "model_info": {"id": "b"}},
            {"model_name": "demo/*", "litellm_params": {"model": "demo/*"}, "model_info": {"id": "all"}},
        ],
        model_group_alias={"quick": "fast"},
    )
    found = [router.get_available_deployment(model="quick", messages=[])["model_info"]["id"] for _ in range(64)]
    assert set(found) == {"a", "b"}
    while not router.cooling():
        router.completion("fast", [{"role": "user", "content": "Hello"}])
    told = asyncio.run(router.async_get_available_deployment("fast", request_kwargs={}))
    assert (told["model_name"], told["litellm_params"]["model"], told["model_info"]["id"]) == ("fast", "demo/one", "a")
    with pytest.raises(litellm.ServiceUnavailableError, match="rests"):
        router.get_available_deployment("b")
    assert router.get_available_deployment("demo/two")["litellm_params"]["model"] == "demo/two"
    with pytest.raises(tollbridge.NotFoundError, match="nope"):
        router.get_available_deployment("nope")


def test_tags_choose_among_them(litellm: Any) -> None:
    router = litellm.Router(
        [
            {"model_name": "fast", "litellm_params": {"model": "demo/free", "tags": ["free"]}},
            {"model_name": "fast", "litellm_params": {"model": "demo/paid", "tags": ["paid"]}},
        ],
        enable_tag_filtering=True,
    )
    said = {"metadata": {"tags": ["paid"]}}
    for _ in range(16):
        assert router.get_available_deployment("fast", request_kwargs=said)["litellm_params"]["model"] == "demo/paid"
    with pytest.raises(tollbridge.BadRequestError):
        router.get_available_deployment("fast", request_kwargs={"metadata": {"tags": ["other"]}})


def test_what_a_router_has_not_says_what_to_do(litellm: Any) -> None:
    router = litellm.Router([{"model_name": "fast", "litellm_params": {"model": "demo/one"}}])
    with pytest.raises(tollbridge.NotBuilt, match=r"Router\.upsert_deployment"):
        router.upsert_deployment({})
