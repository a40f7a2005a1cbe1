from __future__ import annotations

import pytest

from tollbridge.errors import ConfigError
from tollbridge.server.cors import Cors

APP = {b"origin": b"https://app.example.com"}
ASKING = APP | {
    b"access-control-request-method": b"POST",
    b"access-control-request-headers": b"authorization,content-type",
}


def test_without_a_policy_nothing_is_said() -> None:
    assert Cors().answer_headers(APP) == ()
    assert dict(Cors().preflight("OPTIONS", ASKING) or ()).keys() == {b"vary"}


def test_any_origin() -> None:
    cors = Cors(origins=("*",), expose=("x-tollbridge-model",))
    assert cors.answer_headers(APP) == (
        (b"access-control-allow-origin", b"*"),
        (b"access-control-expose-headers", b"x-tollbridge-model"),
    )
    assert cors.answer_headers({}) == ()


def test_a_named_origin_is_repeated_and_the_answer_varies() -> None:
    cors = Cors(origins=("https://app.example.com",), credentials=True)
    assert cors.answer_headers(APP) == (
        (b"vary", b"Origin"),
        (b"access-control-allow-origin", b"https://app.example.com"),
        (b"access-control-allow-credentials", b"true"),
    )
    assert cors.answer_headers({b"origin": b"https://evil.example"}) == ((b"vary", b"Origin"),)
    assert cors.answer_headers({}) == ((b"vary", b"Origin"),)


def test_a_preflight_is_answered() -> None:
    answer = dict(Cors(origins=("https://app.example.com",), max_age_s=60).preflight("OPTIONS", ASKING) or ())
    assert answer[b"access-control-allow-origin"] == b"https://app.example.com"
    assert answer[b"access-control-allow-methods"] == b"GET, HEAD, POST, PUT, PATCH, DELETE"
    assert answer[b"access-control-allow-headers"] == b"authorization,content-type"
    assert answer[b"access-control-max-age"] == b"60"


def test_named_headers_are_listed() -> None:
    answer = dict(Cors(origins=("*",), headers=("authorization",)).preflight("OPTIONS", ASKING) or ())
    assert answer[b"access-control-allow-headers"] == b"authorization"


@pytest.mark.parametrize(
    ("method", "headers"),
    [("GET", ASKING), ("OPTIONS", APP), ("OPTIONS", {b"access-control-request-method": b"POST"})],
)
def test_what_is_no_preflight(method: str, headers: dict[bytes, bytes]) -> None:
    assert Cors(origins=("*",)).preflight(method, headers) is None


def test_a_method_that_is_not_served_is_not_allowed() -> None:
    answer = Cors(origins=("*",)).preflight("OPTIONS", ASKING | {b"access-control-request-method": b"TRACE"})
    assert dict(answer or ()).keys() == {b"vary"}


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [
        ("https://a.example.com", True),
        ("https://a.b.example.com", True),
        ("https://example.com", False),
        ("https://.example.com", False),
        ("http://a.example.com", False),
        ("https://evil.com/.example.com", False),
        ("https://a.example.com.evil.com", False),
        ("https://evil.com:80#.example.com", False),
        ("null", False),
    ],
)
def test_a_star_stands_for_subdomains(origin: str, allowed: bool) -> None:
    cors = Cors(origins=("https://*.example.com",))
    assert cors.allows(origin) is allowed


@pytest.mark.parametrize("origins", [("*", "https://a.example"), ("a.example",), ("https://a.example/",)])
def test_a_policy_that_would_not_do_what_it_says_is_refused(origins: tuple[str, ...]) -> None:
    with pytest.raises(ConfigError):
        Cors(origins=origins, credentials=True)
