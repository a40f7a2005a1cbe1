"""Tokens that are counted here hold up nobody else: a thread loads the encoding and counts what is long. The entry
waits for it, and there is one, whatever happens meanwhile."""

from __future__ import annotations

import asyncio
import json
import sys
import threading
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from tests.server.accounted import Accounted, accounted
from tests.server.faults import (
    CHAT,
    DONE,
    EVENTS_HEAD,
    MESSAGES,
    STOP,
    WHOLE,
    always,
    answers_so_far,
    ask,
    configuration,
    entry,
    recorded,
    stream,
    streaming,
    word,
)
from tests.server.served import served
from tests.server.test_faults_clients import Stage
from tests.transport.upstream import Peer, Upstream, answer, chunked, until
from tollbridge.calls.aside import aside
from tollbridge.catalog import encodings, tokens
from tollbridge.server.inbound import STOPPING

COUNTS = {tokens._count.__code__, encodings._load.__code__}
LONG = "A few words that are said again and again. " * 12_000
"""Half a megabyte."""
UNTOLD = json.dumps({name: value for name, value in WHOLE.items() if name != "usage"}).encode()
BEGINNING = EVENTS_HEAD + chunked(word("hello"))
PRICES = {"input_cost_per_token": 1e-6, "output_cost_per_token": 2e-6}


@pytest.fixture
def fresh() -> Iterator[None]:
    """As in a process that has counted nothing yet."""
    kept = dict(encodings._loaded)
    encodings._loaded.clear()
    yield
    encodings._loaded.update(kept)


@contextmanager
def watched() -> Iterator[Counter[str]]:
    """What is loaded or counted on the thread of the event loop."""
    seen: Counter[str] = Counter()

    def see(frame: FrameType, event: str, _: Any) -> None:
        if event == "call" and frame.f_code in COUNTS:
            seen[frame.f_code.co_qualname] += 1

    sys.setprofile(see)
    try:
        yield seen
    finally:
        sys.setprofile(None)


@asynccontextmanager
async def kept_busy() -> AsyncIterator[threading.Event]:
    """The thread that counts has something else to do until the event is set."""
    go_on, begun = threading.Event(), threading.Event()

    def wait() -> None:
        begun.set()
        go_on.wait()

    waiting = asyncio.ensure_future(aside(wait))
    try:
        await asyncio.to_thread(begun.wait)
        yield go_on
    finally:
        go_on.set()
        await waiting


async def silent(peer: Peer) -> None:
    await peer.request()
    await peer.gone()


@pytest.mark.usefixtures("fresh")
@pytest.mark.parametrize("text", ["hi", LONG], ids=["the first", "a long one"])
async def test_a_client_that_left_a_stream(tmp_path: Path, text: str) -> None:
    stage = Stage(BEGINNING)
    async with Upstream(stage) as upstream, served(configuration(entry("m", upstream.port)), tmp_path) as gateway:
        with watched() as on_the_loop:
            async with streaming(gateway, CHAT, ask(stream=True, text=text)) as told:
                await answers_so_far(told, b"hello")
            record = await recorded(gateway)
        assert gateway.gateway.load.requests == 0
    assert not on_the_loop
    assert (record.outcome, record.status, record.estimated) == ("cancelled", 499, True)
    assert record.tokens["input"] > len(text) / 8
    assert record.tokens["output"] > 0


@pytest.mark.usefixtures("fresh")
async def test_a_timeout(tmp_path: Path) -> None:
    async with Upstream(silent) as upstream:
        text = configuration(entry("m", upstream.port), router={"num_retries": 0})
        async with served(text, tmp_path) as gateway:
            with watched() as on_the_loop:
                told = await gateway.post(CHAT, ask(text=LONG, timeout=0.1))
                record = await recorded(gateway)
    assert not on_the_loop
    assert told.status == 504
    assert (record.outcome, record.estimated) == ("timeout", True)
    assert record.tokens["input"] > len(LONG) / 8


