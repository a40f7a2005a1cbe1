"""The head of a request, as bytes. What could split or smuggle a request is refused here, before a socket is opened."""

from __future__ import annotations

import re
from collections.abc import Iterable

from tollbridge.transport.base import Origin
from tollbridge.transport.decode import offered

_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")  # RFC 9110, 5.6.2
_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")  # no CR, LF, NUL or other controls; latin-1 beyond ASCII
_TARGET = re.compile(r"/[\x21-\x7e]*")

FRAMING = frozenset(
    {"connection", "content-length", "expect", "keep-alive", "proxy-authenticate", "proxy-authorization"}
    | {"proxy-connection", "te", "trailer", "transfer-encoding", "upgrade"}
)
"""Headers that belong to the connection, not to the caller (RFC 9110, 7.6.1)."""


def is_header(name: str, value: str) -> bool:
    """HTTP can have it: `encode_head` takes it, unless it belongs to the connection."""
    return _TOKEN.fullmatch(name) is not None and _VALUE.fullmatch(value) is not None


def encode_head(origin: Origin, method: str, target: str, headers: Iterable[tuple[str, str]]) -> bytes:
    """Request line and headers, without `content-length` and without the empty line: those follow with the body.

    Adds `host` and `accept-encoding` (what we can decode) unless given. Raises ValueError, which names the header but
    never its value, for a method, target, name or value that is not legal, for a header that belongs to the
    connection, and for a second `host`.
    """
    if not _TOKEN.fullmatch(method):
        raise ValueError("the method is not an HTTP token")
    if not _TARGET.fullmatch(target):
        raise ValueError("the target must begin with / and hold printable ASCII only; percent-encode the rest")
    lines = [f"{method} {target} HTTP/1.1"]
    seen = set()
    for name, value in headers:
        lower = name.lower()
        if not _TOKEN.fullmatch(name):
            raise ValueError(f"not a header name: {name!r}")
        if lower in FRAMING or (lower == "host" and lower in seen):
            raise ValueError(f"the header {lower} belongs to the connection and cannot be set")
        if not _VALUE.fullmatch(value):
            raise ValueError(
                f"the value of the header {lower} holds a line break, a control or a non-latin-1 character"
            )
        seen.add(lower)
        lines.append(f"{name}: {value}")
    if "host" not in seen:
        lines.insert(1, f"host: {origin.authority}")
    if "accept-encoding" not in seen:
        lines.append(f"accept-encoding: {offered()}")
    return ("\r\n".join(lines) + "\r\n").encode("latin-1")
