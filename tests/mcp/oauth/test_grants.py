"""What is asked of authorization servers, and what is believed of what they say."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.mcp.oauth.errands import run
from tollbridge.mcp.oauth.errand import OAuthError, Told
from tollbridge.mcp.oauth.grants import (
    Prover,
    authorization_url,
    challenge_of,
    check_issuer,
    fetch,
    redeem,
    refresh,
    revoke,
    scopes_for,
)
from tollbridge.mcp.oauth.registration import known, method_of, register
from tollbridge.mcp.oauth.values import Client, Found, Server, Settings, Token
from tollbridge.secret import Secret

TOKENS = "https://as.example/token"
SERVER = Server(
    issuer="https://as.example",
    authorization_url="https://as.example/go?tenant=1&state=theirs",
    token_url=TOKENS,
    registration_url="https://as.example/register",
    revocation_url="https://as.example/revoke",
    pkce=True,
)
FOUND = Found(server=SERVER, resource="https://mcp.example/mcp", scopes=("a",))
PUBLIC = Client(id="us")
GOOD = {"access_token": "t", "token_type": "Bearer", "expires_in": 60}


def test_a_person_is_sent_with_pkce_and_the_resource_and_what_the_address_said_stays() -> None:
    # RFC 7636, appendix B
    assert challenge_of("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk") == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
    url = authorization_url(FOUND, PUBLIC, redirect="https://gw/cb", state="s", verifier="v", scopes=("a", "b"))
    asked = parse_qs(urlsplit(url).query)
    assert asked["tenant"] == ["1"]
    assert (asked["state"], asked["code_challenge_method"]) == (["s"], ["S256"])
    assert (asked["resource"], asked["scope"]) == ([FOUND.resource], ["a b"])


@pytest.mark.parametrize(
    ("said", "demanded", "offered", "scopes"),
    [
        ((), (), (), ("a",)),
        ((), ("b",), (), ("b",)),
        (("c",), ("b",), (), ("c",)),
        ((), ("b",), ("offline_access",), ("b", "offline_access")),
    ],
)
def test_scopes_are_the_operators_else_the_challenges_else_the_resources(
    said: tuple[str, ...], demanded: tuple[str, ...], offered: tuple[str, ...], scopes: tuple[str, ...]
) -> None:
    found = Found(server=Server(issuer="i", token_url="t", scopes=offered), resource="r", scopes=("a",))
    assert scopes_for(said, demanded, found) == scopes


@pytest.mark.parametrize(
    ("tells", "told", "good"),
    [
        (True, "https://as.example", True),
        (True, None, False),
        (False, None, True),
        (False, "https://as.example", True),
        (False, "https://as.example/", False),
        (True, "https://AS.example", False),
    ],
)
def test_an_answer_comes_from_the_issuer_that_was_asked(tells: bool, told: str | None, good: bool) -> None:
    server = Server(issuer="https://as.example", token_url="t", tells_issuer=tells)
    if good:
        check_issuer(server, told)
    else:
        with pytest.raises(OAuthError):
            check_issuer(server, told)


@pytest.mark.parametrize(
    ("method", "basic", "form"),
    [
        ("client_secret_basic", "Basic dXMlM0E6JTIwaHVzaA==", {}),
        ("client_secret_post", None, {"client_id": ["us:"], "client_secret": [" hush"]}),
        ("none", None, {"client_id": ["us:"]}),
    ],
)
def test_a_client_proves_itself_as_its_method_says(method: Any, basic: str | None, form: dict[str, list[str]]) -> None:
    client = Client(id="us:", secret=" hush", method=method)
    _, (ask,) = run(fetch(FOUND, Prover(client), ("a",), 0.0), {TOKENS: GOOD})
    assert dict(ask.headers).get("authorization") == basic
    said = parse_qs(ask.body.decode())
    assert {name: said[name] for name in said if name.startswith("client")} == form
    assert (said["grant_type"], said["scope"], said["resource"]) == (["client_credentials"], ["a"], [FOUND.resource])


@pytest.mark.parametrize(
    ("said", "until"),
    [({}, None), ({"expires_in": 60}, 160.0), ({"expires_in": "60"}, 160.0), ({"expires_in": True}, None)],
)
def test_a_token_lasts_as_long_as_was_said(said: dict[str, Any], until: float | None) -> None:
    good = {"access_token": "t", "token_type": "bearer", **said}
    token, _ = run(redeem(FOUND, Prover(PUBLIC), "c", "v", "https://gw/cb", (), 100.0), {TOKENS: good})
    assert token.expires_at == until


@pytest.mark.parametrize(
    "told",
    [
        Told(200, {"access_token": "t", "token_type": "mac"}),
        Told(200, {"access_token": "a b", "token_type": "bearer"}),
        Told(200, {"access_token": "a\r\nx: y", "token_type": "bearer"}),
        Told(200, {"access_token": "", "token_type": "bearer"}),
        Told(200, []),
        Told(500, {"access_token": "t", "token_type": "bearer"}),
        Told(0, why="it is private"),
    ],
)
def test_what_is_no_bearer_token_is_none(told: Told) -> None:
    with pytest.raises(OAuthError):
        run(redeem(FOUND, Prover(PUBLIC), "c", "v", "https://gw/cb", (), 0.0), {TOKENS: told})


def test_a_refresh_keeps_what_is_not_told_anew_and_takes_the_rotated_token() -> None:
    first, _ = run(redeem(FOUND, Prover(PUBLIC), "c", "v", "r", ("a",), 5.0), {TOKENS: {**GOOD, "refresh_token": "r1"}})
    second, (ask,) = run(refresh(first, None, 10.0), {TOKENS: {**GOOD, "access_token": "t2"}})
    assert (second.access, second.refresh, second.asked, second.since) == ("t2", "r1", ("a",), 5.0)
    assert parse_qs(ask.body.decode())["refresh_token"] == ["r1"]
    third, _ = run(refresh(second, None, 20.0), {TOKENS: {**GOOD, "refresh_token": "r2"}})
    assert third.refresh == "r2"
    with pytest.raises(OAuthError) as refused:
        run(refresh(third, None, 30.0), {TOKENS: Told(400, {"error": "invalid_grant"})})
    assert refused.value.error == "invalid_grant"
    _, (ask,) = run(revoke(third, None, 40.0), {})
    assert parse_qs(ask.body.decode())["token"] == ["r2"]
    assert "r2" not in repr(third) + repr(ask)


def test_the_operators_client_is_who_we_are_and_its_method_what_the_server_takes() -> None:
    settings = Settings(client_id="us", client_secret=Secret("hush"))
    client = known(settings, SERVER)
    assert client is not None
    assert (client.id, client.secret, client.method) == ("us", "hush", "client_secret_basic")
    assert "hush" not in repr(client)
    posts = Server(issuer="i", token_url="t", methods=("private_key_jwt", "client_secret_post"))
    assert method_of(settings, posts, "hush") == "client_secret_post"
    told = Settings(client_id="us", client_secret=Secret("hush"), token_url=TOKENS)
    assert method_of(told, SERVER, "hush") == "client_secret_post"
    assert method_of(Settings(method="client_secret_basic"), posts, "hush") == "client_secret_basic"
    assert method_of(settings, posts, None) == "none"


def test_registering_says_what_we_are_and_believes_what_it_is_told() -> None:
    told = {"client_id": "c", "client_secret": "hush", "client_secret_expires_at": 5}
    client, (ask,) = run(register(SERVER, "http://127.0.0.1:1/cb", ("a",)), {SERVER.registration_url or "": told})
    assert (client.secret, client.method, client.expires_at) == ("hush", "client_secret_basic", 5.0)
    assert b'"application_type":"native"' in ask.body
    assert b"refresh_token" in ask.body
    with pytest.raises(OAuthError, match="registers nobody"):
        run(register(Server(issuer="i", token_url="t"), "https://gw/cb", ()), {})


def test_a_token_tells_nothing_of_itself() -> None:
    token = Token(access="hush", issuer="i", token_url="t", resource="r", client=Client(id="c", secret="hush"))
    assert "hush" not in repr(token)
