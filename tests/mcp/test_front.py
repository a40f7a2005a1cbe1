"""The gateway as an OAuth resource server, and as the authorization server of its own clients: by the official SDK's
client, and by hand where a client would do wrong."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import aiohttp
import httpx2
import pytest
from mcp import Client
from mcp.client.auth import OAuthClientProvider
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import (
    AuthorizationCodeResult,
    OAuthClientInformationFull,
    OAuthClientMetadata,
    OAuthToken,
)
from pydantic import AnyUrl

from tests.mcp.browser import Browser, Page, browser
from tests.mcp.gateway import Gateway, gateway
from tests.mcp.serving import Serving, modern_only
from tests.server.served import KEY, Answered

BACK = "http://127.0.0.1:33418/callback"
RIGHTS = {"mcp_servers": ["one"]}
VERIFIER = "v" * 50
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
LIST = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}


@pytest.fixture(scope="module")
def server() -> Iterator[Serving]:
    with modern_only() as serving:
        yield serving


def configured(server: Serving) -> dict[str, Any]:
    return {"mcp_servers": {"one": {"url": server.url}, "two": {"url": server.url}}}


class Storage:
    """What the SDK keeps of a client."""

    def __init__(self) -> None:
        self.tokens: OAuthToken | None = None
        self.client: OAuthClientInformationFull | None = None

    async def get_tokens(self) -> OAuthToken | None:
        return self.tokens

    async def set_tokens(self, tokens: OAuthToken) -> None:
        self.tokens = tokens

    async def get_client_info(self) -> OAuthClientInformationFull | None:
        return self.client

    async def set_client_info(self, client_info: OAuthClientInformationFull) -> None:
        self.client = client_info


class Person:
    """Who gives a key on the page that the SDK opens."""

    def __init__(self, at: Browser, key: str) -> None:
        self._at = at
        self._key = key
        self.asked = 0
        self._answer: dict[str, str] = {}

    async def open(self, url: str) -> None:
        self.asked += 1
        page = await self._at.open(url)
        assert "The SDK" in page.text
        self._answer = (await self._at.send(url, key=self._key, answer="yes")).answer

    async def answer(self) -> AuthorizationCodeResult:
        told = self._answer
        return AuthorizationCodeResult(code=told["code"], state=told["state"], iss=told["iss"])


def provider(url: str, person: Person, storage: Storage) -> OAuthClientProvider:
    said = OAuthClientMetadata(client_name="The SDK", redirect_uris=[AnyUrl(BACK)])
    return OAuthClientProvider(url, said, storage, person.open, person.answer)


async def tools(url: str, auth: OAuthClientProvider) -> list[str]:
    async with httpx2.AsyncClient(auth=auth, timeout=30, verify=False) as http:
        async with Client(streamable_http_client(url, http_client=http)) as client:
            return [tool.name for tool in (await client.list_tools()).tools]


@pytest.mark.parametrize("path", ["/mcp", "/mcp/one", "/one/mcp"])
async def test_the_sdks_client_finds_out_registers_is_let_in_and_lists(
    server: Serving, tmp_path: Path, path: str
) -> None:
    async with gateway(configured(server), tmp_path) as served, browser() as at:
        person, storage = Person(at, await served.key(permission=RIGHTS)), Storage()
        url = served.url + path
        found = await tools(url, provider(url, person, storage))
        assert found
        assert all(name.startswith("one-") for name in found) == (path == "/mcp")
        assert storage.tokens is not None
        first = storage.tokens
        assert await tools(url, provider(url, person, storage)) == found
        storage.tokens = first.model_copy(update={"access_token": first.access_token[:-8]})  # as if it had expired
        assert await tools(url, provider(url, person, storage)) == found
        assert person.asked <= 2


async def test_who_shows_no_key_or_a_wrong_one_is_told_where_to_get_a_token(server: Serving, tmp_path: Path) -> None:
    """S04."""
    async with gateway(configured(server), tmp_path) as served:
        metadata = f"{served.url}/.well-known/oauth-protected-resource"
        cases: list[tuple[str, dict[str, str], str]] = [
            ("/mcp", {}, f'Bearer resource_metadata="{metadata}/mcp", scope="mcp"'),
            ("/mcp/one", {}, f'Bearer resource_metadata="{metadata}/mcp/one", scope="mcp"'),
            (
                "/mcp",
                {"authorization": "Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIn0."},
                f'Bearer resource_metadata="{metadata}/mcp", scope="mcp", error="invalid_token"',
            ),
            (
                "/mcp",
                {"authorization": "Bearer tb-at-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"},
                f'Bearer resource_metadata="{metadata}/mcp", scope="mcp", error="invalid_token"',
            ),
        ]
        for path, headers, challenge in cases:
            answered = await served.send("POST", path, LIST, key=None, headers=headers)
            assert answered.status == 401
            assert answered.headers["www-authenticate"] == challenge
        told = await served.get("/.well-known/oauth-protected-resource/mcp/one", key=None)
        assert told["resource"] == f"{served.url}/mcp/one"
        assert told["authorization_servers"] == [served.url]
        assert (await served.send("GET", "/.well-known/oauth-protected-resource/v1", key=None)).status == 404


class ByHand:
    """A client that says what it is told to say."""

    def __init__(self, served: Gateway, at: Browser, id: str) -> None:
        self.served, self.at, self.id = served, at, id

    def url(self, **said: str | None) -> str:
        asked: dict[str, str | None] = {
            "response_type": "code",
            "client_id": self.id,
            "redirect_uri": BACK,
            "state": "s1",
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
            **said,
        }
        query = urlencode({name: value for name, value in asked.items() if value is not None})
        return f"{self.served.url}/authorize?{query}"

    async def code(self, key: str, **said: str) -> str:
        page = await self.at.send(self.url(**said), key=key, answer="yes")
        assert page.status == 303, page.text
        return page.answer["code"]

    async def token(self, **said: str) -> Page:
        return await self.at.send(f"{self.served.url}/token", client_id=self.id, **said)

    async def redeem(self, code: str, **said: str) -> Page:
        asked = {"grant_type": "authorization_code", "code": code, "redirect_uri": BACK, "code_verifier": VERIFIER}
        return await self.token(**{**asked, **said})

    async def let_in(self, key: str, **said: str) -> dict[str, Any]:
        page = await self.redeem(await self.code(key, **said))
        assert page.status == 200, page.text
        told: dict[str, Any] = json.loads(page.text)
        return told


async def registered(served: Gateway, at: Browser, **said: Any) -> ByHand:
    body = {"client_name": "By <b>hand</b>", "redirect_uris": [BACK], **said}
    told = await served.post("/register", body, key=None, status=201)
    assert "client_secret" not in told
    return ByHand(served, at, told["client_id"])


async def listed(served: Gateway, token: str, path: str = "/mcp/one") -> Answered:
    return await served.send("POST", path, LIST, key=token)


async def test_a_token_is_good_for_its_resource_at_the_mcp_endpoint_alone(server: Serving, tmp_path: Path) -> None:
    """S38."""
    async with gateway(configured(server), tmp_path) as served, browser() as at:
        client = await registered(served, at)
        key = await served.key(permission=RIGHTS)
        narrow = (await client.let_in(key, resource=f"{served.url}/mcp/one"))["access_token"]
        wide = (await client.let_in(key))["access_token"]
        assert [(await listed(served, token)).status for token in (narrow, wide)] == [200, 200]
        assert [(await listed(served, token, "/mcp")).status for token in (narrow, wide)] == [401, 200]
        # on the very connection where it was taken a moment ago, too
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=1)) as session:
            headers = {"authorization": f"Bearer {wide}"}
            for method, path, status in (
                ("POST", "/mcp/one", 200),
                ("GET", "/v1/models", 401),
                ("GET", "/v1/mcp/server", 401),
                ("POST", "/mcp-rest/tools/call", 401),
            ):
                async with session.request(method, served.url + path, headers=headers, json=LIST) as answer:
                    assert answer.status == status, path
                    if status == 401 and path != "/mcp/one":
                        assert (
                            "access token for the MCP endpoint (/mcp), and good for nothing else" in await answer.text()
                        )


async def test_a_token_has_its_keys_rights_and_ends_with_the_key(server: Serving, tmp_path: Path) -> None:
    async with gateway(configured(server), tmp_path) as served, browser() as at:
        client = await registered(served, at)
        key = await served.key(permission=RIGHTS)
        token = (await client.let_in(key))["access_token"]
        names = [tool["name"] for tool in (await listed(served, token, "/mcp")).json()["result"]["tools"]]
        assert names
        assert all(name.startswith("one-") for name in names)
        await served.post("/key/block", {"key": key})
        refused = await listed(served, token)
        assert refused.status == 401
        assert "www-authenticate" in refused.headers
        await served.post("/key/unblock", {"key": key})
        assert (await listed(served, token)).status == 200
        await served.post("/key/delete", {"keys": [key]})
        assert (await listed(served, token)).status == 401


async def test_a_key_that_is_blocked_while_the_body_is_on_its_way_is_blocked(server: Serving, tmp_path: Path) -> None:
    async with gateway(configured(server), tmp_path) as served, browser() as at:
        key = await served.key(permission=RIGHTS)
        token = (await (await registered(served, at)).let_in(key))["access_token"]
        host, body = urlsplit(served.url), json.dumps(LIST).encode()
        for shown in (token, key):
            await served.post("/key/unblock", {"key": key})
            reader, writer = await asyncio.open_connection(host.hostname, host.port)
            writer.write(
                f"POST /mcp/one HTTP/1.1\r\nhost: {host.netloc}\r\nauthorization: Bearer {shown}\r\n"
                f"expect: 100-continue\r\ncontent-length: {len(body)}\r\n\r\n".encode()
            )
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 100")  # who asks is known
            await served.post("/key/block", {"key": key})
            writer.write(body)
            head = await reader.readuntil(b"\r\n\r\n")
            writer.close()
            assert head.startswith(b"HTTP/1.1 401")
            assert b"www-authenticate" in head


async def test_a_code_is_redeemed_once_by_who_asked_and_a_second_time_ends_the_grant(
    server: Serving, tmp_path: Path
) -> None:
    """S39."""
    async with gateway(configured(server), tmp_path) as served, browser() as at:
        client, other = await registered(served, at), await registered(served, at, client_name="Other")
        key = await served.key(permission=RIGHTS)
        for wrong in (
            {"code_verifier": "w" * 50},
            {"redirect_uri": "http://127.0.0.1:1/callback"},
            {"client_id": other.id},
            {"resource": f"{served.url}/mcp/two"},
        ):
            code = await client.code(key)
            asked = {"client_id": client.id, **wrong}
            asked = {"grant_type": "authorization_code", "code": code, "redirect_uri": BACK, **asked}
            page = await at.send(f"{served.url}/token", **{"code_verifier": VERIFIER, **asked})
            assert page.status == 400, wrong
            assert (await client.redeem(code)).status == 400  # it was tried
        code = await client.code(key)
        token = json.loads((await client.redeem(code)).text)["access_token"]
        assert (await listed(served, token)).status == 200
        assert (await client.redeem(code)).status == 400
        assert (await listed(served, token)).status == 401


async def test_refresh_tokens_rotate_and_one_that_was_replaced_long_ago_ends_the_grant(
    server: Serving, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with gateway(configured(server), tmp_path) as served, browser() as at:
        client = await registered(served, at)
        first = await client.let_in(await served.key(permission=RIGHTS))

        async def refreshed(token: str) -> Page:
            return await client.token(grant_type="refresh_token", refresh_token=token)

        second = json.loads((await refreshed(first["refresh_token"])).text)
        assert second["refresh_token"] != first["refresh_token"]
        assert (await listed(served, second["access_token"])).status == 200
        late = json.loads((await refreshed(first["refresh_token"])).text)  # the answer did not reach the client
        assert (await refreshed(second["refresh_token"])).status == 400
        monkeypatch.setattr("tollbridge.mcp.front.grants.LATE_S", -1.0)
        assert (await refreshed(first["refresh_token"])).status == 400
        assert (await refreshed(late["refresh_token"])).status == 400
        assert (await listed(served, second["access_token"])).status == 401


async def test_revoking_a_token_ends_what_was_agreed_to(server: Serving, tmp_path: Path) -> None:
    async with gateway(configured(server), tmp_path) as served, browser() as at:
        client = await registered(served, at)
        key = await served.key(permission=RIGHTS)
        for which in ("access_token", "refresh_token"):
            told = await client.let_in(key)
            assert (await at.send(f"{served.url}/revoke", token=told[which])).status == 200
            assert (await listed(served, told["access_token"])).status == 401
            again = await client.token(grant_type="refresh_token", refresh_token=told["refresh_token"])
            assert json.loads(again.text)["error"] == "invalid_grant"


async def test_clients_and_grants_outlive_the_process(server: Serving, tmp_path: Path) -> None:
    async with gateway(configured(server), tmp_path) as served, browser() as at:
        client = await registered(served, at)
        told = await client.let_in(await served.key(permission=RIGHTS))
    async with gateway(configured(server), tmp_path) as served, browser() as at:
        client = ByHand(served, at, client.id)
        again = await client.token(grant_type="refresh_token", refresh_token=told["refresh_token"])
        assert again.status == 200, again.text
        assert (await at.open(client.url())).status == 200


async def test_the_page_says_who_asks_and_where_the_answer_goes_and_a_no_is_told(
    server: Serving, tmp_path: Path
) -> None:
    """S39."""
    async with gateway(configured(server), tmp_path) as served, browser() as at:
        client = await registered(served, at)
        page = await at.open(client.url())
        assert "By &lt;b&gt;hand&lt;/b&gt;" in page.text
        assert "http://127.0.0.1:33418" in page.text
        assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
        assert "set-cookie" not in page.headers
        denied = await at.send(client.url(), answer="no")
        assert denied.answer == {
            "error": "access_denied",
            "error_description": "The person said no.",
            "state": "s1",
            "iss": served.url,
        }
        assert (await at.send(client.url(), key="sk-nobody-has-this-key-here", answer="yes")).status == 401
        master = await at.send(client.url(), key=KEY, answer="yes")
        assert master.status == 403
        assert "master key" in master.text


async def test_nothing_is_sent_where_the_client_is_not_known_to_be(server: Serving, tmp_path: Path) -> None:
    """S39."""
    async with gateway(configured(server), tmp_path) as served, browser() as at:
        client = await registered(served, at)
        key = await served.key(permission=RIGHTS)
        wrong: tuple[dict[str, str | None], ...] = (
            {"redirect_uri": "http://127.0.0.1:33418/other"},
            {"redirect_uri": "http://127.0.0.1.evil.example:33418/callback"},
            {"redirect_uri": "http://127.0.0.1:33418@evil.example/callback"},
            {"redirect_uri": "https://evil.example/callback"},
            {"redirect_uri": None},
            {"client_id": "tbc-AAAA"},
            {"client_id": "https://127.0.0.1/client.json"},
        )
        for said in wrong:
            url = client.url(**said)
            for page in (await at.open(url), await at.send(url, key=key, answer="yes")):
                assert page.status == 400, said
                assert "location" not in page.headers, said


async def test_what_else_is_wrong_is_told_to_the_client(server: Serving, tmp_path: Path) -> None:
    async with gateway(configured(server), tmp_path) as served, browser() as at:
        client = await registered(served, at)
        key = await served.key(permission=RIGHTS)
        wrong: tuple[tuple[dict[str, str | None], str], ...] = (
            ({"code_challenge": None}, "invalid_request"),
            ({"code_challenge_method": "plain"}, "invalid_request"),
            ({"code_challenge_method": None}, "invalid_request"),
            ({"response_type": "token"}, "unsupported_response_type"),
            ({"resource": "https://other.example/mcp"}, "invalid_target"),
            ({"resource": "/v1"}, "invalid_target"),
            ({"resource": f"{served.url}/v1/models"}, "invalid_target"),
        )
        for said, error in wrong:
            page = await at.send(client.url(**said), key=key, answer="yes")
            assert page.status == 303, said
            assert urlsplit(page.location).netloc == "127.0.0.1:33418"
            assert (page.answer["error"], page.answer["state"]) == (error, "s1"), said


async def test_a_loopback_client_may_listen_on_any_port(server: Serving, tmp_path: Path) -> None:
    async with gateway(configured(server), tmp_path) as served, browser() as at:
        client = await registered(served, at)
        there = "http://127.0.0.1:50123/callback"
        page = await at.send(client.url(redirect_uri=there), key=await served.key(permission=RIGHTS), answer="yes")
        assert page.location.startswith(there + "?")
        assert (await client.redeem(page.answer["code"], redirect_uri=there)).status == 200


async def test_a_client_does_not_register_where_an_answer_may_not_go(server: Serving, tmp_path: Path) -> None:
    async with gateway(configured(server), tmp_path) as served:
        for redirect in (
            "http://evil.example/callback",
            "javascript:alert(1)",
            "data:text/html,x",
            "file:///etc/passwd",
            "https://a.example/#fragment",
            "https://user@a.example/",
            "https:///nowhere",
            "a b",
        ):
            told = await served.post("/register", {"redirect_uris": [redirect]}, key=None, status=400)
            assert told["error"] == "invalid_redirect_uri", redirect
        apps = ["cursor://anysphere.cursor-mcp/oauth/callback", "https://claude.ai/api/mcp/auth_callback", BACK]
        await served.post("/register", {"redirect_uris": apps}, key=None, status=201)


async def test_a_token_of_ours_goes_to_no_server_where_a_key_stands_beside_it(server: Serving, tmp_path: Path) -> None:
    """S38."""
    async with gateway(configured(server), tmp_path) as served, browser() as at:
        client = await registered(served, at)
        key = await served.key(permission=RIGHTS)
        token = (await client.let_in(key))["access_token"]
        both = {"x-litellm-api-key": key, "authorization": f"Bearer {token}"}
        answered = await served.send("POST", "/mcp/one", LIST, key=None, headers=both)
        assert answered.status == 400


async def test_without_an_own_key_a_person_is_told_so_and_no_token_comes_of_it(server: Serving, tmp_path: Path) -> None:
    async with gateway(configured(server), tmp_path) as served, browser() as at:
        client = await registered(served, at)
        page = await at.send(client.url(), key="", answer="yes")
        assert page.status == 401
        assert "code=" not in json.dumps(page.headers)
