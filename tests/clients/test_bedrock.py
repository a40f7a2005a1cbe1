"""Every recorded answer of Bedrock's, by Converse and by Claude's own format, asked for through a gateway in each
dialect: it must say what the recording says, in frames or whole."""

from __future__ import annotations

import asyncio
import json
from base64 import b64decode
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.clients import said
from tests.clients.running import Upstream
from tests.clients.said import Said, parsed
from tests.clients.test_every_recording import AT_ONCE, CHAT_ASK, READERS, TOOL, ask, differences
from tests.server.served import Answered, Served, served
from tests.shared import index
from tollbridge.wires.aws_events import Frame, FrameParser

DIALECTS = ("chat", "messages", "gemini", "responses")
ENDPOINTS = {"converse": "converse", "converse-stream": "converse", "invoke": "invoke", "invoke-stream": "invoke"}
RESPONSES_ASK = {
    "input": "What is the weather in Oslo?",
    "tools": [{"type": "function", "name": "get_weather", "parameters": TOOL, "strict": False}],
}
END = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "tool_use": "tool_calls",
    "guardrail_intervened": "refusal",
}


def exchanges() -> Iterator[dict[str, Any]]:
    for entry in index():
        if entry["provider"] == "bedrock" and entry["endpoint"] in ENDPOINTS and entry["status"] == 200:
            body = said.recording(entry["id"]).get("request_body")
            if ENDPOINTS[entry["endpoint"]] == "converse" or "anthropic_version" in (body or {}):
                yield entry


def configuration(replay: str) -> str:
    models = [
        {
            "model_name": entry["id"],
            "litellm_params": {
                "model": f"bedrock/{ENDPOINTS[entry['endpoint']]}/{entry['model']}",
                "api_base": f"{replay}/r/{entry['id']}",
                "api_key": "ABSK-1",
                "max_retries": 0,
            },
            "model_info": {"base_model": "anthropic.claude-3-haiku-20240307-v1:0"} if "arn:" in entry["model"] else {},
        }
        for entry in exchanges()
    ]
    return json.dumps({"model_list": models, "router_settings": {"disable_cooldowns": True}})


# What a recording says, in the plainest reading


def of(recorded: dict[str, Any]) -> Said:
    messages = ENDPOINTS[recorded["endpoint"]] == "invoke"
    if "response_base64" not in recorded:
        body = recorded["response_body"]
        return said.of_messages(body) if messages else of_converse(body)
    frames = FrameParser().feed(b64decode(recorded["response_base64"]))
    if messages:
        return said.of_messages_events([json.loads(b64decode(json.loads(one.payload)["bytes"])) for one in frames])
    return of_converse(whole(frames))


def of_converse(body: dict[str, Any]) -> Said:
    content, usage = body["output"]["message"]["content"], body["usage"]
    texts = [block.get("text") or _cited(block) for block in content]
    calls = [
        (block["toolUse"]["name"], parsed(block["toolUse"]["input"]))
        for block in content
        if block.get("toolUse", {}).get("type") != "server_tool_use" and "toolUse" in block
    ]
    cached = sum(usage.get(f"cache{how}InputTokens", 0) for how in ("Read", "Write"))
    return Said(
        text="".join(filter(None, texts)),
        thinking="".join(
            block.get("reasoningContent", {}).get("reasoningText", {}).get("text", "") for block in content
        ),
        calls=calls,
        end=END[body["stopReason"]],
        input=usage["inputTokens"] + cached,
        output=usage["outputTokens"],
    )


def _cited(block: dict[str, Any]) -> str:
    return "".join(item["text"] for item in block.get("citationsContent", {}).get("content", ()))


def whole(frames: list[Frame]) -> dict[str, Any]:
    """A stream as the answer that it would have been."""
    blocks: dict[int, dict[str, Any]] = {}
    body: dict[str, Any] = {}
    for frame in frames:
        value = json.loads(frame.payload)
        block = blocks.setdefault(value["contentBlockIndex"], {}) if "contentBlockIndex" in value else {}
        block.update(value.get("start", {}))
        delta = value.get("delta", {})
        if "text" in delta:
            block["text"] = block.get("text", "") + delta["text"]
        if "toolUse" in delta:
            block["toolUse"]["input"] = block["toolUse"].get("input", "") + delta["toolUse"]["input"]
        if "text" in delta.get("reasoningContent", {}):
            thought = block.setdefault("reasoningContent", {}).setdefault("reasoningText", {"text": ""})
            thought["text"] += delta["reasoningContent"]["text"]
        body.update({key: value[key] for key in ("stopReason", "usage") if key in value})
    return {**body, "output": {"message": {"content": [blocks[at] for at in sorted(blocks)]}}}


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
            counts[entry["endpoint"]] += 1
            wrong.extend(f"{entry['id']} {line}" for line in told)

        await asyncio.gather(*map(one, exchanges()))
    print(f"\n{dialect}: {dict(counts)}")
    assert not wrong, "\n".join(wrong)
    assert counts["converse"] == 116
    assert counts["converse-stream"] == 34
    assert CHAT_ASK["tools"]
