"""The eras of the protocol across the gateway: each client in front of each server lists and calls, and whatever passes
between the two passes in the words of the era that each of them speaks.

The servers are those that people run (from npm and PyPI) and the fixtures that speak one era alone.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import mcp_types as types
import pytest
import pytest_asyncio
from mcp import Client
from mcp.client.sse import sse_client
from mcp.client.subscriptions import ResourceUpdated, ToolsListChanged
from mcp.shared.exceptions import MCPError

from tests.mcp import serving
from tests.mcp.both_eras import SERVERS, configured
from tests.mcp.clients import MODES, NAME, ROOT, SAID, Mode, client, text
from tests.mcp.gateway import Gateway, gateway
from tests.mcp.serving import use_mcp1
from tests.server.served import KEY

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.filterwarnings("ignore::mcp.shared.exceptions.MCPDeprecationWarning"),
]

OLD = ("old_stdio", "old_sse", "old_http")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def served(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Gateway]:
    directory = tmp_path_factory.mktemp("eras")
    async with configured(directory) as servers, serving.everything() as sdk:
        servers |= {
            "sdk": {"url": sdk.url},
            "sdk_modern": {"url": sdk.url, "protocol_version": "2026-07-28"},
            "sdk_legacy": {"url": sdk.url, "protocol_version": "2025-11-25"},
        }
        async with gateway({"mcp_servers": servers}, directory / "gateway") as running:
            yield running


@pytest.mark.parametrize("name", SERVERS)
@pytest.mark.parametrize("mode", MODES)
async def test_each_mode_of_the_sdk_lists_and_calls(served: Gateway, mode: Mode, name: str) -> None:
    server = SERVERS[name]
    async with client(served.url, name, mode=mode) as one:
        listed = (await one.list_tools()).tools
        assert len(listed) >= server.tools
        assert server.answer in text(await one.call_tool(server.call, server.arguments))


async def test_the_sdk_over_the_oldest_transport_finds_out_that_it_is_legacy(served: Gateway) -> None:
    oldest = sse_client(f"{served.url}/sse", headers={"x-litellm-api-key": KEY, "x-mcp-servers": "old_stdio"})
    async with Client(oldest) as one:
        assert any(tool.name == "old_stdio-echo" for tool in (await one.list_tools()).tools)
        assert "unchanged" in text(await one.call_tool("old_stdio-echo", {"text": "unchanged"}))


@pytest.mark.parametrize("transport", ["http", "sse"])
async def test_a_client_of_mcp_1_uses_all_servers_at_once(served: Gateway, transport: str) -> None:
    steps: list[dict[str, Any]] = [
        {"list": "tools"},
        *({"call": f"{name}-{one.call}", "arguments": one.arguments} for name, one in SERVERS.items()),
        {"call": "old_stdio-ask_name"},
        {"call": "modern-greet"},
        {"call": "sdk_modern-test_input_required_result_sampling"},
    ]
    url = f"{served.url}/{'sse' if transport == 'sse' else 'mcp'}"
    _, listed, *called = await use_mcp1(url, steps, headers={"x-litellm-api-key": KEY}, transport=transport)
    texts = [one["content"][0]["text"] for one in called]
    assert len(listed) >= sum(server.tools for server in SERVERS.values())
    assert [server.answer in said for server, said in zip(SERVERS.values(), texts, strict=False)] == [True] * 9
    assert texts[-3:] == [f"Hello, {NAME}!", f"Hello, {NAME}!", SAID]


# what a server asks meanwhile


@pytest.mark.parametrize("name", OLD)
@pytest.mark.parametrize("mode", MODES)
async def test_a_legacy_server_asks_a_client_of_any_era(served: Gateway, mode: Mode, name: str) -> None:
    async with client(served.url, name, mode=mode, answers=True) as one:
        assert text(await one.call_tool("ask_name")) == f"Hello, {NAME}!"
        assert text(await one.call_tool("ask_model", {"prompt": "Hi"})) == f"The model said: {SAID}"
        assert text(await one.call_tool("list_roots")) == ROOT


@pytest.mark.parametrize("mode", MODES)
async def test_a_modern_server_asks_a_client_of_any_era(served: Gateway, mode: Mode) -> None:
    async with client(served.url, "modern", mode=mode, answers=True) as one:
        assert text(await one.call_tool("greet")) == f"Hello, {NAME}!"


@pytest.mark.parametrize("name", ["sdk", "sdk_modern", "sdk_legacy"])
@pytest.mark.parametrize("mode", MODES)
async def test_several_questions_of_one_call_are_answered(served: Gateway, mode: Mode, name: str) -> None:
    async with client(served.url, name, mode=mode, answers=True) as one:
        told = await one.call_tool("test_input_required_result_multiple_inputs")
        assert text(told) == f"{SAID} {NAME}, of 1 roots"
        assert NAME in text(await one.call_tool("test_input_required_result_multi_round"))


@pytest.mark.parametrize("name", ["old_stdio", "sdk_modern"])
@pytest.mark.parametrize("mode", MODES)
async def test_a_client_that_answers_nothing_is_not_asked(served: Gateway, mode: Mode, name: str) -> None:
    tool = "ask_name" if name == "old_stdio" else "test_input_required_result_elicitation"
    async with client(served.url, name, mode=mode) as one:
        with pytest.raises(MCPError):
            await one.call_tool(tool)


# what a server tells meanwhile


@pytest.mark.parametrize(("name", "tool"), [*((name, "report") for name in OLD), ("modern", "count")])
@pytest.mark.parametrize("mode", MODES)
async def test_progress_is_told(served: Gateway, mode: Mode, name: str, tool: str) -> None:
    steps: list[float] = []

    async def progressed(progress: float, total: float | None, message: str | None) -> None:
        steps.append(progress)

    async with client(served.url, name, mode=mode) as one:
        await one.call_tool(tool, {"steps": 3}, progress_callback=progressed)
    assert steps == [1, 2, 3]


@pytest.mark.parametrize(
    ("name", "tool"), [*((name, "report") for name in OLD), ("sdk_modern", "test_tool_with_logging")]
)
@pytest.mark.parametrize("mode", MODES)
async def test_log_lines_are_told_from_the_level_on_that_is_wanted(
    served: Gateway, mode: Mode, name: str, tool: str
) -> None:
    lines: list[Any] = []

    async def hear(params: types.LoggingMessageNotificationParams) -> None:
        lines.append(params.data)

    async def told(level: types.LoggingLevel) -> int:
        lines.clear()
        async with client(served.url, name, mode=mode, logging_callback=hear, log_level=level) as one:
            if mode == "legacy":
                await one.set_logging_level(level)
            await one.call_tool(tool, {"steps": 3} if tool == "report" else {})
            return len(lines)

    assert await told("info") == 3
    assert await told("error") == 0


@pytest.mark.parametrize("name", [*OLD, "modern"])
@pytest.mark.parametrize("mode", MODES)
async def test_a_call_that_is_given_up_is_cancelled_at_the_server(served: Gateway, mode: Mode, name: str) -> None:
    """R53."""
    endless, counts = ("count", "closed") if name == "modern" else ("sleep", "count_cancelled")

    async with client(served.url, name, mode=mode) as one, asyncio.timeout(20):
        before = text(await one.call_tool(counts))
        with pytest.raises(MCPError):
            await one.call_tool(endless, {"steps": 100_000}, read_timeout_seconds=0.3)
        while text(await one.call_tool(counts)) == before:
            await asyncio.sleep(0.01)


# what changes


@pytest.mark.parametrize(
    ("name", "uri", "changes"),
    [
        *((name, "note://today", "change_note") for name in OLD),
        *((name, "test://watched-resource", "test_trigger_resource_update") for name in ("sdk", "sdk_modern")),
    ],
)
async def test_a_change_is_told_to_clients_of_both_eras(served: Gateway, name: str, uri: str, changes: str) -> None:
    told: asyncio.Queue[str] = asyncio.Queue()

    async def hear(message: Any) -> None:
        if isinstance(message, types.ResourceUpdatedNotification):
            told.put_nowait(message.params.uri)

    async with (
        asyncio.timeout(20),
        client(served.url, name, mode="legacy", message_handler=hear) as old,
        client(served.url, name) as new,
        new.listen(resource_subscriptions=[uri]) as events,
        client(served.url, name, mode="legacy") as changing,
    ):
        await old.subscribe_resource(uri)
        await changing.call_tool(changes)
        assert await told.get() == uri
        assert isinstance(event := await anext(aiter(events)), ResourceUpdated)
        assert event.uri == uri
        await old.unsubscribe_resource(uri)
        await changing.call_tool(changes)
        await anext(aiter(events))
        assert told.empty()


@pytest.mark.parametrize(("name", "changes"), [*((name, "grow") for name in OLD), ("modern", "announce")])
async def test_a_list_that_changed_is_told_to_clients_of_both_eras(served: Gateway, name: str, changes: str) -> None:
    told = asyncio.Event()

    async def hear(message: Any) -> None:
        if isinstance(message, types.ToolListChangedNotification):
            told.set()

    async with (
        asyncio.timeout(20),
        client(served.url, name) as new,
        client(served.url, name, mode="legacy", message_handler=hear) as old,
        new.listen(tools_list_changed=True) as events,
    ):
        await new.call_tool("echo", {"text": "a"})
        await old.list_tools()
        await new.call_tool(changes)
        assert isinstance(await anext(aiter(events)), ToolsListChanged)
        await told.wait()
