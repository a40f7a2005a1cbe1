"""Every recorded answer of Cohere's and of Ollama's own chat, asked for through a gateway in each dialect: it must say
what the recording says, read here in the plainest way. Streams come cut in awkward places."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.clients import said
from tests.clients.running import Upstream
from tests.clients.said import Said, parsed
from tests.clients.test_every_recording import AT_ONCE, READERS, TOOL, ask, differences
from tests.server.served import Answered, Served, served
from tests.shared import index

DIALECTS = ("chat", "messages", "gemini", "responses")
ENDPOINTS = {("cohere", "v2.chat"), ("ollama", "api.chat")}
RESPONSES_ASK = {
    "input": "What is the weather in Oslo?",
    "tools": [{"type": "function", "name": "get_weather", "parameters": TOOL, "strict": False}],
}
END = {"COMPLETE": "stop", "STOP_SEQUENCE": "stop", "MAX_TOKENS": "length", "TOOL_CALL": "tool_calls"}


def exchanges() -> Iterator[dict[str, Any]]:
    for entry in index():
        if (entry["provider"], entry["endpoint"]) in ENDPOINTS and entry["status"] == 200:
            yield entry


def configuration(replay: str) -> str:
    models = [
        {
            "model_name": entry["id"],
            "litellm_params": {
                "model": f"{entry['provider']}/{entry['model']}",
                "api_base": f"{replay}/r/{entry['id']}",
                "api_key": "k-1",
                "max_retries": 0,
            },
            "model_info": {"supports_function_calling": True},
        }
        for entry in exchanges()
    ]
    return json.dumps({"model_list": models, "router_settings": {"disable_cooldowns": True}})


# What a recording says


def of(recorded: dict[str, Any]) -> Said:
    body, text = recorded.get("response_body"), recorded.get("response_text", "")
    if recorded["provider"] == "ollama":
        return of_lines([body] if body else [json.loads(line) for line in text.splitlines() if line])
    return of_cohere(body or whole(said.events(text)))


def of_lines(lines: list[dict[str, Any]]) -> Said:
    messages = [line["message"] for line in lines]
    calls = [call["function"] for message in messages for call in message.get("tool_calls") or ()]
    return Said(
        text="".join(message["content"] for message in messages),
        thinking="".join(message.get("thinking", "") for message in messages),
        calls=[(call["name"], call["arguments"]) for call in calls],
        end="tool_calls" if calls else lines[-1]["done_reason"],
        input=lines[-1]["prompt_eval_count"],
        output=lines[-1]["eval_count"],
    )


def of_cohere(body: dict[str, Any]) -> Said:
    message, tokens = body["message"], body["usage"]["tokens"]
    content = message.get("content") or ()
    calls = [call["function"] for call in message.get("tool_calls") or ()]
    thoughts = "".join(block.get("thinking", "") for block in content)
    return Said(
        text="".join(block.get("text", "") for block in content),
        thinking=thoughts + (message.get("tool_plan") or ""),
        calls=[(call["name"], parsed(call["arguments"])) for call in calls],
        end=END[body["finish_reason"]],
        input=tokens["input_tokens"],
        output=tokens["output_tokens"],
    )


def whole(events: list[dict[str, Any]]) -> dict[str, Any]:
    """A stream of Cohere's as the answer that it would have been."""
    blocks: dict[int, dict[str, str]] = {}
    calls: dict[int, dict[str, str]] = {}
    plan, end = "", dict[str, Any]()
    for event in events:
        message = event.get("delta", {}).get("message", {})
        match event["type"]:
            case "content-start" | "content-delta":
                block = blocks.setdefault(event["index"], {})
                for kind in ("text", "thinking"):
                    block[kind] = block.get(kind, "") + message["content"].get(kind, "")
            case "tool-plan-delta":
                plan += message["tool_plan"]
            case "tool-call-start" | "tool-call-delta":
                function = message["tool_calls"]["function"]
                call = calls.setdefault(event["index"], {"name": "", "arguments": ""})
                for key in call:
                    call[key] += function.get(key, "")
            case "message-end":
                end = event["delta"]
    told = {"content": list(blocks.values()), "tool_plan": plan}
    return {**end, "message": {**told, "tool_calls": [{"function": call} for call in calls.values()]}}


# What a client is told


async def asked(gateway: Served, entry: dict[str, Any], dialect: str) -> Said:
    streamed = bool(entry["stream_format"])
    if dialect != "responses":
        answer = await ask(gateway, entry, dialect)
        assert answer.status == 200, f"{answer.status}: {answer.body[:300]!r}"
        return READERS[dialect, streamed](answer)
    answer = await gateway.post("/v1/responses", {**RESPONSES_ASK, "model": entry["id"], "stream": streamed})
    assert answer.status == 200, f"{answer.status}: {answer.body[:300]!r}"
    return said.of_response(_last(answer) if streamed else answer.json())


def _last(answer: Answered) -> dict[str, Any]:
    events = [json.loads(data) for _, data in answer.events() if data != "[DONE]"]
    found: dict[str, Any] = events[-1]["response"]
    return found


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_every_recorded_answer_says_the_same_in_this_dialect(
    dialect: str, replay_server: Upstream, tmp_path: Path
) -> None:
    counts: Counter[str] = Counter()
    wrong: list[str] = []
    gate = asyncio.Semaphore(AT_ONCE)
    async with served(configuration(replay_server.url), tmp_path, environ={}) as gateway:

        async def one(entry: dict[str, Any]) -> None:
            async with gate:
                try:
                    told = differences(of(said.recording(entry["id"])), await asked(gateway, entry, dialect))
                except (AssertionError, KeyError, ValueError) as error:
                    told = [repr(error)]
            counts[entry["provider"] + (", streamed" if entry["stream_format"] else "")] += 1
            wrong.extend(f"{entry['id']} {line}" for line in told)

        await asyncio.gather(*map(one, exchanges()))
    print(f"\n{dialect}: {dict(counts)}")
    assert not wrong, "\n".join(wrong)
    assert counts == {"cohere": 34, "cohere, streamed": 11, "ollama": 8, "ollama, streamed": 1}
