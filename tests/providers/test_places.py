"""Providers whose URLs are made by a file of their own: watsonx, Hugging Face, Replicate; and Databricks' formats."""

from __future__ import annotations

from typing import Any

import pytest

from tollbridge.calls.build import Wanted, build
from tollbridge.errors import BadRequestError
from tollbridge.providers.oauth import Exchange
from tollbridge.providers.resolve import Given, Location, resolve
from tollbridge.providers.table import ROWS
from tollbridge.providers.watsonx import watsonx_body
from tollbridge.secret import Secret


def found(model: str, base: str | None = None, environ: dict[str, str] | None = None, **extra: Any) -> Location:
    version = extra.pop("api_version", None)
    given = Given(api_key="k", api_base=base, api_version=version, extra=extra)
    return resolve(model, given=given, environ=environ or {}, rows=ROWS)


WATSONX = {"watsonx_region_name": "us-south", "project_id": "p"}


def test_a_watsonx_model_is_named_in_the_body_with_who_pays() -> None:
    location = found("watsonx/ibm/granite-3-8b-instruct", **WATSONX)
    assert location.host == "us-south.ml.cloud.ibm.com"
    assert location.path == "/ml/v1/text/chat?version=2024-03-13"
    assert location.stream_path == "/ml/v1/text/chat_stream?version=2024-03-13"
    assert location.body == {"model_id": "ibm/granite-3-8b-instruct", "project_id": "p"}
    assert isinstance(location.cloud, Exchange)
    assert location.cloud.url == "https://iam.cloud.ibm.com/identity/token"
    assert location.headers == ()
    assert location.secrets == (Secret("k"),)


def test_a_watsonx_deployment_is_named_in_the_path_and_needs_no_project() -> None:
    location = found("watsonx/deployment/ab-1/2", watsonx_region_name="eu-de", api_version="2025-02-06")
    assert location.path == "/ml/v1/deployments/ab-1%2F2/text/chat?version=2025-02-06"
    assert location.stream_path == "/ml/v1/deployments/ab-1%2F2/text/chat_stream?version=2025-02-06"
    assert location.body == {}


@pytest.mark.parametrize("base", ["https://w.example", "https://w.example/", "https://w.example/ml/v1/text/chat"])
def test_a_watsonx_of_ones_own_may_be_named_by_any_part_of_its_url(base: str) -> None:
    assert found("watsonx/m", base, project_id="p").path == "/ml/v1/text/chat?version=2024-03-13"


def test_who_pays_is_a_project_or_a_space_and_what_is_given_goes_first() -> None:
    environ = {"WATSONX_PROJECT_ID": "from-outside", "WATSONX_REGION": "us-south"}
    assert found("watsonx/m", environ=environ).body["project_id"] == "from-outside"
    assert found("watsonx/m", environ=environ, space_id="s").body == {"model_id": "m", "space_id": "s"}
    with pytest.raises(BadRequestError, match="WATSONX_PROJECT_ID") as raised:
        found("watsonx/m", watsonx_region_name="us-south")
    assert raised.value.fault == "operator"


def test_a_watsonx_token_from_elsewhere_goes_as_it_is() -> None:
    environ = {"WATSONX_TOKEN": "t", "WATSONX_URL": "https://w.example", "WATSONX_PROJECT_ID": "p"}
    location = resolve("watsonx/m", environ=environ, rows=ROWS)
    assert location.cloud is None
    assert [(name, str(value)) for name, value in location.headers] == [("authorization", "***")]


@pytest.mark.parametrize("choice", ["auto", "none", "required"])
def test_a_choice_among_tools_that_is_a_word_has_a_field_of_its_own(choice: str) -> None:
    assert watsonx_body({"model": "m", "stream": True, "tool_choice": choice}) == {"tool_choice_option": choice}


def test_a_choice_of_one_tool_stays() -> None:
    one = {"tool_choice": {"type": "function", "function": {"name": "f"}}}
    assert watsonx_body(one) == one


