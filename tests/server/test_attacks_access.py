"""Rows S01 to S07 and S19 to S21 of the attack matrix through a whole gateway: who gets in, and which headers go
where. S04 names routes of the MCP gateway; what holds here is that a token of any other shape is no key.

Below the application the same rows are tested by
  S02 S03   tests/server/test_identify.py (what a credential is, which differ)
  S05 S06   tests/server/http/test_smuggling.py, test_target.py (hosts and targets: one reading, or 400)
  S18       tests/server/http/test_smuggling.py, test_behind_nginx.py (framing; both sides count the same requests)
  S15 S18   tests/transport/test_http1.py, test_head.py (the same toward providers)
  S21       tests/server/http/test_answer.py (no value splits a head)
"""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import pytest

from bench.mock_upstream import serving
from tests.server.faults import (
    CHAT,
    MESSAGES,
    PAIR_IDS,
    PAIRS,
    PATH_OF,
    PROVIDER_KEY,
    always,
    ask,
    ask_at,
    configuration,
    entry,
    error_of,
)
from tests.server.http.raw import connected
from tests.server.served import KEY, Served, served
from tests.transport.upstream import Upstream, answer
from tollbridge.server.app import App
from tollbridge.server.inbound import Inbound
from tollbridge.server.routes import ROUTES, Route

PATHS = [CHAT, MESSAGES]
ROUTES_AND_METHODS = [(route, method) for route in ROUTES for method in route.methods]


def path_of(route: Route) -> str:
    return route.path.replace("{id}", "m")


def test_every_route_says_who_may_ask() -> None:
    assert {route.access for route in ROUTES} <= {"key", "metrics", "open"}
    told = {path_of(route) for route in ROUTES if route.access == "open"}
    assert told == {"/", "/healthz", "/readyz", "/health/liveness", "/health/liveliness", "/health/readiness"}
    assert [route.path for route in ROUTES if route.access == "metrics"] == ["/metrics"]


async def test_s01_each_route_with_no_key_a_wrong_one_and_the_right_one(tmp_path: Path) -> None:
    async with serving() as mock, served(configuration(entry("m", mock.port)), tmp_path) as gateway:
        for route, method in ROUTES_AND_METHODS:
            body = ask_at(route) if method == "POST" else None
            for key in (None, "sk-wrong-0123456789", KEY[:-1], KEY + "x", KEY.upper()):
                asked = mock.provider.books.requests
                answered = await gateway.send(method, path_of(route), body, key=key)
                if route.access == "key":
                    assert answered.status == 401, (route, key)
                    assert answered.headers["www-authenticate"] == "Bearer"
                    assert mock.provider.books.requests == asked
                    if method != "HEAD":
                        error_of(PATH_OF[route.dialect], answered.json())
                        assert KEY[:-1] not in answered.body.decode()
                else:
                    assert answered.status == 200, (route, key)
            answered = await gateway.send(method, path_of(route), body, key=KEY)
            wanted = (400,) if route.handler == "task" else (200,)  # the mock does none
            assert answered.status in wanted, (route, method)


async def test_s01_other_methods_and_other_paths_lead_nowhere(tmp_path: Path) -> None:
    methods = {"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"}
    async with serving() as mock, served(configuration(entry("m", mock.port)), tmp_path) as gateway:
        for route in ROUTES:
            for method in methods - set(route.methods):
                answered = await gateway.send(method, path_of(route), key=KEY)
                assert answered.status == 405
                assert answered.headers["allow"] == ", ".join(route.methods)
        for path in (
            "/admin",
            "/v1",
            "/v1/",
            "/v2/models",
            "/v1/chat",
            "/v1/models/",
            "/metrics/",
            "/.env",
            "/v1/files",
        ):
            assert (await gateway.send("GET", path, key=KEY)).status == 404
        assert mock.provider.books.requests == 0


async def test_metrics_are_for_loopback_or_for_their_token(tmp_path: Path) -> None:
    async with serving() as mock:
        text = configuration(entry("m", mock.port))
        (tmp_path / "other").mkdir()
        async with (
            served(text, tmp_path) as gateway,
            served(text, tmp_path / "other", rules={"metrics_token": "metrics-token-1"}) as guarded,
        ):
            assert (await gateway.send("GET", "/metrics", key=None)).status == 200
            far = inbound("/metrics", peer="203.0.113.9")
            refused = App(gateway.gateway).admit(far)
            assert refused is not None
            assert refused.status == 403
            for key, status in ((None, 401), (KEY, 401), ("metrics-token-1", 200)):
                assert (await guarded.send("GET", "/metrics", key=key)).status == status


