"""One request, and what its client saw of the answer."""

from __future__ import annotations

import asyncio
import json
import re
from typing import Any, Literal

import aiohttp
import msgspec

from bench.mock.dialects import WORDS

Path = Literal["/v1/chat/completions", "/v1/messages"]
CHAT: Path = "/v1/chat/completions"
MESSAGES: Path = "/v1/messages"
PATHS: tuple[Path, ...] = (CHAT, MESSAGES)
PROSE = WORDS * 6
MAX_TOKENS = 64
END_MARKS = {CHAT: b"data: [DONE]\n\n", MESSAGES: b'data: {"type":"message_stop"}\n\n'}
PATIENCE_S = 60.0
_SAID = re.compile(rb'"(?:content|text)":"([^"]*)"')

Fate = Literal["whole", "refused", "broken", "left", "lost", "unreached"]
"""`broken`: a stream that said so. `left`: the client went away. `lost`: the connection broke. `unreached`: nobody
listened."""


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """`mark` names it on the bill and in the ledger. `usage`: in a chat stream, asks for it. A client may leave: after
    some time, or while it is reading a stream."""

    mark: str
    key: str
    path: Path
    model: str
    stream: bool = False
    usage: bool = False
    retries: int = 0
    leaves_after_s: float | None = None
    leaves_reading: bool = False


class Seen(msgspec.Struct):
    """`id`, `tokens` (input, output): as the answer tells them. `text`: what it said."""

    asked: Asked
    fate: Fate
    status: int = 0
    id: str = ""
    tokens: tuple[int, int] | None = None
    text: bytes = b""
    request_id: str = ""
    error: Any = None
    headers: dict[str, str] = {}


async def ask(session: aiohttp.ClientSession, url: str, asked: Asked) -> Seen:
    seen = Seen(asked, "lost")
    try:
        async with asyncio.timeout(PATIENCE_S):
            if asked.leaves_after_s is None:
                await _ask(session, url, seen)
            else:
                await _leave_soon(session, url, seen, asked.leaves_after_s)
    except aiohttp.ClientConnectorError:
        seen.fate = "unreached"
    except (aiohttp.ClientError, ConnectionError):
        pass  # `lost`, unless it had everything by then
    return seen


async def _leave_soon(session: aiohttp.ClientSession, url: str, seen: Seen, after_s: float) -> None:
    asking = asyncio.ensure_future(_ask(session, url, seen))
    done, _ = await asyncio.wait({asking}, timeout=after_s)
    if done:
        await asking
        return
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)
    if seen.fate == "lost":
        seen.fate = "left"


async def _ask(session: aiohttp.ClientSession, url: str, seen: Seen) -> None:
    asked = seen.asked
    headers = {"authorization": f"Bearer {asked.key}", "x-litellm-customer-id": asked.mark}
    async with session.post(url + asked.path, json=_body(asked), headers=headers) as answer:
        seen.status = answer.status
        seen.headers = {name.lower(): value for name, value in answer.headers.items()}
        seen.request_id = seen.headers.get("x-tollbridge-request-id", "")
        if answer.status != 200:
            seen.error, seen.fate = await answer.json(), "refused"
            return
        if not asked.stream:
            _read_whole(seen, await answer.read())
            return
        body = b""
        try:
            async for piece in answer.content.iter_any():
                body += piece
                if asked.leaves_reading and _SAID.search(body):
                    answer.close()
                    break
        finally:  # what arrived counts, however it ended
            _read_stream(seen, body)


def _body(asked: Asked) -> dict[str, Any]:
    body: dict[str, Any] = {
        "model": asked.model,
        "max_tokens": MAX_TOKENS,
        "messages": [{"role": "user", "content": f"mark-{asked.mark} {PROSE}"}],
    }
    if asked.retries:
        body["num_retries"] = asked.retries
    if asked.stream:
        body["stream"] = True
        if asked.usage and asked.path == CHAT:
            body["stream_options"] = {"include_usage": True}
    return body


def _read_whole(seen: Seen, body: bytes) -> None:
    answer = json.loads(body)
    seen.fate, seen.id, seen.text = "whole", answer["id"], b"".join(_SAID.findall(body))
    seen.tokens = tokens_of(answer.get("usage"))


def _read_stream(seen: Seen, body: bytes) -> None:
    seen.text = b"".join(_SAID.findall(body))
    events = [json.loads(line[6:]) for line in body.split(b"\n") if line.startswith(b"data: {") and line.endswith(b"}")]
    usage: dict[str, Any] = {}
    for event in events:
        message = event.get("message", event)
        seen.id = seen.id or message.get("id", "")
        usage |= {name: count for name, count in (message.get("usage") or {}).items() if count is not None}
    seen.tokens = tokens_of(usage)
    if body.endswith(END_MARKS[seen.asked.path]):
        seen.fate = "whole"
    elif events and "error" in events[-1]:
        seen.fate, seen.error = "broken", events[-1]
    elif seen.asked.leaves_reading:
        seen.fate = "left"


def tokens_of(usage: dict[str, Any] | None) -> tuple[int, int] | None:
    """(input, output), in either dialect; None where a total is missing."""
    if not usage:
        return None
    into, out = (
        usage.get("prompt_tokens", usage.get("input_tokens")),
        usage.get("completion_tokens", usage.get("output_tokens")),
    )
    return None if into is None or out is None else (into, out)
