"""Limits of servers and of keys, by every way: an error with the request's id, and nothing done."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import psutil
import pytest

from tests.mcp.gateway import Gateway, gateway
from tests.mcp.raw import Raw, raw
from tests.mcp.serving import LEGACY_STDIO, Serving, broken
from tests.mcp.test_listening import Listener
from tollbridge.mcp import parked, places
from tollbridge.mcp.definition import Definition
from tollbridge.mcp.jsonrpc import RpcError
from tollbridge.mcp.pace import Pace

ECHO = {"name": "echo", "arguments": {"text": "here"}}
TOO_MANY, BUDGET = -31029, -31030
NOTE, UPDATED = "note://today", "notifications/resources/updated"


@pytest.fixture(scope="module")
def plain() -> Iterator[Serving]:
    with broken("good") as running:
        yield running


@pytest.fixture
async def served(plain: Serving, tmp_path: Path) -> AsyncIterator[Gateway]:
    cost = {"mcp_server_cost_info": {"default_cost_per_query": 0.5}}
    servers = {
        "slow": {"url": plain.url, "rpm": 2},
        "narrow": {**LEGACY_STDIO.configured(), "max_parallel_requests": 1},
        "paid": {"url": plain.url, "mcp_info": cost},
        "free": LEGACY_STDIO.configured(),
    }
    async with gateway({"mcp_servers": servers}, tmp_path) as running:
        yield running


@pytest.fixture(params=["modern", "legacy"])
def modern(request: pytest.FixtureRequest) -> bool:
    return bool(request.param == "modern")


async def called(one: Raw, server: str, params: dict[str, Any] | None = None) -> dict[str, Any]:
    """`Raw.ask` checks the id of the answer."""
    return await one.ask(server, "tools/call", ECHO if params is None else params)


async def test_a_server_is_asked_so_often_in_a_minute_and_no_more(served: Gateway, modern: bool) -> None:
    async with raw(served.url, modern=modern) as one:
        for _ in range(2):
            await one.ask("slow", "tools/list")  # lists are not counted
            assert "result" in await called(one, "slow")
        error = (await called(one, "slow"))["error"]
        assert error["code"] == TOO_MANY
        assert "takes 2 calls in a minute" in error["message"]
        assert 0 < error["data"]["retry_after_s"] <= 60
        assert one.status == (429 if modern else 200)
        assert "result" in await one.ask("slow", "tools/list")
        assert "result" in await called(one, "paid")  # others do not notice
    answered = await served.send("POST", "/mcp-rest/tools/call", {"server_id": "slow", "name": "echo"})
    assert (answered.status, answered.json()["error"]["type"]) == (429, "rate_limit_error")
    assert 0 < int(answered.headers["retry-after"]) <= 60
    refused = [entry for entry in await served.entries(5) if entry["status"] == "failure"]
    assert len(refused) == 2
    assert all(entry["spend"] == 0 for entry in refused)


async def test_a_server_has_so_many_calls_at_once_and_no_more(served: Gateway, modern: bool) -> None:
    async with asyncio.timeout(20), raw(served.url, modern=modern) as one:
        await one.ask("narrow", "tools/list")
        sleeping = asyncio.ensure_future(called(one, "narrow", {"name": "sleep", "arguments": {}}))
        while not served.hub.upstreams["narrow"].flying:
            await asyncio.sleep(0.02)
        error = (await called(one, "narrow"))["error"]
        assert (error["code"], error["data"]) == (TOO_MANY, {"retry_after_s": 1.0})
        assert "result" in await one.ask("narrow", "tools/list")
        sleeping.cancel()
        while served.hub.upstreams["narrow"].flying:
            await asyncio.sleep(0.02)
        assert "result" in await called(one, "narrow")


async def test_a_keys_limits_hold_for_tools_and_resources(served: Gateway, modern: bool) -> None:
    key = await served.key(permission={"mcp_servers": ["free", "paid"]}, rpm_limit=2)
    async with raw(served.url, modern=modern, key=key) as one:
        assert "result" in await called(one, "free")
        assert "result" in await one.ask("free", "resources/read", {"uri": "note://today"})
        for method, params in (("tools/call", ECHO), ("resources/read", {"uri": "note://today"})):
            error = (await one.ask("free", method, params))["error"]
            assert error["code"] == TOO_MANY
            assert "may make 2 requests in a minute" in error["message"]
            assert error["data"]["retry_after_s"] > 0
        assert "result" in await one.ask("free", "tools/list")


async def test_a_keys_parallel_requests_hold(served: Gateway) -> None:
    key = await served.key(permission={"mcp_servers": ["free"]}, max_parallel_requests=1)
    async with asyncio.timeout(20), raw(served.url, key=key) as one:
        await one.ask("free", "tools/list")
        sleeping = asyncio.ensure_future(called(one, "free", {"name": "sleep", "arguments": {}}))
        while not served.hub.upstreams["free"].flying:
            await asyncio.sleep(0.02)
        error = (await called(one, "free"))["error"]
        assert error["code"] == TOO_MANY
        assert "under way at once" in error["message"]
        sleeping.cancel()
        while served.hub.upstreams["free"].flying:
            await asyncio.sleep(0.02)
        assert "result" in await called(one, "free")


async def test_what_calls_cost_counts_against_the_budget_and_can_refuse_one(served: Gateway, modern: bool) -> None:
    key = await served.key(permission={"mcp_servers": ["free", "paid"]}, max_budget=1)
    async with raw(served.url, modern=modern, key=key) as one:
        for _ in range(2):
            assert "result" in await called(one, "paid")
        error = (await called(one, "paid"))["error"]
        assert error["code"] == BUDGET
        assert one.status == (429 if modern else 200)
    entries = await served.entries(2)
    assert [entry["spend"] for entry in entries if entry["status"] == "success"] == [0.5, 0.5]


def test_a_window_slides() -> None:
    now = 0.0
    pace = Pace(Definition(name="one", rpm=2), lambda: now)

    def ask() -> None:
        assert pace.reserve("tools/call")
        pace.release()

    ask()
    assert not pace.reserve("tools/list")
    now = 30.0
    ask()
    with pytest.raises(RpcError) as refused:
        ask()
    assert refused.value.data == {"retry_after_s": 30.0}
    now = 60.0
    ask()
    with pytest.raises(RpcError):
        ask()


async def test_calls_that_may_be_asked_something_start_so_many_processes_and_no_more(
    served: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(places, "PROCESSES_MAX", 4)
    monkeypatch.setattr(parked, "THERE_MAX", 2)
    asks = {"name": "ask_name", "arguments": {}}
    elicits = {"elicitation": {"form": {}}}

    async def begin(one: Raw) -> dict[str, Any]:
        return await one.ask("free", "tools/call", asks, capabilities=elicits)

    key = await served.key(permission={"mcp_servers": ["free"]})
    async with raw(served.url) as one, raw(served.url, key=key) as other:
        answers = await asyncio.gather(*(begin(one) for _ in range(8)))
        waiting = [answer["result"] for answer in answers if "result" in answer]
        errors = [answer["error"] for answer in answers if "error" in answer]
        assert all(result["resultType"] == "input_required" for result in waiting)
        assert len(waiting) == 3, "three quarters are one key's"
        assert {error["code"] for error in errors} == {TOO_MANY}
        assert "may ask for input" in errors[0]["message"]
        assert (await begin(other))["result"]["resultType"] == "input_required"

        # of three that were left waiting at the server, two still do
        async def answered(result: dict[str, Any]) -> dict[str, Any]:
            filled = {name: {"action": "accept", "content": {"name": "Ada"}} for name in result["inputRequests"]}
            again = {**asks, "requestState": result["requestState"], "inputResponses": filled}
            return await one.ask("free", "tools/call", again, capabilities=elicits)

        outcomes = [await answered(result) for result in waiting]
        assert sum("Hello, Ada!" in str(outcome) for outcome in outcomes) == 2
        assert sum("names no call" in str(outcome) for outcome in outcomes) == 1
        assert (await begin(one))["result"]["resultType"] == "input_required", "there is room again"


async def test_what_waits_for_input_at_a_server_is_counted_whichever_path_led_there(
    served: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parked, "THERE_MAX", 2)
    elicits = {"elicitation": {"form": {}}}
    ways = [("free", "ask_name"), ("", "free-ask_name"), ("free,paid", "free-ask_name")]
    async with raw(served.url) as one:
        waiting = []
        for path, name in ways:
            asks = {"name": name, "arguments": {}}
            result = (await one.ask(path, "tools/call", asks, capabilities=elicits))["result"]
            filled = {asked: {"action": "accept", "content": {"name": "Ada"}} for asked in result["inputRequests"]}
            waiting.append((path, {**asks, "requestState": result["requestState"], "inputResponses": filled}))
        ends = [await one.ask(path, "tools/call", again, capabilities=elicits) for path, again in waiting]
        assert "names no call" in str(ends[0]["error"])
        assert all("Hello, Ada!" in str(end["result"]) for end in ends[1:])


class Crowd:
    """Sessions that may be asked something, each with a process of its own, of which there may be two."""

    def __init__(self, served: Gateway, starts: Path, stack: AsyncExitStack) -> None:
        self.url = served.url
        self._starts = starts
        self._stack = stack

    @property
    def started(self) -> int:
        """By now, the one for all others among them."""
        return len(self._starts.read_text().split())

    async def join(self) -> Raw:
        one = await self._stack.enter_async_context(raw(self.url, modern=False))
        before = self.started
        await one.shake_hands("old", "", {"elicitation": {}})
        http = await self._stack.enter_async_context(aiohttp.ClientSession())
        ready = {"jsonrpc": "2.0", "method": "notifications/initialized"}
        async with http.post(one.path("old"), json=ready, headers=one.headers("old", "", "", {})) as posted:
            assert posted.status == 202
        async with asyncio.timeout(10):
            while self.started == before:
                await asyncio.sleep(0.02)
        return one

    async def listen(self, one: Raw) -> Listener:
        http = await self._stack.enter_async_context(aiohttp.ClientSession())
        answer = await self._stack.enter_async_context(
            http.get(one.path("old"), headers=one.headers("old", "", "", {}))
        )
        listener = Listener(answer)
        self._stack.push_async_callback(listener.close)
        return listener


@asynccontextmanager
async def crowd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Crowd]:
    monkeypatch.setattr(places, "PROCESSES_MAX", 2)
    old, starts = LEGACY_STDIO.configured(), tmp_path / "starts"
    script = ["-c", 'echo x >> "$0"; exec "$@"', str(starts), old["command"], *old["args"]]
    server = {**old, "command": "/bin/sh", "args": script}
    async with gateway({"mcp_servers": {"old": server}}, tmp_path) as running, AsyncExitStack() as stack:
        async with raw(running.url) as one:
            await one.ask("old", "tools/list")
        yield Crowd(running, starts, stack)


@asynccontextmanager
async def counted(most: list[int]) -> AsyncIterator[None]:
    """`most`: gets how many processes of ours there were, ever and again."""

    async def count() -> None:
        while True:
            most.append(len(psutil.Process().children()))
            await asyncio.sleep(0.01)

    counting = asyncio.ensure_future(count())
    try:
        yield
    finally:
        counting.cancel()


async def test_sessions_that_begin_at_once_have_no_more_processes_than_there_may_be_at_any_instant(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elicits, processes = {"elicitation": {}}, list[int]()
    async with crowd(tmp_path, monkeypatch) as sessions, AsyncExitStack() as stack:
        shared = len(psutil.Process().children())
        many = [await stack.enter_async_context(raw(sessions.url, modern=False)) for _ in range(6)]
        async with counted(processes):
            answers = await asyncio.gather(*(one.ask("old", "tools/call", ECHO, capabilities=elicits) for one in many))
            for one in many:
                assert "result" in await called(one, "old")
        assert max(processes) == shared + 2
        assert sum("result" in answer for answer in answers) >= 2
        assert {answer["error"]["code"] for answer in answers if "error" in answer} <= {TOO_MANY}


async def test_processes_that_calls_left_idle_make_room_for_those_of_other_calls(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    processes = list[int]()
    async with crowd(tmp_path, monkeypatch) as sessions, raw(sessions.url) as one, counted(processes):
        shared = len(psutil.Process().children())
        for capabilities in ({"elicitation": {}}, {"sampling": {}}, {"roots": {}}, {"elicitation": {"form": {}}}):
            assert "result" in await one.ask("old", "tools/call", ECHO, capabilities=capabilities)
        assert max(processes) == shared + 2


async def test_an_idle_session_whose_process_gave_way_begins_none_before_it_asks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with crowd(tmp_path, monkeypatch) as sessions:
        many = [await sessions.join() for _ in range(4)]
        before = sessions.started
        await asyncio.sleep(2.5)
        assert sessions.started == before
        assert "result" in await called(many[0], "old")
        await asyncio.sleep(2.5)
        assert sessions.started == before + 1
        assert "result" in await called(many[0], "old")
        assert sessions.started == before + 1


async def test_a_session_whose_process_gave_way_is_told_when_it_has_another_that_lists_may_have_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with crowd(tmp_path, monkeypatch) as sessions:
        first = await sessions.join()
        heard = await sessions.listen(first)
        for _ in range(2):
            await sessions.join()
        await heard.quiet(0.5)
        assert "result" in await called(first, "old")
        told = {(await heard.next())["method"] for _ in range(2)}
        assert told == {f"notifications/{kind}/list_changed" for kind in ("tools", "resources")}, "what it has"


async def test_a_process_by_which_a_resource_is_watched_gives_way_last_and_is_subscribed_to_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "tollbridge.mcp")
    change = {"name": "change_note", "arguments": {}}
    async with crowd(tmp_path, monkeypatch) as sessions:
        first = await sessions.join()
        assert "result" in await first.ask("old", "resources/subscribe", {"uri": NOTE})
        heard = await sessions.listen(first)
        second, third = await sessions.join(), await sessions.join()
        before = sessions.started
        await called(first, "old", change)
        await heard.until(UPDATED)
        assert sessions.started == before, "another gave way"

        for one in (second, third):
            assert "result" in await one.ask("old", "resources/subscribe", {"uri": NOTE})
        told = [record.getMessage() for record in caplog.records if "gives way" in record.getMessage()]
        assert len(told) == 1
        assert "'old' has more sessions than the 2 links" in told[0]
        before = sessions.started
        assert "result" in await called(first, "old")
        assert sessions.started == before + 1, "the first had given way"
        await heard.quiet(0.5)
        await called(first, "old", change)
        await heard.until(UPDATED)

        # who unsubscribes begins none: what was subscribed to went with its process
        before = sessions.started
        assert "result" in await second.ask("old", "resources/unsubscribe", {"uri": NOTE})
        assert sessions.started == before


async def test_where_all_processes_have_calls_one_more_session_begins_without_one_and_its_call_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with crowd(tmp_path, monkeypatch) as sessions:
        former, *busy = [await sessions.join() for _ in range(3)]
        sleeping = [asyncio.ensure_future(called(one, "old", {"name": "sleep", "arguments": {}})) for one in busy]
        await asyncio.sleep(0.5)
        before = sessions.started
        async with raw(sessions.url, modern=False) as late:
            await late.shake_hands("old", "", {"elicitation": {}})
            assert late.sessions["old", ""]
            for one in (former, late):
                error = (await called(one, "old"))["error"]
                assert (error["code"], error["data"]) == (TOO_MANY, {"retry_after_s": 1.0})
                assert "calls under way on all of its 2 links" in error["message"]
            assert sessions.started == before
            assert not any(one.done() for one in sleeping)

            sleeping.pop().cancel()
            async with asyncio.timeout(10):
                while "error" in (answer := await called(late, "old")):
                    assert answer["error"]["code"] == TOO_MANY
                    await asyncio.sleep(0.05)
            assert sessions.started == before + 1
        for one in sleeping:
            one.cancel()
        await asyncio.gather(*sleeping, return_exceptions=True)
