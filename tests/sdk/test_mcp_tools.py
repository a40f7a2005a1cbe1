"""MCP servers as tools of any model: `tollbridge.tools`, `tollbridge.run`, `tollbridge.experimental_mcp_client`."""

from __future__ import annotations

import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from mcp import Client, ClientSession
from mcp.client.stdio import StdioServerParameters, stdio_client

import tollbridge
from tests.mcp.gateway import gateway
from tests.mcp.test_credentials import GREETING
from tests.transport.upstream import Peer, Upstream, answer
from tollbridge import experimental_mcp_client
from tollbridge.experimental_mcp_client.tools import (
    transform_mcp_tool_to_openai_tool,
    transform_openai_tool_call_request_to_mcp_tool_call_request,
)

SERVER = Path(__file__).resolve().parents[2] / "examples/customer_service/server.py"
COMMAND = [sys.executable, str(SERVER)]
NAMES = {"get_recent_customers", "create_support_ticket", "calculate_account_value"}
DEMO = "demo/tools"
TOTAL = "523.75"
PAGING = Path(__file__).resolve().parents[1] / "mcp/fixtures/paging.py"
REPORTING = Path(__file__).resolve().parents[1] / "mcp/fixtures/legacy_stdio.py"


@asynccontextmanager
async def session() -> AsyncIterator[ClientSession]:
    parameters = StdioServerParameters(command=COMMAND[0], args=COMMAND[1:])
    async with stdio_client(parameters) as (read, write), ClientSession(read, write) as opened:
        await opened.initialize()
        yield opened


def call(name: str, arguments: Any) -> dict[str, Any]:
    said = arguments if isinstance(arguments, str) else json.dumps(arguments)
    return {"id": "call_1", "type": "function", "function": {"name": name, "arguments": said}}


async def test_a_command_is_started_and_its_tools_are_those_of_a_chat_request() -> None:
    async with tollbridge.tools(COMMAND) as tools:
        assert set(tools.names) == NAMES
        assert {tool["function"]["name"] for tool in tools} == NAMES
        result = await tools.call("calculate_account_value", {"customer_id": "C-1001"})
        said = "".join(block["text"] for block in result.content)
        assert not result.isError
        assert TOTAL in said


async def test_a_file_with_mcp_servers_is_read_as_other_clients_read_it(tmp_path: Path) -> None:
    file = tmp_path / "mcp.json"
    file.write_text(json.dumps({"mcpServers": {"desk": {"command": COMMAND[0], "args": COMMAND[1:]}}}))
    async with tollbridge.tools(file) as tools:
        assert set(tools.names) == NAMES
        assert "customer" in json.dumps(await tools.prompts())


async def test_a_server_that_does_not_start_is_an_error_at_once() -> None:
    with pytest.raises(tollbridge.APIConnectionError, match="nowhere"):
        async with tollbridge.tools(nowhere=["/bin/false"]):
            pytest.fail("there is nothing to use")


async def test_a_call_of_a_model_comes_back_as_the_message_to_append() -> None:
    async with tollbridge.tools(COMMAND) as tools:
        message = await tools.call_openai_tool(call("calculate_account_value", {"customer_id": "C-1001"}))
    assert (message["role"], message["tool_call_id"]) == ("tool", "call_1")
    assert TOTAL in message["content"]


async def test_an_unknown_tool_and_arguments_that_are_no_object_are_refused() -> None:
    async with tollbridge.tools(COMMAND) as tools:
        with pytest.raises(tollbridge.NotFoundError, match="no tool 'nothing'"):
            await tools.call("nothing")
        with pytest.raises(tollbridge.BadRequestError, match="no JSON object"):
            await tools.call_openai_tool(call("get_recent_customers", "[1]"))
    with pytest.raises(tollbridge.BadRequestError, match="async with"):
        await tools.resources()


@pytest.mark.parametrize("streamed", [False, True])
async def test_a_run_ends_with_the_models_answer_after_its_calls(streamed: bool) -> None:
    heard: list[str] = []
    made: list[str] = []
    answers: list[tollbridge.ModelResponse] = []
    async with tollbridge.tools(COMMAND) as tools:
        done = await tollbridge.run(
            DEMO,
            "Call calculate_account_value for C-1001.",
            tools=tools,
            on_text=heard.append if streamed else None,
            on_answer=answers.append,
            on_call=lambda one: made.append(one.name),
        )
    assert [one.name for one in done.calls] == made == ["calculate_account_value"]
    assert done.rounds == 2
    assert [bool(answer.choices[0].message.tool_calls) for answer in answers] == [True, False]
    assert done.cost == 0.0
    assert TOTAL in done.text
    assert done.messages[-1].content == done.text
    if streamed:
        assert "".join(heard).endswith(done.text)


async def test_functions_are_no_tools_of_a_run_and_that_is_said() -> None:
    with pytest.raises(tollbridge.BadRequestError, match=r"tollbridge\.tools"):
        await tollbridge.run(DEMO, "hi", tools=[len])  # type: ignore[arg-type]


async def test_what_a_server_that_died_had_is_an_error_of_ours_and_names_it_once() -> None:
    async with tollbridge.tools([sys.executable, str(REPORTING)]) as tools:
        with pytest.raises(tollbridge.APIConnectionError):
            await tools.call("exit_process")
        for ask in (tools.resources(), tools.prompts(), tools.prompt("any")):
            with pytest.raises(tollbridge.APIError) as told:
                await ask
            assert str(told.value).count("The MCP server") == 1


