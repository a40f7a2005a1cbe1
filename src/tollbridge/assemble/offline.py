"""Answers without a network: the `demo/` provider and the operator's mocks, behind the seam of a transport."""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Callable, Iterator

import msgspec

from tollbridge.model.json import JsonObject
from tollbridge.providers import demo
from tollbridge.transport.base import Outgoing
from tollbridge.transport.inprocess import Answerer, Reply

JSON = (b"content-type", b"application/json")
EVENTS = (b"content-type", b"text/event-stream")
PAUSE_S = 0.02

_encode = msgspec.json.Encoder().encode

Answer = Callable[[JsonObject, str, int], tuple[int, JsonObject]]
"""(request body, id, epoch seconds) -> (status, chat completion or error)."""


def demo_answer(body: JsonObject, id: str, created: int) -> tuple[int, JsonObject]:
    return demo.answer(body, id=id, created=created)


def offline(answer: Answer = demo_answer, pause_s: float = PAUSE_S) -> Answerer:
    """A provider of chat completions in this process; the demo has embeddings too."""
    prefix, count = os.urandom(4).hex(), itertools.count(1)

    def reply(request: Outgoing) -> Reply:
        body = msgspec.json.decode(request.body)
        if answer is demo_answer and request.target.endswith("/embeddings"):
            status, vectors = demo.embeddings(body)
            return Reply(status, (JSON,), (_encode(vectors),))
        status, whole = answer(body, f"chatcmpl-{prefix}{next(count):06x}", int(time.time()))
        if status != 200 or not body.get("stream"):
            return Reply(status, (JSON,), (_encode(whole),))
        usage = bool((body.get("stream_options") or {}).get("include_usage"))
        return Reply(200, (EVENTS,), _events(whole, usage), pause_s)

    return reply


def _events(whole: JsonObject, include_usage: bool) -> Iterator[bytes]:
    for chunk in demo.chunks(whole, include_usage=include_usage):
        yield b"data: %b\n\n" % _encode(chunk)
    yield b"data: [DONE]\n\n"
