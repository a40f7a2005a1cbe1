"""What the environment is enough for, and what providers say that they have."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

import tollbridge
from tests.server.clouds import Asked, Told, cloud

VERTEX = ["VERTEXAI_PROJECT", "VERTEXAI_LOCATION"]
AWS = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"]


@pytest.fixture(autouse=True)
def _no_clouds(no_keys: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.startswith(("AWS_", "AZURE_", "VERTEX", "GOOGLE_", "DATABRICKS_", "OLLAMA_")):
            monkeypatch.delenv(name)


@pytest.mark.parametrize(
    ("model", "missing", "with_a_key"),
    [
        ("vertex_ai/gemini-2.5-pro", VERTEX, []),
        ("bedrock/anthropic.claude-3", [*AWS, "AWS_REGION_NAME"], ["AWS_REGION_NAME"]),
        ("azure/gpt-4o", ["AZURE_API_BASE", "AZURE_API_KEY"], ["AZURE_API_BASE"]),
        ("databricks/x", ["DATABRICKS_API_KEY", "DATABRICKS_HOST"], ["DATABRICKS_HOST"]),
        ("hosted_vllm/x", ["HOSTED_VLLM_API_BASE"], ["HOSTED_VLLM_API_BASE"]),
        ("anthropic/claude-sonnet-4-5", ["ANTHROPIC_API_KEY"], []),
        ("demo/x", [], []),
    ],
)
def test_what_is_missing_is_what_a_call_needs(
    litellm: Any, model: str, missing: list[str], with_a_key: list[str]
) -> None:
    assert litellm.validate_environment(model) == {"keys_in_environment": not missing, "missing_keys": missing}
    assert litellm.validate_environment(model, api_key="k")["missing_keys"] == with_a_key
    assert litellm.validate_environment("nobody-has-it") == {"keys_in_environment": False, "missing_keys": []}


@pytest.mark.parametrize(
    ("model", "environ"),
    [
        ("vertex_ai/gemini-2.5-pro", {"VERTEXAI_PROJECT": "p"}),
        ("vertex_ai/gemini-2.5-pro", {"VERTEXAI_API_KEY": "k"}),
        ("bedrock/x", {"AWS_PROFILE": "p", "AWS_REGION": "us-east-1"}),
        ("azure/x", {"AZURE_API_BASE": "https://x.invalid", "AZURE_TENANT_ID": "t"} | dict.fromkeys(
            ("AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET"), "x")),
    ],
)  # fmt: skip
def test_what_is_enough_is_enough(
    litellm: Any, monkeypatch: pytest.MonkeyPatch, model: str, environ: dict[str, str]
) -> None:
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    assert litellm.validate_environment(model) == {"keys_in_environment": True, "missing_keys": []}


LISTS: dict[str, tuple[str, str, Any]] = {
    "openai": ("/v1", "/v1/models", {"object": "list", "data": [{"id": "gpt-new"}]}),
    "groq": ("/openai/v1", "/openai/v1/models", {"object": "list", "data": [{"id": "gpt-new"}]}),
    "together_ai": ("/v1", "/v1/models", [{"id": "gpt-new"}]),
    "anthropic": ("", "/v1/models?limit=1000", {"data": [{"id": "gpt-new", "type": "model"}], "has_more": False}),
    "gemini": ("/v1beta", "/v1beta/models?pageSize=1000", {"models": [{"name": "models/gpt-new"}]}),
    "cohere": ("", "/v1/models?page_size=1000", {"models": [{"name": "gpt-new"}]}),
    "ollama": ("", "/api/tags", {"models": [{"name": "gpt-new", "model": "gpt-new"}]}),
}


@pytest.mark.parametrize("provider", LISTS)
def test_a_provider_is_asked_which_models_it_has(litellm: Any, provider: str) -> None:
    base, path, told = LISTS[provider]
    with cloud(lambda _: Told(told)) as place:
        said = {"custom_llm_provider": provider, "api_key": "the-key", "api_base": place.url + base}
        found = litellm.get_valid_models(check_provider_endpoint=True, **said)
        (asked,) = place.asked
    assert found == ["gpt-new" if provider == "openai" else f"{provider}/gpt-new"]
    assert (asked.method, asked.path) == ("GET", path)
    assert "the-key" in "".join(asked.headers.values())


def test_who_is_in_the_environment_is_asked_and_who_fails_is_told(
    litellm: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def answer(asked: Asked) -> Told:
        if "anthropic" in asked.path:
            return Told({"error": {"type": "authentication_error", "message": "bad key the-other-key"}}, 401)
        return Told({"data": [{"id": "one"}, {"id": "two"}]})

    with cloud(answer) as place:
        monkeypatch.setenv("GROQ_API_KEY", "the-key")
        monkeypatch.setenv("GROQ_API_BASE", f"{place.url}/v1")
        monkeypatch.setenv("ANTHROPIC_API_KEY", "the-other-key")
        monkeypatch.setenv("ANTHROPIC_BASE_URL", f"{place.url}/anthropic")
        assert litellm.get_valid_models(check_provider_endpoint=True) == ["groq/one", "groq/two"]
        assert "anthropic did not tell its models" in caplog.text
        assert "the-other-key" not in caplog.text
        assert "claude-sonnet-4-5" in litellm.get_valid_models()
        assert len(place.asked) == 2
    with pytest.raises(tollbridge.BadRequestError, match="custom_llm_provider"):
        litellm.get_valid_models(check_provider_endpoint=True, api_key="whose?")
    assert litellm.get_valid_models(check_provider_endpoint=True, custom_llm_provider="nobody") == []


def test_a_version_may_be_said_as_there(litellm: Any) -> None:
    said = {"api_key": "k", "api_base": "https://x.invalid", "api_version": "2025-01-01"}
    assert litellm.validate_environment("azure/gpt-4o", **said) == {"keys_in_environment": True, "missing_keys": []}


def test_a_price_of_a_size_is_no_model_that_can_be_asked(litellm: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "k")
    monkeypatch.setenv("AZURE_API_KEY", "k")
    monkeypatch.setenv("AZURE_API_BASE", "https://x.invalid")
    found = litellm.get_valid_models()
    assert "gpt-image-1.5" in {name.rpartition("/")[2] for name in found}
    assert "openai/gpt-4o" in found or "gpt-4o" in found
    priced = [name for name in found if any("-x-" in part or "x1024" in part for part in name.split("/"))]
    assert priced == []
    assert any("1024-x-1024" in name for name in litellm.model_cost)
