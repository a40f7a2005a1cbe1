"""The list of models: what is known of each, in the shape of who asks, and in pages where somebody asks for pages."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from anthropic.types import ModelInfo
from google.genai import types as google
from openai.types import Model

from tests.server.accounted import accounted
from tests.server.served import KEY, Served, served

CONFIG = """
model_list:
  - {model_name: fast, litellm_params: {model: openai/gpt-4o, api_key: k}}
  - {model_name: fast, litellm_params: {model: anthropic/claude-sonnet-4-5, api_key: k}}
  - {model_name: unknown, litellm_params: {model: openai/of-nobody, api_key: k}}
  - {model_name: mixed, litellm_params: {model: openai/gpt-4o, api_key: k}}
  - {model_name: mixed, litellm_params: {model: openai/of-nobody, api_key: k}}
  - {model_name: a/b, litellm_params: {model: gemini/gemini-2.5-pro, api_key: k}}
general_settings: {master_key: sk-tb-test-0123456789-abcdef}
"""
NAMES = ["fast", "unknown", "mixed", "a/b"]
CLAUDES = {"anthropic-version": "2023-06-01"}


@pytest.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[Served]:
    async with served(CONFIG, tmp_path) as gateway:
        yield gateway


async def asked(gateway: Served, path: str, headers: dict[str, str] | None = None, status: int = 200) -> Any:
    answer = await gateway.send("GET", path, headers=headers or {})
    assert answer.status == status
    return answer.json()


async def test_a_model_tells_the_least_that_is_known_of_all_behind_it(gateway: Served) -> None:
    listed = {model["id"]: model for model in (await asked(gateway, "/v1/models"))["data"]}
    assert list(listed) == NAMES
    fast = listed["fast"]
    assert (fast["max_input_tokens"], fast["max_output_tokens"]) == (128_000, 16_384)
    assert {"tools", "vision"} <= set(fast["features"])
    assert "reasoning" not in fast["features"]  # one of the two does not
    for name in ("unknown", "mixed"):
        assert set(listed[name]) == {"id", "object", "created", "owned_by"}
    assert await asked(gateway, "/v1/models/fast") == fast


async def test_each_shape_is_its_vendors(gateway: Served) -> None:
    for model in (await asked(gateway, "/v1/models"))["data"]:
        Model.model_validate(model, strict=False)
    listed = await asked(gateway, "/v1/models", CLAUDES)
    told = {model["id"]: ModelInfo.model_validate(model) for model in listed["data"]}
    assert (told["fast"].max_input_tokens, told["fast"].max_tokens) == (128_000, 16_384)
    assert told["mixed"].max_tokens is None
    assert (listed["has_more"], listed["first_id"], listed["last_id"]) == (False, "fast", "a/b")
    for model in (await asked(gateway, "/v1beta/models"))["models"]:
        assert "generateContent" in model.pop("supportedGenerationMethods")  # the SDK has a name of its own for it
        google.Model.model_validate(model)


async def test_anthropics_pages_follow_each_other_both_ways(gateway: Served) -> None:
    def ids(page: Any) -> list[str]:
        return [model["id"] for model in page["data"]]

    first = await asked(gateway, "/v1/models?limit=3", CLAUDES)
    assert (ids(first), first["has_more"]) == (NAMES[:3], True)
    second = await asked(gateway, f"/v1/models?limit=3&after_id={first['last_id']}", CLAUDES)
    assert (ids(second), second["has_more"]) == (NAMES[3:], False)
    back = await asked(gateway, "/v1/models?limit=2&before_id=a%2Fb", CLAUDES)
    assert (ids(back), back["has_more"]) == (NAMES[1:3], True)
    assert ids(await asked(gateway, "/v1/models?after_id=a/b", CLAUDES)) == []


async def test_geminis_pages_follow_each_other(gateway: Served) -> None:
    names: list[str] = []
    token = ""
    for _ in NAMES:
        page = await asked(gateway, f"/v1beta/models?pageSize=3&pageToken={token}")
        names += [model["name"].removeprefix("models/") for model in page["models"]]
        token = page.get("nextPageToken", "")
        if not token:
            break
    assert names == NAMES


@pytest.mark.parametrize(
    ("query", "param"),
    [("limit=x", "limit"), ("limit=1001", "limit"), ("limit=-1", "limit"), ("after_id=no", "after_id")],
)
async def test_a_page_that_cannot_be_given_is_the_clients_error(gateway: Served, query: str, param: str) -> None:
    error = await asked(gateway, f"/v1/models?{query}", CLAUDES, status=400)
    assert (error["type"], error["error"]["type"]) == ("error", "invalid_request_error")
    assert param in error["error"]["message"]


async def test_openais_list_knows_no_pages(gateway: Served) -> None:
    assert [model["id"] for model in (await asked(gateway, "/v1/models?limit=1"))["data"]] == NAMES


async def test_a_key_may_be_given_the_models_of_an_access_group(tmp_path: Path) -> None:
    """LiteLLM's `model_info.access_groups`."""
    text = """
model_list:
  - {model_name: new, litellm_params: {model: demo/new}, model_info: {access_groups: [beta, all]}}
  - {model_name: old, litellm_params: {model: demo/old}, model_info: {access_groups: [all]}}
  - {model_name: other, litellm_params: {model: demo/other}}
"""
    async with accounted(text, tmp_path) as gateway:
        beta, both = [(await gateway.made(models=[name]))["key"] for name in ("beta", "all")]

        async def listed(key: str, query: str = "") -> list[str]:
            return [one["id"] for one in (await gateway.send("GET", f"/v1/models{query}", key=key)).json()["data"]]

        asked = {"messages": [{"role": "user", "content": "hi"}]}
        statuses = [
            (await gateway.send("POST", "/v1/chat/completions", {"model": model, **asked}, key=beta)).status
            for model in ("new", "old", "beta")
        ]
        assert statuses == [200, 403, 404]
        assert await listed(beta) == ["new"]
        assert await listed(both) == ["new", "old"]
        assert await listed(both, "?only_model_access_groups=True") == ["all"]
        assert await listed(beta, "?include_model_access_groups=true") == ["beta", "new"]
        assert await listed(KEY, "?only_model_access_groups=true") == ["beta", "all"]
        assert await listed(KEY, "?only_model_access_groups=false") == ["new", "old", "other"]


