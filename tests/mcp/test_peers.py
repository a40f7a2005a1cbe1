"""The servers that the gateway is tested against do what their heads say, asked by the official SDK or in the raw."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import mcp_types as types
import pytest
from mcp import Client, StdioServerParameters
from mcp.client.sse import sse_client
from mcp.shared.exceptions import MCPError

from tests.mcp import conformance, serving
from tests.mcp.fixtures.broken import FAULTS, MANY
from tests.mcp.serving import CUSTOMER_SERVICE, LEGACY_STDIO, Command, Serving, Talk

MODERN = "2026-07-28"
META = "io.modelcontextprotocol/"
TASKS = f"{META}tasks"


async def fill_in(context: Any, params: types.ElicitRequestParams) -> types.ElicitResult:
    return types.ElicitResult(action="accept", content={"name": "Ada"})


async def answer(context: Any, params: types.CreateMessageRequestParams) -> types.CreateMessageResult:
    content = types.TextContent(type="text", text="Good day")
    return types.CreateMessageResult(role="assistant", content=content, model="a-model")


def text(result: types.CallToolResult) -> str:
    content = result.content[0]
    assert isinstance(content, types.TextContent)
    return content.text


@asynccontextmanager
async def talking(command: Command) -> AsyncIterator[Client]:
    """The SDK's client on a command's pipes."""
    parameters = StdioServerParameters(command=command.command, args=list(command.args), env=dict(command.env))
    async with Client(parameters) as client:
        yield client


@asynccontextmanager
async def posting(
    url: str, method: str, params: dict[str, Any], capabilities: dict[str, Any]
) -> AsyncIterator[aiohttp.ClientResponse]:
    """A request of 2026-07-28 in the raw."""
    meta = {f"{META}protocolVersion": MODERN, f"{META}clientCapabilities": capabilities}
    message = {"jsonrpc": "2.0", "id": 1, "method": method, "params": {**params, "_meta": meta}}
    headers = {"MCP-Protocol-Version": MODERN, "Mcp-Method": method, "Accept": "application/json, text/event-stream"}
    if name := params.get("name") or params.get("taskId"):
        headers["Mcp-Name"] = name
    async with aiohttp.ClientSession() as session, session.post(url, json=message, headers=headers) as answer:
        yield answer


async def post(url: str, method: str, params: dict[str, Any] | None = None, **capabilities: Any) -> dict[str, Any]:
    """The last message of the answer to a request."""
    async with posting(url, method, params or {}, capabilities) as answer:
        body = (await answer.text()).strip()
    found: dict[str, Any] = json.loads(body.rsplit("data: ", 1)[-1])
    return found


@asynccontextmanager
async def listening(
    url: str, notifications: dict[str, Any], **capabilities: Any
) -> AsyncIterator[AsyncIterator[dict[str, Any]]]:
    """What `subscriptions/listen` tells, the acknowledgement first."""
    async with posting(url, "subscriptions/listen", {"notifications": notifications}, capabilities) as answer:

        async def messages() -> AsyncIterator[dict[str, Any]]:
            async for line in answer.content:
                if line.startswith(b"data: {"):
                    yield json.loads(line.removeprefix(b"data: "))

        yield messages()


# The older era, on each of its transports


async def test_the_legacy_server_knows_nothing_but_the_handshake() -> None:
    async with Talk(LEGACY_STDIO) as talk:
        assert (await talk.ask("server/discover"))["error"]["code"] == -32601
        shaken = await talk.shake_hands("2025-11-25")
        assert shaken["result"]["protocolVersion"] == "2025-06-18"
        assert len((await talk.ask("tools/list"))["result"]["tools"]) == 12


async def test_the_legacy_server_asks_a_person_and_a_model() -> None:
    async with Talk(LEGACY_STDIO) as talk:
        await talk.shake_hands(elicitation={}, sampling={})
        asked = talk.request("tools/call", {"name": "ask_name"})
        question = await talk.hear()
        assert question["method"] == "elicitation/create"
        talk.say({"id": question["id"], "result": {"action": "accept", "content": {"name": "Ada"}}})
        assert (await talk.answer(asked))["result"]["content"][0]["text"] == "Hello, Ada!"
        asked = talk.request("tools/call", {"name": "ask_model", "arguments": {"prompt": "Hi"}})
        question = await talk.hear()
        assert question["params"]["messages"][0]["content"]["text"] == "Hi"
        said = {"role": "assistant", "model": "m", "content": {"type": "text", "text": "Good day"}}
        talk.say({"id": question["id"], "result": said})
        assert (await talk.answer(asked))["result"]["content"][0]["text"] == "The model said: Good day"
        assert (await talk.call("list_roots"))["error"]["message"] == "The client does not support roots"


async def test_the_legacy_server_tells_what_it_does_and_prints_junk() -> None:
    async with Talk(LEGACY_STDIO) as talk:
        await talk.shake_hands()
        asked = {"name": "report", "arguments": {"steps": 2}, "_meta": {"progressToken": "p"}}
        await talk.ask("tools/call", asked)
        told = [message["method"].removeprefix("notifications/") for message in talk.heard if "method" in message]
        assert told == ["message", "progress", "message", "progress"]
        await talk.call("print_junk")
        assert len(talk.junk) == 4


async def test_the_legacy_server_is_cancelled_and_can_die() -> None:
    async with Talk(LEGACY_STDIO) as talk:
        await talk.shake_hands()
        sleeping = talk.request("tools/call", {"name": "sleep"})
        talk.say({"method": "notifications/cancelled", "params": {"requestId": sleeping}})
        assert (await talk.call("count_cancelled"))["result"]["content"][0]["text"] == "1"
        talk.request("tools/call", {"name": "exit_process"})
        with pytest.raises(EOFError):
            await talk.hear()
        assert await talk.process.wait() == 3


async def test_the_legacy_server_serves_streamable_http() -> None:
    async with serving.legacy_http() as server, Client(server.url, elicitation_callback=fill_in) as client:
        assert client.protocol_version == "2025-06-18"
        assert text(await client.call_tool("ask_name")) == "Hello, Ada!"


async def test_sessions_of_the_legacy_server_are_told_what_others_change() -> None:
    async with serving.legacy_http() as server:
        steps = [{"subscribe": "note://today"}, {"wait": "notifications/resources/updated"}, {"read": "note://today"}]
        watching = asyncio.create_task(serving.use_mcp1(server.url, steps))
        async with Client(server.url) as changing:
            while not watching.done():
                await changing.call_tool("change_note")
                await asyncio.sleep(0.05)
        told = await watching
    assert told[0] == {"version": "2025-06-18", "server": "legacy"}
    assert (told[2][0]["method"], told[2][0]["params"]) == ("notifications/resources/updated", {"uri": "note://today"})
    assert told[3]["contents"][0]["text"] != "Note number 1"


async def test_the_legacy_server_serves_http_with_sse() -> None:
    async with serving.legacy_sse() as server:
        async with Client(sse_client(server.url), mode="legacy", sampling_callback=answer) as client:
            assert client.protocol_version == "2024-11-05"
            assert text(await client.call_tool("ask_model")) == "The model said: Good day"


# 2026-07-28 alone, and its extension


@pytest.fixture(scope="module")
def modern() -> Iterator[Serving]:
    with serving.modern_only() as running:
        yield running


async def test_the_modern_server_elicits_in_rounds(modern: Serving) -> None:
    async with Client(modern.url, mode=MODERN, elicitation_callback=fill_in) as client:
        assert text(await client.call_tool("greet")) == "Hello, Ada!"
        assert text(await client.call_tool("echo", {"text": "unchanged"})) == "unchanged"


async def test_the_modern_server_refuses_the_older_era(modern: Serving) -> None:
    message = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {"protocolVersion": "2025-11-25"}}
    async with aiohttp.ClientSession() as session, session.post(modern.url, json=message) as refused:
        assert refused.status == 400
        error = (await refused.json())["error"]
    assert (error["code"], error["data"]["supported"]) == (-32022, [MODERN])
    async with aiohttp.ClientSession() as session, session.get(modern.url) as refused:
        assert refused.status == 405


async def test_the_modern_server_tells_listeners(modern: Serving) -> None:
    async with Client(modern.url, mode=MODERN) as client, client.listen(tools_list_changed=True) as events:
        assert text(await client.call_tool("announce")) == "1 listeners were told."
        assert type(await anext(aiter(events))).__name__ == "ToolsListChanged"


async def test_the_tasks_server_passes_the_tasks_scenarios() -> None:
    listed = [entry["scenario"] for entry in conformance.requirements(MODERN)["not_scored"]]
    wanted = [name for name in listed if name.startswith("tasks-")]
    async with serving.tasks() as server:
        report = await conformance.run_scenarios(server.url, MODERN, wanted)
    assert len(wanted) == 10
    assert report.failures(scored=False) == {}


async def test_the_tasks_server_tells_listeners_of_a_task() -> None:
    declared: dict[str, Any] = {"elicitation": {}, "extensions": {TASKS: {}}}
    async with serving.tasks() as server:
        call = {"name": "confirm_delete", "arguments": {"filename": "a.txt"}}
        task = (await post(server.url, "tools/call", call, **declared))["result"]["taskId"]
        async with listening(server.url, {"taskIds": [task]}, **declared) as told:
            assert (await anext(told))["params"]["notifications"] == {"taskIds": [task]}
            got = {"status": "working"}
            while got["status"] == "working":
                got = (await post(server.url, "tasks/get", {"taskId": task}, **declared))["result"]
            answers = {key: {"action": "accept", "content": {"confirm": True}} for key in got["inputRequests"]}
            await post(server.url, "tasks/update", {"taskId": task, "inputResponses": answers}, **declared)
            statuses: list[str] = []
            while "completed" not in statuses:
                statuses.append((await anext(told))["params"]["status"])
    assert statuses[-2:] == ["working", "completed"]


# The misbehaving one


@pytest.fixture(scope="module")
def misbehaving() -> Iterator[Serving]:
    with serving.broken() as running:
        yield running


@pytest.mark.parametrize("mode", ["legacy", MODERN])
async def test_a_good_address_of_the_misbehaving_server_works(misbehaving: Serving, mode: Any) -> None:
    async with Client(misbehaving.at("/mcp/good"), mode=mode) as client:
        assert text(await client.call_tool("echo", {"text": "as it was"})) == "as it was"


async def test_a_malformed_tool_is_one_among_good_ones(misbehaving: Serving) -> None:
    tools = (await post(misbehaving.url, "tools/list"))["result"]["tools"]
    assert [(tool["name"], bool(tool["inputSchema"])) for tool in tools] == [
        ("echo", True),
        ("bad", False),
        ("add", True),
    ]


async def test_many_tools_come_in_pages(misbehaving: Serving) -> None:
    found, cursor = [], None
    async with Client(misbehaving.at("/mcp/many"), mode=MODERN) as client:
        while True:
            page = await client.list_tools(cursor=cursor)
            found += [tool.name for tool in page.tools]
            cursor = page.next_cursor
            if cursor is None:
                break
    assert len(set(found)) == MANY


async def test_a_session_is_lost_after_each_call(misbehaving: Serving) -> None:
    url = misbehaving.at("/mcp/lost-session")
    async with aiohttp.ClientSession() as session:

        async def ask(method: str, id: str | None = None) -> aiohttp.ClientResponse:
            headers = {} if id is None else {"Mcp-Session-Id": id}
            return await session.post(url, json={"jsonrpc": "2.0", "id": 1, "method": method}, headers=headers)

        id = (await ask("initialize")).headers["Mcp-Session-Id"]
        assert [(await ask("tools/call", id)).status for _ in range(2)] == [200, 404]


async def test_a_stream_is_cut_in_the_middle(misbehaving: Serving) -> None:
    with pytest.raises(aiohttp.ClientPayloadError):
        await post(misbehaving.at("/mcp/cut"), "tools/call", {"name": "echo"})


@pytest.mark.parametrize("fault", sorted(FAULTS.keys() - {"silent"}))
async def test_each_fault_answers_a_listing_somehow(misbehaving: Serving, fault: str) -> None:
    async with aiohttp.ClientSession() as session:
        message = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
        async with session.post(misbehaving.at(f"/mcp/{fault}"), json=message, allow_redirects=False) as answer:
            assert answer.status in (200, 307, 401, 404, 500)
            assert await answer.read() or answer.status in (307, 401)


# Those of others


@pytest.mark.parametrize(("name", "tools"), [("everything", 13), ("filesystem", 14), ("memory", 9)])
async def test_the_servers_from_npm_list_their_tools(name: str, tools: int, tmp_path: Path) -> None:
    arguments = {"everything": ("stdio",), "filesystem": (str(tmp_path),)}.get(name, ())
    command = serving.npm(f"mcp-server-{name}", *arguments, env={"MEMORY_FILE_PATH": str(tmp_path / "memory.jsonl")})
    async with talking(command) as client:
        assert client.protocol_version == "2025-11-25"
        assert len((await client.list_tools()).tools) == tools


@pytest.mark.parametrize(("name", "tools"), [("time", 2), ("git", 12)])
async def test_the_servers_from_pypi_speak_the_newer_era(name: str, tools: int) -> None:
    arguments = ("--local-timezone", "UTC") if name == "time" else ()
    async with talking(serving.pypi(f"mcp-server-{name}", *arguments)) as client:
        assert client.protocol_version == MODERN
        assert len((await client.list_tools()).tools) == tools


async def test_mcp_1_talks_to_the_fixture() -> None:
    async with serving.everything() as server:
        said = await serving.use_mcp1(server.url, [{"call": "test_simple_text"}, {"list": "tools"}])
    assert said[1]["content"][0]["text"] == "This is a simple text response for testing."
    assert "test_sampling" in said[2]


# Our own example


async def test_the_customer_service_desk_lists_values_and_opens_tickets() -> None:
    async with talking(CUSTOMER_SERVICE) as client:
        recent = (await client.call_tool("get_recent_customers", {"limit": 2})).structured_content
        assert recent is not None
        assert [(one["id"], one["status"]) for one in recent["result"]] == [("C-1008", "active"), ("C-1001", "active")]
        value = (await client.call_tool("calculate_account_value", {"customer_id": "C-1001"})).structured_content
        assert value == {"customer_id": "C-1001", "purchases": 3, "total": 523.75, "average": 174.58}
        asked = {"customer_id": "C-1001", "issue": "The parcel is late", "priority": "high"}
        tickets = [(await client.call_tool("create_support_ticket", asked)).structured_content for _ in range(2)]
        assert len({ticket["id"] for ticket in tickets if ticket is not None}) == 2
        read = (await client.read_resource("customer://C-1001")).contents[0]
        assert isinstance(read, types.TextResourceContents)
        assert [ticket["priority"] for ticket in json.loads(read.text)["tickets"]] == ["high", "high"]


async def test_the_customer_service_desk_refuses_what_is_not_there() -> None:
    async with talking(CUSTOMER_SERVICE) as client:
        refused = await client.call_tool("create_support_ticket", {"customer_id": "C-9", "issue": "Hello"})
        assert refused.is_error
        assert "There is no customer 'C-9'" in text(refused)
        wrong = {"customer_id": "C-1001", "issue": "Hello", "priority": "whenever"}
        assert (await client.call_tool("create_support_ticket", wrong)).is_error
        with pytest.raises(MCPError):
            await client.read_resource("customer://C-9")
        prompt = await client.get_prompt("customer_service_response", {"customer_name": "Noor", "issue": "It squeaks"})
        said = prompt.messages[0].content
        assert isinstance(said, types.TextContent)
        assert "It squeaks" in said.text
