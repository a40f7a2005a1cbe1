"""LangChain's two chat models against both providers' recordings: text, tool calls, usage, tools sent."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from langchain_anthropic import ChatAnthropic
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, HumanMessage, SystemMessage
from langchain_openai import ChatOpenAI
from pydantic import SecretStr

from tests.clients import said, telling
from tests.clients.asked import CHAT_TOOLS, QUESTION, SYSTEM, reached
from tests.clients.running import KEY, Upstream

Make = Callable[[str, str], BaseChatModel]


def chat_openai(gateway: str, id: str) -> BaseChatModel:
    return ChatOpenAI(base_url=f"{gateway}/v1", api_key=SecretStr(KEY), model=id, max_retries=0, stream_usage=True)


def chat_anthropic(gateway: str, id: str) -> BaseChatModel:
    return ChatAnthropic(base_url=gateway, api_key=SecretStr(KEY), model_name=id, max_retries=0, timeout=30, stop=None)


MODELS = [pytest.param(chat_openai, id="langchain-openai"), pytest.param(chat_anthropic, id="langchain-anthropic")]
ASKED = [SystemMessage(SYSTEM), HumanMessage(QUESTION)]
RECORDED = (
    ("openai", "tool_calls"),
    ("openai", "parallel_tools"),
    ("groq", "tool_calls"),
    ("mistral", "tool_calls"),
    ("deepseek", "thinking"),
    ("deepseek", "tool_calls"),
    ("openrouter", "tool_calls"),
    ("azure", "tool_calls"),
    ("anthropic", "tool_calls"),
    ("anthropic", "parallel_tools"),
    ("anthropic", "thinking"),
    ("anthropic", "caching"),
)


def says_what_was_recorded(message: AIMessage, id: str) -> None:
    recorded = said.of(said.recording(id))
    assert message.text == recorded.text
    assert [(call["name"], call["args"]) for call in message.tool_calls] == recorded.calls
    assert all(call["id"] for call in message.tool_calls)
    assert not message.invalid_tool_calls
    usage = message.usage_metadata
    assert usage is not None
    assert (usage["input_tokens"], usage["output_tokens"]) == (recorded.input, recorded.output)
    metadata = message.response_metadata
    word = metadata.get("finish_reason") or metadata["stop_reason"]
    word = word.removesuffix("tool_calls") or word  # OpenRouter sends it twice, and LangChain joins the two
    assert said.END_WORDS[word] == recorded.end or (word, bool(recorded.calls)) == ("stop", True)


def tells_input_at_the_end(entry: dict[str, Any]) -> bool:
    """langchain-anthropic takes the input's tokens from `message_delta`, where older streams do not have them."""
    if entry["provider"] != "anthropic" or not entry["stream_format"]:
        return True
    events = said.events(said.recording(entry["id"])["response_text"])
    return any("input_tokens" in event["usage"] for event in events if event["type"] == "message_delta")


@pytest.mark.parametrize("make", MODELS)
@pytest.mark.parametrize(("provider", "feature"), RECORDED)
def test_an_answer_is_what_was_recorded(
    make: Make, provider: str, feature: str, gateway: str, replay: Upstream
) -> None:
    id = telling.one(provider, feature, stream=False)
    message = make(gateway, id).bind_tools(CHAT_TOOLS).invoke(ASKED)
    says_what_was_recorded(message, id)
    reached(replay, id, stream=False)


@pytest.mark.parametrize("make", MODELS)
@pytest.mark.parametrize(("provider", "feature"), RECORDED)
def test_a_stream_is_what_was_recorded(make: Make, provider: str, feature: str, gateway: str, replay: Upstream) -> None:
    id = telling.one(provider, feature, stream=True, where=tells_input_at_the_end)
    chunks = list(make(gateway, id).bind_tools(CHAT_TOOLS).stream(ASKED))
    whole = chunks[0]
    for chunk in chunks[1:]:
        whole += chunk  # type: ignore[assignment]
    assert isinstance(whole, AIMessageChunk)
    says_what_was_recorded(whole, id)
    reached(replay, id, stream=True)


async def test_the_asynchronous_methods_get_the_same(gateway: str) -> None:
    """In one event loop: LangChain keeps a pool of connections for each address."""
    for make in (chat_openai, chat_anthropic):
        for provider in ("openai", "anthropic"):
            whole, streamed = (telling.one(provider, "tool_calls", stream=stream) for stream in (False, True))
            says_what_was_recorded(await make(gateway, whole).bind_tools(CHAT_TOOLS).ainvoke(ASKED), whole)
            gathered: Any = None
            async for chunk in make(gateway, streamed).bind_tools(CHAT_TOOLS).astream(ASKED):
                gathered = chunk if gathered is None else gathered + chunk
            says_what_was_recorded(gathered, streamed)
