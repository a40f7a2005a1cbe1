"""The doors besides the two formats themselves: models, token counts, path styles, credentials, headers. What went
upstream is read from a mock that tells it word for word."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import anthropic
import httpx2
import openai
import pytest
from pydantic import BaseModel, ConfigDict

from tests.clients import said, telling
from tests.clients.asked import CHAT_MESSAGES, MESSAGES
from tests.clients.running import KEY, MOCKED, PROVIDER_KEY, Upstream, messages_entries

CHAT_ASKED: dict[str, Any] = {"messages": CHAT_MESSAGES}
CLAUDE_ASKED: dict[str, Any] = {"messages": MESSAGES, "max_tokens": 100}


@pytest.fixture(scope="module")
def chat(gateway: str) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{gateway}/v1", api_key=KEY, max_retries=0) as client:
        yield client


@pytest.fixture(scope="module")
def claude(gateway: str) -> Iterator[anthropic.Anthropic]:
    with anthropic.Anthropic(base_url=gateway, api_key=KEY, max_retries=0) as client:
        yield client


@pytest.fixture(scope="module")
def plain(gateway: str) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=gateway, headers={"authorization": f"Bearer {KEY}"}) as client:
        yield client


def received(mock: Upstream) -> tuple[dict[str, str], dict[str, Any]]:
    """The headers (names in lower case) and the body of the one request."""
    capture = mock.last()
    return {name.lower(): value for name, value in capture["headers"]}, json.loads(capture["body"])


# Models and counts


def test_the_openai_sdk_lists_and_shows_the_models(chat: openai.OpenAI) -> None:
    names = [model.id for model in chat.models.list()]
    assert set(MOCKED) <= set(names)
    assert len(names) == len(set(names))
    for name in ("mock-chat", "vendor/with/slashes"):
        model = chat.models.retrieve(name)
        assert (model.id, model.object) == (name, "model")


def test_the_anthropic_sdk_lists_and_shows_the_models(claude: anthropic.Anthropic) -> None:
    names = [model.id for model in claude.models.list()]
    assert set(MOCKED) <= set(names)
    model = claude.models.retrieve("mock-messages")
    assert (model.id, model.type) == ("mock-messages", "model")
    assert model.created_at.year >= 2026


@pytest.mark.parametrize(
    "id",
    [e["id"] for e in messages_entries() if e["endpoint"] == "messages.count_tokens" and e["status"] == 200],
)
def test_tokens_are_counted_by_anthropic_where_it_answers(
    claude: anthropic.Anthropic, replay: Upstream, id: str
) -> None:
    counted = claude.messages.count_tokens(model=id, messages=MESSAGES)
    assert counted.input_tokens == said.recording(id)["response_body"]["input_tokens"]
    capture = replay.last()
    assert capture["path"] == "/v1/messages/count_tokens"
    assert capture["body"]["messages"] == MESSAGES
    assert "max_tokens" not in capture["body"]


def test_tokens_are_counted_here_where_the_provider_cannot(claude: anthropic.Anthropic, mock: Upstream) -> None:
    short = claude.messages.count_tokens(model="mock-chat", messages=MESSAGES).input_tokens
    longer = claude.messages.count_tokens(model="mock-chat", messages=[*MESSAGES, *MESSAGES]).input_tokens
    assert 3 < short < longer < 100
    assert mock.captures() == []


# Credentials and headers


@pytest.mark.parametrize(
    ("model", "credential"),
    [("mock-chat", {"authorization": f"Bearer {PROVIDER_KEY}"}), ("mock-messages", {"x-api-key": PROVIDER_KEY})],
)
def test_the_providers_key_goes_upstream_and_nothing_else_of_the_client(
    gateway: str, mock: Upstream, model: str, credential: dict[str, str]
) -> None:
    sent = {
        "cookie": "session=1",
        "x-forwarded-for": "10.1.2.3",
        "openai-organization": "org-of-the-client",
        "x-private": "1",
        "forwarded": "for=10.1.2.3",
        "referer": "http://internal.example/",
    }
    with openai.OpenAI(base_url=f"{gateway}/v1", api_key=KEY, default_headers=sent) as client:
        client.chat.completions.create(model=model, **CHAT_ASKED)
    headers, _ = received(mock)
    assert credential.items() <= headers.items()
    assert KEY not in str(headers)
    allowed = {"host", "content-type", "content-length", "accept-encoding", "anthropic-version", *credential}
    assert headers.keys() <= allowed


@pytest.mark.parametrize("name", ["authorization", "x-api-key", "api-key", "x-goog-api-key", "x-litellm-api-key"])
@pytest.mark.parametrize("scheme", ["", "Bearer "])
def test_the_gateways_key_is_taken_from_each_header(gateway: str, name: str, scheme: str) -> None:
    answer = httpx2.post(
        f"{gateway}/v1/messages", json={"model": "mock-chat", **CLAUDE_ASKED}, headers={name: scheme + KEY}
    )
    assert answer.status_code == 200


def test_beside_x_litellm_api_key_the_authorization_is_somebody_elses(gateway: str, mock: Upstream) -> None:
    headers = {"x-litellm-api-key": f"Bearer {KEY}"}
    with openai.OpenAI(base_url=f"{gateway}/v1", api_key="somebody-elses", default_headers=headers) as client:
        client.chat.completions.create(model="mock-chat", **CHAT_ASKED)
    found, _ = received(mock)
    assert found["authorization"] == f"Bearer {PROVIDER_KEY}"
    assert "somebody-elses" not in str(found)


def test_two_different_keys_are_refused(gateway: str) -> None:
    with anthropic.Anthropic(base_url=gateway, api_key=KEY, default_headers={"x-api-key": "another"}) as client:
        with pytest.raises(anthropic.BadRequestError, match="two different keys"):
            client.messages.create(model="mock-chat", **CLAUDE_ASKED)


def test_anthropics_version_and_betas_go_to_anthropic_as_the_sdk_sent_them(
    claude: anthropic.Anthropic, mock: Upstream
) -> None:
    betas = "interleaved-thinking-2025-05-14,made-up-2026-11-21"
    claude.messages.create(model="mock-messages", extra_headers={"anthropic-beta": betas}, **CLAUDE_ASKED)
    headers, _ = received(mock)
    assert headers["anthropic-beta"] == betas
    assert headers["anthropic-version"] == "2026-10-21"


def test_anthropics_headers_go_to_nobody_else(claude: anthropic.Anthropic, mock: Upstream) -> None:
    claude.messages.create(model="mock-chat", extra_headers={"anthropic-beta": "a"}, **CLAUDE_ASKED)
    headers, _ = received(mock)
    assert not {name for name in headers if name.startswith("anthropic")}


def test_the_openai_sdk_sees_the_requests_id_and_who_answered(chat: openai.OpenAI) -> None:
    raw = chat.chat.completions.with_raw_response.create(model="mock-messages", top_logprobs=2, **CHAT_ASKED)
    headers = raw.headers
    assert headers["x-request-id"].startswith("req_")
    assert headers["x-tollbridge-model"] == "mock-messages"
    assert headers["x-tollbridge-provider"] == "anthropic"
    assert headers["x-tollbridge-attempts"] == "1"
    assert "top_logprobs" in headers["x-tollbridge-caveats"]
    assert headers["llm_provider-request-id"]
    assert "server" not in headers
    completion = raw.parse()
    assert completion._request_id == headers["x-request-id"]


def test_the_anthropic_sdk_sees_the_requests_id_and_who_answered(claude: anthropic.Anthropic) -> None:
    raw = claude.messages.with_raw_response.create(model="mock-chat", extra_body={"top_k": 3}, **CLAUDE_ASKED)
    assert raw.headers["request-id"] == raw.headers["x-tollbridge-request-id"]
    assert raw.headers["x-tollbridge-provider"] == "openai"
    assert "top_k" in raw.headers["x-tollbridge-caveats"]
    assert raw.parse()._request_id == raw.headers["request-id"]


# Paths


@pytest.mark.parametrize("prefix", ["", "/v1"])
def test_the_openai_sdk_is_served_with_and_without_v1(gateway: str, prefix: str) -> None:
    with openai.OpenAI(base_url=gateway + prefix, api_key=KEY) as client:
        assert client.chat.completions.create(model="mock-chat", **CHAT_ASKED).choices[0].message.content
        assert client.models.retrieve("mock-chat").id == "mock-chat"


@pytest.mark.parametrize("path", ["/v1/messages", "/messages", "/v1/messages?beta=true", "/messages/count_tokens"])
def test_messages_are_served_with_and_without_v1_and_whatever_the_query(plain: httpx2.Client, path: str) -> None:
    assert plain.post(path, json={"model": "mock-chat", **CLAUDE_ASKED}).status_code == 200


def test_azures_client_is_served_by_the_deployment_in_its_path(gateway: str, mock: Upstream) -> None:
    with openai.AzureOpenAI(azure_endpoint=gateway, api_version="2024-10-21", api_key=KEY) as client:
        answer = client.chat.completions.create(model="mock-chat", **CHAT_ASKED)
        assert answer.choices[0].message.content
        with client.chat.completions.stream(model="mock-messages", **CHAT_ASKED) as stream:
            assert stream.get_final_completion().choices[0].message.content
    assert [json.loads(capture["body"])["model"] for capture in mock.captures()] == ["mock", "mock"]


def test_a_models_name_may_hold_slashes(chat: openai.OpenAI, plain: httpx2.Client) -> None:
    assert chat.chat.completions.create(model="vendor/with/slashes", **CHAT_ASKED).model == "mock"
    for path in ("vendor/with/slashes", "vendor%2Fwith%2Fslashes"):
        answer = plain.post(f"/openai/deployments/{path}/chat/completions?api-version=x", json=CHAT_ASKED)
        assert answer.status_code == 200


def test_a_head_of_the_root_needs_no_key(gateway: str) -> None:
    answer = httpx2.head(gateway)
    assert (answer.status_code, answer.content) == (200, b"")


# Fields


def test_unknown_fields_go_on_and_our_own_stay(chat: openai.OpenAI, mock: Upstream) -> None:
    """`metadata` is the gateway's in this dialect (decision 0004)."""
    extra = {"some_new_field": {"deep": [1, 2.50, None]}, "num_retries": 1, "tags": ["a"]}
    chat.chat.completions.create(model="mock-chat", metadata={"trace": "1"}, extra_body=extra, **CHAT_ASKED)
    _, body = received(mock)
    assert body == {"model": "mock", "messages": CHAT_MESSAGES, "some_new_field": {"deep": [1, 2.5, None]}}