def inbound(path: str, peer: str = "127.0.0.1") -> Inbound:
    return Inbound("GET", path, "", {}, peer, "http", "gateway", 0.0, 0)


GARBAGE = [
    "Bearer ' OR 1=1--",
    "Bearer",
    "Bearer ",
    "Bearer  ",
    "Basic c2stdGI6",
    "Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZG1pbiJ9.",
    f"Basic {KEY}",
    f"Bearer Bearer {KEY}",
    f"{KEY} {KEY}",
    f"Bearer {KEY},Bearer {KEY}",
    f"Bearer {KEY}\u00e9",
    "Bearer \uff53\uff4b-tb".encode().decode("latin-1"),
    "Bearer " + "x" * 8000,
    "null",
    "undefined",
    "Bearer %73%6b",
]


async def raw(gateway: Served, head: bytes) -> int:
    async with connected(gateway.listener) as wire:
        await wire.send(head)
        return (await wire.answer()).status


@pytest.mark.parametrize("value", GARBAGE)
async def test_s02_s04_what_is_no_key_gets_nobody_in(tmp_path: Path, value: str) -> None:
    async with serving() as mock, served(configuration(entry("m", mock.port)), tmp_path) as gateway:
        for name in ("authorization", "x-api-key", "x-litellm-api-key"):
            head = f"GET /v1/models HTTP/1.1\r\nhost: a\r\n{name}: {value}\r\n\r\n".encode("latin-1")
            assert await raw(gateway, head) in (400, 401), name
        assert mock.provider.books.requests == 0


async def test_s02_heads_that_are_no_heads_get_nobody_in(tmp_path: Path) -> None:
    good = f"authorization: Bearer {KEY}\r\n".encode()
    heads = {
        b"authorization: Bearer a\0b\r\n": 400,
        b"authorization: Bearer " + b"x" * 65536 + b"\r\n": 431,
        good * 2: 400,
        good + b"authorization: Bearer other\r\n": 400,
        b"x-api-key: a\r\nx-api-key: b\r\n": 400,
        b"x-litellm-api-key: a\r\nx-litellm-api-key: b\r\n": 400,
    }
    async with serving() as mock, served(configuration(entry("m", mock.port)), tmp_path) as gateway:
        for head, status in heads.items():
            assert await raw(gateway, b"GET /v1/models HTTP/1.1\r\nhost: a\r\n" + head + b"\r\n") == status, head[:60]


async def test_s03_two_keys_that_differ_are_never_the_first_wins(tmp_path: Path) -> None:
    carriers = ["authorization", "x-api-key", "api-key", "x-goog-api-key"]
    async with serving() as mock, served(configuration(entry("m", mock.port)), tmp_path) as gateway:
        for path in PATHS:
            for first, second in itertools.permutations(carriers, 2):
                both = {first: f"Bearer {KEY}", second: "sk-another"}
                refused = await gateway.send("POST", path, ask(), both, key=None)
                assert refused.status == 400
                assert error_of(path, refused.json())
                same = {first: KEY, second: f"Bearer {KEY}"}
                assert (await gateway.send("POST", path, ask(), same, key=None)).status == 200
        own = {"x-litellm-api-key": f"Bearer {KEY}", "authorization": "Bearer somebody-elses"}
        assert (await gateway.send("POST", CHAT, ask(), own, key=None)).status == 200
        wrong = {"x-litellm-api-key": "wrong", "authorization": f"Bearer {KEY}"}
        assert (await gateway.send("POST", CHAT, ask(), wrong, key=None)).status == 401
        sent = mock.provider.books.captures
        assert {dict(seen.headers)[b"authorization"] for seen in sent} == {f"Bearer {PROVIDER_KEY}".encode()}


