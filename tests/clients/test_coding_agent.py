"""A coding agent that speaks Messages, as Claude Code does: `HEAD /`, then long streamed requests to
`/v1/messages?beta=true` with every field it uses (the names are those of ../shared/clients-observed.jsonl, the values
our own), in front of Anthropic and of everybody else."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from tests.clients import said, telling
from tests.clients.running import KEY, Upstream
from tests.clients.said import Said

BETAS = (
    "claude-code-20250219,interleaved-thinking-2025-05-14,thinking-token-count-2026-05-13,"
    "context-management-2025-06-27,prompt-caching-scope-2026-01-05"
)
HEADERS = {
    "accept": "application/json",
    "authorization": f"Bearer {KEY}",
    "user-agent": "claude-cli/2.1.197 (external, sdk-cli)",
    "x-stainless-retry-count": "0",
    "anthropic-beta": BETAS,
    "anthropic-version": "2023-06-01",
    "x-app": "cli",
}
MARK = {"type": "ephemeral"}


def tool(name: str, **properties: Any) -> dict[str, Any]:
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "properties": properties,
        "required": list(properties)[:1],
        "additionalProperties": False,
    }
    return {"name": name, "description": f"Use {name} with care. " * 200, "input_schema": schema}


TOOLS = [
    tool("Read", file_path={"type": "string"}, offset={"type": "number", "minimum": 0}),
    tool("Bash", command={"type": "string"}, timeout={"type": "number", "maximum": 600000}),
    tool("Edit", file_path={"type": "string"}, edits={"type": "array", "items": {"type": "object"}}),
    tool("TodoWrite", todos={"type": "array", "items": {"type": "object", "properties": {"id": {"type": "string"}}}}),
]


def request(model: str) -> dict[str, Any]:
    """About 80 kB, in the middle of a task: two parallel calls answered, one of them with an error."""
    reminder = {"type": "text", "text": "<system-reminder>Remember the style.</system-reminder>"}
    calls = [
        {"type": "tool_use", "id": "toolu_01A", "name": "Read", "input": {"file_path": "/src/a.py"}},
        {"type": "tool_use", "id": "toolu_01B", "name": "Bash", "input": {"command": "make test"}},
    ]
    results = [
        {"type": "tool_result", "tool_use_id": "toolu_01A", "content": "x = 1\n" * 3000},
        {
            "type": "tool_result",
            "tool_use_id": "toolu_01B",
            "content": "exit 2",
            "is_error": True,
            "cache_control": MARK,
        },
    ]
    return {
        "model": model,
        "messages": [
            {"role": "user", "content": [reminder, {"type": "text", "text": "Mend the test.", "cache_control": MARK}]},
            {"role": "assistant", "content": [{"type": "text", "text": "I look first."}, *calls]},
            {"role": "user", "content": [*results, reminder]},
        ],
        "system": [
            {"type": "text", "text": "You are a coding agent.", "cache_control": MARK},
            {"type": "text", "text": "Rules. " * 5000, "cache_control": {**MARK, "scope": "global"}},
        ],
        "tools": TOOLS,
        "metadata": {"user_id": '{"device_id":"d1","session_id":"s1"}'},
        "max_tokens": 32000,
        "thinking": {"type": "adaptive"},
        "context_management": {"edits": [{"type": "clear_thinking_20251015", "keep": "all"}]},
        "output_config": {"effort": "medium"},
        "stream": True,
    }


@pytest.fixture(scope="module")
def agent(gateway: str) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=gateway, headers=HEADERS, timeout=30) as client:
        assert client.head("/", headers={"user-agent": "Bun/1.4.0", "accept": "*/*"}).status_code == 200
        yield client


def asked(agent: httpx2.Client, model: str) -> Said:
    answer = agent.post("/v1/messages?beta=true", json=request(model))
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/event-stream")
    decoded = said.events(answer.text)
    assert (decoded[0]["type"], decoded[-1]["type"]) == ("message_start", "message_stop")
    return said.of_messages_events(decoded)


def test_anthropic_gets_the_request_as_it_was_sent(agent: httpx2.Client, mock: Upstream) -> None:
    assert asked(agent, "mock-messages").text
    capture = mock.last()
    headers = {name.lower(): value for name, value in capture["headers"]}
    assert json.loads(capture["body"]) == request("mock")
    assert capture["path"] == "/v1/messages"
    assert (headers["anthropic-beta"], headers["anthropic-version"]) == (BETAS, "2023-06-01")
    assert "x-app" not in headers


@pytest.mark.parametrize("feature", ["tool_calls", "thinking", "parallel_tools", "server_tools"])
def test_claudes_streams_come_back_whole(agent: httpx2.Client, feature: str) -> None:
    id = telling.one("anthropic", feature, stream=True)
    assert asked(agent, id) == said.of(said.recording(id))


@pytest.mark.parametrize("provider", ["openai", "azure", "groq", "mistral", "deepseek", "openrouter"])
def test_other_vendors_answer_it_too(agent: httpx2.Client, replay: Upstream, provider: str) -> None:
    id = telling.one(provider, "tool_calls", stream=True)
    assert asked(agent, id) == said.of(said.recording(id))
    body = replay.last()["body"]
    system, question, answer, *results = body["messages"]
    assert "You are a coding agent." in json.dumps(system)
    assert "Mend the test." in json.dumps(question)
    assert [call["id"] for call in answer["tool_calls"]] == [turn["tool_call_id"] for turn in results[:2]]
    assert [said.parsed(call["function"]["arguments"]) for call in answer["tool_calls"]] == [
        {"file_path": "/src/a.py"},
        {"command": "make test"},
    ]
    assert "exit 2" in json.dumps(results[1])
    assert results[2]["role"] == "user"
    assert [tool["function"]["name"] for tool in body["tools"]] == ["Read", "Bash", "Edit", "TodoWrite"]
    assert 8192 <= (body.get("max_tokens") or body["max_completion_tokens"]) <= 32000  # no more than the model can
    left = {"context_management", "output_config", "thinking", "system", "metadata"}
    assert not left & body.keys() or provider in ("deepseek", "openrouter")
    assert "cache_control" not in json.dumps(body) or provider == "openrouter"
