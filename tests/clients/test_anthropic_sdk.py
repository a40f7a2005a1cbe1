"""The anthropic SDK against Anthropic's own recordings, OpenAI's and its imitators': what its objects hold is what the
recording says, and what went upstream is what was asked."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import anthropic
import pytest
from anthropic.types import Message

from tests.clients import said, telling
from tests.clients.asked import MESSAGES, MESSAGES_TOOLS, SYSTEM, reached
from tests.clients.running import KEY, Upstream
from tests.clients.said import Said

WHOLE = [*telling.messages(stream=False), *telling.chat(stream=False)]
STREAMS = [*telling.messages(stream=True), *telling.chat(stream=True)]
ASKED: dict[str, Any] = {"messages": MESSAGES, "system": SYSTEM, "tools": MESSAGES_TOOLS, "max_tokens": 1000}


@pytest.fixture(scope="module")
def client(gateway: str) -> Iterator[anthropic.Anthropic]:
    with anthropic.Anthropic(base_url=gateway, api_key=KEY, max_retries=0) as client:
        yield client


def held(message: Message) -> Said:
    """What the object's own blocks say."""
    blocks = message.content
    calls = [(block.name, said.parsed(block.input)) for block in blocks if block.type == "tool_use"]
    usage = message.usage
    assert message.type == "message"
    assert message.role == "assistant"
    assert message.stop_reason is not None
    return Said(
        text="".join(block.text for block in blocks if block.type == "text"),
        thinking="".join(block.thinking for block in blocks if block.type == "thinking"),
        calls=calls,
        end=said.END_WORDS[message.stop_reason],
        input=usage.input_tokens + (usage.cache_read_input_tokens or 0) + (usage.cache_creation_input_tokens or 0),
        output=usage.output_tokens,
    )


@pytest.mark.parametrize("id", WHOLE)
def test_an_answer_is_what_was_recorded(client: anthropic.Anthropic, replay: Upstream, id: str) -> None:
    assert held(client.messages.create(model=id, **ASKED)) == said.of(said.recording(id))
    body = reached(replay, id, stream=False)
    assert 1000 in (body.get("max_tokens"), body.get("max_completion_tokens"))


@pytest.mark.parametrize("id", STREAMS)
def test_a_stream_that_the_sdk_puts_together_is_what_was_recorded(
    client: anthropic.Anthropic, replay: Upstream, id: str
) -> None:
    with client.messages.stream(model=id, **ASKED) as stream:
        text = "".join(stream.text_stream)
        message = stream.get_final_message()
    assert held(message) == said.of(said.recording(id))
    assert text == held(message).text
    body = reached(replay, id, stream=True)
    if id.startswith(("openai", "azure", "deepseek", "openrouter")):
        assert body["stream_options"] == {"include_usage": True}


@pytest.mark.parametrize("id", STREAMS)
def test_the_events_of_a_stream_say_what_was_recorded(client: anthropic.Anthropic, id: str) -> None:
    events = list(client.messages.create(model=id, stream=True, **ASKED))
    assert (events[0].type, events[-1].type) == ("message_start", "message_stop")
    assert said.of_messages_events([event.to_dict() for event in events]) == said.of(said.recording(id))


async def test_the_asynchronous_client_gets_the_same(gateway: str) -> None:
    """Several at once over one pool, whole and streamed, from both providers."""
    async with anthropic.AsyncAnthropic(base_url=gateway, api_key=KEY, max_retries=0) as client:

        async def whole(id: str) -> None:
            assert held(await client.messages.create(model=id, **ASKED)) == said.of(said.recording(id))

        async def streamed(id: str) -> None:
            async with client.messages.stream(model=id, **ASKED) as stream:
                assert held(await stream.get_final_message()) == said.of(said.recording(id))

        answers = [whole(param.values[0]) for param in WHOLE]
        await asyncio.gather(*answers, *(streamed(param.values[0]) for param in STREAMS))


def test_foreign_thinking_is_signed_by_a_seal(client: anthropic.Anthropic) -> None:
    """Anthropic's SDK replays thinking blocks; what Anthropic did not sign must never reach it as its own."""
    id = telling.one("deepseek", "thinking", stream=True)
    with client.messages.stream(model=id, **ASKED) as stream:
        (block,) = [block for block in stream.get_final_message().content if block.type == "thinking"]
    assert block.signature.startswith("tb1.")
