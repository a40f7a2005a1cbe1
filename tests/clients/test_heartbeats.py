"""A stream that a heartbeat began before the provider spoke: the SDKs skip the signs of life, and read an error that
comes after them as an error."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anthropic
import openai
import pytest
from google import genai
from google.genai import errors, types
from google.genai.client import AsyncClient

from tests.clients.asked import CHAT_MESSAGES, MESSAGES
from tests.clients.running import Upstream
from tests.server.served import KEY, Served, served

CONFIGURATION = """
model_list:
  - model_name: slow-chat
    litellm_params: {{model: "openai/mock,delay_ms=150", api_base: {url}, api_key: k}}
  - model_name: slow-messages
    litellm_params: {{model: "anthropic/mock,delay_ms=150", api_base: {url}, api_key: k}}
  - model_name: failing-chat
    litellm_params: {{model: "openai/mock,delay_ms=150,status=500", api_base: {url}, api_key: k, max_retries: 0}}
  - model_name: failing-messages
    litellm_params: {{model: "anthropic/mock,delay_ms=150,status=500", api_base: {url}, api_key: k, max_retries: 0}}
"""
CHAT_ASKED: dict[str, Any] = {"messages": CHAT_MESSAGES, "stream": True}
CLAUDE_ASKED: dict[str, Any] = {"messages": MESSAGES, "max_tokens": 100}
BOTH = pytest.mark.parametrize("format", ["chat", "messages"])


@pytest.fixture
async def impatient(mock_server: Upstream, tmp_path: Path) -> AsyncIterator[Served]:
    text = CONFIGURATION.format(url=mock_server.url)
    async with served(text, tmp_path, rules={"heartbeat_s": 0.02}) as gateway:
        answer = await gateway.post("/v1/chat/completions", {"model": "slow-chat", **CHAT_ASKED})
        assert answer.body.startswith(b":"), "no heartbeat came: these tests would show nothing"
        yield gateway


@asynccontextmanager
async def google(gateway: Served) -> AsyncIterator[AsyncClient]:
    client = genai.Client(api_key=KEY, http_options=types.HttpOptions(base_url=gateway.url)).aio
    try:
        yield client
    finally:
        await client.aclose()


@BOTH
async def test_the_openai_sdk_reads_a_stream_that_a_heartbeat_began(impatient: Served, format: str) -> None:
    async with openai.AsyncOpenAI(base_url=f"{impatient.url}/v1", api_key=KEY) as client:
        stream = await client.chat.completions.create(model=f"slow-{format}", **CHAT_ASKED)
        chunks = [chunk async for chunk in stream]
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
    assert chunks[-1].choices[0].finish_reason == "stop"


@BOTH
async def test_the_anthropic_sdk_reads_a_stream_that_a_heartbeat_began(impatient: Served, format: str) -> None:
    async with anthropic.AsyncAnthropic(base_url=impatient.url, api_key=KEY) as client:
        async with client.messages.stream(model=f"slow-{format}", **CLAUDE_ASKED) as stream:
            message = await stream.get_final_message()
    assert message.content[0].type == "text"
    assert message.stop_reason == "end_turn"


@BOTH
async def test_the_openai_sdk_raises_an_error_that_follows_a_heartbeat(impatient: Served, format: str) -> None:
    async with openai.AsyncOpenAI(base_url=f"{impatient.url}/v1", api_key=KEY, max_retries=0) as client:
        with pytest.raises(openai.APIError, match="told to answer 500"):
            async for _ in await client.chat.completions.create(model=f"failing-{format}", **CHAT_ASKED):
                pass


@BOTH
async def test_the_anthropic_sdk_raises_an_error_that_follows_a_heartbeat(impatient: Served, format: str) -> None:
    async with anthropic.AsyncAnthropic(base_url=impatient.url, api_key=KEY, max_retries=0) as client:
        with pytest.raises(anthropic.APIError, match="told to answer 500"):
            async with client.messages.stream(model=f"failing-{format}", **CLAUDE_ASKED) as stream:
                await stream.get_final_message()


@pytest.mark.filterwarnings("ignore:Inheritance class:DeprecationWarning")  # of aiohttp, to the SDK
@BOTH
async def test_the_google_sdk_reads_a_stream_that_a_heartbeat_began(impatient: Served, format: str) -> None:
    async with google(impatient) as client:
        stream = await client.models.generate_content_stream(model=f"slow-{format}", contents="Hi")
        chunks = [chunk async for chunk in stream]
    assert "".join(chunk.text or "" for chunk in chunks)
    assert chunks[-1].candidates is not None
    assert chunks[-1].candidates[0].finish_reason == types.FinishReason.STOP


@pytest.mark.filterwarnings("ignore:Inheritance class:DeprecationWarning")
@BOTH
async def test_the_google_sdk_raises_an_error_that_follows_a_heartbeat(impatient: Served, format: str) -> None:
    async with google(impatient) as client:
        with pytest.raises(errors.ServerError, match="told to answer 500"):
            async for _ in await client.models.generate_content_stream(model=f"failing-{format}", contents="Hi"):
                pass


async def test_an_array_that_a_heartbeat_began_is_json_to_its_end(impatient: Served) -> None:
    asked = {"contents": [{"role": "user", "parts": [{"text": "Hi"}]}]}
    for model, last in (("slow-chat", "candidates"), ("failing-chat", "error")):
        answer = await impatient.post(f"/v1beta/models/{model}:streamGenerateContent", asked)
        assert answer.headers["content-type"] == "application/json"
        assert answer.body.startswith(b"\n")
        assert last in answer.json()[-1]