HOSTS = [
    *("x:4000/#@y", "/?", "/..;", "", "a b", "x/healthz", "localhost:4000/#@x"),
    *("a\\b", "[::1", "x,y", "healthz?", "@"),
]
TARGETS = [
    *("//v1/models", "/healthz/../v1/models", "/v1/../metrics", "/v1/models/..", "/./v1/models", "/v1//models"),
    *("/%2e%2e/v1/models", "/healthz%2f..%2fv1/models", "/v1/models%00", "/%76%31/models", "/readyz/..%5cv1/models"),
    *("/v1/models.", "/v1/models;x", "/V1/Models", "\\v1\\models", "/v1\\models", "/healthz;/../v1/models"),
    *("http://x/v1/models", "http://x@y/v1/models", "http:///v1/models", "*", "v1/models"),
    *("/healthz#/v1/models", "/healthz?/v1/models", "/v1/models%20", "/v1/models%0d%0a"),
]


async def test_s05_s06_no_host_and_no_spelling_of_a_path_opens_a_door(tmp_path: Path) -> None:
    async with serving() as mock, served(configuration(entry("m", mock.port)), tmp_path) as gateway:
        for host in HOSTS:
            for path, harmless in (("/v1/models", ()), ("/healthz", (200,))):
                head = f"GET {path} HTTP/1.1\r\nhost: {host}\r\n\r\n".encode()
                assert await raw(gateway, head) in (400, 401, *harmless), host
        for host in ("a\r\nhost: b", "a\r\nHost: a"):
            assert await raw(gateway, f"GET /v1/models HTTP/1.1\r\nhost: {host}\r\n\r\n".encode()) == 400
        for target in TARGETS:
            status = await raw(gateway, f"GET {target} HTTP/1.1\r\nhost: a\r\n\r\n".encode())
            assert status in (400, 401, 404) or (status == 200 and target.startswith("/healthz?")), target


@pytest.mark.parametrize("name", ["x-http-method-override", "x-original-url", "x-rewrite-url", "x-forwarded-prefix"])
async def test_s07_no_header_changes_method_or_path(tmp_path: Path, name: str) -> None:
    async with serving() as mock, served(configuration(entry("m", mock.port)), tmp_path) as gateway:
        for value in ("/v1/models", "POST", "GET", "/healthz"):
            root = await gateway.send("GET", "/", None, {name: value}, key=None)
            assert root.json()["name"] == "tollbridge"
            for method in ("GET", "HEAD"):
                assert (await gateway.send(method, "/v1/models", None, {name: value}, key=None)).status == 401


CLIENTS_OWN = {
    **{
        "cookie": "session=canary",
        "x-forwarded-for": "198.51.100.7",
        "x-forwarded-host": "canary",
        "x-admin": "canary",
    },
    **{"proxy-authorization": "Basic canary", "x-real-ip": "198.51.100.7", "forwarded": "for=canary", "via": "canary"},
    **{"x-litellm-tags": "canary", "te": "trailers", "referer": "http://canary/", "origin": "http://canary"},
    **{"accept-language": "canary", "user-agent": "canary/1.0", "x-mcp-auth": "canary", "x-request-id": "canary"},
}
EXPECTED = {"host", "content-type", "content-length", "accept-encoding", "accept", "user-agent"}
CREDENTIAL = {"openai": {"authorization"}, "anthropic": {"x-api-key", "anthropic-version"}}


@pytest.mark.parametrize("carrier", ["authorization", "x-api-key", "api-key", "x-goog-api-key", "x-litellm-api-key"])
@pytest.mark.parametrize(("path", "wire"), PAIRS, ids=PAIR_IDS)
async def test_s19_nothing_of_the_client_reaches_the_provider_but_what_is_listed(
    tmp_path: Path, path: str, wire: str, carrier: str
) -> None:
    headers = CLIENTS_OWN | {carrier: f"Bearer {KEY}"}
    async with serving() as mock, served(configuration(entry("m", mock.port, wire)), tmp_path) as gateway:
        answered = await gateway.send("POST", path, ask(), headers, key=None)
        (seen,) = mock.provider.books.captures
    assert answered.status == 200
    assert {name.decode().lower() for name, _ in seen.headers} <= EXPECTED | CREDENTIAL[wire]
    everything = repr(seen.headers).encode() + seen.url + seen.body
    for secret in (b"canary/", b'canary"', b"=canary", b"198.51.100.7", KEY.encode()):
        assert secret not in everything.replace(PROVIDER_KEY.encode(), b"")


LISTED = {"anthropic-beta": "b1", "anthropic-version": "2023-06-01", "openai-beta": "o1", "idempotency-key": "i1"}


