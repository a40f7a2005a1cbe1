from __future__ import annotations

import json
import pickle

import pytest

from tollbridge.catalog.facts import catalog
from tollbridge.errors import AuthenticationError, BadRequestError, NotFoundError
from tollbridge.providers.own_row import row_from_config
from tollbridge.providers.ready import available, lacking
from tollbridge.providers.resolve import Given, Location, resolve
from tollbridge.providers.table import ROWS
from tollbridge.secret import Secret

KEYS = {"OPENAI_API_KEY": "sk-openai", "ANTHROPIC_API_KEY": "sk-ant-x", "GEMINI_API_KEY": "g"}


def found(model: str, environ: dict[str, str] | None = None, **given: object) -> Location:
    return resolve(model, given=Given(**given), environ=KEYS if environ is None else environ, rows=ROWS)  # type: ignore[arg-type]


def shown(location: Location) -> dict[str, str]:
    return {name: value.reveal() if isinstance(value, Secret) else value for name, value in location.headers}


@pytest.mark.parametrize(
    ("model", "provider"),
    [
        *((name, "openai") for name in ("gpt-4", "gpt-4o", "gpt-3.5-turbo", "gpt-4.1", "gpt-4.1-mini", "o3", "gpt-99")),
        *((name, "anthropic") for name in ("claude-3", "claude-3-opus", "claude-3-opus-20240229", "claude-4-latest")),
        ("claude-sonnet-4-0", "anthropic"),
        ("gemini-2.5-pro", "gemini"),
        ("ft:gpt-4o:acme::x1", "openai"),
    ],
)
def test_a_bare_name_finds_its_provider_and_goes_out_as_it_is(model: str, provider: str) -> None:
    location = found(model)
    assert (location.provider.name, location.model) == (provider, model)


@pytest.mark.parametrize("model", ["ollama/llama2", "ollama/mixtral", "ollama_chat/mixtral"])
def test_a_local_server_needs_no_key(model: str) -> None:
    location = found(model, {})
    assert (location.scheme, location.host, location.port) == ("http", "localhost", 11434)
    assert (location.provider.wire, location.path) == ("ollama", "/api/chat")
    assert location.headers == ()


@pytest.mark.parametrize("base", ["http://h:1", "http://h:1/", "http://h:1/api", "http://h:1/api/chat"])
def test_an_ollama_server_is_spoken_to_in_its_own_format(base: str) -> None:
    location = found("ollama/x", {}, api_base=base)
    assert (location.provider.wire, location.path) == ("ollama", "/api/chat")


@pytest.mark.parametrize(
    ("model", "lacks"),
    [
        *(
            (name, True)
            for name in ("llama2", "llama2:13b-chat", "llama3", "llama3:8b", "me/llama2-uncensored", "phi4")
        ),
        *((name, True) for name in ("gemma3:4b", "gemma3n:e4b", "codellama:7b", "llava:13b", "deepseek-coder-v2")),
        *((name, False) for name in ("llama3.1", "llama3.2:1b", "llama3-groq-tool-use", "phi4-mini", "qwen3:8b")),
        *((name, False) for name in ("gpt-oss:20b", "mistral", "deepseek-r1", "gemma4", "command-r", "of-tomorrow")),
    ],
)
def test_which_local_models_call_no_tools(model: str, lacks: bool) -> None:
    assert ("tools" in found(f"ollama/{model}", {}).provider.lacks) is lacks


@pytest.mark.parametrize("base", ["http://h:1/v1", "http://h:1/v1/", "http://h:1/behind/v1"])
def test_an_ollama_server_whose_address_ends_in_v1_is_spoken_to_in_openais_format(base: str) -> None:
    for location in (found("ollama/x", {}, api_base=base), found("ollama_chat/x", {"OLLAMA_API_BASE": base})):
        assert (location.provider.name, location.provider.wire) == ("ollama", "openai_chat")
        assert location.path == base.rstrip("/").removeprefix("http://h:1") + "/chat/completions"


