"""`litellm.anthropic.messages`."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

ASK = [{"role": "user", "content": "Hello"}]


def test_a_model_is_asked_in_anthropics_words(litellm: Any) -> None:
    heard: list[str] = []
    litellm.success_callback = [lambda kwargs, response, start, end: heard.append(kwargs["call_type"])]
    said = {"messages": ASK, "model": "demo/one", "max_tokens": 100}
    whole = litellm.anthropic.messages.create(**said)
    assert (whole["type"], whole["role"], whole.stop_reason) == ("message", "assistant", "end_turn")
    assert "Hello" in whole.content[0]["text"]
    assert asyncio.run(litellm.anthropic.messages.acreate(**said)).content == whole.content
    assert litellm.anthropic.create(**said).usage == whole.usage
    assert heard == ["anthropic_messages"] * 3

    async def streamed() -> list[str]:
        return [event.type async for event in await litellm.anthropic.messages.acreate(**said, stream=True)]

    assert asyncio.run(streamed())[-1] == "message_stop"
    with pytest.raises(TypeError, match="max_tokens"):
        litellm.anthropic.messages.create(messages=ASK, model="demo/one")


def test_it_is_a_module(litellm: Any) -> None:
    from litellm.anthropic import messages  # type: ignore[import-not-found]

    assert messages.create is litellm.anthropic.messages.create
