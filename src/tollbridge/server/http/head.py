"""The head of a request, read strictly: what two readers could understand differently is refused (request smuggling).

llhttp, as httptools 0.9 sets it, refuses by itself: bare CR or LF, folded lines, control characters, a space before the
colon, Content-Length with Transfer-Encoding, twice, or not a plain number. It lets through, and this file refuses:
spaces around the target, HTTP/0.9 and 2.0, RTSP, every target that is not a path, `gzip, chunked`, Transfer-Encoding in
HTTP/1.0, a missing, repeated or odd Host, repeated credentials. The tests hold the whole table, since a new llhttp may
draw the line elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from copy import copy
from functools import lru_cache

import httptools
import msgspec

from tollbridge.errors import BadRequestError
from tollbridge.server.http.limits import Limits
from tollbridge.server.http.target import read_target

END = b"\r\n\r\n"
CHUNKED = -1

_METHODS = {name.encode(): name for name in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")}
_VERSIONS = {b"HTTP/1.1": True, b"HTTP/1.0": False}
_ONCE = frozenset(
    (
        b"host",
        b"content-length",
        b"transfer-encoding",
        b"content-type",
        b"expect",
        b"authorization",
        b"x-api-key",
        b"api-key",
        b"x-goog-api-key",
        b"x-litellm-api-key",
    )
)
_LENGTH_LINE = re.compile(rb"\r\ncontent-length: ([0-9]+)\r\n", re.IGNORECASE)
LENGTH_DIGITS_MAX = 18
_AUTHORITY = re.compile(rb"(?:[A-Za-z0-9_][A-Za-z0-9_.-]{0,254}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?")


class Head(msgspec.Struct):
    """`length`: bytes of the body that follows, or CHUNKED. `http11`: False for HTTP/1.0. `keep_alive`: the client
    wants to go on. `expects`: the client waits for `100 Continue`. `websocket`: it wants to go on in that protocol."""

    method: str
    path: str
    query: str
    headers: dict[bytes, bytes]
    host: str
    length: int
    http11: bool
    keep_alive: bool
    expects: bool
    websocket: bool = False


class HeadMemory:
    """The last head of a connection. A client says the same head again and again, but for the number of its
    Content-Length: such a one is known, and need not be parsed. What is compared is every byte; where the number
    stands, digits alone may differ. `again`: the head that was read last was such a one."""

    __slots__ = ("_after", "_before", "_head", "again")

    def __init__(self) -> None:
        self.again = False
        self._head: Head | None = None
        self._before = self._after = b""

    def read(self, raw: bytes, limits: Limits) -> Head:
        """As `read_head`. The headers are the caller's to change."""
        known = self._head
        if known is not None and raw.startswith(self._before):
            rest = raw[len(self._before) :]
            number, found, after = rest.partition(b"\r\n")
            if after == self._after and found and number.isdigit() and len(number) <= LENGTH_DIGITS_MAX:
                self.again = True
                head = copy(known)
                head.headers = known.headers.copy()
                head.headers[b"content-length"] = number
                head.length = int(number)
                return head
        self.again = False
        head = read_head(raw, limits)
        self._keep(raw, head)
        return head

    def _keep(self, raw: bytes, head: Head) -> None:
        number = head.headers.get(b"content-length")
        line = None if number is None else _LENGTH_LINE.search(raw)
        if line is None or line[1] != number or head.expects:
            self._head = None
            return
        self._before, self._after = raw[: line.start(1)], raw[line.end() :]
        self._head = msgspec.structs.replace(head, headers=head.headers.copy())


def read_head(raw: bytes, limits: Limits) -> Head:
    """Reads a whole head, from the request line to the empty line. Raises BadRequestError and its kin."""
    method, path, query, http11 = read_request_line(raw[: raw.find(b"\r\n")], limits.target_bytes)
    headers = _read_fields(raw, limits.header_count)
    if not http11 and b"transfer-encoding" in headers:
        raise BadRequestError("Transfer-Encoding does not exist in HTTP/1.0.")
    connection = headers.get(b"connection")
    return Head(
        method,
        path,
        query,
        headers,
        read_host(headers.get(b"host"), required=http11),
        read_length(headers),
        http11,
        http11 if connection is None else _keeps_alive(connection, http11),
        b"expect" in headers and _expects(headers[b"expect"], http11),
        b"upgrade" in headers and method == "GET" and http11 and _switches(headers),
    )


@lru_cache(maxsize=256)
def read_request_line(line: bytes, target_bytes: int) -> tuple[str, str, str, bool]:
    """Method, path, query, and whether it is HTTP/1.1."""
    words = line.split(b" ")
    if len(words) != 3:
        raise BadRequestError("The request line must be: method, one space, target, one space, HTTP/1.1.")
    verb, target, version = words
    http11 = _VERSIONS.get(version)
    if http11 is None:
        raise BadRequestError("This server speaks HTTP/1.1 and HTTP/1.0.")
    if len(target) > target_bytes:
        raise BadRequestError(f"The request target is longer than {target_bytes} bytes.", status_code=414)
    method = _METHODS.get(verb)
    if method is None:
        raise BadRequestError("This method is not served: use " + ", ".join(_METHODS.values()) + ".", status_code=405)
    return method, *read_target(target), http11