@pytest.mark.parametrize(
    "base", [None, "https://api.cohere.com", "https://api.cohere.com/v2", "https://api.cohere.com/v2/chat"]
)
def test_cohere_is_called_at_its_second_version_however_its_address_is_written(base: str | None) -> None:
    for model in ("cohere/command-r", "cohere_chat/command-r", "command-a-03-2025", "command-a-of-tomorrow"):
        location = found(model, {"COHERE_API_KEY": "k"}, **({"api_base": base} if base else {}))
        assert (location.provider.name, location.host, location.path) == ("cohere", "api.cohere.com", "/v2/chat")
        assert shown(location) == {"authorization": "Bearer k"}


def test_a_local_server_gets_the_key_that_there_is() -> None:
    assert shown(found("ollama/x", {"OLLAMA_API_KEY": "k"})) == {"authorization": "Bearer k"}


def test_the_part_after_the_provider_may_hold_slashes() -> None:
    assert found("openrouter/anthropic/claude-sonnet-4.5", api_key="k").model == "anthropic/claude-sonnet-4.5"


def test_a_provider_named_beside_the_model_is_not_repeated() -> None:
    for model in ("llama-3", "groq/llama-3"):
        location = resolve(model, custom_llm_provider="groq", given=Given(api_key="k"), environ={}, rows=ROWS)
        assert (location.provider.name, location.model) == ("groq", "llama-3")


def test_an_api_base_on_a_providers_host_says_who() -> None:
    location = found("llama-9", api_base="https://api.groq.com/openai/v1", api_key="k")
    assert location.provider.name == "groq"


@pytest.mark.parametrize(
    ("model", "near"),
    [("gtp-4.1", "'gpt-4.1'"), ("oppenai/gpt-4", "'openai'"), ("meta-llama/Llama-3", "openai/meta-llama/Llama-3")],
)
def test_an_unknown_name_is_an_error_with_near_names(model: str, near: str) -> None:
    with pytest.raises(NotFoundError) as caught:
        found(model)
    assert near in caught.value.message
    assert caught.value.code == "model_not_found"


@pytest.mark.parametrize("model", ["github_copilot/gpt-4", "github_copilot/x", "github_copilot-gpt-4"])
def test_nobody_is_proposed_who_cannot_be_asked_though_there_are_prices_of_his(model: str) -> None:
    assert any(name.startswith("github_copilot/") for name in catalog().names())
    with pytest.raises(NotFoundError) as caught:
        found(model)
    assert "'github_copilot/" not in caught.value.message.replace(repr(model), "")


@pytest.mark.parametrize(
    ("model", "told"),
    [
        ("openai/", "names the provider 'openai' alone: the model is missing. Write `openai/<model>`"),
        ("openai", "names the provider 'openai' alone: the model is missing. Write `openai/<model>`"),
        ("demo", "names the provider 'demo' alone: the model is missing. Any name works: `demo/hello`"),
        ("demo/", "names the provider 'demo' alone: the model is missing. Any name works: `demo/hello`"),
        ("together/", "Write `together/<model>`; `tollbridge models together_ai`"),
        ("openai//", "the model is missing. Write `openai/<model>`"),
        ("openai/ ", "No model is named|the model is missing"),
        ("bedrock/us-east-1/", "ends where the model's name should be: .* Write `bedrock/us-east-1/<model>`"),
        ("openai/responses/", "Write `openai/responses/<model>`"),
        ("nobody/", "ends where its name should be. Write `provider/model`"),
        ("/gpt-4o", "names no provider before its slash. Write `provider/gpt-4o`, or 'gpt-4o' alone"),
        ("/", "ends where its name should be"),
        (" ", "No model is named"),
        ("", "No model is named"),
    ],
)
def test_what_is_missing_of_a_name_is_said(model: str, told: str) -> None:
    with pytest.raises(NotFoundError, match=told) as caught:
        found(model)
    assert (caught.value.code, caught.value.param) == ("model_not_found", "model")


def test_a_provider_beside_a_name_that_ends_too_early_does_not_help() -> None:
    for model in ("groq/", "groq/x/", "/"):
        with pytest.raises(NotFoundError, match=r"ends where|the model is missing"):
            resolve(model, custom_llm_provider="groq", given=Given(api_key="k"), environ={}, rows=ROWS)


