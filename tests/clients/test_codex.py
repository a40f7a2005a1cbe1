"""A coding agent that speaks Responses, as Codex CLI 0.169 does (its fields were observed; the words are ours):
streamed, nothing stored, with functions, a tool of free text, and tools that only OpenAI runs. Before providers that
know nothing of the format."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from tests.clients import said, telling
from tests.clients.running import KEY, Upstream, chat_entries, deployment, messages_entries, serving
from tests.wires.openai_responses import grammar

PATCH = "*** Begin Patch\n*** Add File: a.txt\n+hello\n*** End Patch"
GRAMMAR = {"type": "grammar", "syntax": "lark", "definition": 'start: "*** Begin Patch" /.+/'}
TOOLS: list[Any] = [
    {
        "type": "function",
        "name": "exec_command",
        "description": "Runs a command",
        "strict": False,
        "parameters": {"type": "object", "properties": {"cmd": {"type": "string"}}, "required": ["cmd"]},
    },
    {"type": "custom", "name": "apply_patch", "description": "Edits files", "format": GRAMMAR},
    {"type": "web_search", "external_web_access": False},
    {"type": "local_shell"},
]
REQUEST: dict[str, Any] = {
    "instructions": "You are a coding agent.",
    "input": [
        {"type": "message", "role": "developer", "content": [{"type": "input_text", "text": "Sandboxed."}]},
        {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Make a.txt"}]},
        {"type": "custom_tool_call", "call_id": "call_1", "name": "apply_patch", "input": PATCH, "status": "completed"},
        {"type": "custom_tool_call_output", "call_id": "call_1", "output": "Success."},
        {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "What is the weather?"}]},
    ],
    "tools": TOOLS,
    "tool_choice": "auto",
    "parallel_tool_calls": False,
    "reasoning": {"effort": "medium", "summary": "auto"},
    "store": False,
    "stream": True,
    "include": ["reasoning.encrypted_content"],
    "prompt_cache_key": "0199-session",
    "client_metadata": {"session": "1"},
}
PROVIDERS = [("groq", "tool_calls"), ("mistral", "tool_calls"), ("deepseek", "thinking"), ("anthropic", "thinking")]


@pytest.fixture(scope="module")
def gateway(replay_server: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    entries = (*chat_entries(), *messages_entries())
    models = [{**deployment(entry, replay_server.url), "model_info": {"mode": "chat"}} for entry in entries]
    text = json.dumps({"model_list": models, "router_settings": {"disable_cooldowns": True}})
    with serving(text, tmp_path_factory.mktemp("codex")) as url:
        yield url


@pytest.mark.parametrize(("provider", "feature"), PROVIDERS)
def test_it_works_with_providers_that_know_nothing_of_the_format(
    gateway: str, replay: Upstream, provider: str, feature: str
) -> None:
    id = telling.one(provider, feature, stream=True)
    with httpx2.Client(base_url=gateway, headers={"authorization": f"Bearer {KEY}"}) as client:
        answered = client.post("/v1/responses", json={**REQUEST, "model": id})
    assert answered.status_code == 200, answered.text
    final = grammar.obeys(answered.content)
    assert said.of_response(final) == said.of(said.recording(id))
    assert [tool["type"] for tool in final["tools"]] == ["function", "custom", "web_search", "local_shell"]
    body = replay.last()["body"]
    offered = json.dumps(body["tools"])
    assert ("exec_command" in offered, "apply_patch" in offered) == (True, True)
    assert len(body["tools"]) == 2
    shown = json.dumps(body["messages"])
    assert "Begin Patch" in shown
    assert "Success." in shown
    assert "coding agent" in json.dumps(body)
    caveats = answered.headers["x-tollbridge-caveats"]
    assert caveats.replace("$.tools[1]", "").count("$.tools") == 2
    assert "dropped_field $.tools[1]" in caveats  # `defer_loading`
    assert not {"store", "include", "client_metadata", "prompt_cache_key"} & body.keys()