@pytest.mark.usefixtures("fresh")
@pytest.mark.parametrize("path", [CHAT, MESSAGES])
@pytest.mark.parametrize("streams", [False, True])
async def test_an_answer_without_usage(tmp_path: Path, path: str, streams: bool) -> None:
    whole = answer(UNTOLD, "content-type: application/json", status="200 OK")
    upstream_says = stream(word("hello"), STOP, DONE) if streams else whole
    async with Upstream(always(upstream_says)) as upstream:
        async with served(configuration(entry("m", upstream.port, **PRICES)), tmp_path) as gateway:
            with watched() as on_the_loop:
                told = await gateway.post(path, ask(stream=streams, text=LONG))
                assert len(gateway.records) == 1, "the entry is written before the last bytes"
    assert not on_the_loop
    assert told.status == 200
    assert b"hello" in told.body
    assert gateway.records[0].estimated
    assert streams or float(told.headers["x-tollbridge-cost-usd"]) > 0


@pytest.mark.usefixtures("fresh")
async def test_embeddings_without_usage(tmp_path: Path) -> None:
    vectors = {"object": "list", "model": "m", "data": [{"object": "embedding", "index": 0, "embedding": [0.5]}]}
    whole = answer(json.dumps(vectors).encode(), "content-type: application/json", status="200 OK")
    async with Upstream(always(whole)) as upstream:
        async with served(configuration(entry("m", upstream.port)), tmp_path) as gateway:
            with watched() as on_the_loop:
                told = await gateway.post("/v1/embeddings", {"model": "m", "input": LONG})
    assert not on_the_loop
    assert told.status == 200
    (record,) = gateway.records
    assert record.estimated
    assert record.tokens["input"] > len(LONG) / 8


@pytest.mark.usefixtures("fresh")
@pytest.mark.parametrize("path", ["/v1/responses/input_tokens", "/v1/messages/count_tokens"])
async def test_a_count_that_is_asked_for(tmp_path: Path, path: str) -> None:
    """Of a provider that has no such path."""
    none = answer(b"not found", status="404 Not Found")
    async with Upstream(always(none)) as upstream:
        async with served(configuration(entry("m", upstream.port)), tmp_path) as gateway:
            with watched() as on_the_loop:
                body = {"input": LONG} if "responses" in path else {"messages": [{"role": "user", "content": LONG}]}
                told = await gateway.post(path, {"model": "m", **body})
    assert not on_the_loop
    assert told.status == 200
    assert told.json()["input_tokens"] > len(LONG) / 8


@pytest.mark.usefixtures("fresh")
async def test_what_is_short_needs_no_thread_once_it_was_loaded(tmp_path: Path) -> None:
    whole = answer(UNTOLD, "content-type: application/json", status="200 OK")
    async with Upstream(always(whole)) as upstream:
        async with served(configuration(entry("m", upstream.port)), tmp_path) as gateway:
            await gateway.post(CHAT, ask())
            async with kept_busy():
                assert (await gateway.post(CHAT, ask())).status == 200
    assert [record.tokens for record in gateway.records] == [gateway.records[0].tokens] * 2


@pytest.mark.usefixtures("fresh")
@pytest.mark.parametrize("streams", [False, True])
async def test_what_is_passed_through(tmp_path: Path, streams: bool) -> None:
    whole = answer(UNTOLD, "content-type: application/json", status="200 OK")
    async with Upstream(always(stream(word("hello"), STOP, DONE) if streams else whole)) as upstream:
        async with accounted(configuration(entry("m", upstream.port)), tmp_path) as gateway:
            with watched() as on_the_loop:
                body, kind = ask("gpt-4o", stream=streams, text=LONG), {"content-type": "application/json"}
                told = await gateway.post("/openai/v1/chat/completions", body, kind)
                (record,) = gateway.records
    assert not on_the_loop
    assert told.status == 200
    assert b"hello" in told.body
    assert record.estimated
    assert record.cost_nanousd


async def test_a_client_that_left_what_is_passed_through(tmp_path: Path) -> None:
    stage = Stage(BEGINNING)
    async with Upstream(stage) as upstream:
        async with accounted(configuration(entry("m", upstream.port)), tmp_path) as gateway:
            async with kept_busy() as go_on:
                body = ask("gpt-4o", stream=True, text=LONG)
                async with streaming(gateway, "/openai/v1/chat/completions", body) as told:
                    await answers_so_far(told, b"hello")
                await asyncio.wait_for(stage.left.wait(), 10)
                assert gateway.records == []
                draining = asyncio.ensure_future(gateway.listener.drain(grace_s=10))
                await asyncio.sleep(0.1)
                assert not draining.done()
                go_on.set()
                await draining
                (record,) = gateway.records
    assert (record.outcome, record.status, record.estimated) == ("cancelled", 499, True)