def check_beginning(data: bytes, limits: Limits) -> None:
    """An incomplete head: refused early where it can never become one."""
    line_end = data.find(b"\r\n", 0, limits.target_bytes + 64)
    if line_end >= 0:
        read_request_line(data[:line_end], limits.target_bytes)
    elif len(data) >= limits.target_bytes + 64:
        raise BadRequestError("The request line is too long.", status_code=414)
    elif data and not (65 <= data[0] <= 90 or data[0] == 13):
        raise BadRequestError("This is no HTTP request; is it meant for a TLS port?")
    if len(data) >= limits.head_bytes:
        raise BadRequestError(f"The request head is longer than {limits.head_bytes} bytes.", status_code=431)


class _Fields:
    """What httptools calls back. A repetition is kept for later: an exception in a callback would lose its type."""

    __slots__ = ("complete", "headers", "repeated")

    def __init__(self) -> None:
        self.headers: dict[bytes, bytes] = {}
        self.complete = False
        self.repeated = b""

    def on_header(self, name: bytes, value: bytes) -> None:
        headers = self.headers
        name = name.lower()
        if name not in headers:
            headers[name] = value.rstrip()
        elif name in _ONCE:
            self.repeated = name
        else:
            headers[name] = _joined(name, headers[name], value.rstrip())

    def on_headers_complete(self) -> None:
        self.complete = True

    def checked(self) -> dict[bytes, bytes]:
        if self.repeated:
            raise BadRequestError(f"The header {self.repeated.decode()} must not be repeated.")
        return self.headers


def _read_fields(raw: bytes, most: int) -> dict[bytes, bytes]:
    # A header line takes 4 bytes at least: most heads need no counting.
    if len(raw) > 4 * most and raw.count(b"\n") - 2 > most:
        raise BadRequestError(f"More than {most} header lines.", status_code=431)
    fields = _Fields()
    try:
        # A parser is used once: only the head is its business, and one that awaits a body cannot begin anew.
        httptools.HttpRequestParser(fields).feed_data(raw)
    except httptools.HttpParserUpgrade:
        _check_upgrade(fields.headers.get(b"upgrade", b""))
    except httptools.HttpParserError as error:
        raise BadRequestError(f"The request head is malformed: {error}.") from None
    if not fields.complete:
        raise BadRequestError("The request head is malformed.")
    return fields.checked()


def fold(pairs: Iterable[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    """Headers that somebody else has parsed (an ASGI server), under the same rules for repetitions."""
    fields = _Fields()
    for name, value in pairs:
        fields.on_header(name, value)
    return fields.checked()


def _joined(name: bytes, first: bytes, second: bytes) -> bytes:
    return first + (b"; " if name == b"cookie" else b", ") + second


def read_host(value: bytes | None, *, required: bool) -> str:
    """The authority of the Host header: a name or address, perhaps a port, nothing else (CVE-2026-48710)."""
    if value is None:
        if required:
            raise BadRequestError("The Host header is missing.")
        return ""
    return _read_authority(value)


@lru_cache(maxsize=256)
def _read_authority(value: bytes) -> str:
    if not _AUTHORITY.fullmatch(value):
        raise BadRequestError("The Host header is not a host name or address with an optional port.")
    return value.decode("ascii")


def read_length(headers: dict[bytes, bytes]) -> int:
    coding = headers.get(b"transfer-encoding")
    if coding is not None:
        if coding.lower() != b"chunked" or b"content-length" in headers:
            raise BadRequestError("Transfer-Encoding must be 'chunked', without Content-Length.")
        return CHUNKED
    length = headers.get(b"content-length")
    if length is None:
        return 0
    if not length.isdigit() or len(length) > LENGTH_DIGITS_MAX:
        raise BadRequestError("Content-Length must be a plain number.")
    return int(length)


def _tokens(value: bytes) -> set[bytes]:
    return {token.strip() for token in value.lower().split(b",")}


def _keeps_alive(connection: bytes, http11: bool) -> bool:
    tokens = _tokens(connection)
    return b"close" not in tokens and (http11 or b"keep-alive" in tokens)


def _expects(value: bytes, http11: bool) -> bool:
    if value.lower() != b"100-continue":
        raise BadRequestError("Expect knows '100-continue' only.", status_code=417)
    return http11


def _switches(headers: dict[bytes, bytes]) -> bool:
    return headers[b"upgrade"].lower() == b"websocket" and b"upgrade" in _tokens(headers.get(b"connection", b""))


def no_switch() -> BadRequestError:
    return BadRequestError("This server does not switch protocols (Upgrade) here.", status_code=426)


def _check_upgrade(protocols: bytes) -> None:
    """An offer of h2c is ignored, as RFC 9110 section 7.8 allows: the JDK's HttpClient makes it on each first request.
    WebSocket is for who admits the request to allow. Another protocol would be expected to begin right behind the head,
    so it is refused."""
    if _tokens(protocols) not in ({b"h2c"}, {b"websocket"}):
        raise no_switch()