def test_a_missing_key_names_the_variables_to_set() -> None:
    with pytest.raises(AuthenticationError) as caught:
        found("groq/x", {})
    assert "GROQ_API_KEY" in caught.value.message
    assert caught.value.fault == "operator"
    assert (caught.value.provider, caught.value.model) == ("groq", "x")


def test_a_missing_address_names_the_variable_to_set() -> None:
    with pytest.raises(BadRequestError, match="HOSTED_VLLM_API_BASE"):
        found("hosted_vllm/x", {})


@pytest.mark.parametrize("nothing", [None, "", "  "])
def test_an_explicit_none_or_empty_key_means_not_given(nothing: str | None) -> None:
    assert shown(found("gpt-4o", api_key=nothing, api_base=None))["authorization"] == "Bearer sk-openai"


def test_what_is_given_comes_before_the_environment() -> None:
    environ = {**KEYS, "OPENAI_BASE_URL": "http://env/v1", "OPENAI_API_BASE": "http://older/v1"}
    assert found("gpt-4o", environ).host == "env"
    location = found("gpt-4o", environ, api_key=Secret("mine"), api_base="http://given:81/v1")
    assert (location.host, location.port) == ("given", 81)
    assert shown(location)["authorization"] == "Bearer mine"


@pytest.mark.parametrize("name", ["OPENAI_BASE_URL", "OPENAI_API_BASE"])
def test_both_names_of_openais_address_are_read(name: str) -> None:
    location = found("gpt-4o", {**KEYS, name: "http://127.0.0.1:9/v1"})
    assert (location.host, location.port, location.path) == ("127.0.0.1", 9, "/v1/chat/completions")


def test_anthropics_address_is_without_its_path() -> None:
    for base in ("http://h", "http://h/", "http://h/v1", "http://h/v1/messages"):
        location = found("claude-3", {**KEYS, "ANTHROPIC_BASE_URL": base})
        assert location.path == "/v1/messages"
        assert location.count_tokens_path == "/v1/messages/count_tokens"


def test_anthropic_gets_its_version_and_its_kind_of_key() -> None:
    assert shown(found("claude-3")) == {"anthropic-version": "2023-06-01", "x-api-key": "sk-ant-x"}
    assert shown(found("claude-3", api_key="sk-ant-oat01-x"))["authorization"] == "Bearer sk-ant-oat01-x"
    assert shown(found("claude-3", {"ANTHROPIC_AUTH_TOKEN": "t"}))["authorization"] == "Bearer t"


def test_a_server_of_ones_own_may_do_without_the_vendors_key() -> None:
    assert found("openai/any", {}, api_base="http://127.0.0.1:1/v1").headers == ()


def test_the_environments_key_goes_with_the_operators_address() -> None:
    assert shown(found("gpt-4o", api_base="https://gateway.example/v1"))["authorization"] == "Bearer sk-openai"


def test_one_providers_key_is_never_sent_to_another() -> None:
    location = found("groq/x", {**KEYS, "GROQ_API_KEY": "gk"})
    assert shown(location) == {"authorization": "Bearer gk"}


def test_a_bare_host_of_a_vllm_server_answers_under_v1() -> None:
    for base in ("http://h:8000", "http://h:8000/", "http://h:8000/v1"):
        assert found("hosted_vllm/m", {}, api_base=base).path == "/v1/chat/completions"
    assert found("vllm/m", {}, api_base="http://h/llm").path == "/llm/chat/completions"


@pytest.mark.parametrize("provider", ["mistral", "codestral"])
def test_a_bare_host_of_mistrals_answers_under_v1_too(provider: str) -> None:
    for base in ("http://h:8000", "http://h:8000/v1"):
        assert found(f"{provider}/m", {}, api_key="k", api_base=base).path == "/v1/chat/completions"


def test_the_organization_becomes_a_header() -> None:
    assert shown(found("gpt-4o", organization="org-1"))["openai-organization"] == "org-1"
    assert shown(found("gpt-4o", {**KEYS, "OPENAI_ORGANIZATION": "org-2"}))["openai-organization"] == "org-2"
    with pytest.raises(BadRequestError, match="openai-organization"):
        found("gpt-4o", organization="a\r\nx: y")


