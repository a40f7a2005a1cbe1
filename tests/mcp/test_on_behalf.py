"""Tokens that the gateway gets by more than a secret: for a caller whose own token is exchanged, and by a signature."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from tests.mcp.gateway import Gateway, gateway
from tests.mcp.raw import raw
from tests.mcp.serving import LEGACY_STDIO, Serving, authorizing
from tests.mcp.test_sign_in import RIGHTS, post, seen, signed_in, whoami
from tests.mcp.test_token_issuers import trusting
from tests.server.served import KEY
from tests.server.test_told_addresses import closed_port
from tollbridge.config.load import load

EXCHANGE = "oauth2_token_exchange"
CLIENT = {"client_id": "known", "client_secret": "known-secret"}
WHOAMI = {"name": "whoami", "arguments": {}}
RSA, EC = rsa.generate_private_key(public_exponent=65537, key_size=2048), ec.generate_private_key(ec.SECP256R1())


def private(key: Any) -> str:
    kind = serialization.PrivateFormat.PKCS8
    return str(key.private_bytes(serialization.Encoding.PEM, kind, serialization.NoEncryption()).decode())


def public(key: Any) -> str:
    kind = serialization.PublicFormat.SubjectPublicKeyInfo
    return str(key.public_key().public_bytes(serialization.Encoding.PEM, kind).decode())


@pytest.fixture(scope="module")
def process() -> Iterator[Serving]:
    with authorizing() as serving:
        yield serving


@pytest.fixture
async def server(process: Serving) -> Serving:
    await post(process, "/reset", {})
    return process


def entry(server: Serving, **said: Any) -> dict[str, Any]:
    return {"mcp_servers": {"one": {"url": server.url, **said}}}


async def asked(served: Gateway, key: str, token: str | None, **headers: str) -> str:
    """As whom the server knows the caller, or what is wrong."""
    brought = {"x-mcp-auth": token, **headers} if token is not None else headers
    async with raw(served.url, key=key) as one:
        told = await one.ask("one", "tools/call", WHOAMI, headers=brought)
    return str(told["result"]["content"][0]["text"] if "result" in told else told["error"]["message"])


async def exchanges(server: Serving) -> list[dict[str, str]]:
    return [one for one in (await seen(server))["token"] if one["grant_type"] != "client_credentials"]


async def test_a_callers_token_is_exchanged_once_and_the_server_sees_only_the_new_one(
    server: Serving, tmp_path: Path
) -> None:
    async with gateway(entry(server, auth_type=EXCHANGE, **CLIENT), tmp_path) as served:
        key, other = await served.key(permission=RIGHTS), await served.key(permission=RIGHTS)
        for _ in range(2):
            assert await asked(served, key, "of-ada") == "machine for ada"
            assert await asked(served, key, "of-eve") == "machine for eve"
        assert await asked(served, other, "Bearer of-ada") == "machine for ada"
        foreign = {"authorization": "Bearer of-bob"}
        assert await asked(served, key, None, **foreign) == "machine for bob"
        told = await exchanges(server)
        assert [one["subject_token"] for one in told] == ["of-ada", "of-eve", "of-ada", "of-bob"]
        assert {(one["subject_token_type"], one["resource"]) for one in told} == {
            ("urn:ietf:params:oauth:token-type:access_token", server.url)
        }
        shown = (await seen(server))["mcp"]
        assert not any(secret in head for head in shown for secret in ("of-", key, KEY))
        assert "of-ada" not in (tmp_path / "requests.log").read_text()


async def test_a_token_that_the_server_refuses_is_exchanged_anew_once(server: Serving, tmp_path: Path) -> None:
    async with gateway(entry(server, auth_type=EXCHANGE, **CLIENT), tmp_path) as served:
        assert await asked(served, KEY, "of-ada") == "machine for ada"
        await post(server, "/forget")
        assert await asked(served, KEY, "of-ada") == "machine for ada"
        assert len(await exchanges(server)) == 2
        assert "No token was given: invalid_grant" in await asked(served, KEY, "nobodys")
        assert await asked(served, KEY, "of-ada") == "machine for ada"


async def test_calls_at_once_exchange_once_and_what_runs_out_is_exchanged_anew(server: Serving, tmp_path: Path) -> None:
    async with gateway(entry(server, auth_type=EXCHANGE, **CLIENT), tmp_path) as served:
        found = await asyncio.gather(*(asked(served, KEY, "of-ada") for _ in range(10)))
        assert set(found) == {"machine for ada"}
        assert len(await exchanges(server)) == 1
        await post(server, "/reset", {"expires_in": 5})  # less than what is let run out
        for _ in range(2):
            assert await asked(served, KEY, "of-ada") == "machine for ada"
        assert len(await exchanges(server)) > 1


async def test_who_shows_no_token_is_told_which_and_a_key_is_never_exchanged(server: Serving, tmp_path: Path) -> None:
    async with gateway(entry(server, auth_type=EXCHANGE, **CLIENT), tmp_path) as served:
        key = await served.key(permission=RIGHTS)
        for headers in ({}, {"authorization": f"Bearer {key}"}):
            assert "bring their token, by `x-mcp-one-authorization: Bearer ...`" in await asked(
                served, key, None, **headers
            )
        assert "bring their token" in await whoami(served, key)
        begin = {"server": "one", "redirect_uri": "http://127.0.0.1:1/callback"}
        assert (await served.send("POST", "/v1/mcp/sign-ins", begin, key=key)).status == 400
    assert await seen(server) == {"authorize": [], "register": [], "token": [], "revoke": [], "mcp": []}


@pytest.mark.parametrize("token_url", [{}, {"token_url": "{}/token", "token_exchange_endpoint": "{}/token"}])
async def test_which_address_oauth_cannot_reach_is_told_in_the_log_and_to_no_key(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, token_url: dict[str, str]
) -> None:
    port = closed_port()
    said = {name: url.format(f"http://127.0.0.1:{port}") for name, url in token_url.items()}
    one = {"url": f"http://127.0.0.1:{port}/mcp", "auth_type": EXCHANGE, **CLIENT, **said}
    async with gateway({"mcp_servers": {"one": one}}, tmp_path) as served:
        told = await asked(served, await served.key(permission=RIGHTS), "of-ada")
    assert "the server refused the connection" in told
    assert "127.0.0.1" not in told
    assert str(port) not in told
    assert not told.endswith("..")
    assert f"127.0.0.1:{port} refused the connection" in caplog.text


@pytest.mark.parametrize("modern", [True, False])
async def test_who_shows_no_token_has_the_tools_of_all_other_servers(
    server: Serving, tmp_path: Path, modern: bool
) -> None:
    config = entry(server, auth_type=EXCHANGE, **CLIENT)
    config["mcp_servers"]["other"] = LEGACY_STDIO.configured()
    async with gateway(config, tmp_path) as served, raw(served.url, modern=modern) as one:
        for brought, servers in (({}, {"other"}), ({"x-mcp-one-authorization": "of-ada"}, {"one", "other"})):
            listed = (await one.ask("", "tools/list", headers=brought))["result"]
            assert {tool["name"].partition("-")[0] for tool in listed["tools"]} == servers
            absent = listed.get("_meta", {}).get("tollbridge/absent", {})
            assert ("bring their token" in str(absent)) == (not brought)


async def test_a_token_of_a_trusted_issuer_is_exchanged_for_its_own_person(server: Serving, tmp_path: Path) -> None:
    said = {"auth_type": EXCHANGE, "audience": "api://tools", "scopes": ["tools.read"], **CLIENT}
    async with trusting(server, tmp_path, said) as (served, authority, _):
        token = authority.token(aud=f"{served.url}/mcp")
        call = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": WHOAMI}
        answered = await served.send("POST", "/mcp/one", call, key=token)
        assert answered.json()["result"]["content"][0]["text"] == "machine for ada", answered.body
        (told,) = await exchanges(server)
        assert (told["subject_token"], told["audience"], told["scope"]) == (token, "api://tools", "tools.read")
        assert "resource" not in told
        assert not any(token in head for head in (await seen(server))["mcp"])


async def test_entra_is_asked_in_its_own_words(server: Serving, tmp_path: Path) -> None:
    said = {"token_exchange_profile": "entra_obo", "audience": "api://tools", **CLIENT}
    said["token_exchange_endpoint"] = server.at("/token")
    async with gateway(entry(server, auth_type=EXCHANGE, **said), tmp_path) as served:
        assert await asked(served, KEY, "of-ada") == "machine for ada"
    (told,) = await exchanges(server)
    assert (told["assertion"], told["requested_token_use"], told["scope"]) == (
        "of-ada",
        "on_behalf_of",
        "api://tools/.default",
    )


@pytest.mark.parametrize(("key", "algorithm"), [(RSA, "RS256"), (EC, "ES256")])
async def test_the_gateway_proves_who_it_is_by_a_signature(
    server: Serving, tmp_path: Path, key: Any, algorithm: str
) -> None:
    await post(server, "/reset", {"public_key": public(key), "algorithm": algorithm})
    said = {
        "client_id": "known",
        "client_private_key": private(key).replace("\n", "\\n"),
        "client_private_key_id": "k1",
    }
    said |= {"client_assertion_signing_alg": algorithm, "oauth2_flow": "client_credentials"}
    async with gateway(entry(server, auth_type="oauth2", **said), tmp_path) as served:
        assert await whoami(served, KEY) == "machine"
        await post(server, "/forget")
        assert await whoami(served, KEY) == "machine"  # with a proof of its own
        assert "client_private_key" not in json.dumps(await served.get("/v1/mcp/server"))
    assert {one["client_id"] for one in (await seen(server))["token"]} == {"known"}


async def test_a_person_signs_in_at_a_client_that_signs_and_is_refreshed_by_it(server: Serving, tmp_path: Path) -> None:
    public_url = "https://gateway.example.com"
    options = {"public_key": public(RSA), "redirects": []}
    await post(server, "/reset", options)
    said = {"client_id": "known", "client_private_key": private(RSA)}
    async with gateway(entry(server, auth_type="oauth2", **said), tmp_path) as served:
        await post(server, "/reset", {**options, "redirects": [f"{served.url}/mcp/callback", public_url]})
        key = await served.key(permission=RIGHTS)
        assert await signed_in(served, key) == "person-1"
        await post(server, "/forget")
        assert await whoami(served, key) == "person-1"
        assert (await served.send("DELETE", "/v1/mcp/sign-ins/one", key=key)).status == 200
    told = await seen(server)
    assert [one["grant_type"] for one in told["token"]] == ["authorization_code", "refresh_token"]
    assert all(one["client_assertion"] for one in (*told["token"], *told["revoke"]))


@pytest.mark.parametrize(
    ("said", "finding"),
    [
        ({"auth_type": EXCHANGE}, f"`{EXCHANGE}` needs a `client_id`"),
        (
            {"auth_type": EXCHANGE, "client_id": "x", "token_exchange_profile": "y"},
            "expected one of rfc8693, entra_obo",
        ),
        ({"client_id": "x", "token_endpoint_auth_method": "private_key_jwt"}, "needs a `client_private_key`"),
        ({"client_private_key": "x"}, "goes with a `client_id`, and is for `private_key_jwt`"),
        (
            {"client_id": "x", "client_private_key": "x", "client_assertion_signing_alg": "HS256"},
            "expected one of RS256",
        ),
        ({"client_id": "x", "oauth2_flow": "client_credentials"}, "a `client_secret` or a `client_private_key`"),
    ],
)
def test_what_is_missing_is_found_by_check(tmp_path: Path, said: dict[str, str], finding: str) -> None:
    config = {"mcp_servers": {"one": {"url": "https://x.example/mcp", "auth_type": "oauth2", **said}}}
    (tmp_path / "config.yaml").write_text(json.dumps(config))
    loaded = load(tmp_path / "config.yaml", {})
    assert loaded.config is None
    assert any(finding in found.message for found in loaded.findings)


async def test_a_key_that_does_not_sign_keeps_the_gateway_from_starting(server: Serving, tmp_path: Path) -> None:
    said = {"auth_type": "oauth2", "client_id": "known", "client_private_key": private(EC)}
    with pytest.raises(Exception, match="'one': the private key does not sign with RS256"):
        async with gateway(entry(server, **said), tmp_path):
            pass
