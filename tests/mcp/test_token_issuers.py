"""Access tokens of an authorization server that the operator trusts, at the MCP endpoint: S31 to S34, S38."""

from __future__ import annotations

import base64
import hmac
import json
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import jwt
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from tests.mcp.gateway import Gateway, gateway
from tests.mcp.serving import Serving, modern_only

RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
EC = ec.generate_private_key(ec.SECP256R1())
STRANGER = ec.generate_private_key(ec.SECP256R1())
LIST = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}
RIGHTS = {"mcp_servers": ["one"]}


def public(key: Any, algorithm: str, id: str) -> dict[str, Any]:
    kind = jwt.algorithms.RSAAlgorithm if algorithm.startswith("RS") else jwt.algorithms.ECAlgorithm
    told: dict[str, Any] = json.loads(kind.to_jwk(key.public_key()))
    return {**told, "kid": id, "use": "sig"}


class Authority:
    """An issuer; `asked`: how often for its keys."""

    def __init__(self) -> None:
        self.keys = [public(RSA, "RS256", "r"), public(EC, "ES256", "e")]
        self.asked = 0
        self.away = False
        self.url = ""

    async def metadata(self, request: web.Request) -> web.Response:
        return web.json_response({"issuer": self.url, "jwks_uri": f"{self.url}/keys"})

    async def key_set(self, request: web.Request) -> web.Response:
        self.asked += 1
        return web.Response(status=500) if self.away else web.json_response({"keys": self.keys})

    def token(self, key: Any = EC, algorithm: str = "ES256", head: dict[str, Any] | None = None, **said: Any) -> str:
        claims = {"iss": self.url, "sub": "ada", "exp": time.time() + 300, "scope": "read mcp.use", **said}
        claims = {name: value for name, value in claims.items() if value is not None}
        return jwt.encode(claims, key, algorithm, {"kid": "r" if key is RSA else "e", **(head or {})})


@pytest.fixture(scope="module")
def server() -> Iterator[Serving]:
    with modern_only() as serving:
        yield serving


@asynccontextmanager
async def trusting(
    server: Serving, directory: Path, entry: dict[str, Any] | None = None, /, **said: Any
) -> AsyncIterator[tuple[Gateway, Authority, str]]:
    """A gateway, whom it trusts, and the key that `ada` stands for. `entry`: what else is said of its server."""
    authority = Authority()
    app = web.Application()
    app.router.add_get("/.well-known/openid-configuration", authority.metadata)
    app.router.add_get("/keys", authority.key_set)
    async with TestServer(app, host="127.0.0.1") as serving:
        authority.url = f"http://127.0.0.1:{serving.port}"
        trusted = {"issuer": authority.url, "keys": {"ada": "adas key"}, "scopes": ["mcp.use"], **said}
        config = {
            "mcp_servers": {"one": {"url": server.url, **(entry or {})}},
            "general_settings": {"mcp_token_issuers": [trusted]},
        }
        async with gateway(config, directory) as served:
            key = await served.key(permission=RIGHTS, key_alias="adas key")
            yield served, authority, key


async def status(served: Gateway, token: str, path: str = "/mcp/one") -> int:
    return (await served.send("POST", path, LIST, key=token)).status


async def test_a_token_stands_for_the_key_that_the_operator_says_and_ends_with_it(
    server: Serving, tmp_path: Path
) -> None:
    async with trusting(server, tmp_path) as (served, authority, key):
        here = f"{served.url}/mcp"
        for token in (authority.token(aud=here), authority.token(RSA, "RS256", aud=["x", f"{here}/one"])):
            assert await status(served, token) == 200
        assert authority.asked == 1
        told = await served.get("/.well-known/oauth-protected-resource/mcp", key=None)
        assert told["authorization_servers"] == [authority.url, served.url]
        assert told["scopes_supported"] == ["mcp", "mcp.use"]
        assert await status(served, authority.token(aud=here), "/mcp-rest/tools/call") == 401
        await served.post("/key/block", {"key": key})
        assert await status(served, authority.token(aud=here)) == 401


