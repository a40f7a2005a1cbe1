"""How much Python a request takes: calls of functions of ours, which is what it costs, whatever the machine.

A change that adds to it makes every request dearer, and is seen here. One that must be raises the number, and says why
in its commit; `make bench` tells what it costs."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from statistics import median
from types import FrameType
from typing import Any

import pytest

import tollbridge
from bench.mock_upstream import serving
from tests.server.accounted import Accounted, accounted
from tests.server.faults import CHAT, MESSAGES, ask, configuration, entry

OURS = str(Path(tollbridge.__file__).parent)
PRICES = {"input_cost_per_token": 1e-6, "output_cost_per_token": 2e-6}
LIMITS = {"max_budget": 1000, "rpm_limit": 100_000, "tpm_limit": 10_000_000, "max_parallel_requests": 100}
REQUESTS = 40
SPARE = 1.03
"""Of an event: something that comes in between is counted too."""


async def calls_of(gateway: Accounted, path: str, key: str | None, requests: int = REQUESTS, **more: Any) -> float:
    """For one request, when all is warm: the median, since a busy machine puts something in between some of them (a
    fold, a second read)."""
    counted: Counter[str] = Counter()

    def count(frame: FrameType, event: str, _: Any) -> None:
        if event == "call" and frame.f_code.co_filename.startswith(OURS):
            counted[frame.f_code.co_qualname] += 1

    who = {} if key is None else {"key": key}
    for _ in range(3):
        assert (await gateway.send("POST", path, ask(**more), **who)).status == 200
    each = []
    for _ in range(requests):
        counted.clear()
        sys.setprofile(count)
        try:
            await gateway.send("POST", path, ask(**more), **who)
        finally:
            sys.setprofile(None)
        each.append(counted.total())
    return median(each)


@pytest.mark.parametrize(
    ("path", "wire", "limited", "most"),
    [
        pytest.param(CHAT, "openai", False, 94, id="relayed, of the admin"),
        pytest.param(CHAT, "openai", True, 129, id="relayed, of a key with limits and a budget"),
        pytest.param(MESSAGES, "anthropic", True, 142, id="relayed, of Anthropic's"),
        pytest.param(CHAT, "anthropic", True, 249, id="translated from OpenAI's to Anthropic's"),
        pytest.param(MESSAGES, "openai", True, 241, id="translated from Anthropic's to OpenAI's"),
    ],
)
async def test_a_request_takes_no_more_calls_than_it_did(
    tmp_path: Path, path: str, wire: str, limited: bool, most: int
) -> None:
    async with serving() as mock:
        prices = PRICES if limited else {}
        async with accounted(configuration(entry("m", mock.port, wire, **prices)), tmp_path, alone=True) as gateway:
            key = (await gateway.made(models=["m"], **LIMITS))["key"] if limited else None
            calls = await calls_of(gateway, path, key)
    assert calls <= most


@pytest.mark.parametrize(
    ("path", "wire", "most"),
    [
        pytest.param(CHAT, "openai", 12, id="relayed"),
        pytest.param(MESSAGES, "anthropic", 12, id="relayed, of Anthropic's"),
        pytest.param(CHAT, "anthropic", 20, id="translated from Anthropic's to OpenAI's"),
        pytest.param(MESSAGES, "openai", 24, id="translated from OpenAI's to Anthropic's"),
    ],
)
async def test_an_event_of_a_stream_takes_no_more_calls_than_it_did(
    tmp_path: Path, path: str, wire: str, most: int
) -> None:
    """What a hundred events more cost, each alone in its piece."""
    async with serving() as mock:
        few, many = (
            entry(f"m{events}", mock.port, wire, model=f"{wire}/mock,events={events},pace_ms=3", **PRICES)
            for events in (20, 120)
        )
        async with accounted(configuration(few, many), tmp_path) as gateway:
            calls = [await calls_of(gateway, path, None, 2, model=f"m{events}", stream=True) for events in (20, 120)]
    each = (calls[1] - calls[0]) / 100
    assert each <= most * SPARE, f"{each:.2f} calls"
