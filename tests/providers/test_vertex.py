"""Where a model is on Vertex, in which format, and as whom."""

from __future__ import annotations

from typing import Any

import pytest

from tests.shared import recordings
from tollbridge.errors import BadRequestError
from tollbridge.providers.google_token import GoogleAccount
from tollbridge.providers.resolve import Given, Location, resolve
from tollbridge.providers.table import ROWS
from tollbridge.secret import Secret

ROOT = "/v1/projects/acme/locations/"


def found(model: str, environ: dict[str, str] | None = None, api_key: str | None = None, **extra: Any) -> Location:
    base = extra.pop("api_base", None)
    extra = {"vertex_project": "acme", "vertex_location": "europe-west4", **extra}
    given = Given(api_key=api_key, api_base=base, extra={name: value for name, value in extra.items() if value})
    return resolve(f"vertex_ai/{model}", given=given, environ=environ or {}, rows=ROWS)


@pytest.mark.parametrize(
    ("model", "wire", "path", "stream"),
    [
        (
            "gemini-2.5-pro", "gemini", "publishers/google/models/gemini-2.5-pro:generateContent",
            "publishers/google/models/gemini-2.5-pro:streamGenerateContent?alt=sse",
        ),
        (
            "claude-sonnet-4-5@20250929", "anthropic_messages",
            "publishers/anthropic/models/claude-sonnet-4-5@20250929:rawPredict",
            "publishers/anthropic/models/claude-sonnet-4-5@20250929:streamRawPredict",
        ),
        (
            "mistral-small-2503", "openai_chat", "publishers/mistralai/models/mistral-small-2503:rawPredict",
            "publishers/mistralai/models/mistral-small-2503:streamRawPredict",
        ),
        (
            "mistralai/mistral-medium-3@001", "openai_chat",
            "publishers/mistralai/models/mistral-medium-3@001:rawPredict",
            "publishers/mistralai/models/mistral-medium-3@001:streamRawPredict",
        ),
        (
            "jamba-1.5-mini@001", "openai_chat", "publishers/ai21/models/jamba-1.5-mini@001:rawPredict",
            "publishers/ai21/models/jamba-1.5-mini@001:streamRawPredict",
        ),
        ("meta/llama-4-maverick", "openai_chat", "endpoints/openapi/chat/completions", ""),
        ("openai/gpt-oss-20b-maas", "openai_chat", "endpoints/openapi/chat/completions", ""),
        ("openai/42", "openai_chat", "endpoints/42/chat/completions", ""),
        (
            "1234567890", "gemini", "endpoints/1234567890:generateContent",
            "endpoints/1234567890:streamGenerateContent?alt=sse",
        ),
    ],
)  # fmt: skip
def test_the_format_and_the_path_follow_the_model(model: str, wire: str, path: str, stream: str) -> None:
    location = found(model)
    assert location.provider.wire == wire
    assert location.model == model
    assert location.path == f"{ROOT}europe-west4/{path}"
    assert location.stream_path == (f"{ROOT}europe-west4/{stream}" if stream else "")
    counted = location.path.replace(":generateContent", ":countTokens") if wire == "gemini" else None
    assert location.count_tokens_path == counted


def test_claude_is_told_its_version_in_the_body_and_not_its_model() -> None:
    (patch,) = found("claude-sonnet-4-5").provider.patches
    body = {"model": "claude-sonnet-4-5", "max_tokens": 9, "messages": []}
    assert patch(body) == {"anthropic_version": "vertex-2023-10-16", "max_tokens": 9, "messages": []}
    assert found("gemini-2.5-pro").provider.patches == ()


@pytest.mark.parametrize(
    ("location", "host"),
    [
        ("us-central1", "us-central1-aiplatform.googleapis.com"),
        ("global", "aiplatform.googleapis.com"),
        ("eu", "aiplatform.eu.rep.googleapis.com"),
        (None, "us-central1-aiplatform.googleapis.com"),
    ],
)
def test_the_host_follows_the_location(location: str | None, host: str) -> None:
    where = found("gemini-2.5-pro", vertex_location=location)
    assert (where.scheme, where.host, where.port) == ("https", host, 443)
    assert f"/locations/{location or 'us-central1'}/" in where.path


