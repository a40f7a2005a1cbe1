"""Callers of the MCP endpoint who reach for what is not theirs: sessions, calls that wait, tasks, cursors, links."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from aiohttp import web

from tests.mcp import serving
from tests.mcp.gateway import Gateway, gateway
from tests.mcp.raw import MODERN, Raw, raw
from tests.mcp.serving import LEGACY_STDIO
from tests.server.served import KEY

pytestmark = pytest.mark.asyncio(loop_scope="module")

INVALID_REQUEST, INVALID_PARAMS = -32600, -32602
TASKS = "io.modelcontextprotocol/tasks"
ELICITS = {"elicitation": {}}
WITH_TASKS = {"extensions": {TASKS: {}}, "elicitation": {}}
CLIENTS, CALLS = 100, 30


class Told:
    """A legacy server with sessions that says as whom it was asked; a session of one credential is no other's."""

    def __init__(self) -> None:
        self.sessions: dict[str, str] = {}
        self.mixed = 0

    async def post(self, request: web.Request) -> web.Response:
        message = await request.json()
        shown = request.headers.get("Authorization", "")
        if "id" not in message:
            return web.Response(status=202)
        if "wrong" in shown:
            return web.Response(status=401)
        session = request.headers.get("Mcp-Session-Id", "")
        if message["method"] == "initialize":
            session = f"s{len(self.sessions)}"
            self.sessions[session] = shown
            info = {"name": "told", "version": "1"}
            result: Any = {"protocolVersion": "2025-11-25", "capabilities": {"tools": {}}, "serverInfo": info}
            return self._answer(message, result, session)
        if message["method"] == "server/discover":
            return web.Response(status=400)
        self.mixed += self.sessions.get(session) != shown
        return self._answer(message, {"content": [{"type": "text", "text": shown}]}, session)

    @staticmethod
    def _answer(message: Any, result: Any, session: str) -> web.Response:
        told = {"jsonrpc": "2.0", "id": message["id"], "result": result}
        return web.json_response(told, headers={"Mcp-Session-Id": session})


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def told() -> AsyncIterator[tuple[Told, str]]:
    server, app = Told(), web.Application()
    app.router.add_post("/mcp", server.post)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    yield server, f"http://127.0.0.1:{runner.addresses[0][1]}/mcp"
    await runner.cleanup()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def served(told: tuple[Told, str], tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Gateway]:
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(serving.legacy_http())
        tasks = await stack.enter_async_context(serving.tasks())
        many = await stack.enter_async_context(serving.broken("many"))
        servers = {
            "old": LEGACY_STDIO.configured(),
            "old_http": {"url": http.url},
            "jobs": {"url": tasks.url},
            "many": {"url": many.url},
            "told": {"url": told[1]},
            "unasking": {**LEGACY_STDIO.configured(), "allow_sampling": False},
        }
        directory = tmp_path_factory.mktemp("attacks")
        yield await stack.enter_async_context(gateway({"mcp_servers": servers}, directory))


@pytest_asyncio.fixture(loop_scope="module")
async def ada(served: Gateway) -> AsyncIterator[Raw]:
    async with raw(served.url, key=await somebody(served)) as one:
        yield one


@pytest_asyncio.fixture(loop_scope="module")
async def eve(served: Gateway) -> AsyncIterator[Raw]:
    async with raw(served.url, key=await somebody(served)) as one:
        yield one


async def somebody(served: Gateway) -> str:
    return await served.key(permission={"mcp_servers": ["old", "old_http", "jobs", "many", "told", "unasking"]})


def text(answer: dict[str, Any]) -> str:
    said: str = answer["result"]["content"][0]["text"]
    return said


# sessions


async def test_a_session_is_unknown_to_everybody_else(served: Gateway, ada: Raw, eve: Raw) -> None:
    """S42."""
    ada.modern = eve.modern = False
    assert "result" in await ada.ask("old", "tools/list")
    session = ada.sessions["old", ""]
    assert len(session) >= 32
    for stolen in (session, "0" * 32, ""):
        eve.sessions["old", ""] = stolen
        for method in ("POST", "GET", "DELETE") if stolen else ():
            headers = {**eve.headers("old", "", "", {}), "Mcp-Session-Id": stolen}
            async with aiohttp.ClientSession() as http:
                async with http.request(
                    method, f"{served.url}/mcp/old", json=tools_list() if method == "POST" else None, headers=headers
                ) as answer:
                    assert answer.status == 404, method
        async with aiohttp.ClientSession() as http:
            url = f"{served.url}/sse/messages?session_id={stolen}"
            async with http.post(url, json=tools_list(), headers=eve.headers("old", "", "", {})) as answer:
                assert answer.status == 404
    assert "result" in await ada.ask("old", "tools/list")


def tools_list() -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}


async def test_a_session_keeps_no_right_that_was_taken_away(served: Gateway) -> None:
    key = await served.key(permission={"mcp_servers": ["old"]})
    async with raw(served.url, modern=False, key=key) as one:
        assert (await one.ask("", "tools/list"))["result"]["tools"]
        await served.post("/key/update", {"key": key, "object_permission": {"mcp_servers": []}})
        assert (await one.ask("", "tools/list"))["result"]["tools"] == []
        assert (await one.ask("", "tools/call", {"name": "old-echo"}))["error"]["code"] == INVALID_PARAMS