async def test_what_is_not_for_us_or_not_its_own_word_is_refused(server: Serving, tmp_path: Path) -> None:
    async with trusting(server, tmp_path) as (served, authority, _):
        here, past = f"{served.url}/mcp", time.time() - 120
        open_key = json.dumps(authority.keys[0])
        forged = _unsigned({"iss": authority.url, "sub": "ada", "exp": time.time() + 300, "aud": here})
        stolen = public(STRANGER, "ES256", "s")
        wrong = {
            "another audience": authority.token(aud="https://other.example/mcp"),
            "no audience": authority.token(),
            "run out": authority.token(aud=here, exp=past),
            "no expiry": authority.token(aud=here, exp=None),
            "not yet": authority.token(aud=here, nbf=time.time() + 600),
            "another issuer": authority.token(aud=here, iss="https://other.example"),
            "another key": authority.token(STRANGER, aud=here),
            "a key that is not shown": authority.token(aud=here, head={"kid": "../../e"}),
            "its own key": authority.token(STRANGER, aud=here, head={"kid": "s", "jwk": stolen}),
            "its own address": authority.token(STRANGER, aud=here, head={"jku": f"{authority.url}/keys"}),
            "a word that must be understood": authority.token(aud=here, head={"crit": ["x"], "x": 1}),
            "unsigned": forged,
            "the public key as a secret": _with_hmac(open_key, authority, here),
        }
        for why, token in wrong.items():
            answered = await served.send("POST", "/mcp/one", LIST, key=token)
            assert answered.status == 401, why
            assert 'error="invalid_token"' in answered.headers["www-authenticate"], why
        assert await status(served, authority.token(aud=here, exp=time.time() - 30)) == 200  # clocks differ


async def test_a_token_without_the_scope_is_told_which_and_one_of_nobody_is_turned_away(
    server: Serving, tmp_path: Path
) -> None:
    async with trusting(server, tmp_path) as (served, authority, key):
        here = f"{served.url}/mcp"
        answered = await served.send("POST", "/mcp/one", LIST, key=authority.token(aud=here, scope="read"))
        assert answered.status == 403
        assert 'scope="mcp.use", error="insufficient_scope"' in answered.headers["www-authenticate"]
        assert await status(served, authority.token(aud=here, scope=None, scp=["mcp.use"])) == 200
        for who in ("eve", "", "*", 5, None):
            assert await status(served, authority.token(aud=here, sub=who)) in (401, 403), who
        both = {"x-litellm-api-key": key, "authorization": f"Bearer {authority.token(aud=here)}"}
        assert (await served.send("POST", "/mcp/one", LIST, key=None, headers=both)).status == 400


async def test_anybody_and_another_audience_and_claim_are_the_operators_to_say(server: Serving, tmp_path: Path) -> None:
    said = {"keys": {"*": "adas key"}, "claim": "email", "audience": ["api://tollbridge"], "scopes": []}
    async with trusting(server, tmp_path, **said) as (served, authority, _):
        assert await status(served, authority.token(aud="api://tollbridge", email="x@y.example")) == 200
        assert await status(served, authority.token(aud="api://tollbridge")) == 403
        assert await status(served, authority.token(aud=f"{served.url}/mcp", email="x@y.example")) == 401


async def test_keys_that_are_here_stay_good_while_the_issuer_is_away_and_strange_ones_ask_it_once(
    server: Serving, tmp_path: Path
) -> None:
    async with trusting(server, tmp_path) as (served, authority, _):
        here = f"{served.url}/mcp"
        assert await status(served, authority.token(aud=here)) == 200
        authority.away = True
        for number in range(20):
            assert await status(served, authority.token(aud=here, head={"kid": f"strange-{number}"})) == 401
        assert authority.asked == 1
        assert await status(served, authority.token(aud=here)) == 200


def _unsigned(claims: dict[str, Any]) -> str:
    return _joined({"alg": "none", "typ": "JWT"}, claims) + "."


def _with_hmac(secret: str, authority: Authority, here: str) -> str:
    claims = {"iss": authority.url, "sub": "ada", "exp": time.time() + 300, "aud": here, "scope": "mcp.use"}
    signed = _joined({"alg": "HS256", "kid": "r"}, claims)
    return f"{signed}.{_spelled(hmac.digest(secret.encode(), signed.encode(), 'sha256'))}"


def _joined(head: dict[str, Any], claims: dict[str, Any]) -> str:
    return ".".join(_spelled(json.dumps(part).encode()) for part in (head, claims))


def _spelled(part: bytes) -> str:
    return base64.urlsafe_b64encode(part).rstrip(b"=").decode()
