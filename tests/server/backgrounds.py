"""A gateway whose models answer in the background, and what a client of it does."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from bench.mock_upstream import Mock
from bench.mock_upstream import serving as mocking
from tests.server.accounted import Accounted, accounted
from tests.server.faults import configuration, entry
from tests.server.served import KEY, Answered
from tollbridge.errors import StoreUnavailable

RESPONSES = "/v1/responses"
WAIT_S = 20.0
OWN = "native"
MODELS = [OWN, "chat", "messages"]


@asynccontextmanager
async def background_gateway(directory: Path, script: str = "delay_ms=200") -> AsyncIterator[tuple[Accounted, Mock]]:
    """`native` speaks the format and keeps its answers; the others do not."""
    async with mocking() as mock:
        entries = (
            entry(OWN, mock.port, model=f"openai/mock,{script}"),
            entry("chat", mock.port, model=f"openai/mock,{script}", info={"mode": "chat"}),
            entry("messages", mock.port, "anthropic", model=f"anthropic/mock,{script}"),
        )
        async with accounted(configuration(*entries), directory) as gateway:
            yield gateway, mock


async def begun(gateway: Accounted, key: str = KEY, **body: Any) -> dict[str, Any]:
    said = {"model": "chat", "input": "One?", "background": True, **body}
    answered = await gateway.send("POST", RESPONSES, said, key=key)
    assert answered.status == 200, answered.body
    told: dict[str, Any] = answered.json()
    assert (told["status"], told["background"], told["store"], told["output"]) == ("queued", True, True, [])
    return told


async def shown(gateway: Accounted, id: str, key: str = KEY) -> dict[str, Any]:
    answered = await gateway.send("GET", f"{RESPONSES}/{id}", key=key)
    assert answered.status == 200, answered.body
    told: dict[str, Any] = answered.json()
    return told


async def ended(gateway: Accounted, id: str, key: str = KEY) -> dict[str, Any]:
    until = time.monotonic() + WAIT_S
    while (told := await shown(gateway, id, key))["status"] in ("queued", "in_progress"):
        assert time.monotonic() < until, told
        await asyncio.sleep(0.02)
    return told


async def accounted_for(gateway: Accounted, id: str) -> Any:
    until = time.monotonic() + WAIT_S
    while not (found := [record for record in gateway.records if record.answer_id == id]):
        assert time.monotonic() < until
        await asyncio.sleep(0.02)
    (record,) = found
    return record


def events_of(answered: Answered) -> list[dict[str, Any]]:
    return [json.loads(data) for _, data in answered.events() if data != "[DONE]"]


class Closed:
    """A database that is away."""

    async def run(self, work: Any) -> Any:
        raise StoreUnavailable("away")

    read = run
