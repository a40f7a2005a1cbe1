"""Requests that two readers could understand differently: refused, and the connection ends (S05, S18).

Behind each one stands a second request. If it were served, one message would have been two.
"""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.server.http.raw import Stage, connected, get, post, serving
from tollbridge.errors import APIError, BadRequestError
from tollbridge.server.http.head import read_head, read_host
from tollbridge.server.http.limits import Limits

BEHIND = b"GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"
POST = b"POST /echo HTTP/1.1\r\nHost: a\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"

MALFORMED = {
    "length and chunked": (400, POST + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    "chunked and length": (400, POST + b"Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n"),
    "two lengths": (400, POST + b"Content-Length: 3\r\nContent-Length: 4\r\n\r\nabc"),
    "the same length twice": (400, POST + b"Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc"),
    "a list of lengths": (400, POST + b"Content-Length: 3, 3\r\n\r\nabc"),
    "a signed length": (400, POST + b"Content-Length: +3\r\n\r\nabc"),
    "a negative length": (400, POST + b"Content-Length: -3\r\n\r\nabc"),
    "a hexadecimal length": (400, POST + b"Content-Length: 0x3\r\n\r\nabc"),
    "an empty length": (400, POST + b"Content-Length:\r\n\r\nabc"),
    "a huge length": (400, POST + b"Content-Length: 99999999999999999999999999\r\n\r\nabc"),
    "a superscript length": (400, POST + b"Content-Length: \xb2\r\n\r\nabc"),
    "unknown transfer coding": (400, POST + b"Transfer-Encoding: x\r\n\r\n0\r\n\r\n"),
    "gzip, chunked": (400, POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"),
    "chunked, identity": (400, POST + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n"),
    "chunked, chunked": (400, POST + b"Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n"),
    "chunked twice": (400, POST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    "chunked with a vertical tab": (400, POST + b"Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n"),
    "empty transfer coding": (400, POST + b"Transfer-Encoding:\r\nContent-Length: 3\r\n\r\nabc"),
    "chunked in HTTP/1.0": (400, b"POST /echo HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    "a folded line": (400, POST + b"X-A: b\r\n c\r\n\r\n"),
    "a folded transfer coding": (400, POST + b"Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n"),
    "a line folded by a tab": (400, POST + b"X-A: b\r\n\tc\r\n\r\n"),
    "a folded first line": (400, b"GET /echo HTTP/1.1\r\n Host: a\r\n\r\n"),
    "space before the colon": (400, POST + b"Content-Length : 3\r\n\r\nabc"),
    "tab before the colon": (400, POST + b"Content-Length\t: 3\r\n\r\nabc"),
    "space in a name": (400, POST + b"Content Length: 3\r\n\r\nabc"),
    "no colon": (400, POST + b"Content-Length\r\n\r\n"),
    "an empty name": (400, POST + b": a\r\n\r\n"),
    "NUL in a name": (400, POST + b"X\0A: a\r\n\r\n"),
    "a name that is not ASCII": (400, POST + b"X\xffA: a\r\n\r\n"),
    "NUL in a value": (400, POST + b"X-A: b\0c\r\n\r\n"),
    "a control character in a value": (400, POST + b"X-A: b\x01c\r\n\r\n"),
    "DEL in a value": (400, POST + b"X-A: b\x7fc\r\n\r\n"),
    "a bare CR in a value": (400, POST + b"X-A: b\rX-B: c\r\n\r\n"),
    "a bare LF in a value": (400, POST + b"X-A: b\nX-B: c\r\n\r\n"),
    "a bare LF ends the request line": (400, b"GET /echo HTTP/1.1\nHost: a\r\n\r\n"),
    "a bare LF ends the head": (400, b"GET /echo HTTP/1.1\r\nHost: a\r\n\n\r\n\r\n"),
    "a bare CR in the request line": (400, b"GET /echo\r HTTP/1.1\r\nHost: a\r\n\r\n"),
    "two spaces": (400, b"GET  /echo HTTP/1.1\r\nHost: a\r\n\r\n"),
    "a space in the target": (400, b"GET /echo /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"),
    "a tab as separator": (400, b"GET\t/echo\tHTTP/1.1\r\nHost: a\r\n\r\n"),
    "a space at the end of the line": (400, b"GET /echo HTTP/1.1 \r\nHost: a\r\n\r\n"),
    "a line without version": (400, b"GET /echo\r\n\r\n"),
    "HTTP/2.0": (400, b"GET /echo HTTP/2.0\r\nHost: a\r\n\r\n"),
    "HTTP/1.2": (400, b"GET /echo HTTP/1.2\r\nHost: a\r\n\r\n"),
    "HTTP/1.10": (400, b"GET /echo HTTP/1.10\r\nHost: a\r\n\r\n"),
    "http/1.1": (400, b"GET /echo http/1.1\r\nHost: a\r\n\r\n"),
    "RTSP": (400, b"DESCRIBE /echo RTSP/1.0\r\nHost: a\r\n\r\n"),
    "the preface of HTTP/2": (400, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    "absolute form": (400, b"GET http://other/echo HTTP/1.1\r\nHost: a\r\n\r\n"),
    "asterisk form": (400, b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n"),
    "CONNECT": (405, b"CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n"),
    "TRACE": (405, b"TRACE /echo HTTP/1.1\r\nHost: a\r\n\r\n"),
    "a method in lower case": (405, b"get /echo HTTP/1.1\r\nHost: a\r\n\r\n"),
    "an unknown method": (405, b"STEAL /echo HTTP/1.1\r\nHost: a\r\n\r\n"),
    "websocket": (426, get("/echo", "Upgrade: websocket", "Connection: Upgrade")),
    "no Host": (400, b"GET /echo HTTP/1.1\r\n\r\n"),
    "two Hosts": (400, b"GET /echo HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n"),
    "two keys": (400, get("/echo", "Authorization: Bearer a", "authorization: Bearer b")),
    "two x-api-keys": (400, get("/echo", "X-Api-Key: a", "x-api-key: a")),
    "an unknown expectation": (417, get("/echo", "Expect: tea")),
    "too many headers": (431, get("/echo", *("a:" for _ in range(200)))),
    "a long head": (431, get("/echo", "X-A: " + "b" * 40_000)),
    "a long target": (414, get("/" + "a" * 9000)),
    "a chunk without size": (400, CHUNKED + b"\r\nabc\r\n0\r\n\r\n"),
    "a negative chunk": (400, CHUNKED + b"-1\r\na\r\n0\r\n\r\n"),
    "a chunk size with 0x": (400, CHUNKED + b"0x1\r\na\r\n0\r\n\r\n"),
    "a chunk size with a space": (400, CHUNKED + b"1 \r\na\r\n0\r\n\r\n"),
    "a chunk size with an underscore": (400, CHUNKED + b"1_0\r\na\r\n0\r\n\r\n"),
    "a huge chunk size": (400, CHUNKED + b"FFFFFFFFFFFFFFFFF\r\na\r\n0\r\n\r\n"),
    "a chunk line ended by LF": (400, CHUNKED + b"1\na\r\n0\r\n\r\n"),
    "LF in a chunk extension": (400, CHUNKED + b"1;a\nb\r\na\r\n0\r\n\r\n"),
    "CR in a chunk extension": (400, CHUNKED + b"1;a\rb\r\na\r\n0\r\n\r\n"),
    "a chunk longer than its size": (400, CHUNKED + b"1\r\nabc\r\n0\r\n\r\n"),
    "a chunk without its CRLF": (400, CHUNKED + b"1\r\na0\r\n\r\n"),
    "a chunk ended by LF": (400, CHUNKED + b"1\r\na\n0\r\n\r\n"),
    "a chunk extension of 1 MiB": (400, CHUNKED + b"1;" + b"a" * 1024 * 1024 + b"\r\na\r\n0\r\n\r\n"),
    "extensions without end": (
        400,
        CHUNKED + (b"1;" + b"a" * 40 + b"\r\na\r\n") * 2000 + b"0\r\n\r\n",
    ),
    "a malformed trailer": (400, CHUNKED + b"0\r\nno colon\r\n\r\n"),
    "trailers without end": (400, CHUNKED + b"0\r\n" + b"a: b\r\n" * 10_000 + b"\r\n"),
}


@pytest.mark.parametrize("name", MALFORMED)
async def test_a_malformed_request_is_refused_and_nothing_behind_it_is_served(name: str) -> None:
    status, request = MALFORMED[name]
    stage = Stage()
    async with serving(stage) as listener, connected(listener) as wire:
        wire.writer.write(request + BEHIND)
        answered = await wire.answer()
        assert (answered.status, answered.closes) == (status, True)
        assert answered.body.startswith(b'{"type":"error","error":{"message":"')
        wire.writer.write_eof()
        assert await wire.rest() == b""
    assert "/smuggled" not in [inbound.path for inbound in stage.seen]
    assert len(stage.errors) == 1


@pytest.mark.parametrize(
    ("status", "begin"),
    [
        (400, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"),
        (400, b"GET /echo\r\n"),
        (400, b"PRI * HTTP/2.0\r\n"),
        (400, b"get"),
        (405, b"CONNECT a:80 HTTP/1.1\r\n"),
        (414, b"GET /" + b"a" * 20_000),
        (431, b"GET / HTTP/1.1\r\nX-A: " + b"a" * 40_000),
    ],
)
async def test_what_can_never_become_a_head_is_not_waited_for(status: int, begin: bytes) -> None:
    async with serving(Stage()) as listener, connected(listener) as wire:
        await wire.send(begin)
        answered = await wire.answer()
        assert (answered.status, answered.closes) == (status, True)


@pytest.mark.parametrize(
    "request_",
    [
        b"\r\n" + get("/echo"),
        get("/echo", "X-Binary: caf\xe9"),
        get("/echo", "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABk"),
        get("/echo", "X-Forwarded-For: 1.2.3.4", "Forwarded: for=1.2.3.4", "X-HTTP-Method-Override: DELETE"),
        get("/echo", "X-Original-URL: /admin", "X-Rewrite-URL: /admin"),
        CHUNKED + b"0\r\n\r\n",
        CHUNKED + b"0\r\nAuthorization: Bearer trailer\r\nHost: b\r\n\r\n",
        POST + b"transfer-encoding: Chunked\r\n\r\n1;a=b;c\r\nx\r\n00\r\n\r\n",
        post("/echo", b"{}", "Connection: Upgrade", "Upgrade: h2c"),
    ],
)
async def test_an_odd_but_clear_request_is_served_and_the_next_one_too(request_: bytes) -> None:
    stage = Stage()
    async with serving(stage) as listener, connected(listener) as wire:
        await wire.send(request_ + BEHIND)
        assert [(await wire.answer()).status for _ in range(2)] == [200, 200]
    assert [inbound.path for inbound in stage.seen] == ["/echo", "/smuggled"]
    assert stage.seen[0].method in ("GET", "POST"), "no override"
    assert stage.seen[0].peer == "127.0.0.1", "nobody is trusted"
    assert b"authorization" not in stage.seen[0].headers, "a trailer never becomes a header"


@pytest.mark.parametrize(
    "host", ["localhost", "localhost:4000", "a.example.com.", "my_service:80", "127.0.0.1", "[::1]:4000", "[::1]"]
)
def test_a_host_is_a_name_or_an_address(host: str) -> None:
    assert read_host(host.encode(), required=True) == host


def _odd_hosts() -> list[bytes]:
    known = [b"", b" ", b"x:4000/#@y", b"x/?", b"x/..;", b"x?", b"x#", b"a@b", b"a:b", b"a:", b"a:123456", b"::1"]
    known += [b"[::1", b"a b", b"a,b", b"a\\b", b"-a", b".a", b"*", b"a%41", b"http://a", b"\xe9", b"a;b", b"[a]"]
    known += [b"a[", b"a" * 300]
    seed = random.Random(5)
    alphabet = b"ax1.:/#@?;%\\[]*,&= \t-_~'\"<>{}|^`\xe9"
    while len(known) < 1000:
        host = b"localhost:4000" + bytes(seed.choices(alphabet, k=seed.randint(1, 6)))
        if seed.random() < 0.5:
            host = bytes(seed.choices(alphabet, k=seed.randint(1, 12)))
        known.append(host)
    return known


def test_a_thousand_odd_hosts_change_no_path() -> None:
    """Either 400, or a host that is nothing but a host, and the path is what stood in the request line."""
    refused = 0
    for host in _odd_hosts():
        raw = b"GET /admin HTTP/1.1\r\nHost: " + host + b"\r\n\r\n"
        try:
            head = read_head(raw, Limits())
        except BadRequestError:
            refused += 1
            continue
        assert head.path == "/admin"
        assert not set(head.host) & set("/#@?;\\%, ")
    assert refused > 900


@given(st.data())
@settings(max_examples=300, deadline=None)
def test_a_damaged_head_is_read_or_refused_and_nothing_else(data: st.DataObject) -> None:
    raw = bytearray(post("/v1/models/a%2Fb?x=1", b"", "Connection: close", "X-A: b", "Expect: 100-continue"))
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(raw) - 5))
        raw[at : at + data.draw(st.integers(0, 2))] = data.draw(st.binary(max_size=2))
    try:
        head = read_head(bytes(raw[: raw.find(b"\r\n\r\n") + 4]), Limits())
    except APIError as error:
        status = error.status_code
    else:
        # Digits that fell into the length, six at most, make another length, and a legal one.
        status = 400 if head.path.startswith("/") and 0 <= head.length < 10_000_000 else 0
    assert 400 <= status < 500


async def test_odd_hosts_are_refused_on_the_socket() -> None:
    stage = Stage()
    async with serving(stage) as listener:
        for host in (b"", b"x:4000/#@y", b"x/?", b"x/..;"):
            async with connected(listener) as wire:
                await wire.send(b"GET /admin HTTP/1.1\r\nHost: " + host + b"\r\n\r\n")
                assert (await wire.answer()).status == 400
    assert stage.seen == []
