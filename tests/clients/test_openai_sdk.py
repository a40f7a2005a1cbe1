"""The openai SDK against OpenAI's own recordings, its imitators' and Anthropic's: what its objects hold is what the
recording says, and what went upstream is what was asked."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import openai
import pytest
from openai.types.chat import ChatCompletion

from tests.clients import said, telling
from tests.clients.asked import CHAT_MESSAGES, CHAT_TOOLS, reached
from tests.clients.running import KEY, Upstream
from tests.clients.said import Said

WHOLE = [*telling.chat(stream=False), *telling.messages(stream=False)]
STREAMS = [*telling.chat(stream=True), *telling.messages(stream=True)]
# The SDK's own `stream()` raises where an answer was cut at its length, and knows no content but text.
ASSEMBLED = [param for param in STREAMS if not str(param.id).endswith("-truncated") and param.id != "mistral-thinking"]
ASKED: dict[str, Any] = {"messages": CHAT_MESSAGES, "tools": CHAT_TOOLS}


@pytest.fixture(scope="module")
def client(gateway: str) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{gateway}/v1", api_key=KEY, max_retries=0) as client:
        yield client


def held(completion: ChatCompletion) -> Said:
    """What the object's own attributes say; thinking stands in fields that the SDK keeps without knowing them."""
    choice = completion.choices[0]
    message = choice.message
    by_fields = said.of_chat(completion.model_dump(warnings=False))
    called = [call.function for call in message.tool_calls or () if call.type != "custom"]  # Mistral tells no type
    calls = [(function.name, said.parsed(function.arguments)) for function in called]
    end = "tool_calls" if calls else "refusal" if message.refusal else choice.finish_reason
    assert completion.usage is not None
    assert completion.usage.prompt_tokens > 0
    return Said(
        text=(message.content or "") + (message.refusal or "") if isinstance(message.content, str) else by_fields.text,
        thinking=by_fields.thinking,
        calls=calls,
        end=said.END_WORDS[end],
        input=by_fields.input,
        output=completion.usage.completion_tokens,
    )


@pytest.mark.parametrize("id", WHOLE)
def test_an_answer_is_what_was_recorded(client: openai.OpenAI, replay: Upstream, id: str) -> None:
    completion = client.chat.completions.create(model=id, **ASKED)
    assert held(completion) == said.of(said.recording(id))
    assert completion.object == "chat.completion"
    reached(replay, id, stream=False)


@pytest.mark.parametrize("id", STREAMS)
def test_the_chunks_of_a_stream_say_what_was_recorded(client: openai.OpenAI, replay: Upstream, id: str) -> None:
    stream = client.chat.completions.create(model=id, stream=True, stream_options={"include_usage": True}, **ASKED)
    assert said.of_chat_chunks([chunk.model_dump(warnings=False) for chunk in stream]) == said.of(said.recording(id))
    reached(replay, id, stream=True)


@pytest.mark.parametrize("id", ASSEMBLED)
def test_a_stream_that_the_sdk_puts_together_is_what_was_recorded(client: openai.OpenAI, id: str) -> None:
    with client.chat.completions.stream(model=id, stream_options={"include_usage": True}, **ASKED) as stream:
        completion = stream.get_final_completion()
    assert held(completion) == said.of(said.recording(id))


async def test_the_asynchronous_client_gets_the_same(gateway: str) -> None:
    """Several at once over one pool, whole and streamed, from both providers."""
    async with openai.AsyncOpenAI(base_url=f"{gateway}/v1", api_key=KEY, max_retries=0) as client:

        async def whole(id: str) -> None:
            assert held(await client.chat.completions.create(model=id, **ASKED)) == said.of(said.recording(id))

        async def streamed(id: str) -> None:
            options: Any = {"include_usage": True}
            stream = await client.chat.completions.create(model=id, stream=True, stream_options=options, **ASKED)
            chunks = [chunk.model_dump(warnings=False) async for chunk in stream]
            assert said.of_chat_chunks(chunks) == said.of(said.recording(id))

        answers = [whole(param.values[0]) for param in WHOLE]
        await asyncio.gather(*answers, *(streamed(param.values[0]) for param in STREAMS))


@pytest.mark.parametrize("id", STREAMS)
def test_no_chunk_is_empty_for_a_client_that_did_not_ask_for_usage(
    client: openai.OpenAI, replay: Upstream, id: str
) -> None:
    """Usage that a provider puts into a chunk with a choice stays; a chunk for usage alone was asked for by us."""
    chunks = list(client.chat.completions.create(model=id, stream=True, **ASKED))
    assert all(chunk.choices or not chunk.usage for chunk in chunks)
    wanted = said.of(said.recording(id))
    found = said.of_chat_chunks([chunk.model_dump(warnings=False) for chunk in chunks])
    assert (found.text, found.calls, found.end) == (wanted.text, wanted.calls, wanted.end)
    body = reached(replay, id, stream=True)
    if id.startswith(("openai", "azure", "deepseek", "openrouter")):
        assert body["stream_options"] == {"include_usage": True}


def test_thinking_has_its_signature_in_blocks(client: openai.OpenAI) -> None:
    id = telling.one("anthropic", "thinking", "tool_calls", stream=True)
    with client.chat.completions.stream(model=id, **ASKED) as stream:
        message = stream.get_final_completion().choices[0].message
    blocks = message.model_dump(warnings=False)["thinking_blocks"]
    deltas = [event.get("delta") or {} for event in said.events(said.recording(id)["response_text"])]
    assert "".join(block["thinking"] for block in blocks) == said.of(said.recording(id)).thinking
    assert [block["signature"] for block in blocks] == [delta["signature"] for delta in deltas if "signature" in delta]