def test_anthropics_metadata_and_unknown_fields_go_on(claude: anthropic.Anthropic, mock: Upstream) -> None:
    extra = {"some_new_field": {"deep": [1, None]}}
    claude.messages.create(model="mock-messages", metadata={"user_id": "u1"}, extra_body=extra, **CLAUDE_ASKED)
    _, body = received(mock)
    assert body == {"model": "mock", **CLAUDE_ASKED, "metadata": {"user_id": "u1"}, **extra}


@pytest.mark.parametrize("field", ["api_base", "base_url", "api_key", "custom_llm_provider", "mock_response"])
def test_a_field_that_could_steer_us_is_refused(chat: openai.OpenAI, mock: Upstream, field: str) -> None:
    with pytest.raises(openai.BadRequestError, match=field):
        chat.chat.completions.create(model="mock-chat", extra_body={field: "http://10.0.0.1"}, **CHAT_ASKED)
    assert mock.captures() == []


def test_anthropics_beta_client_is_served(claude: anthropic.Anthropic, mock: Upstream) -> None:
    """It calls `/v1/messages?beta=true` and says its betas in a header."""
    answer = claude.beta.messages.create(
        model="mock-messages", betas=["context-management-2025-06-27"], thinking={"type": "adaptive"}, **CLAUDE_ASKED
    )
    assert answer.content[0].type == "text"
    headers, body = received(mock)
    assert headers["anthropic-beta"] == "context-management-2025-06-27"
    assert body == {"model": "mock", "thinking": {"type": "adaptive"}, **CLAUDE_ASKED}


def test_a_parsed_answers_schema_reaches_claude(chat: openai.OpenAI, replay: Upstream) -> None:
    """`parse` sends a strict JSON schema; what Claude answered in its format comes back as the caller's own type."""
    id = telling.one("anthropic", "structured_output", stream=False, where=answers_a_json_object)
    recorded = said.of(said.recording(id)).text
    parsed = chat.chat.completions.parse(model=id, response_format=Anything, **CHAT_ASKED).choices[0].message.parsed
    assert parsed is not None
    assert parsed.model_dump() == json.loads(recorded)
    assert replay.last()["body"]["output_config"]["format"]["type"] == "json_schema"


class Anything(BaseModel):
    model_config = ConfigDict(extra="allow")


def answers_a_json_object(entry: dict[str, Any]) -> bool:
    return said.of(said.recording(entry["id"])).text.startswith("{")