def test_openrouter_is_told_an_application_only_where_the_operator_says_so() -> None:
    assert set(shown(found("openrouter/x", {"OR_API_KEY": "k"}))) == {"authorization"}
    environ = {"OR_API_KEY": "k", "OR_SITE_URL": "https://me.example", "OR_APP_NAME": "Me"}
    assert shown(found("openrouter/x", environ))["http-referer"] == "https://me.example"


def test_holes_in_an_address_are_filled_or_named() -> None:
    environ = {"CLOUDFLARE_API_KEY": "k", "CLOUDFLARE_ACCOUNT_ID": "abc"}
    assert found("cloudflare/@cf/m", environ).path == "/client/v4/accounts/abc/ai/v1/chat/completions"
    with pytest.raises(BadRequestError, match="CLOUDFLARE_ACCOUNT_ID"):
        found("cloudflare/m", {"CLOUDFLARE_API_KEY": "k"})
    with pytest.raises(BadRequestError, match="account_id"):
        found("cloudflare/m", environ, extra={"account_id": "../../x"})
    databricks = {"DATABRICKS_TOKEN": "k", "DATABRICKS_HOST": "https://w.databricks.com/"}
    assert found("databricks/m", databricks).path == "/serving-endpoints/chat/completions"


def test_a_short_name_is_qualified_where_the_provider_wants_it() -> None:
    assert found("fireworks_ai/llama", api_key="k").model == "accounts/fireworks/models/llama"
    assert found("fireworks_ai/accounts/me/models/x", api_key="k").model == "accounts/me/models/x"


def test_snowflake_is_told_the_kind_of_token() -> None:
    header = "x-snowflake-authorization-token-type"
    for key, kind in (("jwt", "KEYPAIR_JWT"), ("pat/jwt", "PROGRAMMATIC_ACCESS_TOKEN")):
        headers = shown(found("snowflake/m", api_key=key, extra={"account_id": "a"}))
        assert headers == {"authorization": "Bearer jwt", header: kind}


@pytest.mark.parametrize("key", ["a b", "a\nb", "a\x00b", "schlüssel"])
def test_a_key_that_no_header_can_carry_is_refused_without_showing_it(key: str) -> None:
    with pytest.raises(AuthenticationError) as caught:
        found("gpt-4o", api_key=key)
    assert key not in str(caught.value)


def test_a_line_break_around_a_key_is_no_part_of_it() -> None:
    assert shown(found("gpt-4o", {"OPENAI_API_KEY": " k\n"}))["authorization"] == "Bearer k"


def test_no_key_shows_in_a_location() -> None:
    location = found("gpt-4o", api_key="sk-canary")
    for text in (
        repr(location),
        str(location.headers),
        f"{location.secrets}",
        json.dumps(location.headers, default=str),
    ):
        assert "canary" not in text
    assert b"canary" not in pickle.dumps(location.secrets)
    assert [secret.reveal() for secret in location.secrets] == ["sk-canary"]


def test_an_account_is_a_hash_of_provider_host_and_key() -> None:
    accounts = {
        found("gpt-4o").account,
        found("gpt-4o", api_key="other").account,
        found("gpt-4o", api_base="http://h/v1").account,
        found("claude-3").account,
    }
    assert len(accounts) == 4
    assert found("gpt-4o").account == found("o3").account
    assert all("sk" not in account and len(account) == 16 for account in accounts)


def test_available_are_the_providers_that_the_environment_is_enough_for() -> None:
    environ = {
        "OPENAI_API_KEY": "a",
        "GROQ_API_KEY": "  ",
        "AZURE_API_KEY": "k",
        "CLOUDFLARE_API_KEY": "k",
        "OLLAMA_API_BASE": "http://h",
        "SNOWFLAKE_JWT": "k",
        "SNOWFLAKE_ACCOUNT_ID": "a",
    }
    assert {row.name for row in available(environ, ROWS)} == {"openai", "ollama", "snowflake"}
    assert "azure" in {row.name for row in available({**environ, "AZURE_API_BASE": "https://x"}, ROWS)}
    assert available({}, ROWS) == []


