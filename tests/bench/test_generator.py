"""The load generator finds what is wrong with an answer; a figure from wrong answers would be worth nothing."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from bench.bodies import PATHS, request_body
from bench.load import wrk
from bench.load.generator import run
from bench.load.jobs import Aim, OpenLoop, PacedStreams, Saturate
from bench.mock.dialects import DialectName
from bench.mock_upstream import Mock, serving


@pytest.fixture
async def mock() -> AsyncIterator[Mock]:
    async with serving() as running:
        yield running


def aim(mock: Mock, script: str, *, expected: str | None = None, dialect: DialectName = "openai", stream: bool) -> Aim:
    mock.provider.order("m", always=script)
    body = request_body(dialect, "m", 1024, stream)
    told = script if expected is None else expected
    return Aim(port=mock.port, headers={}, dialect=dialect, path=PATHS[dialect], body=body, stream=stream, script=told)


async def test_saturation_counts_what_was_answered(mock: Mock) -> None:
    outcome = await run(Saturate(aim=aim(mock, "events=2", stream=False), connections=3, seconds=0.05))
    assert outcome.errors == {}
    assert 0 <= mock.provider.books.billed - outcome.requests <= 3


async def test_an_answer_with_other_text_is_an_error(mock: Mock) -> None:
    wrong = aim(mock, "events=2", expected="events=3", stream=False)
    outcome = await run(OpenLoop(aim=wrong, rate=200, seconds=0.02))
    assert list(outcome.errors.values()) == [4]


@pytest.mark.parametrize("dialect", ["openai", "anthropic"])
async def test_events_of_paced_streams_are_counted_between_the_first_and_the_end(
    mock: Mock, dialect: DialectName
) -> None:
    paced = aim(mock, "events=20,pace_ms=4", dialect=dialect, stream=True)
    outcome = await run(PacedStreams(aim=paced, connections=5, seconds=5, pids=[]))
    assert outcome.errors == {}
    assert 0 < outcome.events <= 5 * 20
    assert mock.provider.books.output_tokens == 5 * 20


async def test_a_stream_that_is_cut_is_an_error(mock: Mock) -> None:
    cut = aim(mock, "events=9,pace_ms=2,cut=5", stream=True)
    outcome = await run(PacedStreams(aim=cut, connections=2, seconds=5, pids=[]))
    assert outcome.errors["connection closed before the end"] == 2


async def test_latency_counts_from_the_intended_start_of_each_request(mock: Mock) -> None:
    slow = aim(mock, "events=1,delay_ms=30", stream=False)
    outcome = await run(OpenLoop(aim=slow, rate=200, seconds=0.05))
    assert outcome.errors == {}
    assert len(outcome.latencies_ms) == 10
    assert min(outcome.latencies_ms) >= 29


def askers(mock: Mock) -> list[str]:
    return [
        value.decode()
        for seen in mock.provider.books.captures
        for name, value in seen.headers
        if name.lower() == b"authorization"
    ]


async def test_keys_ask_in_turn_over_all_connections(mock: Mock) -> None:
    keys = tuple(f"sk-{number}" for number in range(8))
    many = msgspec.structs.replace(aim(mock, "events=1", stream=False), keys=keys)
    await run(OpenLoop(aim=many, rate=500, seconds=0.032))
    assert askers(mock) == [f"Bearer {key}" for key in keys] * 2


@pytest.mark.skipif(not shutil.which("wrk"), reason="wrk is not installed")
async def test_keys_ask_in_turn_with_wrk_too(mock: Mock, tmp_path: Path) -> None:
    keys = tuple(f"sk-{number}" for number in range(8))
    many = msgspec.structs.replace(aim(mock, "events=1", stream=False), keys=keys)
    await asyncio.to_thread(wrk.saturate, Saturate(aim=many, connections=2, seconds=1), tmp_path)
    last = askers(mock)
    assert len(last) == 64
    assert all(last.count(f"Bearer {key}") == 8 for key in keys)
