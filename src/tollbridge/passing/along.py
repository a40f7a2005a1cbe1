"""What of a request and of an answer goes along when it is passed through: the other's headers on the lists, the query,
never a key of ours."""

from __future__ import annotations

from tollbridge.calls.headers import Pair
from tollbridge.passing.way import Way
from tollbridge.providers.root import without
from tollbridge.server.gateway import Rules
from tollbridge.server.identify import KEY_HEADERS, OWN_HEADER, bare
from tollbridge.server.inbound import Inbound
from tollbridge.server.reading import forwarded_headers
from tollbridge.transport.base import Flow, Incoming, Outgoing

ASKED = ("content-type", "accept", "range", "if-match", "if-none-match", "if-modified-since", "prefer")
"""Headers of a client that go along besides those of any request."""
ANSWERED = frozenset(
    {b"content-type", b"content-disposition", b"content-range", b"accept-ranges", b"etag", b"last-modified"}
    | {b"cache-control", b"expires"}
)
"""Headers of an answer that go along besides those of any answer."""


async def request_along(
    way: Way, inbound: Inbound, rules: Rules, path: str, body: bytes, flow: Flow | None
) -> Outgoing:
    """As it goes to the way's place. Raises APIError, as `Place.outgoing` does."""
    keys = _keys(inbound, rules)
    query = without(inbound.query, keys)
    asked = {name.partition("=")[0] for name in query.split("&")}
    added = "&".join(f"{name}={value}" for name, value in way.query.items() if name not in asked)
    length = inbound.flow.length if flow is not None and inbound.flow is not None else None
    return await way.place.outgoing(
        inbound.method,
        path,
        "&".join(filter(None, (query, added))),
        [(name, value) for name, value in _headers(way, inbound, rules).items() if value not in keys],
        body=body,
        flow=flow,
        length=length,
    )


def headers_along(incoming: Incoming) -> list[Pair]:
    return [pair for pair in incoming.headers if pair[0] in ANSWERED]


def _headers(way: Way, inbound: Inbound, rules: Rules) -> dict[str, str]:
    custom = rules.forward_client_headers or way.forwards
    said = dict(forwarded_headers(inbound.headers, custom=custom, key_header=rules.key_header))
    for name in ASKED:
        value = inbound.headers.get(name.encode())
        if value is not None:
            said[name] = value.decode("latin-1")
    return said


def _keys(inbound: Inbound, rules: Rules) -> frozenset[str]:
    """Whatever the client sent where a key belongs."""
    headers = inbound.headers
    names = (OWN_HEADER, b"authorization", *KEY_HEADERS, *((rules.key_header,) if rules.key_header else ()))
    sent = (headers[name] for name in names if name in headers)
    return frozenset(text for value in sent for text in (bare(value).decode("latin-1"), value.decode("latin-1")))
