"""What vendors have beside conversations, by their own clients through `tollbridge serve` in a process of its own:
files and batches, a realtime session, responses over a WebSocket, and what is passed through."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import anthropic
import openai

from tests.clients.running import KEY, serving
from tests.files.vendors import (
    MODEL,
    AnthropicVendor,
    OpenAIVendor,
    anthropic_entry,
    jsonl,
    message,
    openai_entry,
    request,
)
from tests.live.test_realtime import Model
from tests.server.open_responses import chat_entry, chats
from tests.vendor import answered_with


async def test_a_serving_process_has_it_all(tmp_path: Path) -> None:
    model = Model()
    beside = {
        ("GET", "/v1/realtime"): model,
        ("POST", "/v1/chat/completions"): chats,
        ("GET", "/v1/fine_tuning/jobs"): answered_with({"object": "list", "data": [], "has_more": False}),
    }
    async with OpenAIVendor(beside) as one, AnthropicVendor() as other:
        entries = [openai_entry(one), chat_entry(one.port, "talks"), anthropic_entry(other)]
        process = serving(json.dumps({"model_list": entries}), tmp_path)
        url = await asyncio.to_thread(process.__enter__)
        try:
            await of_openai(url, one, model)
            await of_anthropic(url, other)
        finally:
            await asyncio.to_thread(process.__exit__, None, None, None)
    assert model.closed == [1000]


async def of_openai(url: str, vendor: OpenAIVendor, model: Model) -> None:
    async with openai.AsyncOpenAI(base_url=f"{url}/v1", api_key=KEY) as client:
        file = await client.files.create(file=("in.jsonl", jsonl(request("mine"))), purpose="batch")
        batch = await client.batches.create(
            input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h"
        )
        assert batch.input_file_id == file.id
        assert (await client.files.content(file.id)).content.count(MODEL.encode()) == 1
        async with client.realtime.connect(model="mine") as session:
            assert (await session.recv()).type == "session.created"
            await session.response.create()
            assert [(await session.recv()).type for _ in range(2)] == ["response.created", "response.done"]
        async with client.responses.connect() as connection:
            previous = None
            for shown in ("shown 1", "shown 3"):
                await connection.response.create(model="talks", input="hi", store=False, previous_response_id=previous)
                event: Any = await connection.recv()
                while event.type != "response.completed":
                    event = await connection.recv()
                previous = event.response.id
                assert event.response.output_text == shown
    async with openai.AsyncOpenAI(base_url=f"{url}/openai/v1", api_key=KEY) as client:
        assert (await client.fine_tuning.jobs.list()).data == []
    while not model.closed:
        await asyncio.sleep(0.01)
    assert KEY not in str([asked.headers for asked in vendor.asked])


async def of_anthropic(url: str, vendor: AnthropicVendor) -> None:
    params: Any = {"model": "claude", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]}
    async with anthropic.AsyncAnthropic(base_url=url, api_key=KEY) as client:
        batch = await client.messages.batches.create(requests=[{"custom_id": "r0", "params": params}])
        vendor.finish(next(iter(vendor.batches)), [message(1)])
        told = [entry.result.type async for entry in await client.messages.batches.results(batch.id)]
    assert told == ["succeeded", "errored"]
    assert KEY not in str([asked.headers for asked in vendor.asked])