# calls that wait for input


async def test_a_call_that_waits_is_resumed_by_nobody_else_and_with_nothing_else(ada: Raw, eve: Raw) -> None:
    """S42."""
    call: dict[str, Any] = {"name": "ask_name", "arguments": {}}
    asked = (await ada.ask("old", "tools/call", call, capabilities=ELICITS))["result"]
    assert asked["resultType"] == "input_required"
    state = asked["requestState"]
    answers = {name: {"action": "accept", "content": {"name": "Eve"}} for name in asked["inputRequests"]}
    back = {**call, "inputResponses": answers, "requestState": state}

    async def refused(one: Raw, params: dict[str, Any], server: str = "old") -> None:
        told = await one.ask(server, "tools/call", params, capabilities=ELICITS)
        assert told["error"]["code"] == INVALID_PARAMS, told

    await refused(eve, back)
    await refused(ada, {**back, "requestState": state[:-1] + ("A" if state[-1] != "A" else "B")})
    await refused(ada, {**back, "arguments": {"other": 1}})
    await refused(ada, {**back, "name": "echo"})
    await refused(ada, back, "old_http")
    answers = {name: {"action": "accept", "content": {"name": "Ada"}} for name in asked["inputRequests"]}
    done = await ada.ask("old", "tools/call", {**back, "inputResponses": answers}, capabilities=ELICITS)
    assert text(done) == "Hello, Ada!"
    await refused(ada, back)


async def test_a_server_asks_for_nothing_that_the_operator_bars(ada: Raw) -> None:
    """S51."""
    can = {"sampling": {}, "elicitation": {}}
    told = await ada.ask("unasking", "tools/call", {"name": "ask_model", "arguments": {}}, capabilities=can)
    assert "does not support sampling" in told["error"]["message"]
    told = await ada.ask("unasking", "tools/call", {"name": "ask_name", "arguments": {}}, capabilities=can)
    assert told["result"]["resultType"] == "input_required"


# tasks


async def test_a_task_is_unknown_to_everybody_else(ada: Raw, eve: Raw) -> None:
    """S42."""
    call = {"name": "confirm_delete", "arguments": {"filename": "a.txt"}}
    task = (await ada.ask("jobs", "tools/call", call, capabilities=WITH_TASKS))["result"]["taskId"]
    own = task.removeprefix("jobs:").rpartition(".")[0]
    forged = (own, f"jobs:{own}", task[:-1] + ("0" if task[-1] != "0" else "1"), task.replace("jobs:", "old:"))
    for method in ("tasks/get", "tasks/update", "tasks/cancel"):
        told = await eve.ask("jobs", method, {"taskId": task, "inputResponses": {}}, capabilities=WITH_TASKS)
        assert told["error"]["code"] == INVALID_PARAMS
        for id in forged:
            told = await ada.ask("jobs", method, {"taskId": id, "inputResponses": {}}, capabilities=WITH_TASKS)
            assert told["error"]["code"] == INVALID_PARAMS
    # neither of the two views is another's: a task is known wherever its server is
    for server in ("jobs", ""):
        told = await ada.ask(server, "tasks/get", {"taskId": task}, capabilities=WITH_TASKS)
        assert told["result"]["taskId"] == task
    assert await acknowledged(eve, {"taskIds": [task]}) == {}
    assert await acknowledged(ada, {"taskIds": [task]}) == {"taskIds": [task]}


async def acknowledged(one: Raw, notifications: dict[str, Any]) -> dict[str, Any]:
    """What a stream for changes is said to be for."""
    meta = {"io.modelcontextprotocol/protocolVersion": MODERN}
    meta_of: dict[str, Any] = {**meta, "io.modelcontextprotocol/clientCapabilities": WITH_TASKS}
    params = {"notifications": notifications, "_meta": meta_of}
    body = {"jsonrpc": "2.0", "id": 1, "method": "subscriptions/listen", "params": params}
    headers = one.headers("", "", "subscriptions/listen", {})
    async with aiohttp.ClientSession() as http, http.post(one.path(""), json=body, headers=headers) as answer:
        async for line in answer.content:
            if line.startswith(b"data: {"):
                told: dict[str, Any] = json.loads(line.removeprefix(b"data: "))["params"]["notifications"]
                return told
    raise AssertionError("the stream ended")


# cursors


