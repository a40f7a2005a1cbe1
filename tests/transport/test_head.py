from __future__ import annotations

import pytest

from tests.transport.upstream import PATIENT, Upstream, always_ok, post
from tollbridge.transport.base import Origin
from tollbridge.transport.head import FRAMING, encode_head
from tollbridge.transport.http1 import HttpTransport

HERE = Origin("https", "api.example.com", 443)


def test_a_head_ends_where_content_length_can_follow() -> None:
    head = encode_head(HERE, "POST", "/v1/x?a=1", [("Authorization", "Bearer k"), ("accept-encoding", "gzip")])
    assert head == (
        b"POST /v1/x?a=1 HTTP/1.1\r\nhost: api.example.com\r\nAuthorization: Bearer k\r\naccept-encoding: gzip\r\n"
    )


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        (Origin("http", "a", 80), b"a"),
        (Origin("http", "a", 443), b"a:443"),
        (Origin("https", "::1", 443), b"[::1]"),
        (Origin("http", "::1", 8080), b"[::1]:8080"),
    ],
)
def test_the_host_header_is_the_authority(origin: Origin, host: bytes) -> None:
    assert b"\r\nhost: %b\r\n" % host in encode_head(origin, "GET", "/", [])


def test_a_given_host_is_kept_once() -> None:
    head = encode_head(HERE, "GET", "/", [("Host", "virtual.example")])
    assert head.lower().count(b"host:") == 1
    with pytest.raises(ValueError):
        encode_head(HERE, "GET", "/", [("Host", "a"), ("host", "b")])


def test_only_encodings_that_can_be_undone_are_offered() -> None:
    assert b"accept-encoding: gzip, deflate" in encode_head(HERE, "GET", "/", [])


SMUGGLED_VALUES = ["a\r\nx-admin: 1", "a\nb", "a\rb", "a\x00b", "\x7f", "a\x0bb", "\u2028", "\u560a\u560d", "é\u0100"]


@pytest.mark.parametrize("value", SMUGGLED_VALUES)
def test_a_value_that_could_split_a_request_is_refused_and_not_quoted(value: str) -> None:
    with pytest.raises(ValueError) as caught:
        encode_head(HERE, "POST", "/", [("x-name", "secret" + value)])
    assert "x-name" in str(caught.value)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("name", ["", "a b", "a:", "a\r\nb", "x\x00", " a", "a ", "é", "a\tb", "(a)"])
def test_a_name_that_is_no_token_is_refused(name: str) -> None:
    with pytest.raises(ValueError):
        encode_head(HERE, "POST", "/", [(name, "v")])


@pytest.mark.parametrize("name", sorted(FRAMING))
def test_framing_is_not_the_callers(name: str) -> None:
    with pytest.raises(ValueError):
        encode_head(HERE, "POST", "/", [(name.title(), "1")])


@pytest.mark.parametrize("target", ["", "x", "/a b", "/a\r\nhost: b", "/\x00", "/é", "http://a/", "*", "/\x7f"])
def test_a_target_that_is_no_path_is_refused(target: str) -> None:
    with pytest.raises(ValueError):
        encode_head(HERE, "POST", target, [])


@pytest.mark.parametrize("method", ["", "GET /x HTTP/1.1\r\nx:", "G T", "\n"])
def test_a_method_that_is_no_token_is_refused(method: str) -> None:
    with pytest.raises(ValueError):
        encode_head(HERE, method, "/", [])


@pytest.mark.parametrize("value", SMUGGLED_VALUES)
async def test_a_smuggled_header_never_reaches_a_socket(transport: HttpTransport, value: str) -> None:
    async with Upstream(always_ok) as upstream:
        with pytest.raises(ValueError):
            await transport.send(post(upstream, b"{}", ("x-a", value)), PATIENT)
        assert upstream.peers == []
        await transport.send(post(upstream), PATIENT)
        with pytest.raises(ValueError):  # nor does it cost the kept connection
            await transport.send(post(upstream, b"{}", ("x-a", value)), PATIENT)
        await transport.send(post(upstream), PATIENT)
        assert len(upstream.peers) == 1
        assert len(upstream.requests) == 2


async def test_only_what_the_caller_named_is_sent(transport: HttpTransport) -> None:
    """S19: the transport adds host, accept-encoding and content-length, and nothing else."""
    async with Upstream(always_ok) as upstream:
        await transport.send(post(upstream, b"{}", ("x-a", "1")), PATIENT)
        head = upstream.requests[0].partition(b"\r\n\r\n")[0].lower().split(b"\r\n")[1:]
    assert {line.partition(b":")[0] for line in head} == {b"host", b"x-a", b"accept-encoding", b"content-length"}
