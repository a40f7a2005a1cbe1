"""What is sent for the same embeddings as a widely used client sends: docs/parity.md says why a field differs."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.calls.test_parity_bodies import GIVEN
from tests.shared import SHARED
from tollbridge.calls.ask import peek
from tollbridge.calls.build import WIRES, Wanted, build
from tollbridge.calls.deployment import Deployment
from tollbridge.calls.task_ask import TaskAsk
from tollbridge.calls.task_exchange import exchange_task
from tollbridge.errors import APIConnectionError
from tollbridge.providers.resolve import Given
from tollbridge.providers.table import ROWS
from tollbridge.transport.base import Incoming, Outgoing, Timeouts

PAGE = Path(__file__).resolve().parents[2] / "docs/parity.md"
SECTION = re.compile(r"^## Embeddings\n(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
ROW = re.compile(r"^\| `(\w+)` \| `([^`]+)` \| (\d+) \| (.+) \| (.*)\|$", re.MULTILINE)
FIELD = re.compile(r"`([\w.]+)` (\d+)")
AWS = Given(api_key="k", extra={"aws_region_name": "us-east-1"})
PLACES = {
    **GIVEN,
    "bedrock_titan": AWS,
    "bedrock_cohere": AWS,
    "ollama": Given(api_base="http://localhost:11434"),
    "vertex": GIVEN["vertex_gemini"],
}


class Kept:
    """A transport that keeps what it was to send, and sends nothing."""

    def __init__(self) -> None:
        self.sent: list[Outgoing] = []

    async def send(self, request: Outgoing, timeouts: Timeouts) -> Incoming:
        self.sent.append(request)
        raise APIConnectionError("nothing is sent here")

    async def close(self) -> None:
        """Nothing is open."""


def rows() -> dict[str, tuple[str, int, dict[str, int]]]:
    """By target: model, requests, and how often each field differs."""
    (section,) = SECTION.findall(PAGE.read_text("utf-8"))
    return {
        target: (model, int(count), {name: int(times) for name, times in FIELD.findall(fields)})
        for target, model, count, fields, _ in ROW.findall(section)
    }


def cases(target: str) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """(request, what was sent for it)."""
    path = SHARED / "parity" / "requests" / f"embed_{target}.json"
    found = []
    for case in json.loads(path.read_bytes())["cases"]:
        dropped = case.get("with_drop_params") or {}
        found += [(case["request"], one) for one in (case.get("sent") or dropped.get("sent") or ())[-1:]]
    return found


async def ours(deployment: Deployment, request: dict[str, Any]) -> Outgoing:
    body = json.dumps({"model": "m", **request}).encode()
    ask = TaskAsk(WIRES["openai_embeddings"], body, peek(body), "m", stream=False)
    transport = Kept()
    with pytest.raises(APIConnectionError):
        await exchange_task(ask, deployment, transport)
    [sent] = transport.sent
    return sent


@pytest.mark.parametrize("target", rows())
async def test_embeddings_are_asked_for_alike_but_for_what_the_page_says(target: str) -> None:
    model, count, said = rows()[target]
    wanted = Wanted(id="d", group="m", model=model, given=PLACES.get(target, Given(api_key="k")))
    deployment = build(wanted, {}, ROWS)
    met: Counter[str] = Counter()
    for request, theirs in cases(target):
        sent = await ours(deployment, request)
        mine = json.loads(sent.body)
        met.update(name for name in {*mine, *theirs["body"]} if mine.get(name) != theirs["body"].get(name))
        if sent.target.partition("?")[0] != "/" + theirs["url"].split("/", 3)[3].partition("?")[0]:
            met["url"] += 1
    assert dict(met) == said
    assert len(cases(target)) == count


def test_each_target_has_its_row() -> None:
    folder = SHARED / "parity" / "requests"
    assert set(rows()) == {path.stem.removeprefix("embed_") for path in folder.glob("embed_*.json")}
