from __future__ import annotations

import pytest

from tollbridge.errors import APIConnectionError, ConfigError
from tollbridge.ledger.meter import may_be_billed
from tollbridge.transport.base import Origin, Outgoing, Timeouts
from tollbridge.transport.egress import split_url
from tollbridge.transport.proxy import names_a_proxy, proxy_for, unusable_proxies
from tollbridge.transport.select import transport_for

P, Q = "http://proxy.example:3128", "http://other.example:3128"


def through(url: str, **environ: str) -> str:
    return proxy_for(split_url(url)[0], environ)


@pytest.mark.parametrize(
    ("url", "environ", "proxy"),
    [
        ("http://a.example/", {}, ""),
        ("http://a.example/", {"http_proxy": P}, P),
        ("https://a.example/", {"http_proxy": P}, ""),
        ("https://a.example/", {"https_proxy": P}, P),
        ("https://a.example/", {"HTTPS_PROXY": P}, P),
        ("https://a.example/", {"HTTPS_PROXY": P, "https_proxy": Q}, Q),
        ("https://a.example/", {"all_proxy": P}, P),
        ("https://a.example/", {"ALL_PROXY": P, "HTTPS_PROXY": Q}, Q),
        ("https://a.example/", {"HTTPS_PROXY": ""}, ""),
        ("https://a.example/", {"HTTPS_PROXY": " "}, ""),
        ("https://a.example/", {"HTTPS_PROXY": "proxy.example:3128"}, P),
        ("https://a.example/", {"HTTPS_PROXY": "https://u:p@proxy.example"}, "https://u:p@proxy.example"),
        ("http://a.example/", {"HTTP_PROXY": P}, P),
        ("http://a.example/", {"HTTP_PROXY": P, "REQUEST_METHOD": "GET"}, ""),
        ("http://a.example/", {"http_proxy": P, "REQUEST_METHOD": "GET"}, P),
    ],
)
def test_the_environment_names_the_proxy(url: str, environ: dict[str, str], proxy: str) -> None:
    assert through(url, **environ) == proxy


@pytest.mark.parametrize(
    ("no_proxy", "url", "direct"),
    [
        ("*", "http://a.example/", True),
        ("a.example", "http://a.example/", True),
        ("A.Example", "http://a.example/", True),
        ("a.example.", "http://a.example/", True),
        ("example", "http://a.example/", True),
        (".example", "http://a.example/", True),
        ("*.example", "http://a.example/", True),
        ("*.a.example", "http://a.example/", True),
        ("ample", "http://a.example/", False),
        ("b.example", "http://a.example/", False),
        ("x.a.example", "http://a.example/", False),
        ("b.example, a.example", "http://a.example/", True),
        ("b.example a.example", "http://a.example/", True),
        (",, ,", "http://a.example/", False),
        ("a.example:80", "http://a.example/", True),
        ("a.example:8080", "http://a.example/", False),
        ("a.example:8080", "http://a.example:8080/", True),
        ("a.example:x", "http://a.example/", False),
        ("10.0.0.1", "http://10.0.0.1/", True),
        ("10.0.0.1", "http://10.0.0.10/", False),
        ("10.0.0.0/8", "http://10.1.2.3/", True),
        ("10.0.0.0/8", "http://11.1.2.3/", False),
        ("10.1.2.3/8", "http://10.9.9.9/", True),
        ("10.0.0.0/99", "http://10.0.0.1/", False),
        ("10.0.0.1:8080", "http://10.0.0.1:8080/", True),
        ("10.0.0.1:8080", "http://10.0.0.1/", False),
        ("0.0.1", "http://10.0.0.1/", False),
        ("fd00::/8", "http://[fd00::1]/", True),
        ("fd00::1", "http://[fd00::1]/", True),
        ("[fd00::1]", "http://[fd00::1]/", True),
        ("[fd00::1]:80", "http://[fd00::1]/", True),
        ("[fd00::1]:81", "http://[fd00::1]/", False),
        ("[fd00::1]:", "http://[fd00::1]/", False),
    ],
)
def test_no_proxy_names_what_is_reached_directly(no_proxy: str, url: str, direct: bool) -> None:
    for name in ("no_proxy", "NO_PROXY"):
        assert (through(url, http_proxy=P, **{name: no_proxy}) == "") == direct


@pytest.mark.parametrize("host", ["localhost", "a.localhost", "127.0.0.1", "127.9.9.9", "::1"])
def test_this_machine_is_never_reached_through_a_proxy(host: str) -> None:
    assert proxy_for(Origin("http", host, 11434), {"http_proxy": P}) == ""


@pytest.mark.parametrize("value", ["socks5://secret@p:1080", "http://", "http://p:secret", "ftp://p", "http://[secret"])
def test_a_proxy_that_cannot_be_used_is_a_config_error_that_does_not_quote_it(value: str) -> None:
    with pytest.raises(ConfigError) as caught:
        through("http://a.example/", HTTP_PROXY=value)
    assert "HTTP_PROXY" in str(caught.value)
    assert "secret" not in str(caught.value)


def test_whether_there_is_a_proxy_at_all() -> None:
    assert not names_a_proxy({})
    assert not names_a_proxy({"NO_PROXY": "*", "HTTP_PROXY": ""})
    assert names_a_proxy({"ALL_PROXY": P})


async def test_a_proxy_that_cannot_be_used_is_a_failure_of_the_connection() -> None:
    """And nothing of ours: another deployment may answer, and nothing was sent that could cost."""
    transport = transport_for({"ALL_PROXY": "socks5://secret@p:1080"})
    try:
        with pytest.raises(APIConnectionError, match="ALL_PROXY") as caught:
            await transport.send(
                Outgoing(origin=Origin("https", "a.example", 443), method="GET", target="/"), Timeouts()
            )
    finally:
        await transport.close()
    assert (caught.value.code, caught.value.fault) == ("proxy_failure", "operator")
    assert "secret" not in str(caught.value)
    assert not may_be_billed(caught.value)


def test_a_proxy_that_cannot_be_used_is_told_before_anybody_asks() -> None:
    assert [str(one)[:20] for one in unusable_proxies({"ALL_PROXY": "socks5://p:1080"})] == ["the proxy in ALL_PRO"]
    assert list(unusable_proxies({"ALL_PROXY": "socks5://p:1080", "NO_PROXY": "*"})) == []
    assert list(unusable_proxies({"HTTPS_PROXY": P})) == []
