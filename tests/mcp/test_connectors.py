"""The gateway's servers as Anthropic's clients name them, by its MCP connector, for a model of another format."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anthropic
import pytest

from tests.mcp.test_in_models import ECHO, Model, config
from tests.server.accounted import Accounted, accounted
from tests.server.served import KEY
from tests.transport.upstream import Upstream

SERVER = {"type": "url", "name": "desk", "url": "litellm_proxy/mcp/desk"}
SET = {"type": "mcp_toolset", "mcp_server_name": "desk"}
BETA = "mcp-client-2025-11-20"


async def asked(gateway: Accounted, servers: list[Any], tools: list[Any], key: str = KEY) -> Any:
    async with anthropic.AsyncAnthropic(base_url=gateway.url, api_key=key, max_retries=0) as client:
        return await client.beta.messages.create(
            model="m",
            max_tokens=100,
            messages=[{"role": "user", "content": "Do it."}],
            mcp_servers=servers,
            tools=tools,
            betas=[BETA],
        )


def offered(model: Model) -> set[str]:
    return {tool["function"]["name"] for tool in model.asked[0].get("tools") or []}


@pytest.mark.parametrize("where", ["by its name", "by the address of the gateway"])
async def test_a_tool_is_called_and_shown_as_the_vendor_shows_it(tmp_path: Path, where: str) -> None:
    model = Model([("echo", ECHO)])
    async with Upstream(model) as upstream, accounted(config(upstream.port), tmp_path) as gateway:
        url = SERVER["url"] if where == "by its name" else f"{gateway.url}/mcp/desk"
        made = await asked(gateway, [{**SERVER, "url": url}], [SET])
    used, result, text = made.content
    assert (used.type, used.name, used.server_name, used.input) == ("mcp_tool_use", "echo", "desk", ECHO)
    assert (result.type, result.tool_use_id, result.is_error) == ("mcp_tool_result", used.id, False)
    assert "from the tool" in result.content[0].text
    assert text.text == "It is done."
    assert not any("mcp_servers" in body for body in model.asked)


ALL = {"echo", "exit_process"}
CHOSEN = [
    pytest.param({}, {}, ALL, set(), id="all"),
    pytest.param({}, {"configs": {"exit_process": {"enabled": False}}}, {"echo"}, {"exit_process"}, id="but one"),
    pytest.param(
        {},
        {"default_config": {"enabled": False}, "configs": {"echo": {"enabled": True}}},
        {"echo"},
        {"exit_process"},
        id="none but one",
    ),
    pytest.param(
        {"tool_configuration": {"enabled": True, "allowed_tools": ["echo"]}}, None, {"echo"}, {"exit_process"}, id="old"
    ),
    pytest.param({"tool_configuration": {"enabled": False}}, None, set(), ALL, id="old, none"),
    pytest.param({}, {"tools": [{"name": "echo"}]}, {"echo"}, {"exit_process"}, id="pinned"),
]


@pytest.mark.parametrize(("server", "toolset", "there", "not_there"), CHOSEN)
async def test_the_tools_are_those_that_are_enabled(
    tmp_path: Path, server: dict[str, Any], toolset: dict[str, Any] | None, there: set[str], not_there: set[str]
) -> None:
    model = Model()
    async with Upstream(model) as upstream, accounted(config(upstream.port), tmp_path) as gateway:
        await asked(gateway, [{**SERVER, **server}], [] if toolset is None else [{**SET, **toolset}])
    assert there <= offered(model)
    assert not not_there & offered(model)


async def test_what_is_elsewhere_is_the_providers_to_reach(tmp_path: Path) -> None:
    model = Model()
    other = {"type": "url", "name": "other", "url": "https://tools.example/mcp", "authorization_token": "canary"}
    async with Upstream(model) as upstream, accounted(config(upstream.port), tmp_path) as gateway:
        async with anthropic.AsyncAnthropic(base_url=gateway.url, api_key=KEY, max_retries=0) as client:
            raw = await client.beta.messages.with_raw_response.create(
                model="m",
                max_tokens=100,
                messages=[{"role": "user", "content": "Do it."}],
                mcp_servers=[SERVER, other],  # type: ignore[list-item]
                tools=[SET, {**SET, "mcp_server_name": "other"}],  # type: ignore[list-item]
            )
    assert "mcp_servers" in raw.headers["x-tollbridge-caveats"]
    assert "echo" in offered(model)
    assert "canary" not in str(model.asked)


async def test_the_token_is_a_key_that_narrows(tmp_path: Path) -> None:
    model = Model()
    async with Upstream(model) as upstream:
        text = config(upstream.port).replace('"allow_all_keys": true', '"allow_all_keys": false')
        async with accounted(text, tmp_path) as gateway:
            await narrowed(gateway, model)
    assert "sk-nobodys" not in str(model.asked)


async def narrowed(gateway: Accounted, model: Model) -> None:
    narrow = await gateway.made(object_permission={"mcp_tool_permissions": {"desk": ["echo"]}})
    await asked(gateway, [{**SERVER, "authorization_token": narrow["key"]}], [SET])
    assert offered(model) == {"echo"}
    with pytest.raises(anthropic.AuthenticationError):
        await asked(gateway, [{**SERVER, "authorization_token": "sk-nobodys"}], [SET])
    with pytest.raises(anthropic.BadRequestError, match="tool_configuration"):
        await asked(gateway, [{**SERVER, "tool_configuration": 3}], [SET])
    with pytest.raises(anthropic.BadRequestError, match="configs"):
        await asked(gateway, [SERVER], [{**SET, "configs": []}])