def test_project_and_location_may_stand_in_the_environment_or_in_the_credentials() -> None:
    environ = {"VERTEXAI_PROJECT": "env", "VERTEXAI_LOCATION": "us-east5"}
    where = found("gemini-x", environ, vertex_project=None, vertex_location=None)
    assert where.path.startswith("/v1/projects/env/locations/us-east5/")
    account = {"type": "service_account", "project_id": "theirs", "client_email": "a@b"}
    where = found("gemini-x", vertex_project=None, vertex_credentials=account)
    assert where.path.startswith("/v1/projects/theirs/")
    assert where.cloud is not None
    assert where.cloud.credentials is not None
    assert '"theirs"' in where.cloud.credentials.reveal()


def test_without_a_project_it_is_said_how_to_name_one() -> None:
    with pytest.raises(BadRequestError, match=r"vertex_project.*VERTEXAI_PROJECT") as raised:
        found("gemini-x", vertex_project=None)
    assert raised.value.fault == "operator"


@pytest.mark.parametrize("odd", ["a/../b", "a b", "x?y", "a%2fb"])
def test_a_name_that_no_url_has_is_refused(odd: str) -> None:
    for name in ("vertex_project", "vertex_location"):
        with pytest.raises(BadRequestError, match=name):
            found("gemini-x", **{name: odd})


def test_a_models_name_stays_one_step_of_the_path() -> None:
    assert found("gemini-x/../../y").path.endswith("/models/gemini-x%2F..%2F..%2Fy:generateContent")


def test_without_a_key_a_token_is_fetched_and_with_one_none_is() -> None:
    assert found("gemini-x").cloud == GoogleAccount(None)
    assert found("gemini-x", {"GOOGLE_APPLICATION_CREDENTIALS": "/run/key.json"}).cloud == GoogleAccount(
        Secret("/run/key.json")
    )
    token = found("gemini-x", api_key="ya29.token")
    assert token.cloud is None
    assert [(name, value) for name, value in token.headers] == [("authorization", Secret("Bearer ya29.token"))]
    assert "ya29.token" not in repr(token)


def test_a_key_without_a_project_is_express_mode() -> None:
    where = found("gemini-x", api_key="AQ.key", vertex_project=None, vertex_location=None)
    assert (where.host, where.path) == (
        "aiplatform.googleapis.com",
        "/v1/publishers/google/models/gemini-x:generateContent",
    )
    assert where.headers == (("x-goog-api-key", Secret("AQ.key")),)


def test_an_address_of_ones_own_comes_before_the_path() -> None:
    where = found("gemini-x", api_base="http://127.0.0.1:9/proxy")
    assert (where.host, where.port) == ("127.0.0.1", 9)
    assert where.path.startswith("/proxy/v1/projects/acme/")


def test_accounts_of_two_projects_differ() -> None:
    assert found("gemini-x").account != found("gemini-x", vertex_project="other").account


def test_each_recorded_exchange_is_sent_where_it_was_sent() -> None:
    seen = 0
    for recorded in recordings(endpoints=("generateContent", "streamGenerateContent")):
        streamed = recorded["endpoint"].startswith("stream")
        url, _, query = recorded["url"].partition("?")
        model = url.rpartition("/models/")[2].partition(":")[0]
        if recorded["provider"] == "vertex":
            rest = url.partition("/locations/")[2]
            if rest.startswith("<"):
                continue  # the recorder took its name out
            where = found(model, vertex_project="PROJECT_ID", vertex_location=rest.partition("/")[0])
            url = url.replace("/v1beta1/", "/v1/")
        else:
            where = resolve(f"gemini/{model}", given=Given(api_key="k"), environ={}, rows=ROWS)
        path, _, asked = (where.stream_path if streamed else where.path).partition("?")
        assert f"{where.scheme}://{where.host}{path}" == url, recorded["id"]
        assert asked == ("alt=sse" if streamed else "")
        assert not streamed or query in ("alt=sse", "")
        seen += 1
    assert seen > 250


def test_mistrals_models_are_named_in_the_body_without_maker_and_version_and_keep_their_makers_rules() -> None:
    row = found("mistralai/mistral-large@2411-001").provider
    body = {"model": "mistralai/mistral-large@2411-001", "messages": [{"role": "developer", "content": "x"}]}
    for patch in row.patches:
        body = patch(body)
    assert body == {"model": "mistral-large", "messages": [{"role": "system", "content": "x"}]}
    assert row.renames["seed"] == "random_seed"
    assert "stream_options" in row.drops
    assert found("jamba-1.5-mini@001").provider.patches == ()
