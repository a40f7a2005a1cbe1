"""pydantic-ai; the argument is the provider whose format it speaks (openai, anthropic)."""

from __future__ import annotations

import asyncio
from typing import Any

from anthropic import AsyncAnthropic
from cases import KEY, PROVIDER, QUESTION, URL, Answer, each
from openai import AsyncOpenAI
from pydantic_ai import Agent, Tool
from pydantic_ai.exceptions import UsageLimitExceeded
from pydantic_ai.models import Model
from pydantic_ai.models.anthropic import AnthropicModel
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.anthropic import AnthropicProvider
from pydantic_ai.providers.openai import OpenAIProvider
from pydantic_ai.usage import UsageLimits


def model(name: str) -> Model:
    if PROVIDER == "anthropic":
        client = AsyncAnthropic(base_url=URL, api_key=KEY, max_retries=0)
        return AnthropicModel(name, provider=AnthropicProvider(anthropic_client=client))
    chat = AsyncOpenAI(base_url=f"{URL}/v1", api_key=KEY, max_retries=0)
    return OpenAIChatModel(name, provider=OpenAIProvider(openai_client=chat))


async def ask(case: dict[str, Any]) -> Answer:
    tool = case["tool"]
    calls: list[tuple[str, Any]] = []

    async def called(**arguments: Any) -> str:
        calls.append((tool["name"], arguments))
        return str(tool["result"])

    tools = [Tool.from_schema(called, tool["name"], tool["description"], tool["schema"])] if tool else []
    agent = Agent(model(case["model"]), tools=tools)
    limits = UsageLimits(request_limit=2 if case["loop"] else 1)
    text = ""
    try:
        if case["stream"]:
            async with agent.run_stream(QUESTION, usage_limits=limits) as run:
                text = await run.get_output()
        else:
            text = (await agent.run(QUESTION, usage_limits=limits)).output
    except UsageLimitExceeded:
        if case["loop"] or not tool:
            raise  # else: the call came, and that was all we asked
    return text, calls


def answer(case: dict[str, Any]) -> Answer:
    return asyncio.run(ask(case))


each(answer)