@pytest.mark.parametrize(("path", "wire"), PAIRS, ids=PAIR_IDS)
async def test_s19_listed_headers_go_to_the_wire_that_knows_them(tmp_path: Path, path: str, wire: str) -> None:
    async with serving() as mock, served(configuration(entry("m", mock.port, wire)), tmp_path) as gateway:
        await gateway.post(path, ask(), LISTED)
        (seen,) = mock.provider.books.captures
    sent = {name.decode().lower(): value.decode() for name, value in seen.headers}
    assert sent["idempotency-key"] == "i1"
    assert ("openai-beta" in sent) == (wire == "openai")
    assert ("anthropic-beta" in sent) == (wire == "anthropic")


THEIRS = [
    "set-cookie: s=1",
    "server: x",
    "openai-organization: org",
    "openai-project: p",
    "cf-ray: 1",
    "via: x",
    "x-y: 1",
]
SHOWN = {"content-type", "content-length", "date", "x-request-id", "request-id", "connection", "keep-alive", "server"}


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_s20_of_the_providers_headers_the_client_sees_what_is_listed(tmp_path: Path, stream: bool) -> None:
    whole = json.dumps({"id": "x", "choices": [{"index": 0, "message": {"content": "a"}, "finish_reason": "stop"}]})
    told = answer(whole.encode(), *THEIRS, "x-request-id: theirs", "content-type: application/json")
    async with (
        Upstream(always(told)) as upstream,
        served(configuration(entry("m", upstream.port)), tmp_path) as gateway,
    ):
        answered = await gateway.post(CHAT, ask(stream=stream))
    assert answered.status == 200
    ours = {name for name in answered.headers if name.startswith(("x-tollbridge-", "x-litellm-", "llm_provider-"))}
    assert answered.headers.keys() - ours <= (SHOWN - {"server"}) | {
        *("cache-control", "x-accel-buffering", "transfer-encoding"),
    }
    assert answered.headers["x-request-id"] != "theirs"


NAMES = ["a\r\nset-cookie: x=1", "a\nb", "a\0b", "\u202eevil", "a" * 200, "caf\u00e9 \u2603", "\x1b[31mred"]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("path", PATHS)
async def test_s21_a_models_name_never_becomes_a_header_line(tmp_path: Path, path: str, name: str) -> None:
    """With a wildcard any name that can be shown is served; its header is one line of visible ASCII."""
    async with serving() as mock:
        everything = entry("*", mock.port)
        async with served(configuration(everything), tmp_path) as gateway:
            for stream in (False, True):
                answered = await gateway.post(path, ask(name, stream=stream))
                assert answered.status == (200 if name.isprintable() else 404)
                assert "set-cookie" not in answered.headers
                assert answered.headers.get("x-tollbridge-model", "").isprintable()
        models = [json.loads(seen.body)["model"] for seen in mock.provider.books.captures]
    assert models == ([name, name] if name.isprintable() else [])


@pytest.mark.parametrize("name", [*NAMES, "a" * 3000])
@pytest.mark.parametrize("path", PATHS)
async def test_s21_an_unknown_name_is_told_without_control_characters(tmp_path: Path, path: str, name: str) -> None:
    async with serving() as mock, served(configuration(entry("m", mock.port)), tmp_path) as gateway:
        answered = await gateway.post(path, ask(name))
        assert mock.provider.books.requests == 0
    assert answered.status == 404
    message = error_of(path, answered.json())["message"]
    assert message.isprintable()
    assert message.isascii()
    assert len(message) < 400


async def test_an_unknown_model_is_a_404_with_near_names(tmp_path: Path) -> None:
    async with serving() as mock:
        text = configuration(entry("gpt-4o-mini", mock.port), entry("claude-sonnet", mock.port))
        async with served(text, tmp_path) as gateway:
            chat: Any = await gateway.post(CHAT, ask("gpt-4o-mni"))
            messages = await gateway.post(MESSAGES, ask("claude-sonet"))
            shown = await gateway.send("GET", "/v1/models/gpt-4o-min")
    assert [told.status for told in (chat, messages, shown)] == [404, 404, 404]
    assert "'gpt-4o-mini'" in error_of(CHAT, chat.json())["message"]
    assert "'claude-sonnet'" in error_of(MESSAGES, messages.json())["message"]
    assert error_of(CHAT, chat.json())["code"] == "model_not_found"
