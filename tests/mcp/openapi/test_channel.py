"""An API behind the gateway, as an MCP server among others."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.mcp.clients import client
from tests.mcp.fixtures.api import DOCUMENT
from tests.mcp.gateway import Gateway, gateway
from tests.mcp.raw import raw
from tests.mcp.serving import LEGACY_STDIO, Serving, api
from tollbridge.assemble.mcp import definition
from tollbridge.config.load import load
from tollbridge.errors import ConfigError
from tollbridge.mcp.openapi import channel

SECRET = "hush-93kd"


@pytest.fixture(scope="module")
def pets() -> Iterator[Serving]:
    with api() as running:
        yield running


@pytest.fixture
async def served(pets: Serving, tmp_path: Path) -> AsyncIterator[Gateway]:
    said = {**DOCUMENT, "servers": [{"url": pets.at("/v1/")}]}
    (tmp_path / "pets.json").write_text(json.dumps(said))
    servers = {
        "pets": {"spec_path": pets.url, "auth_type": "api_key", "auth_value": SECRET},
        "file": {
            "spec_path": "pets.json",
            "auth_type": "bearer_token",
            "auth_value": SECRET,
            "static_headers": {"X-Trace": "ours"},
            "mcp_info": {"mcp_server_cost_info": {"default_cost_per_query": 0.25}},
        },
        "based": {"spec_path": "pets.json", "url": pets.at("/v2?x"), "allowed_tools": ["get_pet"]},
        "old": LEGACY_STDIO.configured(),
    }
    config = {
        "mcp_servers": servers,
        "general_settings": {"mcp_api_hosts": [f"127.0.0.1:{pets.origin.split(':')[-1]}"]},
    }
    async with gateway(config, tmp_path) as running:
        yield running


async def asked(served: Gateway, server: str, tool: str, **arguments: Any) -> dict[str, Any]:
    """What the API was asked, as it tells."""
    said = {"server_id": server, "name": tool, "arguments": arguments}
    result = await served.post("/mcp-rest/tools/call", said)
    assert not result["isError"], result
    assert json.loads(result["content"][-1]["text"]) == result["structuredContent"]
    told: dict[str, Any] = result["structuredContent"]
    return {**told, "headers": {name.lower(): value for name, value in told["headers"].items()}}


@pytest.mark.parametrize("mode", ["legacy", "auto"])
async def test_clients_of_both_eras_list_and_call_its_tools(served: Gateway, mode: Any) -> None:
    async with client(served.url, "pets", mode=mode) as one:
        tools = (await one.list_tools()).tools
        assert [tool.name for tool in tools][:3] == ["listPets", "createPet", "get_pet"]
        result = await one.call_tool("listPets", {"limit": 3, "tags": ["a", "b&c"], "X-Trace": "t"})
        told = result.structured_content
        assert told is not None
        assert told["target"].startswith("/v1/pets?limit=3&tags=a&tags=b%26c")
    async with client(served.url, mode=mode) as all_of_them:
        names = {tool.name for tool in (await all_of_them.list_tools()).tools}
        assert {"pets-get_pet", "file-get_pet", "based-get_pet", "old-echo"} <= names
        assert "based-listPets" not in names


async def test_the_credential_goes_where_the_document_wants_it(served: Gateway) -> None:
    told = await asked(served, "pets", "get_pet", id="7")
    assert (told["method"], told["target"]) == ("GET", f"/v1/pets/7?api_key={SECRET}")
    assert "x-api-key" not in told["headers"]
    told = await asked(served, "file", "listPets")
    assert told["target"] == "/v1/pets"
    assert told["headers"]["authorization"] == f"Bearer {SECRET}"
    assert told["headers"]["x-trace"] == "ours"
    listed = (await served.get("/mcp-rest/tools/list?server_id=file"))["tools"]
    assert "X-Trace" not in str([tool["inputSchema"] for tool in listed])  # the operator says it, and nobody else
    shown = await served.send("GET", "/v1/mcp/server")
    assert SECRET.encode() not in shown.body
    health = {one["server_name"]: one for one in await served.get("/v1/mcp/server/health?tools=true")}
    assert health["pets"]["status"] == "healthy"
    assert (health["pets"]["transport"], health["pets"]["tools"]) == ("openapi", 7)


async def test_a_call_is_accounted_for_as_any_other(served: Gateway) -> None:
    key = await served.key(permission={"mcp_tool_permissions": {"file": ["createPet"]}}, max_budget=0.25)
    async with raw(served.url, key=key) as one:
        made = await one.ask("file", "tools/call", {"name": "createPet", "arguments": {"body": {"name": "Rex"}}})
        told = made["result"]["structuredContent"]
        assert (told["method"], told["target"], told["body"]) == ("POST", "/v1/pets", '{"name":"Rex"}')
        refused = await one.ask("file", "tools/call", {"name": "createPet", "arguments": {"body": {"name": "Rex"}}})
        assert refused["error"]["code"] == -31030
        forbidden = await one.ask("file", "tools/call", {"name": "deletePet", "arguments": {"id": "1"}})
        assert "Unknown tool" in forbidden["error"]["message"]
    assert [entry["spend"] for entry in await served.entries(1)] == [0.25]


@pytest.mark.parametrize(
    ("what", "failed", "told"),
    [
        ("missing", True, ["The API answered with HTTP status 404.", '{"detail": "There is no such pet"}']),
        ("failing", True, ["The API answered with HTTP status 500.", "<html>Oh no</html>"]),
        ("list", False, ["[1, 2]"]),
        ("nothing", False, ["The API answered with HTTP status 204."]),
        ("junk", False, ["[0"]),
        ("other", False, ["text"]),
    ],
)
async def test_an_answer_is_the_tools_whatever_its_status(
    served: Gateway, what: str, failed: bool, told: list[str]
) -> None:
    async with raw(served.url) as one:
        answer = await one.ask("pets", "tools/call", {"name": "answer", "arguments": {"what": what}})
        result = answer["result"]
        assert result["isError"] is failed
        assert [block["text"] for block in result["content"]] == told
        structured = {"missing": {"detail": "There is no such pet"}, "list": {"result": [1, 2]}}
        assert result.get("structuredContent") == structured.get(what)


async def test_what_is_no_text_is_told_as_what_it_is(served: Gateway) -> None:
    async with raw(served.url) as one:
        image = await one.ask("pets", "tools/call", {"name": "answer", "arguments": {"what": "image"}})
        assert image["result"]["content"] == [{"type": "image", "data": "iVBORw==", "mimeType": "image/png"}]
        data = await one.ask("pets", "tools/call", {"name": "answer", "arguments": {"what": "bytes"}})
        assert data["result"]["content"][0]["resource"]["blob"] == "/wA="


async def test_arguments_that_make_no_request_are_told_and_nothing_is_asked(served: Gateway) -> None:
    async with raw(served.url) as one:
        for arguments in ({"id": "../admin"}, {"id": "a/b"}, {}, {"id": "1", "other": 1}):
            answer = await one.ask("pets", "tools/call", {"name": "get_pet", "arguments": arguments})
            assert answer["result"]["isError"]
            assert "argument" in answer["result"]["content"][0]["text"]
        error = (await one.ask("pets", "tools/call", {"name": "answer", "arguments": {"what": "elsewhere"}}))["error"]
        assert "redirect" in error["message"]
        unknown = await one.ask("pets", "tools/call", {"name": "nobody", "arguments": {}})
        assert "Unknown tool" in unknown["error"]["message"]
        assert "error" in await one.ask("pets", "resources/read", {"uri": "x"})
        assert (await one.ask("pets", "prompts/list"))["result"]["prompts"] == []


async def test_a_document_that_changes_is_read_again_and_one_that_is_gone_leaves_what_was(
    served: Gateway, pets: Serving, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def names() -> list[str]:
        return [tool["name"] for tool in (await served.get("/mcp-rest/tools/list?server_id=file"))["tools"]]

    before = await names()
    file = tmp_path / "pets.json"
    paths = {"/cats": {"get": {"operationId": "cats"}}}
    file.write_text(json.dumps({"openapi": "3.1.0", "servers": [{"url": pets.at("/v1/")}], "paths": paths}))
    assert await names() == before
    monkeypatch.setattr(channel, "FRESH_S", 0.0)
    assert await names() == ["cats"]
    file.unlink()
    assert await names() == ["cats"]
    assert (await asked(served, "file", "cats"))["target"] == "/v1/cats"


async def test_an_api_over_the_api_leads_nowhere_that_is_not_open(served: Gateway, pets: Serving) -> None:
    added = await served.post(
        "/v1/mcp/server", {"server_name": "added", "spec_path": pets.url, "static_headers": {"x": "y"}}, status=201
    )
    assert added["spec_path"] == f"{pets.origin}/***"
    assert (await asked(served, "added", "get_pet", id="1"))["target"].startswith("/v1/pets/1")
    for said, why in (
        ({"spec_path": "/etc/passwd"}, "is a URL here"),
        ({"spec_path": "http://127.0.0.1:9/openapi.json"}, "leads nowhere that is open"),
        ({"spec_path": "http://169.254.169.254/x"}, "leads nowhere that is open"),
        ({"spec_path": pets.url, "url": "http://10.0.0.1/"}, "leads nowhere that is open"),
        ({"spec_path": "https://user:pass@x.example/"}, "credentials do not belong"),
        ({"spec_path": pets.url, "command": "x"}, "needs either"),
        ({"spec_path": pets.url, "transport": "sse"}, "asked over `http`"),
    ):
        told = await served.post("/v1/mcp/server", {"server_name": "bad", **said}, status=422)
        assert why in told["error"]["message"]


async def test_a_document_sends_the_credential_to_no_other_host(pets: Serving, tmp_path: Path) -> None:
    with api() as other:
        async with gateway({"mcp_servers": {"one": {"spec_path": other.at("/lying.json")}}}, tmp_path) as served:
            answered = await served.send("POST", "/mcp-rest/tools/call", {"server_id": "one", "name": "x"})
            assert answered.status == 502
            assert "is on another host than the document" in answered.json()["error"]["message"]


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (None, "cannot be read: No such file"),
        ("{}", "does not say `openapi"),
        (json.dumps({"openapi": "3.1.0", "paths": {}}), "does not say where the API is"),
        (json.dumps({"openapi": "3.1.0", "paths": {}, "servers": [{"url": "/v1"}]}), "does not say where the API is"),
    ],
)
async def test_a_file_that_says_nothing_of_use_is_an_error_at_the_start(
    tmp_path: Path, content: str | None, why: str
) -> None:
    if content is not None:
        (tmp_path / "x.json").write_text(content)
    (tmp_path / "config.yaml").write_text(json.dumps({"mcp_servers": {"x": {"spec_path": "x.json"}}}))
    loaded = load(tmp_path / "config.yaml", {})
    assert loaded.config is not None
    with pytest.raises(ConfigError, match=why):
        definition(loaded.config.mcp_servers[0], {}, None, tmp_path)