async def test_a_gateway_that_refuses_the_key_is_an_authentication_error(tmp_path: Path) -> None:
    servers = {"old": {"command": sys.executable, "args": [str(REPORTING)]}}
    async with gateway({"mcp_servers": servers}, tmp_path) as running:
        with pytest.raises(tollbridge.AuthenticationError, match="401"):
            async with tollbridge.tools(f"{running.url}/mcp", key="sk-wrong"):
                pass


@pytest.mark.parametrize("status", [401, 403, 500])
async def test_a_tool_that_refuses_who_calls_it_is_told_to_the_model_which_goes_on(status: int) -> None:
    async def refusing(peer: Peer) -> None:
        told: dict[str, Any] = {
            "initialize": GREETING,
            "tools/list": {"tools": [{"name": "calculate_account_value", "inputSchema": {"type": "object"}}]},
        }
        while (said := await peer.request()) is not None:
            message = json.loads(said.partition(b"\r\n\r\n")[2] or b"{}")
            if "id" not in message:
                peer.send(answer(b"", status="202 Accepted" if message else "405 Method Not Allowed"))
            elif message["method"] in told:
                found = {"jsonrpc": "2.0", "id": message["id"], "result": told[message["method"]]}
                peer.send(answer(json.dumps(found).encode(), "content-type: application/json"))
            else:
                peer.send(answer(b"{}", status=f"{status if message['method'] == 'tools/call' else 404} Refused"))

    async with Upstream(refusing) as upstream, tollbridge.tools(f"http://127.0.0.1:{upstream.port}/mcp") as tools:
        done = await tollbridge.run(DEMO, "Call calculate_account_value for C-1001.", tools=tools)
        with pytest.raises(tollbridge.APIError, match=str(status)):
            await tools.call("calculate_account_value")
    [made] = done.calls
    assert (made.result.isError, done.rounds) == (True, 2)
    assert str(status) in str(made.result.content)


async def test_a_model_that_never_ends_is_stopped() -> None:
    async with tollbridge.tools(COMMAND) as tools:
        with pytest.raises(tollbridge.BadRequestError, match="after 1 rounds"):
            await tollbridge.run(DEMO, "Call get_recent_customers.", tools=tools, max_rounds=1)


async def test_tools_of_a_session_are_loaded_in_either_form() -> None:
    async with session() as opened:
        plain = await experimental_mcp_client.load_mcp_tools(opened)
        tools = await experimental_mcp_client.load_mcp_tools(opened, format="openai")
        assert {tool.name for tool in plain} == NAMES
        assert tools == [transform_mcp_tool_to_openai_tool(tool) for tool in plain]
        assert all(set(tool) == {"type", "function"} for tool in tools)
        wanted = call("calculate_account_value", {"customer_id": "C-1001"})
        asked = transform_openai_tool_call_request_to_mcp_tool_call_request(openai_tool=wanted)
        assert (asked.name, asked.arguments) == ("calculate_account_value", {"customer_id": "C-1001"})
        result = await experimental_mcp_client.call_openai_tool(opened, openai_tool=wanted)
        assert TOTAL in result.content[0].text


async def test_resources_and_prompts_are_parts_and_messages() -> None:
    async with session() as opened:
        parts = await experimental_mcp_client.tools.load_mcp_resource(opened, "customer://C-1001")
        assert parts[0]["type"] == "text"


async def test_a_tool_choice_that_demands_a_call_binds_the_first_round_alone() -> None:
    async with tollbridge.tools(COMMAND) as tools:
        done = await tollbridge.run(DEMO, "Hello", tools=tools, tool_choice="required")
    assert (done.rounds, len(done.calls)) == (2, 1)


async def test_what_a_call_says_while_it_runs_is_heard() -> None:
    heard: list[tuple[str, float, float | None]] = []
    async with tollbridge.tools([sys.executable, str(REPORTING)]) as tools:
        await tollbridge.run(
            DEMO,
            "Call report with 3.",
            tools=tools,
            on_progress=lambda name, done, total, said: heard.append((name, done, total)),
        )
    assert [name for name, _, _ in heard] == ["report"] * len(heard)
    assert [done for _, done, _ in heard] == sorted(done for _, done, _ in heard)
    assert len(heard) >= 2


@pytest.mark.parametrize("kind", [ClientSession, Client])
async def test_all_pages_are_loaded_from_a_session_and_from_a_client(kind: type) -> None:
    parameters = StdioServerParameters(command=sys.executable, args=[str(PAGING)])
    if kind is Client:
        async with Client(parameters) as client:
            tools = await experimental_mcp_client.load_mcp_tools(client)
    else:
        async with stdio_client(parameters) as (read, write), ClientSession(read, write) as opened:
            await opened.initialize()
            tools = await experimental_mcp_client.load_mcp_tools(opened)
    assert [tool.name for tool in tools] == [f"tool_{number}" for number in range(5)]


async def test_a_server_that_never_ends_its_list_is_left_with_what_it_said(caplog: pytest.LogCaptureFixture) -> None:
    parameters = StdioServerParameters(command=sys.executable, args=[str(PAGING), "endless"])
    async with stdio_client(parameters) as (read, write), ClientSession(read, write) as opened:
        await opened.initialize()
        tools = await experimental_mcp_client.load_mcp_tools(opened)
    assert [tool.name for tool in tools] == ["tool_0", "tool_1"]
    assert "does not come to an end" in caplog.text
