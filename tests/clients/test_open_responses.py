"""The seven things that the Open Responses suite (https://www.openresponses.org/compliance, seen 2026-11-26) asks of a
server, asked of `tollbridge serve` before a chat-only provider and before Anthropic."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.clients import said
from tests.clients.asked import SCHEMA
from tests.clients.running import KEY, Upstream, chat_entries, deployment, messages_entries, serving
from tests.wires.openai_responses import grammar

ENTRIES = {"openai": chat_entries(), "anthropic": messages_entries()}
TOOLS = [{"type": "function", "name": "get_weather", "description": "The weather", "parameters": SCHEMA}]
PNG = "data:image/png;base64,iVBORw0KGgo="


def message(role: str, content: Any) -> dict[str, Any]:
    return {"type": "message", "role": role, "content": content}


HELLO = message("user", "Say hello.")
IMAGE = [{"type": "input_text", "text": "What is it?"}, {"type": "input_image", "image_url": PNG}]
SCENARIOS: dict[str, dict[str, Any]] = {
    "basic-response": {"input": [HELLO], "stream": False},
    "streaming-response": {"input": [HELLO], "stream": True},
    "system-prompt": {"input": [message("system", "Speak like a pirate."), HELLO], "stream": False},
    "tool-calling": {"input": [HELLO], "tools": TOOLS, "stream": False},
    "tool-calling-streaming": {"input": [HELLO], "tools": TOOLS, "stream": True},
    "image-input": {"input": [message("user", IMAGE)], "stream": False},
    "multi-turn": {"input": [HELLO, message("assistant", "Hello!"), message("user", "Again.")], "stream": False},
}


def answering(provider: str, *, tools: bool, stream: bool) -> dict[str, Any]:
    """A recording of the provider whose model said its say, or called a tool."""
    for entry in ENTRIES[provider]:
        if (entry["provider"], entry["status"], bool(entry["stream_format"])) != (provider, 200, stream):
            continue
        if said.of(said.recording(entry["id"])).end == ("tool_calls" if tools else "stop"):
            return entry
    raise AssertionError(f"no recording of {provider}")


@pytest.fixture(scope="module")
def gateway(replay_server: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    models = [
        {
            **deployment(answering(provider, tools=tools, stream=stream), replay_server.url),
            "model_name": f"{provider}-{tools}-{stream}",
            "model_info": {"mode": "chat"},
        }
        for provider in ENTRIES
        for tools in (True, False)
        for stream in (True, False)
    ]
    with serving(json.dumps({"model_list": models}), tmp_path_factory.mktemp("open")) as url:
        yield url


@pytest.mark.parametrize("provider", ENTRIES)
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_scenario_of_open_responses(gateway: str, replay: Upstream, scenario: str, provider: str) -> None:
    asked = SCENARIOS[scenario]
    tools, stream = "tools" in asked, asked["stream"]
    body = {"model": f"{provider}-{tools}-{stream}", **asked}
    answered = httpx.post(f"{gateway}/v1/responses", json=body, headers={"authorization": f"Bearer {KEY}"})
    assert answered.status_code == 200, answered.text
    if stream:
        final = grammar.obeys(answered.content)
        kinds = [event["type"] for event in grammar.told(answered.content)]
        call = {"response.function_call_arguments.delta", "response.function_call_arguments.done"}
        assert (call <= set(kinds)) == tools
    else:
        final = answered.json()
        grammar.valid(final)
    assert final["status"] == "completed"
    assert ("function_call" in [item["type"] for item in final["output"]]) == tools
    assert final["output"]
    sent = json.dumps(replay.last()["body"])
    assert ("get_weather" in sent) == tools
    assert ("pirate" in sent) == (scenario == "system-prompt")
    assert ("iVBORw0KGgo=" in sent) == (scenario == "image-input")
