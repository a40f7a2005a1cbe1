"""MCP tools in model calls with models as their vendors answered (recorded), and with the offline one: in each dialect,
whole and streamed. Each round is an entry with the tokens that the vendor counted, and so is each call of a tool.

A round of tool calls and an answer are two recordings, played one after the other; tools of the names that the model
called are those of a real server (`fixtures/named.py`).
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.clients.running import Upstream, replaying
from tests.mcp.test_in_models import CHAT, MESSAGES, RESPONSES, rows, text_in
from tests.server.accounted import accounted
from tests.shared import SHARED, index

FIXTURE = Path(__file__).with_name("fixtures") / "named.py"
DIALECTS = [CHAT, MESSAGES, RESPONSES]


class Played(msgspec.Struct, frozen=True):
    """`mode`: of the model, where it says which of the vendor's formats it is asked in. `says`: in its answer."""

    provider: str
    tool: str
    call: str
    final: str
    says: str
    streams: bool = False
    mode: str = "chat"

    @property
    def name(self) -> str:
        return f"{self.provider} {self.mode} {'stream' if self.streams else 'whole'}"


PLAYED = [
    Played(
        "openai",
        "search_web",
        "openai-chat_completions-363f0397969a",
        "openai-chat_completions-0c73a4068903",
        "3 out of 5",
    ),
    Played(
        "openai",
        "calculate_square_tool",
        "openai-chat_completions-22e51b09c6a2",
        "openai-chat_completions-608c9ebedbd9",
        "square of",
        streams=True,
    ),
    Played(
        "openai",
        "get_weather",
        "openai-responses-02b6cf82eb0f",
        "openai-responses-2a27179b251e",
        "2006",
        mode="responses",
    ),
    Played("anthropic", "weather", "anthropic-messages-1a7c6352dbe8", "anthropic-messages-047791a3537c", ""),
    Played(
        "anthropic",
        "weather",
        "anthropic-messages-408120b30b1e",
        "anthropic-messages-640b740e466e",
        "13",
        streams=True,
    ),
]


@pytest.fixture(scope="module")
def replay() -> Iterator[Upstream]:
    with replaying() as upstream:
        yield upstream


def recorded(id: str) -> dict[str, Any]:
    (entry,) = (entry for entry in index() if entry["id"] == id)
    found: dict[str, Any] = msgspec.json.decode((SHARED / "recordings" / entry["file"]).read_bytes())
    return found


def counted(id: str) -> tuple[int, int]:
    """(input, output) tokens, as the vendor told them last."""
    said = recorded(id)
    text = said.get("response_text") or json.dumps(said["response_body"])
    found = {}
    for name in ("prompt_tokens", "input_tokens", "completion_tokens", "output_tokens"):
        for match in re.finditer(rf'"{name}": ?(\d+)', text):
            found[name] = int(match[1])
    return (
        found.get("prompt_tokens", found.get("input_tokens", 0)),
        found.get("completion_tokens", found.get("output_tokens", 0)),
    )


def asking(path: str, model: str, text: str, tool: str, *, streams: bool) -> dict[str, Any]:
    tools = [
        {
            "type": "mcp",
            "server_label": "desk",
            "server_url": "tollbridge/mcp/desk",
            "require_approval": "never",
            "allowed_tools": [tool],
        }
    ]
    said: dict[str, Any] = {"model": model, "stream": streams, "tools": tools}
    if path == RESPONSES:
        return {**said, "input": text}
    return {**said, "messages": [{"role": "user", "content": text}], "max_tokens": 1000}


def said_in(path: str, body: bytes) -> str:
    """The text of an answer, whole or streamed: pieces of it are put together."""
    if body.startswith(b"{"):
        return text_in(path, body)
    pieces = []
    for line in body.decode().split("\n"):
        if line.startswith("data: {"):
            event = json.loads(line[6:])
            if path == CHAT:
                pieces += [choice["delta"].get("content") or "" for choice in event["choices"]]
            elif path == MESSAGES and event["type"] == "content_block_delta":
                pieces.append(event["delta"].get("text", ""))
            elif path == RESPONSES and event["type"] == "response.output_text.delta":
                pieces.append(event["delta"])
    return "".join(pieces)


@pytest.mark.parametrize("path", DIALECTS)
@pytest.mark.parametrize("played", PLAYED, ids=lambda played: played.name)
async def test_a_recorded_model_calls_a_tool_and_goes_on(
    tmp_path: Path, replay: Upstream, path: str, played: Played
) -> None:
    replay.forget()
    base = f"{replay.url}/seq/{played.call},{played.final}"
    model = {
        "model_name": "m",
        "litellm_params": {
            "model": f"{played.provider}/{recorded(played.call)['model']}",
            "api_base": base if played.provider == "anthropic" else f"{base}/v1",
            "api_key": "x",
        },
        "model_info": {"mode": played.mode},
    }
    desk = {"command": sys.executable, "args": [str(FIXTURE), played.tool]}
    config = {"model_list": [model], "mcp_servers": {"desk": desk}}
    async with accounted(json.dumps(config), tmp_path) as gateway:
        asked = asking(path, "m", "Please", played.tool, streams=played.streams)
        answered = await gateway.send("POST", path, asked)
        entries = await rows(gateway)
    assert answered.status == 200, answered.body
    assert played.says in said_in(path, answered.body)
    first, second = (capture["body"] for capture in replay.captures())
    first, second = (one if isinstance(one, dict) else json.loads(one) for one in (first, second))
    assert [(tool.get("function") or tool)["name"] for tool in first["tools"]] == [played.tool]
    assert f"{played.tool} was told" in json.dumps(second)
    rounds = [entry for entry in entries if entry["custom_llm_provider"] == played.provider]
    assert [(one["prompt_tokens"], one["completion_tokens"]) for one in rounds] == [
        counted(played.call),
        counted(played.final),
    ]
    calls = [entry for entry in entries if entry["custom_llm_provider"] == "mcp"]
    assert [(one["model_id"], one["model"]) for one in calls] == [("desk", played.tool)] * len(calls)
    assert calls
    own = [entry["metadata"]["tollbridge"] for entry in (*rounds, *calls)]
    assert {one.get("parent") for one in own[1:]} == {own[0]["id"]}


@pytest.mark.parametrize("streams", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("path", DIALECTS)
async def test_the_offline_model_calls_a_tool_and_goes_on(tmp_path: Path, path: str, streams: bool) -> None:
    desk = {"command": sys.executable, "args": [str(FIXTURE), "find_customer"]}
    model = {"model_name": "m", "litellm_params": {"model": "demo/hello"}}
    async with accounted(json.dumps({"model_list": [model], "mcp_servers": {"desk": desk}}), tmp_path) as gateway:
        asked = asking(path, "m", "Find the customer Ada", "find_customer", streams=streams)
        answered = await gateway.send("POST", path, asked)
        entries = await rows(gateway)
    assert answered.status == 200, answered.body
    assert "The tool answered: find_customer was told" in said_in(path, answered.body)
    assert [entry["custom_llm_provider"] for entry in entries].count("mcp") == 1
    own = [entry["metadata"]["tollbridge"] for entry in entries]
    assert len({one["id"] for one in own}) == 3
    parents = {one.get("parent") for one in own} - {None}
    assert len(parents) == 1
    assert parents <= {one["id"] for one in own}
