from __future__ import annotations

import pytest

from tollbridge.errors import AuthenticationError
from tollbridge.providers.resolve import Given, Location, resolve
from tollbridge.providers.table import ROWS
from tollbridge.secret import Secret


def found(
    model: str, base: str, version: str | None = None, environ: dict[str, str] | None = None, **more: object
) -> Location:
    given = Given(**{"api_key": "k", "api_base": base, "api_version": version, **more})  # type: ignore[arg-type]
    return resolve(model, given=given, environ=environ or {}, rows=ROWS)


R = "https://r.openai.azure.com"
DEPLOYMENT = "/openai/deployments/d/chat/completions"


@pytest.mark.parametrize(
    ("base", "version", "path"),
    [
        (R, "2024-10-21", f"{DEPLOYMENT}?api-version=2024-10-21"),
        (f"{R}/", "2024-10-21", f"{DEPLOYMENT}?api-version=2024-10-21"),
        (f"{R}/openai", "2024-10-21", f"{DEPLOYMENT}?api-version=2024-10-21"),
        (R, None, f"{DEPLOYMENT}?api-version=2025-02-01-preview"),
        (R, "v1", "/openai/v1/chat/completions"),
        (R, "latest", "/openai/v1/chat/completions"),
        (R, "preview", "/openai/v1/chat/completions?api-version=preview"),
        (f"{R}/openai/v1", None, "/openai/v1/chat/completions"),
        (f"{R}/openai/v1/", "2024-10-21", "/openai/v1/chat/completions"),
        (f"{R}/openai/v1/chat/completions", None, "/openai/v1/chat/completions"),
        (
            f"{R}/openai/deployments/other",
            "2024-10-21",
            "/openai/deployments/other/chat/completions?api-version=2024-10-21",
        ),
        (f"{R}{DEPLOYMENT}?api-version=2024-02-01", "2024-10-21", f"{DEPLOYMENT}?api-version=2024-02-01"),
        (f"{R}{DEPLOYMENT}", "2024-10-21", f"{DEPLOYMENT}?api-version=2024-10-21"),
        ("https://apim.example/team/a", "2024-10-21", f"/team/a{DEPLOYMENT}?api-version=2024-10-21"),
    ],
)
def test_each_way_to_give_the_endpoint_leads_to_the_deployment(base: str, version: str | None, path: str) -> None:
    assert found("azure/d", base, version).path == path


@pytest.mark.parametrize(
    ("base", "version", "path"),
    [
        (R, "2025-03-01-preview", "/openai/responses?api-version=2025-03-01-preview"),
        (R, None, "/openai/responses?api-version=2025-04-01-preview"),
        (f"{R}/openai", None, "/openai/responses?api-version=2025-04-01-preview"),
        (R, "v1", "/openai/v1/responses"),
        (R, "preview", "/openai/v1/responses?api-version=preview"),
        (f"{R}/openai/v1/", None, "/openai/v1/responses"),
        (f"{R}/openai/v1/responses", None, "/openai/v1/responses"),
        (f"{R}{DEPLOYMENT}?api-version=2025-04-01", None, "/openai/responses?api-version=2025-04-01"),
        ("https://apim.example/team/a", "v1", "/team/a/openai/v1/responses"),
    ],
)
def test_the_responses_format_has_no_deployment_in_its_path(base: str, version: str | None, path: str) -> None:
    assert found("azure/responses/d", base, version).path == path
    assert found("azure/responses/d", base, version).model == "d"


def test_the_version_and_the_endpoint_come_from_the_environment_too() -> None:
    environ = {"AZURE_API_BASE": R, "AZURE_API_KEY": "k", "AZURE_API_VERSION": "v1"}
    location = resolve("azure/d", environ=environ, rows=ROWS)
    assert (location.host, location.path) == ("r.openai.azure.com", "/openai/v1/chat/completions")


def test_a_deployment_with_odd_characters_is_quoted() -> None:
    assert found("azure/gpt-5.2_2025 a/b", R, "x").path.startswith("/openai/deployments/gpt-5.2_2025%20a%2Fb/")


def test_the_hint_of_a_reasoning_model_is_no_part_of_the_deployments_name() -> None:
    location = found("azure/o_series/d", R)
    assert location.model == "d"
    assert location.provider.prefers["max_tokens"] == "max_completion_tokens"
    assert "temperature" in location.provider.drops
    assert found("azure/d", R, base_model="azure/o3").provider.drops == location.provider.drops | {"stop"}


def test_a_key_is_a_header_of_its_own_and_a_token_is_a_bearer() -> None:
    assert [name for name, _ in found("azure/d", R).headers] == ["api-key"]
    for location in (
        found("azure/d", R, api_key=None, extra={"azure_ad_token": "t"}),
        found("azure/d", R, None, {"AZURE_AD_TOKEN": "t"}, api_key=None),
    ):
        ((name, value),) = location.headers
        assert isinstance(value, Secret)
        assert (name, value.reveal()) == ("authorization", "Bearer t")


def test_azure_needs_a_key_wherever_it_is() -> None:
    with pytest.raises(AuthenticationError, match="AZURE_API_KEY"):
        found("azure/d", R, api_key=None)


def test_foundry_answers_under_models_and_serverless_hosts_under_their_base() -> None:
    foundry = found("azure_ai/grok-4", "https://r.services.ai.azure.com")
    assert foundry.path == "/models/chat/completions?api-version=2024-05-01-preview"
    assert [name for name, _ in foundry.headers] == ["api-key"]
    assert found("azure_ai/m", "https://r.services.ai.azure.com/models").path == foundry.path
    assert found("azure_ai/m", "https://r.services.ai.azure.com/openai/v1").path == "/openai/v1/chat/completions"
    serverless = found("azure_ai/m", "https://m.eastus2.models.ai.azure.com")
    assert serverless.path == "/chat/completions"
    assert [name for name, _ in serverless.headers] == ["authorization"]


F = "https://r.services.ai.azure.com"
CLAUDE = "/anthropic/v1/messages"


@pytest.mark.parametrize("base", [F, f"{F}/", f"{F}/models", f"{F}/anthropic", f"{F}/anthropic/v1/messages"])
def test_claude_in_foundry_is_asked_in_anthropics_format_with_its_header(base: str) -> None:
    location = found("azure_ai/claude-sonnet-4-5", base)
    assert (location.provider.wire, location.path) == ("anthropic_messages", CLAUDE)
    assert location.count_tokens_path == f"{CLAUDE}/count_tokens"
    assert [name for name, _ in location.headers] == ["anthropic-version", "x-api-key"]
    assert location.provider.patches == ()


def test_a_deployment_of_claude_by_another_name_is_known_by_its_base_model_or_its_address() -> None:
    assert found("azure_ai/ours", F, base_model="azure_ai/claude-opus-4-5").path == CLAUDE
    assert found("azure_ai/ours", f"{F}/anthropic").path == CLAUDE
    assert found("azure_ai/ours", F).path.startswith("/models/chat/completions")


def test_foundry_speaks_responses_under_v1() -> None:
    for base in (F, f"{F}/models", f"{F}/openai/v1"):
        location = found("azure_ai/responses/gpt-5-nano", base)
        assert (location.provider.wire, location.path) == ("openai_responses", "/openai/v1/responses")


def test_others_models_in_foundry_know_no_developer() -> None:
    body = {"messages": [{"role": "developer", "content": "x"}]}
    (patch,) = found("azure_ai/grok-4", F).provider.patches
    assert patch(body) == {"messages": [{"role": "system", "content": "x"}]}
    assert found("azure_ai/gpt-5", F).provider.patches == ()
