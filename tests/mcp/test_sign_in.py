"""Signing in at MCP servers that want OAuth: a whole gateway, and a server with its authorization server in a process
of its own."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.mcp.browser import browser
from tests.mcp.gateway import Gateway, gateway
from tests.mcp.serving import Serving, authorizing
from tests.server.served import KEY

RIGHTS = {"mcp_servers": ["one"]}


@pytest.fixture(scope="module")
def process() -> Iterator[Serving]:
    with authorizing() as serving:
        yield serving


@pytest.fixture
async def server(process: Serving) -> Serving:
    await post(process, "/reset", {})
    return process


async def post(server: Serving, path: str, body: Any = None) -> None:
    async with aiohttp.ClientSession() as session, session.post(server.at(path), json=body) as answer:
        assert answer.status == 200


def configured(server: Serving, **said: Any) -> dict[str, Any]:
    return {"mcp_servers": {"one": {"url": server.url, "auth_type": "oauth2", **said}}}


async def whoami(served: Gateway, key: str) -> str:
    """As whom the server knows the caller, or what the caller is told instead."""
    answered = await served.send("POST", "/mcp-rest/tools/call", {"name": "whoami", "server_id": "one"}, key=key)
    told = answered.json()
    return str(told["content"][0]["text"] if answered.status == 200 else told["error"]["message"])


def link_in(told: str) -> str:
    found = re.search(r"http://\S+/mcp/sign-in/\S+", told)
    assert found is not None, told
    return found[0]


async def seen(server: Serving) -> dict[str, list[Any]]:
    async with aiohttp.ClientSession() as session, session.get(server.at("/seen")) as answer:
        told: dict[str, list[Any]] = await answer.json()
        return told


async def signed_in(served: Gateway, key: str) -> str:
    """As whom a person is known who follows what this key is told."""
    async with browser() as person:
        page = await person.sign_in(link_in(await whoami(served, key)), key)
    assert "You are signed in" in page.text, page.text
    return await whoami(served, key)


async def test_each_key_signs_in_for_itself_and_no_server_sees_anothers_token_or_a_key(
    server: Serving, tmp_path: Path
) -> None:
    async with gateway(configured(server), tmp_path) as served:
        one, other = await served.key(permission=RIGHTS), await served.key(permission=RIGHTS)
        assert await signed_in(served, one) == "person-1"
        assert await signed_in(served, other) == "person-2"
        assert [await whoami(served, key) for key in (one, other, one)] == ["person-1", "person-2", "person-1"]
        shown = (await seen(server))["mcp"]
        assert not any(key in head for head in shown for key in (one, other, KEY))
        asked = (await seen(server))["authorize"]
        assert {(one["code_challenge_method"], one["resource"], one["scope"]) for one in asked} == {
            ("S256", server.url, "read")
        }
        assert len({one["state"] for one in asked}) == len({one["code_challenge"] for one in asked}) == 2


async def test_an_older_client_that_opens_urls_is_sent_there_in_the_protocols_words(
    server: Serving, tmp_path: Path
) -> None:
    async with gateway(configured(server), tmp_path) as served:
        key = await served.key(permission=RIGHTS)
        hello = {"protocolVersion": "2025-11-25", "clientInfo": {"name": "c", "version": "1"}}
        greeting = {**hello, "capabilities": {"elicitation": {"url": {}}}}
        began = await served.send("POST", "/mcp/one", message("initialize", greeting), key=key, headers=ACCEPT)
        assert "Sign in at the MCP server 'one'" in began.body.decode()
        session = {**ACCEPT, "mcp-session-id": began.headers["mcp-session-id"]}
        told = await served.send("POST", "/mcp/one", message("tools/list"), key=key, headers=session)
        error = last(told.body)["error"]
        assert error["code"] == -32042
        [asked] = error["data"]["elicitations"]
        assert asked["mode"] == "url"
        assert asked["elicitationId"]
        async with browser() as person:
            await person.sign_in(asked["url"], key)
        told = await served.send("POST", "/mcp/one", message("tools/list"), key=key, headers=session)
        assert [tool["name"] for tool in last(told.body)["result"]["tools"]] == ["whoami"]


async def test_a_modern_client_that_opens_urls_is_asked_for_input_and_its_answer_goes_to_no_server(
    server: Serving, tmp_path: Path
) -> None:
    async with gateway(configured(server), tmp_path) as served:
        key = await served.key(permission=RIGHTS)
        params: dict[str, Any] = {"name": "whoami", "arguments": {}, "_meta": MODERN_META}
        headers = {"mcp-protocol-version": "2026-07-28", "mcp-method": "tools/call", "mcp-name": "whoami", **ACCEPT}
        told = await served.send("POST", "/mcp/one", message("tools/call", params), key=key, headers=headers)
        result = last(told.body)["result"]
        assert result["resultType"] == "input_required"
        [(name, asked)] = result["inputRequests"].items()
        assert asked["params"]["mode"] == "url"
        async with browser() as person:
            await person.sign_in(asked["params"]["url"], key)
        again = {**params, "inputResponses": {name: {"action": "accept"}}}
        told = await served.send("POST", "/mcp/one", message("tools/call", again), key=key, headers=headers)
        assert last(told.body)["result"]["content"][0]["text"] == "person-1"


async def test_nobody_signs_in_for_another_key_or_in_another_browser_or_twice(server: Serving, tmp_path: Path) -> None:
    """S39."""
    async with gateway(configured(server), tmp_path) as served:
        eve, bob = await served.key(permission=RIGHTS), await served.key(permission=RIGHTS)
        invitation = link_in(await whoami(served, eve))
        async with browser() as hers, browser() as his:
            assert (await his.send(invitation, key=bob)).status == 403  # her invitation, his key
            assert (await his.send(invitation, key="sk-nobody-knows-this-one")).status == 401
            there = (await hers.send(invitation, key=eve)).link
            back = (await his.open(there)).location  # she began, and had him go there
            assert (await his.open(back)).status == 400
            there = (await hers.send(invitation, key=eve)).link
            back = (await hers.open(there)).location
            assert (await hers.open(back)).status == 200
            assert (await hers.open(back)).status == 400  # the state was used
            assert (await hers.open(invitation[:-2] + "AA")).status == 400
        assert "Sign in" in await whoami(served, bob)
        assert await served.get("/v1/mcp/sign-ins", key=bob) == {"sign_ins": []}


async def test_pages_are_framed_by_nobody_and_say_what_was_said_without_running_it(
    server: Serving, tmp_path: Path
) -> None:
    async with gateway(configured(server), tmp_path) as served:
        key = await served.key(permission=RIGHTS)
        async with browser() as person:
            page = await person.open(link_in(await whoami(served, key)))
            policy = page.headers["content-security-policy"]
            assert "default-src 'none'" in policy
            assert "frame-ancestors 'none'" in policy
            assert page.headers["referrer-policy"] == "same-origin"
            assert "<script" not in page.text
            await person.send(link_in(await whoami(served, key)), key=key)
            bad = await person.open(f"{served.url}/mcp/callback?state=x&error=%3Cscript%3E1")
            assert "<script>" not in bad.text


async def test_a_token_that_ran_out_is_refreshed_once_for_all_who_want_it(server: Serving, tmp_path: Path) -> None:
    await post(server, "/reset", {"expires_in": 1})
    async with gateway(configured(server), tmp_path) as served:
        key = await served.key(permission=RIGHTS)
        assert await signed_in(served, key) == "person-1"
        before = grants(await seen(server))
        found = await asyncio.gather(*(whoami(served, key) for _ in range(8)))
        assert found == ["person-1"] * 8
        after = grants(await seen(server))
        assert after.count("refresh_token") - before.count("refresh_token") == 1


async def test_a_token_that_was_taken_back_is_refreshed_and_else_its_person_signs_in_anew(
    server: Serving, tmp_path: Path
) -> None:
    async with gateway(configured(server), tmp_path) as served:
        key = await served.key(permission=RIGHTS)
        assert await signed_in(served, key) == "person-1"
        await post(server, "/forget")
        assert await whoami(served, key) == "person-1"
        await post(server, "/forget?all")
        assert "Sign in" in await whoami(served, key)
        assert await signed_in(served, key) == "person-2"
        assert len((await seen(server))["register"]) == 1


async def test_the_gateway_gets_a_token_for_itself_by_client_credentials(server: Serving, tmp_path: Path) -> None:
    said = {"oauth2_flow": "client_credentials", "client_id": "known", "client_secret": "known-secret"}
    async with gateway(configured(server, **said), tmp_path) as served:
        key = await served.key(permission=RIGHTS)
        assert [await whoami(served, key), await whoami(served, KEY)] == ["machine", "machine"]
        assert grants(await seen(server)) == ["client_credentials"]
        await post(server, "/forget")
        assert await whoami(served, key) == "machine"


async def test_one_sign_in_is_everybodys_where_the_operator_says_so_and_the_admins_to_make(
    server: Serving, tmp_path: Path
) -> None:
    async with gateway(configured(server, sign_in="shared"), tmp_path) as served:
        key = await served.key(permission=RIGHTS)
        assert "its operator has to sign in" in await whoami(served, key)
        begin = {"server": "one", "redirect_uri": "http://127.0.0.1:1/callback"}
        assert (await served.send("POST", "/v1/mcp/sign-ins", begin, key=key)).status == 403
        assert await signed_in(served, KEY) == "person-1"
        assert await whoami(served, key) == "person-1"


async def test_signing_out_forgets_the_token_and_gives_it_back(server: Serving, tmp_path: Path) -> None:
    async with gateway(configured(server), tmp_path) as served:
        key, other = await served.key(permission=RIGHTS), await served.key(permission=RIGHTS)
        await signed_in(served, key)
        [listed] = (await served.get("/v1/mcp/sign-ins", key=key))["sign_ins"]
        assert listed["server_id"] == "one"
        assert listed["issuer"] == server.origin
        assert "token-" not in str(listed)
        assert len((await served.get("/v1/mcp/sign-ins"))["sign_ins"]) == 1
        theirs = await served.send("DELETE", f"/v1/mcp/sign-ins/one?owner={listed['owner']}", key=other)
        assert theirs.status == 403
        gone = await served.send("DELETE", "/v1/mcp/sign-ins/one", key=key)
        assert gone.json() == {"server": "one", "signed_out": True}
        assert "Sign in" in await whoami(served, key)
        [taken_back] = (await seen(server))["revoke"]
        assert taken_back["token"].startswith("refresh-")


async def test_tokens_outlive_the_process_sealed(server: Serving, tmp_path: Path) -> None:
    async with gateway(configured(server), tmp_path) as served:
        key = await served.key(permission=RIGHTS)
        await signed_in(served, key)
    kept = b"".join(file.read_bytes() for file in (tmp_path / "home").rglob("*") if file.is_file())
    assert b"token-" not in kept
    assert b"refresh-" not in kept
    async with gateway(configured(server), tmp_path) as served:
        assert await whoami(served, key) == "person-1"


async def test_a_server_that_took_anothers_name_is_not_shown_its_token(server: Serving, tmp_path: Path) -> None:
    async with gateway(configured(server), tmp_path) as served:
        key = await served.key(permission=RIGHTS)
        await signed_in(served, key)
    with authorizing() as other:
        async with gateway(configured(other), tmp_path) as served:
            assert "Sign in" in await whoami(served, key)
            assert set((await seen(other))["mcp"]) == {""}


HOSTILE: tuple[tuple[dict[str, Any], str], ...] = (
    # first: who is registered once stays so
    ({"registration_endpoint": None}, "registers nobody"),
    ({"authorization_servers": ["http://169.254.169.254"]}, "says nothing of itself"),
    ({"authorization_servers": ["http://localhost:1"]}, "not https"),
    ({"authorization_servers": ["https://127.0.0.1:1"]}, "says nothing of itself"),
    ({"resource_metadata": "http://127.0.0.1:1/x"}, "cannot be read"),
    ({"resource": "https://evil.example/mcp"}, "about another server"),
    ({"issuer": "https://evil.example"}, "names another issuer"),
    ({"authorization_endpoint": "javascript:alert(1)"}, "no `authorization_endpoint`"),
    ({"authorization_endpoint": 'https://a.example/"$(id)'}, "no `authorization_endpoint`"),
    ({"code_challenge_methods_supported": None}, "PKCE"),
    ({"code_challenge_methods_supported": ["plain"]}, "PKCE"),
)


async def test_what_a_server_says_of_its_tokens_leads_nowhere_that_it_may_not(server: Serving, tmp_path: Path) -> None:
    """S40."""
    async with gateway(configured(server), tmp_path) as served, browser() as person:
        key = await served.key(permission=RIGHTS)
        for options, told in HOSTILE:
            await post(server, "/reset", options)
            page = await person.send(link_in(await whoami(served, key)), key=key)
            assert page.status == 502, (options, page.text)
            assert told in page.text, options
            assert (await seen(server))["authorize"] == []


async def test_an_answer_of_another_issuer_is_not_redeemed(server: Serving, tmp_path: Path) -> None:
    """S39."""
    await post(server, "/reset", {"answers_as": "https://evil.example"})
    async with gateway(configured(server), tmp_path) as served, browser() as person:
        key = await served.key(permission=RIGHTS)
        page = await person.sign_in(link_in(await whoami(served, key)), key)
        assert page.status == 502
        assert "another issuer" in page.text
        assert (await seen(server))["token"] == []


ACCEPT = {"accept": "application/json, text/event-stream", "content-type": "application/json"}
MODERN_META = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientInfo": {"name": "c", "version": "1"},
    "io.modelcontextprotocol/clientCapabilities": {"elicitation": {"url": {}}},
}


def message(method: str, params: Any = None) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": 1, "method": method, "params": params or {}}


def last(body: bytes) -> dict[str, Any]:
    lines = [line[5:] for line in body.decode().splitlines() if line.startswith("data:") and line[5:].strip()]
    told: dict[str, Any] = json.loads(lines[-1] if lines else body)
    return told


def grants(told: dict[str, list[Any]]) -> list[str]:
    return [asked["grant_type"] for asked in told["token"]]