@pytest.mark.parametrize(
    ("model", "sent"),
    [
        ("deepseek-ai/DeepSeek-R1", "deepseek-ai/DeepSeek-R1"),
        ("together/deepseek-ai/DeepSeek-R1", "deepseek-ai/DeepSeek-R1:together"),
        ("deepseek-ai/DeepSeek-R1:fastest", "deepseek-ai/DeepSeek-R1:fastest"),
        ("gpt2", "gpt2"),
    ],
)
def test_hugging_faces_router_is_told_the_host_in_the_models_name(model: str, sent: str) -> None:
    location = found(f"huggingface/{model}")
    assert (location.host, location.path) == ("router.huggingface.co", "/v1/chat/completions")
    assert location.model == sent


def test_an_endpoint_of_ones_own_at_hugging_face_is_asked_for_the_model_as_it_is_written() -> None:
    location = found("huggingface/a/b/c", "https://x.endpoints.huggingface.cloud")
    assert (location.path, location.model) == ("/v1/chat/completions", "a/b/c")
    assert found("huggingface/m", "https://router.huggingface.co/together/v1").path == "/together/v1/chat/completions"


VERSION = "a" * 64


@pytest.mark.parametrize(
    ("model", "path", "body"),
    [
        ("meta/llama-3-70b", "/v1/models/meta/llama-3-70b/predictions", {}),
        (f"meta/llama:{VERSION}", "/v1/predictions", {"version": VERSION}),
        (VERSION, "/v1/predictions", {"version": VERSION}),
        ("deployments/acme/own", "/v1/deployments/acme/own/predictions", {}),
    ],
)
def test_replicate_is_asked_at_the_model_the_version_or_the_deployment(
    model: str, path: str, body: dict[str, str]
) -> None:
    location = found(f"replicate/{model}")
    assert (location.host, location.path, location.stream_path) == ("api.replicate.com", path, "")
    assert location.body == body
    assert found(f"replicate/{model}", "http://127.0.0.1:1").path == path


@pytest.mark.parametrize("model", ["llama", "a/b/c/d", "a/b:short", "deployments/own"])
def test_what_is_no_name_of_a_model_at_replicate_is_refused(model: str) -> None:
    with pytest.raises(BadRequestError, match="owner/name"):
        found(f"replicate/{model}")


def test_databricks_speaks_the_format_of_the_models_maker_beside_chat() -> None:
    def also(model: str) -> dict[str, str]:
        given = Given(api_key="k", api_base="https://w.example/serving-endpoints")
        deployment = build(Wanted(id="d", group="m", model=model, given=given), {}, ROWS)
        shown = {dict(one.headers)["authorization"] for one in (deployment, *deployment.also.values())}
        assert shown == {"Bearer k"}
        return {wire: one.path for wire, one in deployment.also.items() if wire != "openai_embeddings"}

    assert also("databricks/databricks-claude-sonnet-4-5") == {
        "anthropic_messages": "/serving-endpoints/anthropic/v1/messages"
    }
    assert also("databricks/databricks-gpt-5-2") == {"openai_responses": "/serving-endpoints/responses"}
    assert also("databricks/databricks-meta-llama-3-3-70b-instruct") == {}


def test_snowflakes_claude_speaks_anthropics_format_beside_chat_with_the_same_kind_of_token() -> None:
    given = Given(api_key="pat/t", extra={"account_id": "acme"})
    deployment = build(Wanted(id="d", group="m", model="snowflake/claude-sonnet-4-6", given=given), {}, ROWS)
    messages = deployment.also["anthropic_messages"]
    assert messages.path == "/api/v2/cortex/v1/messages"
    assert dict(messages.headers)["x-snowflake-authorization-token-type"] == "PROGRAMMATIC_ACCESS_TOKEN"
    assert dict(messages.headers)["anthropic-version"] == "2023-06-01"


def test_what_databricks_chat_does_not_take_its_other_formats_may() -> None:
    row = found("databricks/databricks-claude-sonnet-4", "https://w.example").provider
    assert "metadata" in row.drops
    assert row.speaking("anthropic_messages").drops == frozenset()
    assert row.speaking("openai_responses").drops == row.drops
