"""What goes wrong reaches the SDKs as their own exceptions: the right class, the provider's words, never a short
answer that looks whole."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.request import Request, urlopen

import anthropic
import openai
import pytest
from langchain_core.messages import HumanMessage

from tests.clients import said, telling
from tests.clients.asked import CHAT_MESSAGES, CHAT_TOOLS, MESSAGES, MESSAGES_TOOLS
from tests.clients.running import CUT, KEY, Upstream, chat_entries, messages_entries
from tests.clients.test_langchain import MODELS, Make

CLASSES = {
    400: "BadRequestError",
    401: "AuthenticationError",
    404: "NotFoundError",
    429: "RateLimitError",
}
CHAT_ASKED: dict[str, Any] = {"messages": CHAT_MESSAGES, "tools": CHAT_TOOLS}
CLAUDE_ASKED: dict[str, Any] = {"messages": MESSAGES, "tools": MESSAGES_TOOLS, "max_tokens": 100}
REFUSALS = [
    entry["id"]
    for entry in (*chat_entries(), *messages_entries())
    if entry["status"] in CLASSES and entry["endpoint"] != "messages.count_tokens"
]
BROKEN = r"ended before|closed|broke|incomplete"
CUTS = [param.values[0] + CUT for param in (*telling.chat(stream=True), *telling.messages(stream=True))]


@pytest.fixture(scope="module")
def chat(gateway: str) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{gateway}/v1", api_key=KEY, max_retries=0) as client:
        yield client


@pytest.fixture(scope="module")
def claude(gateway: str) -> Iterator[anthropic.Anthropic]:
    with anthropic.Anthropic(base_url=gateway, api_key=KEY, max_retries=0) as client:
        yield client


def recorded_message(id: str) -> str:
    body = said.recording(id)["response_body"]
    return str(body["error"]["message"] if "error" in body else body["detail"])


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("id", REFUSALS)
def test_a_providers_refusal_is_the_openai_sdks_own_exception(chat: openai.OpenAI, id: str, streamed: bool) -> None:
    recorded = said.recording(id)
    with pytest.raises(openai.APIStatusError) as raised:
        chat.chat.completions.create(model=id, stream=streamed, **CHAT_ASKED)
    assert type(raised.value).__name__ == CLASSES[recorded["status"]]
    assert recorded_message(id) in raised.value.message
    assert raised.value.request_id
    code = recorded["response_body"].get("error", {}).get("code")
    assert code is None or raised.value.code == str(code)


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("id", REFUSALS)
def test_a_providers_refusal_is_the_anthropic_sdks_own_exception(
    claude: anthropic.Anthropic, id: str, streamed: bool
) -> None:
    recorded = said.recording(id)
    with pytest.raises(anthropic.APIStatusError) as raised:
        claude.messages.create(model=id, stream=streamed, **CLAUDE_ASKED)
    assert type(raised.value).__name__ == CLASSES[recorded["status"]]
    assert recorded_message(id) in raised.value.message
    assert raised.value.request_id
    assert isinstance(raised.value.body, dict)
    assert raised.value.body["type"] == "error"


@pytest.mark.parametrize("id", CUTS)
def test_a_cut_stream_raises_in_the_openai_sdk(chat: openai.OpenAI, id: str) -> None:
    """The first event of some is not whole before the cut: then the request fails, and no stream begins."""
    chunks = []
    with pytest.raises(openai.APIError, match=BROKEN):
        for chunk in chat.chat.completions.create(model=id, stream=True, **CHAT_ASKED):
            chunks.append(chunk)
    assert not any(choice.finish_reason for chunk in chunks for choice in chunk.choices)


@pytest.mark.parametrize("id", CUTS)
def test_a_cut_stream_raises_in_the_anthropic_sdk(claude: anthropic.Anthropic, id: str) -> None:
    kinds = []
    with pytest.raises(anthropic.APIStatusError, match=BROKEN):
        with claude.messages.stream(model=id, **CLAUDE_ASKED) as stream:
            for event in stream:
                kinds.append(event.type)
            stream.get_final_message()
    assert "message_stop" not in kinds


@pytest.mark.parametrize("make", MODELS)
@pytest.mark.parametrize("provider", ["openai", "anthropic"])
def test_a_cut_stream_raises_in_langchain(make: Make, provider: str, gateway: str) -> None:
    id = telling.one(provider, "tool_calls", stream=True) + CUT
    with pytest.raises((openai.APIError, anthropic.APIStatusError)):
        list(make(gateway, id).bind_tools(CHAT_TOOLS).stream([HumanMessage("Hello")]))


def test_a_wrong_key_is_an_authentication_error(gateway: str, replay: Upstream) -> None:
    id = telling.one("openai", "tool_calls", stream=False)
    with openai.OpenAI(base_url=f"{gateway}/v1", api_key="sk-wrong", max_retries=0) as client:
        with pytest.raises(openai.AuthenticationError, match="not known here") as raised:
            client.chat.completions.create(model=id, **CHAT_ASKED)
    assert raised.value.code == "invalid_api_key"
    with anthropic.Anthropic(base_url=gateway, api_key="sk-wrong", max_retries=0) as claude:
        with pytest.raises(anthropic.AuthenticationError, match="not known here"):
            claude.messages.create(model=id, **CLAUDE_ASKED)
    assert replay.captures() == []


def test_an_unknown_model_is_not_found_with_near_names(
    chat: openai.OpenAI, claude: anthropic.Anthropic, replay: Upstream
) -> None:
    with pytest.raises(openai.NotFoundError, match="mock-chat") as raised:
        chat.chat.completions.create(model="mock-chatt", **CHAT_ASKED)
    assert raised.value.code == "model_not_found"
    with pytest.raises(anthropic.NotFoundError, match="mock-messages"):
        claude.messages.create(model="mock-mesages", **CLAUDE_ASKED)
    with pytest.raises(openai.NotFoundError, match="mock-chat"):
        chat.models.retrieve("mock-chatt")
    assert replay.captures() == []


def test_a_wrong_type_is_a_bad_request_that_names_the_place(chat: openai.OpenAI, claude: anthropic.Anthropic) -> None:
    asked: Any = [{"role": "user", "content": [{"type": "text", "text": 3}]}]
    with pytest.raises(openai.BadRequestError, match=r"\$\.messages\[0\]\.content\[0\]\.text"):
        chat.chat.completions.create(model="mock-messages", messages=asked)
    with pytest.raises(anthropic.BadRequestError, match=r"\$\.messages\[0\]\.content\[0\]\.text"):
        claude.messages.create(model="mock-chat", messages=asked, max_tokens=10)


@pytest.mark.parametrize("name", ["mock-chat-429", "mock-messages-429"])
def test_the_time_to_wait_comes_with_a_rate_limit(chat: openai.OpenAI, claude: anthropic.Anthropic, name: str) -> None:
    with pytest.raises(openai.RateLimitError) as raised:
        chat.chat.completions.create(model=name, **CHAT_ASKED)
    assert raised.value.response.headers["retry-after"] == "7"
    with pytest.raises(anthropic.RateLimitError) as limited:
        claude.messages.create(model=name, **CLAUDE_ASKED)
    assert limited.value.response.headers["retry-after"] == "7"


def test_a_budget_that_is_used_up_is_told_at_once(gateway: str) -> None:
    """And not asked for twice more, which is what these SDKs do with a 429."""
    asked = Request(f"{gateway}/key/generate", b'{"max_budget": 0}', {"authorization": f"Bearer {KEY}"})
    with urlopen(asked) as answer:
        key = json.load(answer)["key"]
    with openai.OpenAI(base_url=f"{gateway}/v1", api_key=key) as client:
        with pytest.raises(openai.RateLimitError, match="Budget has been exceeded") as raised:
            client.chat.completions.create(model="mock-chat", **CHAT_ASKED)
    assert raised.value.response.request.headers["x-stainless-retry-count"] == "0"
    with anthropic.Anthropic(base_url=gateway, api_key=key) as claude:
        with pytest.raises(anthropic.RateLimitError, match="Budget has been exceeded") as limited:
            claude.messages.create(model="mock-messages", **CLAUDE_ASKED)
    assert limited.value.response.request.headers["x-stainless-retry-count"] == "0"


def test_an_overloaded_provider_is_a_server_error_in_both_sdks(
    chat: openai.OpenAI, claude: anthropic.Anthropic
) -> None:
    with pytest.raises(openai.InternalServerError):
        chat.chat.completions.create(model="mock-messages-529", **CHAT_ASKED)
    with pytest.raises(anthropic.APIStatusError) as raised:
        claude.messages.create(model="mock-messages-529", **CLAUDE_ASKED)
    assert raised.value.status_code == 529