async def test_the_access_group_of_the_entry_that_serves_a_model_decides(tmp_path: Path) -> None:
    """https://docs.litellm.ai/docs/proxy/model_access_groups, seen 2026-11-27: its example of wildcards."""
    text = """
model_list:
  - {model_name: "demo/*", litellm_params: {model: "demo/*"}, model_info: {access_groups: [default-models]}}
  - {model_name: "demo/o1-*", litellm_params: {model: "demo/o1-*"}, model_info: {access_groups: [restricted-models]}}
  - {model_name: "*", litellm_params: {model: "demo/*"}, model_info: {access_groups: [rest]}}
  - {model_name: opus, litellm_params: {model: demo/opus}, model_info: {access_groups: [premium]}}
"""
    asked = {"messages": [{"role": "user", "content": "hi"}]}
    names = ("demo/gpt-4", "demo/o1-mini", "opus", "haiku")
    async with accounted(text, tmp_path) as gateway:

        async def may(*models: str) -> list[str]:
            key = (await gateway.made(models=list(models)))["key"]
            return [
                model
                for model in names
                if (await gateway.send("POST", "/v1/chat/completions", {"model": model, **asked}, key=key)).status
                == 200
            ]

        assert await may("default-models") == ["demo/gpt-4"]
        assert await may("restricted-models") == ["demo/o1-mini"]
        assert await may("default-models", "restricted-models") == ["demo/gpt-4", "demo/o1-mini"]
        assert await may("rest") == ["haiku"]
        assert await may("demo/*") == ["demo/gpt-4", "demo/o1-mini"]
        assert await may("default-models", "demo/o1-*") == ["demo/gpt-4", "demo/o1-mini"]
