"""Who may use what: each kind of right, by each way that leads to a server, at listing and at calling."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from tests.mcp.gateway import Gateway, gateway
from tests.mcp.raw import last_message
from tests.mcp.serving import LEGACY_STDIO
from tests.mcp.test_credentials import Server
from tests.mcp.test_in_models import Model
from tests.server.faults import entry
from tests.server.served import KEY
from tests.transport.upstream import Upstream
from tollbridge.mcp.jsonrpc import METHOD_NOT_FOUND
from tollbridge.mcp.revisions import CAPABILITIES, NEWEST, ONLY_MODERN, VERSION

NOTE = "note://today"
ALL = frozenset({"echo", "report"})
ECHO = frozenset({"echo"})
NONE: frozenset[str] = frozenset()
# who, what their key says (None: no key was made), which of the desk's tools they may use, whether its resources
WHO = [
    ("the admin", "master", ALL, True),
    ("a server by name", {"mcp_servers": ["desk"]}, ALL, True),
    ("a server by its alias", {"mcp_servers": ["front"]}, ALL, True),
    ("an access group", {"mcp_access_groups": ["staff"]}, ALL, True),
    ("single tools", {"mcp_tool_permissions": {"desk": ["echo"]}}, ECHO, False),
    (
        "a server, of which single tools",
        {"mcp_servers": ["desk"], "mcp_tool_permissions": {"desk": ["echo"]}},
        ECHO,
        True,
    ),
    ("another server", {"mcp_servers": ["other"]}, NONE, False),
    ("another group", {"mcp_access_groups": ["others"]}, NONE, False),
    ("nothing", {}, NONE, False),
    ("nobody", None, NONE, False),
]
IDS = [who for who, *_ in WHO]
STATUS = {"nobody": 401}


def config(port: int) -> dict[str, Any]:
    command = {"command": LEGACY_STDIO.command, "args": list(LEGACY_STDIO.args)}
    narrow = {"allowed_tools": sorted(ALL)}
    return {
        "model_list": [entry("m", port, info={"mode": "chat"})],
        "mcp_servers": {
            "desk": {**command, **narrow, "alias": "front", "access_groups": ["staff"]},
            "other": {**command, **narrow, "access_groups": ["others"]},
        },
    }


async def legacy(served: Gateway, path: str, key: str | None, method: str, params: Any) -> Any:
    body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
    return await served.send("POST", path, body, key=key, headers={"accept": "application/json, text/event-stream"})


async def modern(served: Gateway, path: str, key: str | None, method: str, params: Any) -> Any:
    meta = {VERSION: NEWEST, CAPABILITIES: {}}
    headers = {"mcp-protocol-version": NEWEST, "mcp-method": method, "accept": "application/json, text/event-stream"}
    name = params.get("name") or params.get("uri")
    if name:
        headers["mcp-name"] = name
    body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": {**params, "_meta": meta}}
    return await served.send("POST", path, body, key=key, headers=headers)


Way = Callable[[Gateway, str, str | None, str, Any], Awaitable[Any]]
WAYS: dict[str, tuple[Way, str, str, str]] = {  # how, path, before names, before URIs
    "legacy, all": (legacy, "/mcp", "front-", "mcp://front/"),
    "modern, all": (modern, "/mcp", "front-", "mcp://front/"),
    "legacy, alone": (legacy, "/mcp/desk", "", ""),
    "modern, alone": (modern, "/front/mcp", "", ""),
}


@pytest.mark.parametrize(("who", "permission", "tools", "whole"), WHO, ids=IDS)
async def test_rights_hold_by_every_way(
    tmp_path: Path, who: str, permission: Any, tools: frozenset[str], whole: bool
) -> None:
    model = Model([("front-echo", {"text": "hi"})])
    async with Upstream(model) as upstream, gateway(config(upstream.port), tmp_path) as served:
        key = KEY if permission == "master" else None
        if isinstance(permission, dict):
            key = await served.key(permission=permission)
        if who == "nobody":
            for path in ("/mcp", "/mcp/desk", "/mcp-rest/tools/list", "/v1/responses"):
                assert (await legacy(served, path, None, "tools/list", {})).status in (401, 405)
            return
        for name, (ask, path, before, scheme) in WAYS.items():
            listed = await ask(served, path, key, "tools/list", {})
            told = listed.json().get("result", {"tools": []})["tools"]
            mine = {tool["name"].removeprefix(before) for tool in told if tool["name"].startswith(before)}
            assert mine == tools, name
            for tool in ALL:
                arguments = {"name": before + tool, "arguments": {"text": "x", "steps": 1}}
                called = await ask(served, path, key, "tools/call", arguments)
                assert ("result" in last(called)) == (tool in tools), (name, tool, called.body)
            read = await ask(served, path, key, "resources/read", {"uri": scheme + NOTE})
            assert ("result" in last(read)) == whole, (name, read.body)
            resources = await ask(served, path, key, "resources/list", {})
            uris = [one["uri"] for one in last(resources).get("result", {"resources": []})["resources"]]
            assert (scheme + NOTE in uris) == whole, name
        await by_rest(served, key, tools)
        await by_a_model(served, key, model, tools)


async def test_the_path_of_a_server_that_a_key_may_not_use_is_one_that_is_not_there(tmp_path: Path) -> None:
    async with gateway(config(1), tmp_path) as served:
        other = await served.key(permission={"mcp_servers": ["other"]})
        single = await served.key(permission={"mcp_tool_permissions": {"desk": ["echo"]}})
        for ask in (legacy, modern):
            for path in ("/mcp/desk", "/front/mcp", "/mcp/staff", "/mcp/desk,front", "/mcp/nobody"):
                refused = await ask(served, path, other, "tools/list", {})
                name = path.replace("/mcp", "").strip("/").replace(",", ", ")
                assert (refused.status, refused.json()["error"]["message"]) == (
                    404,
                    f"There is no MCP server {name!r} here.",
                )
            for path, key in (("/mcp/desk,other", other), ("/mcp/desk", single), ("/mcp/staff", KEY)):
                assert last(await ask(served, path, key, "tools/list", {}))["result"]["tools"]


def last(answered: Any) -> Any:
    """The answer, in whichever form."""
    if answered.body.startswith(b"{"):
        return answered.json()
    return json.loads([line for line in answered.body.splitlines() if line.startswith(b"data: ")][-1][6:])


async def by_rest(served: Gateway, key: str | None, tools: frozenset[str]) -> None:
    listed = await served.get("/mcp-rest/tools/list", key=key)
    assert {one["name"] for one in listed["tools"] if one["mcp_info"]["server_name"] == "desk"} == tools
    for tool in ALL:
        body = {"name": tool, "server_name": "desk", "arguments": {"text": "x", "steps": 1}}
        called = await served.send("POST", "/mcp-rest/tools/call", body, key=key)
        assert (called.status == 200) == (tool in tools), called.body


async def by_a_model(served: Gateway, key: str | None, model: Model, tools: frozenset[str]) -> None:
    offered = {"type": "mcp", "server_label": "x", "server_url": "litellm_proxy", "require_approval": "never"}
    asked = {"model": "m", "input": "hi", "tools": [offered]}
    answered = await served.send("POST", "/v1/responses", asked, key=key)
    assert answered.status == 200
    given = {one["function"]["name"] for one in model.asked[0].get("tools", ())}
    assert {name.removeprefix("front-") for name in given if name.startswith("front-")} == tools
    assert len(model.asked) == (2 if "echo" in tools else 1)


async def test_a_key_in_the_headers_of_a_tool_narrows_and_never_widens(tmp_path: Path) -> None:
    model = Model()
    async with Upstream(model) as upstream, gateway(config(upstream.port), tmp_path) as served:
        rich = await served.key(permission={"mcp_servers": ["desk", "other"]})
        poor = await served.key(permission={"mcp_servers": ["desk"]})
        for outer, inner in ((rich, poor), (poor, rich)):
            model.asked.clear()
            tool = {"type": "mcp", "server_label": "x", "server_url": "litellm_proxy", "require_approval": "never"}
            tool["headers"] = {"x-litellm-api-key": f"Bearer {inner}"}  # type: ignore[assignment]
            await served.post("/v1/chat/completions", {**CHAT, "tools": [tool]}, key=outer)
            names = {one["function"]["name"] for one in model.asked[0]["tools"]}
            assert names == {"front-echo", "front-report"}


async def test_a_key_in_the_headers_of_a_tool_narrows_to_its_tools(tmp_path: Path) -> None:
    model = Model()
    async with Upstream(model) as upstream, gateway(config(upstream.port), tmp_path) as served:
        rich = await served.key(permission={"mcp_servers": ["desk"]})
        poor = await served.key(permission={"mcp_tool_permissions": {"desk": ["echo"]}})
        for outer, inner in ((rich, poor), (poor, rich)):
            model.asked.clear()
            tool = {"type": "mcp", "server_label": "x", "server_url": "litellm_proxy", "require_approval": "never"}
            tool["headers"] = {"x-litellm-api-key": inner}  # type: ignore[assignment]
            await served.post("/v1/chat/completions", {**CHAT, "tools": [tool]}, key=outer)
            assert [one["function"]["name"] for one in model.asked[0]["tools"]] == ["front-echo"]


CHAT = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}


@pytest.mark.parametrize(
    ("permission", "named"),
    [
        ({"vector_stores": ["v"]}, "vector_stores"),
        ({"mcp_servers": "desk"}, "mcp_servers"),
        ({"mcp_tool_permissions": ["echo"]}, "mcp_tool_permissions"),
        ({"mcp_tool_permissions": {"desk": "echo"}}, "mcp_tool_permissions.desk"),
        ("desk", "must be an object"),
    ],
)
async def test_a_permission_that_cannot_be_kept_is_refused_by_name(tmp_path: Path, permission: Any, named: str) -> None:
    async with gateway(config(1), tmp_path) as served:
        said = await served.post("/key/generate", {"object_permission": permission}, status=422)
    assert named in said["error"]["message"]


async def test_a_permission_is_shown_changed_and_taken_away(tmp_path: Path) -> None:
    async with gateway(config(1), tmp_path) as served:
        made = await served.post("/key/generate", {"object_permission": {"mcp_servers": ["desk"]}})
        key = made["key"]

        async def sees() -> int:
            return len((await legacy(served, "/mcp", key, "tools/list", {})).json()["result"]["tools"])

        assert await sees() == 2
        info = await served.get(f"/key/info?key={made['token']}")
        assert info["info"]["object_permission"] == {"mcp_servers": ["desk"]}
        await served.post(
            "/key/update", {"key": made["token"], "object_permission": {"mcp_servers": ["desk", "other"]}}
        )
        assert await sees() == 4
        await served.post("/key/update", {"key": made["token"], "object_permission": None})
        assert await sees() == 0


@pytest.mark.parametrize("era", [legacy, modern], ids=["legacy", "modern"])
async def test_what_nobody_here_knows_goes_to_a_server_for_who_may_use_the_whole_of_it(
    tmp_path: Path, era: Callable[[Gateway, str, str | None, str, Any], Awaitable[Any]]
) -> None:
    server = Server()  # answers whatever it is asked
    async with Upstream(server) as upstream:
        one = {"url": f"http://127.0.0.1:{upstream.port}/mcp"}
        async with gateway({"mcp_servers": {"one": one, "two": one}}, tmp_path) as served:
            for permission, may in (
                ({"mcp_servers": ["one"]}, True),
                ({"mcp_tool_permissions": {"one": ["echo"]}}, False),
            ):
                key = await served.key(permission=permission)
                told = last_message((await era(served, "/mcp/one", key, "custom/thing", {})).body.decode())
                assert ("result" in told) is may, told
                assert may or told["error"]["code"] == METHOD_NOT_FOUND


@pytest.mark.parametrize("method", sorted(ONLY_MODERN))
async def test_an_older_client_reaches_no_server_by_a_method_of_the_newer_revisions(
    tmp_path: Path, method: str
) -> None:
    server = Server()
    async with Upstream(server) as upstream:
        one = {"url": f"http://127.0.0.1:{upstream.port}/mcp"}
        async with gateway({"mcp_servers": {"one": one}}, tmp_path) as served:
            for path in ("/mcp/one", "/mcp"):
                told = (await legacy(served, path, KEY, method, {"notifications": {"toolsListChanged": True}})).json()
                assert told["error"]["code"] == METHOD_NOT_FOUND, told
    assert server.heads == []