KEY_PAIR = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"}
REGION = {"AWS_REGION": "eu-west-1"}
ENTRA = {"AZURE_TENANT_ID": "t", "AZURE_CLIENT_ID": "c"}
AZURE = {"AZURE_API_BASE": "https://a.openai.azure.com"}
SERVICE = {"GOOGLE_APPLICATION_CREDENTIALS": "/run/key.json"}
WATSONX = {"WATSONX_API_KEY": "k"}


@pytest.mark.parametrize(
    ("name", "environ", "lacks"),
    [
        ("bedrock", {**KEY_PAIR, **REGION}, ""),
        ("bedrock", {"AWS_ACCESS_KEY_ID": "a", **REGION}, "AWS_SECRET_ACCESS_KEY, too"),
        ("bedrock", {"AWS_SECRET_ACCESS_KEY": "b", **REGION}, "AWS_ACCESS_KEY_ID, too"),
        ("bedrock", {"AWS_ACCESS_KEY_ID": "a", "AWS_PROFILE": "p", **REGION}, "two keys belong together"),
        ("bedrock", {"AWS_WEB_IDENTITY_TOKEN_FILE": "/run/token", **REGION}, "AWS_ROLE_ARN, too"),
        ("bedrock", {"AWS_WEB_IDENTITY_TOKEN_FILE": "/run/token", "AWS_ROLE_ARN": "r", **REGION}, ""),
        ("bedrock", KEY_PAIR, "AWS_REGION"),
        ("bedrock", {"AWS_BEARER_TOKEN_BEDROCK": "k", **REGION}, ""),
        ("bedrock", REGION, "AWS_PROFILE"),
        ("sagemaker_chat", {"AWS_ACCESS_KEY_ID": "a", **REGION}, "AWS_SECRET_ACCESS_KEY, too"),
        ("sagemaker_chat", {**KEY_PAIR, **REGION}, ""),
        ("vertex_ai", {"VERTEXAI_API_KEY": "k"}, ""),
        ("vertex_ai", SERVICE, "vertex_project"),
        ("vertex_ai", {**SERVICE, "VERTEXAI_PROJECT": "p"}, ""),
        ("vertex_ai", {"VERTEXAI_PROJECT": "p"}, "GOOGLE_APPLICATION_CREDENTIALS"),
        ("azure", {**ENTRA, "AZURE_CLIENT_SECRET": "s", **AZURE}, ""),
        ("azure", {**ENTRA, **AZURE}, "needs a key"),
        ("azure", {**ENTRA, "AZURE_CLIENT_SECRET": "s"}, "needs an address"),
        ("databricks", {"DATABRICKS_HOST": "h", "DATABRICKS_CLIENT_ID": "c", "DATABRICKS_CLIENT_SECRET": "s"}, ""),
        ("databricks", {"DATABRICKS_HOST": "h", "DATABRICKS_CLIENT_ID": "c"}, "needs a key"),
        ("watsonx", {**WATSONX, "WATSONX_REGION": "us-south"}, ""),
        ("watsonx", {"WATSONX_URL": "https://w.example"}, "WATSONX_API_KEY"),
        ("groq", {"GROQ_API_BASE": "http://h"}, "GROQ_API_KEY"),
        ("hosted_vllm", {}, "HOSTED_VLLM_API_BASE"),
        ("demo", {}, ""),
    ],
)
def test_what_an_environment_lacks_for_a_provider_is_said(name: str, environ: dict[str, str], lacks: str) -> None:
    said = lacking(ROWS[name], environ)
    assert (said == "") is (lacks == ""), said
    assert lacks in said
    assert (name in {row.name for row in available(environ, ROWS)}) is (not lacks and name != "demo")


def test_a_row_of_the_operators_is_a_provider_like_any_other() -> None:
    mine = row_from_config(
        {"name": "mine", "wire": "anthropic_messages", "base_url": "http://h:1", "api_key": Secret("k")}
    )
    location = resolve("mine/m", environ={}, rows={**ROWS, "mine": mine})
    assert location.path == "/v1/messages"
    assert shown(location) == {"anthropic-version": "2023-06-01", "x-api-key": "k"}