async def test_a_cursor_is_good_for_who_was_given_it_and_nothing_else(ada: Raw, eve: Raw) -> None:
    first = (await ada.ask("", "tools/list"))["result"]
    cursor = first["nextCursor"]

    async def told(one: Raw, cursor: Any, method: str = "tools/list", servers: str = "") -> Any:
        answer = await one.ask("", method, {"cursor": cursor}, servers=servers)
        return answer["error"]["code"] if "error" in answer else answer["result"]["tools"][0]["name"]

    number, _, seal = cursor.partition(".")
    forged = (f"0.{seal}", f"{number}.", number, f"-1.{seal}", f"{int(number) + 1}.{seal}", f"²{number}.{seal}")
    for wrong in (*forged, "", "9" * 400, 7, None, ["a"]):
        assert await told(ada, wrong) in ((INVALID_PARAMS,) if wrong is not None else (first["tools"][0]["name"],))
    assert await told(eve, cursor) == INVALID_PARAMS
    assert await told(ada, cursor, "prompts/list") == INVALID_PARAMS
    assert await told(ada, cursor, servers="many") == INVALID_PARAMS
    assert await told(ada, cursor) not in (INVALID_PARAMS, first["tools"][0]["name"])


# links


@pytest.mark.parametrize("server", ["old", "old_http"])
async def test_the_same_ids_of_a_hundred_clients_at_once_meet_nowhere(served: Gateway, server: str) -> None:
    """S43."""
    keys = [await somebody(served) for _ in range(4)]
    numbers = itertools.count()

    async def use(number: int) -> int:
        wrong = 0
        async with raw(served.url, modern=number % 2 == 0, key=keys[number % 4]) as one:
            for _ in range(CALLS):
                said = f"{number} {next(numbers)}"
                meta = {"progressToken": 1}
                params = {"name": "echo", "arguments": {"text": said}, "_meta": meta}
                wrong += text(await one.ask(server, "tools/call", params, id=1)) != said
        return wrong

    assert sum(await asyncio.gather(*map(use, range(CLIENTS)))) == 0


@pytest.mark.parametrize("modern", [True, False])
async def test_a_credential_goes_by_no_other_callers_link(
    told: tuple[Told, str], served: Gateway, modern: bool
) -> None:
    """S43."""
    server, _ = told
    key = await somebody(served)  # even of one principal: the credential decides

    async def use(number: int) -> list[str]:
        brought = {"x-mcp-told-authorization": f"Bearer of-{number}"}
        async with raw(served.url, modern=modern, key=key) as one:
            return [
                text(await one.ask("told", "tools/call", {"name": "whoami"}, headers=brought, capabilities=ELICITS))
                for _ in range(5)
            ]

    found = await asyncio.gather(*map(use, range(20)))
    assert found == [[f"Bearer of-{number}"] * 5 for number in range(20)]
    assert server.mixed == 0
    assert not any(KEY in shown or key in shown for shown in server.sessions.values())


async def test_a_session_that_brings_another_credential_has_another_link(
    told: tuple[Told, str], served: Gateway
) -> None:
    server, _ = told
    async with raw(served.url, modern=False, key=await somebody(served)) as one:
        for token in ("first", "second", "first"):
            brought = {"x-mcp-told-authorization": f"Bearer {token}"}
            answer = await one.ask("told", "tools/call", {"name": "whoami"}, headers=brought, capabilities=ELICITS)
            assert text(answer) == f"Bearer {token}"
    assert server.mixed == 0


async def test_a_credential_that_is_refused_is_its_callers_matter_alone(served: Gateway) -> None:
    async with raw(served.url, key=await somebody(served)) as one:

        async def use(token: str) -> dict[str, Any]:
            brought = {"x-mcp-told-authorization": f"Bearer {token}"}
            return await one.ask("told", "tools/call", {"name": "whoami"}, headers=brought)

        for number in range(3):
            assert "error" in await use("wrong")
            assert text(await use(f"right-{number}")) == f"Bearer right-{number}"


# pages and names


@pytest.mark.parametrize("path", ["/mcp", "/mcp/old", "/old/mcp", "/sse", "/mcp-rest/tools/list"])
@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Host": "evil.example", "Origin": "http://evil.example"},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Host": "127.0.0.1.evil.example"},
        {"Host": "localhost.evil.example:80"},
    ],
)
async def test_a_page_of_somebody_else_is_answered_nothing(served: Gateway, path: str, headers: dict[str, str]) -> None:
    """S41."""
    gets = path in ("/sse", "/mcp-rest/tools/list")
    for version in ({}, {"MCP-Protocol-Version": MODERN}):
        sent = {"x-litellm-api-key": KEY, **version, **headers}
        async with aiohttp.ClientSession() as http:
            method, body = ("GET", None) if gets else ("POST", tools_list())
            async with http.request(method, served.url + path, json=body, headers=sent) as answer:
                assert answer.status == 403
                assert "tools" not in await answer.text()


@pytest.mark.parametrize(
    "uri",
    [
        *(
            "file:///etc/passwd",
            "mcp://nobody/file:///etc/passwd",
            "mcp://old/../told/x",
            "mcp://old/file:///etc/passwd",
        ),
        "mcp://old/" + "{/a*}" * 1_000,
    ],
)
async def test_a_resource_of_nobodys_is_looked_for_at_its_own_server_alone(ada: Raw, uri: str) -> None:
    """S52."""
    for modern in (True, False):
        ada.modern = modern
        told = await ada.ask("", "resources/read", {"uri": uri})
        assert told["error"]["code"] == (INVALID_PARAMS if modern else -32002)
