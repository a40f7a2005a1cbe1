"""openai-agents; the argument is the format it speaks (chat, responses)."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from agents import (
    Agent,
    FunctionTool,
    MaxTurnsExceeded,
    Model,
    OpenAIChatCompletionsModel,
    OpenAIResponsesModel,
    RunConfig,
    Runner,
    set_tracing_disabled,
)
from cases import KEY, PROVIDER, QUESTION, URL, Answer, each
from openai import AsyncOpenAI

set_tracing_disabled(True)


def model(name: str) -> Model:
    client = AsyncOpenAI(base_url=f"{URL}/v1", api_key=KEY, max_retries=0)
    if PROVIDER == "chat":
        return OpenAIChatCompletionsModel(name, openai_client=client)
    return OpenAIResponsesModel(name, openai_client=client)


async def ask(case: dict[str, Any]) -> Answer:
    tool = case["tool"]
    calls: list[tuple[str, Any]] = []

    async def called(context: Any, arguments: str) -> str:
        calls.append((tool["name"], json.loads(arguments)))
        return str(tool["result"])

    tools: list[Any] = []
    if tool:
        tools = [FunctionTool(tool["name"], tool["description"], tool["schema"], called, strict_json_schema=False)]
    agent = Agent(name="asked", model=model(case["model"]), tools=tools)
    said: Any = {"max_turns": 2 if case["loop"] else 1, "run_config": RunConfig(tracing_disabled=True)}
    text = ""
    try:
        if case["stream"]:
            streamed = Runner.run_streamed(agent, QUESTION, **said)
            async for _ in streamed.stream_events():
                pass
            text = streamed.final_output
        else:
            text = (await Runner.run(agent, QUESTION, **said)).final_output
    except MaxTurnsExceeded:
        if case["loop"] or not tool:
            raise  # else: the call came, and that was all we asked
    return text, calls


def answer(case: dict[str, Any]) -> Answer:
    return asyncio.run(ask(case))


each(answer)