async def test_others_are_answered_meanwhile(tmp_path: Path) -> None:
    whole = answer(UNTOLD, "content-type: application/json", status="200 OK")
    async with Upstream(always(whole)) as upstream:
        async with served(configuration(entry("m", upstream.port)), tmp_path) as gateway:
            async with kept_busy() as go_on:
                waiting = asyncio.ensure_future(gateway.post(CHAT, ask(text=LONG)))
                await until(lambda: gateway.gateway.load.requests == 1)
                for _ in range(3):
                    assert (await gateway.send("GET", "/readyz")).status == 200
                assert not waiting.done()
                go_on.set()
                assert (await waiting).status == 200


@asynccontextmanager
async def left_while_the_thread_is_busy(directory: Path) -> AsyncIterator[tuple[Accounted, threading.Event]]:
    """A key's client has left a stream, and its words wait to be counted."""
    stage = Stage(BEGINNING)
    async with Upstream(stage) as upstream:
        async with accounted(configuration(entry("m", upstream.port, **PRICES)), directory) as gateway:
            made = await gateway.made(models=["m"], max_parallel_requests=1)
            async with kept_busy() as go_on:
                headers = {"authorization": f"Bearer {made['key']}"}
                body = ask(stream=True, text=LONG)
                async with gateway._session.post(gateway.url + CHAT, json=body, headers=headers) as told:
                    await answers_so_far(told, b"hello")
                await asyncio.wait_for(stage.left.wait(), 10)
                asked = await gateway.send("POST", CHAT, ask(), key=made["key"])
                assert asked.status == 429, "what is held is held until the entry is made"
                yield gateway, go_on


def entries(gateway: Accounted) -> list[Any]:
    return [record for record in gateway.records if record.id]


async def test_an_orderly_shutdown_waits_for_the_entry(tmp_path: Path) -> None:
    async with left_while_the_thread_is_busy(tmp_path) as (gateway, go_on):
        draining = asyncio.ensure_future(gateway.listener.drain(grace_s=30))
        await asyncio.sleep(0.2)
        assert not draining.done()
        assert entries(gateway) == []
        go_on.set()
        drained = await draining
        (record,) = entries(gateway)
    assert drained.aborted == 0
    assert (record.outcome, record.status, record.estimated) == ("cancelled", 499, True)
    assert record.cost_nanousd


async def test_a_forced_shutdown_waits_for_nothing_and_enters_it_all_the_same(tmp_path: Path) -> None:
    async with left_while_the_thread_is_busy(tmp_path) as (gateway, _):
        await gateway.listener.close()
        (record,) = entries(gateway)
    assert len(entries(gateway)) == 1
    assert (record.outcome, record.status, record.estimated) == ("cancelled", 499, True)
    assert record.cost_nanousd


async def test_who_is_stopped_while_it_streams_is_entered_without_the_thread(tmp_path: Path) -> None:
    stage = Stage(BEGINNING)
    async with Upstream(stage) as upstream, served(configuration(entry("m", upstream.port)), tmp_path) as gateway:
        async with streaming(gateway, CHAT, ask(stream=True, text=LONG)) as told:
            await answers_so_far(told, b"hello")
            async with kept_busy():
                await gateway.listener.close()
                (record,) = gateway.records
    assert (record.status, record.error_class, record.estimated) == (503, STOPPING, True)


async def test_who_leaves_while_its_answer_is_counted_has_one_entry(tmp_path: Path) -> None:
    whole = answer(UNTOLD, "content-type: application/json", status="200 OK")
    async with Upstream(always(whole)) as upstream:
        async with served(configuration(entry("m", upstream.port)), tmp_path) as gateway:
            async with kept_busy() as go_on:
                waiting = asyncio.ensure_future(gateway.post(CHAT, ask(text=LONG)))
                await until(lambda: gateway.gateway.load.requests == 1)
                await asyncio.sleep(0.1)
                waiting.cancel()
                await until(lambda: gateway.listener.connections == 0)
                assert (gateway.gateway.load.requests, gateway.records) == (1, [])
                go_on.set()
                record = await recorded(gateway)
            await gateway.listener.drain(grace_s=10)
    assert len(gateway.records) == 1
    assert (record.outcome, record.status, record.estimated) == ("cancelled", 499, True)
    assert record.tokens["output"] > 0
