"""What the scenarios of Open Responses are asked of: a gateway before a provider that speaks the format itself, and
before one that is translated."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from aiohttp import web

from tests.server.accounted import Accounted, accounted
from tests.server.faults import configuration, entry
from tests.server.served import KEY
from tests.vendor import Vendor
from tollbridge.wires import sse

PROVIDERS = ["native", "translated"]
TOOLS = [{"type": "function", "name": "get_weather", "parameters": {"type": "object", "properties": {}}}]
PNG = "data:image/png;base64,iVBORw0KGgo="
PDF = "data:application/pdf;base64,JVBERi0xLjQKJSVFT0YK"


def said(role: str, text: Any) -> dict[str, Any]:
    return {"type": "message", "role": role, "content": text}


async def chats(request: web.Request) -> web.StreamResponse:
    """A chat that answers with how many messages it was shown, or calls the tool that it has."""
    body = await request.json()
    head = {"id": "c", "object": "chat.completion", "created": 1, "model": "gpt-4o-mini"}
    delta: dict[str, Any] = {"role": "assistant", "content": f"shown {len(body['messages'])}"}
    reason = "stop"
    if body.get("tools") and body["messages"][-1]["role"] == "user":
        call = {"index": 0, "id": "call_1", "type": "function", "function": {"name": "get_weather", "arguments": "{}"}}
        delta, reason = {"role": "assistant", "tool_calls": [call]}, "tool_calls"
    usage = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
    if not body.get("stream"):
        return web.json_response(
            {**head, "choices": [{"index": 0, "message": delta, "finish_reason": reason}], "usage": usage}
        )
    head["object"] = "chat.completion.chunk"
    answer = web.StreamResponse(headers={"content-type": "text/event-stream"})
    await answer.prepare(request)
    for chunk in (
        {**head, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]},
        {**head, "choices": [{"index": 0, "delta": {}, "finish_reason": reason}]},
        {**head, "choices": [], "usage": usage},
    ):
        await answer.write(sse.write(json.dumps(chunk).encode()))
    await answer.write(b"data: [DONE]\n\n")
    return answer


def chat_entry(port: int, name: str) -> dict[str, Any]:
    made = entry(name, port, info={"mode": "chat"})
    made["litellm_params"]["model"] = "openai/gpt-4o-mini"
    return made


@asynccontextmanager
async def serving(directory: Path) -> AsyncIterator[tuple[Vendor, Accounted, Accounted]]:
    """`native` is another gateway, which speaks the format and keeps what it answered; behind both is one vendor."""
    async with Vendor({("POST", "/v1/chat/completions"): chats}) as vendor:
        async with accounted(configuration(chat_entry(vendor.port, "gpt-4o-mini")), directory / "behind") as behind:
            native = entry("native", behind.port, info={"mode": "responses"}, api_key=KEY)
            native["litellm_params"]["model"] = "openai/gpt-4o-mini"
            text = configuration(native, chat_entry(vendor.port, "translated"))
            async with accounted(text, directory / "front") as front:
                yield vendor, behind, front


def text_of(response: Any) -> str:
    return "".join(part["text"] for item in response["output"] for part in item.get("content", []))
