"""What the clients ask, in each dialect, and what must have gone upstream."""

from __future__ import annotations

import json
from typing import Any

from tests.clients.running import KEY, PROVIDER_KEY, Upstream
from tests.shared import index

QUESTION = "What is the weather in Oslo?"
SYSTEM = "Answer briefly."
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"city": {"type": "string", "description": "A city's name"}, "days": {"type": "integer"}},
    "required": ["city"],
}
CHAT_MESSAGES: list[Any] = [{"role": "system", "content": SYSTEM}, {"role": "user", "content": QUESTION}]
CHAT_TOOLS: list[Any] = [
    {"type": "function", "function": {"name": "get_weather", "description": "The weather", "parameters": SCHEMA}}
]
MESSAGES: list[Any] = [{"role": "user", "content": QUESTION}]
MESSAGES_TOOLS: list[Any] = [{"name": "get_weather", "description": "The weather", "input_schema": SCHEMA}]


CREDENTIALS = {"anthropic": "x-api-key", "azure": "api-key", "gemini": "x-goog-api-key"}


def reached(replay: Upstream, id: str, *, stream: bool) -> dict[str, Any]:
    """The body of the one request that went upstream, after a look at where it went and as whom: the provider's
    credential, never ours, no cookie, the provider's name of the model, and our question with its tool."""
    capture = replay.last()
    assert capture["id"] == id
    assert capture["method"] == "POST"
    headers = capture["headers"]
    entry = next(entry for entry in index() if entry["id"] == id)
    provider = entry["provider"]
    credential = CREDENTIALS.get(provider, "authorization")
    assert [name for name in ("authorization", *set(CREDENTIALS.values())) if name in headers] == [credential]
    assert not {"cookie", "x-litellm-api-key", "x-stainless-lang", "user-agent"} & headers.keys()
    shown = json.dumps(capture)
    assert KEY not in shown
    assert PROVIDER_KEY not in shown  # the replay masks credentials: it stands nowhere else
    body: dict[str, Any] = capture["body"]
    if provider in ("gemini", "vertex"):
        _asks_gemini(body)
        assert "model" not in body
        method = "streamGenerateContent" if stream else "generateContent"
        vertex = "/v1/projects/acme/locations/europe-west4/publishers/google/models/"
        assert capture["path"].endswith(f"{'/models/' if provider == 'gemini' else vertex}{entry['model']}:{method}")
        assert capture["query"] == ("alt=sse" if stream else "")
        return body
    assert body["model"] == entry["model"]
    assert body.get("stream", False) is stream
    if provider == "anthropic":
        _asks_messages(body)
        assert capture["path"] == "/v1/messages"
        assert "anthropic-version" in headers
    else:
        _asks_chat(body)
        assert capture["path"].endswith("/chat/completions")
    return body


def _asks_gemini(body: dict[str, Any]) -> None:
    assert QUESTION in json.dumps(body["contents"])
    assert [turn["role"] for turn in body["contents"]] == ["user"]
    assert SYSTEM in json.dumps(body["systemInstruction"])
    function = body["tools"][0]["functionDeclarations"][0]
    assert (function["name"], function["description"]) == ("get_weather", "The weather")
    schema = function.get("parametersJsonSchema") or function["parameters_json_schema"]  # as Google's own SDK says it
    assert schema["properties"]["city"]["type"].lower() == "string"


def _asks_messages(body: dict[str, Any]) -> None:
    assert body["max_tokens"] > 0
    assert QUESTION in json.dumps(body["messages"])
    assert [turn["role"] for turn in body["messages"]] == ["user"]
    assert SYSTEM in json.dumps(body["system"])
    tool = body["tools"][0]
    assert (tool["name"], tool["description"]) == ("get_weather", "The weather")
    assert tool["input_schema"]["properties"]["city"]["type"] == "string"


def _asks_chat(body: dict[str, Any]) -> None:
    assert [turn["role"] for turn in body["messages"]] in (["system", "user"], ["developer", "user"])
    assert SYSTEM in json.dumps(body["messages"][0])
    assert QUESTION in json.dumps(body["messages"][1])
    tool = body["tools"][0]
    assert tool["type"] == "function"
    assert tool["function"]["name"] == "get_weather"
    assert tool["function"]["parameters"]["properties"]["city"]["type"] == "string"
