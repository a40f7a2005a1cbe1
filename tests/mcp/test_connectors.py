"""The gateway's servers as Anthropic's clients name them, by its MCP connector, for a model of another format."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import anthropic
import pytest

from tests.mcp.test_in_models import ECHO, Model, config
from tests.server.accounted import Accounted, accounted
from tests.server.faults import configuration, entry
from tests.server.served import KEY
from tests.transport.upstream import Peer, Upstream, answer

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


WRONG = [
    pytest.param([{**SERVER, "name": ["desk"]}], [], "name", id="a name that is a list"),
    pytest.param([{**SERVER, "name": None}], [], "name", id="no name"),
    pytest.param([SERVER, SERVER], [SET], "two servers", id="two of a name"),
    pytest.param(
        [{**SERVER, "tool_configuration": {"allowed_tools": 5, "enabled": False}}], [], "allowed_tools", id="a number"
    ),
    pytest.param([SERVER, {**SERVER, "url": "https://tools.example/mcp"}], [SET], "two servers", id="one elsewhere"),
]


@pytest.mark.parametrize(("servers", "tools", "named"), WRONG)
async def test_what_cannot_be_read_is_named(tmp_path: Path, servers: list[Any], tools: list[Any], named: str) -> None:
    model = Model()
    async with Upstream(model) as upstream, accounted(config(upstream.port), tmp_path) as gateway:
        with pytest.raises(anthropic.BadRequestError, match=named):
            await asked(gateway, servers, tools)
    assert model.asked == []


ODD: list[tuple[list[Any], list[Any]]] = [
    ([3, SERVER], [SET]),
    ([{**SERVER, "name": "x", "url": "http://[x"}, SERVER], [SET]),
    ([SERVER], [SET, {"type": "mcp_toolset", "mcp_server_name": ["desk"]}]),
    ([{"name": ["other"], "url": "https://tools.example"}, SERVER], [SET]),
]


@pytest.mark.parametrize(("servers", "tools"), ODD)
async def test_what_is_wrong_with_others_is_their_vendors_to_say(
    tmp_path: Path, servers: list[Any], tools: list[Any]
) -> None:
    model = Model()
    async with Upstream(model) as upstream, accounted(config(upstream.port), tmp_path) as gateway:
        await asked(gateway, servers, tools)
    assert "echo" in offered(model)


async def test_fields_that_nothing_is_done_with_are_told(tmp_path: Path) -> None:
    model = Model()
    odd = {**SET, "cache_control": {"type": "ephemeral"}, "configs": {"echo": {"defer_loading": True}}}
    body = {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "x"}]}
    body |= {"mcp_servers": [SERVER], "tools": [odd]}
    async with Upstream(model) as upstream, accounted(config(upstream.port), tmp_path) as gateway:
        answered = await gateway.post("/v1/messages", body)
        refused = await gateway.post("/v1/messages", body, {"x-tollbridge-strict": "true"})
    assert "dropped_field $.tools" in answered.headers["x-tollbridge-caveats"]
    assert refused.status == 400
    assert "`cache_control`, `defer_loading`" in refused.json()["error"]["message"]


class Counting:
    """Of a vendor that counts."""

    def __init__(self) -> None:
        self.asked: list[bytes] = []

    async def __call__(self, peer: Peer) -> None:
        while (said := await peer.request()) is not None:
            self.asked.append(said)
            peer.send(answer(b'{"input_tokens": 5, "object": "response.input_tokens"}'))


async def test_s38_a_count_tells_no_vendor_of_our_keys(tmp_path: Path) -> None:
    vendor = Counting()
    async with Upstream(vendor) as upstream:
        text = json.loads(config(1))
        text["model_list"] = json.loads(
            configuration(entry("claude", upstream.port, "anthropic"), entry("gpt", upstream.port))
        )["model_list"]
        async with accounted(json.dumps(text), tmp_path) as gateway:
            key = (await gateway.made())["key"]
            plain = {"model": "claude", "messages": [{"role": "user", "content": "x"}]}
            named = {**plain, "mcp_servers": [{**SERVER, "authorization_token": key}], "tools": [SET]}
            without = (await gateway.send("POST", "/v1/messages/count_tokens", plain, key=key)).json()
            counted = (await gateway.send("POST", "/v1/messages/count_tokens", named, key=key)).json()
            tool = {"type": "mcp", "server_label": "a", "server_url": "litellm_proxy", "authorization": key}
            body = {"model": "gpt", "input": "x", "tools": [tool]}
            others = (await gateway.send("POST", "/v1/responses/input_tokens", body, key=key)).json()
    assert without["input_tokens"] == 5
    assert min(counted["input_tokens"], others["input_tokens"]) > 50  # the tools are counted
    assert len(vendor.asked) == 1
    assert key.encode() not in vendor.asked[0].partition(b"\r\n\r\n")[2]
