"""Asking for the rest of an answer that takes more than one request (`wires.steps`).

Rules
1. A link leads to the deployment's own origin, or over HTTPS to a host of the domain that its row names: the
   credentials go along. Any other is an error, and nothing is sent there.
2. The same question is asked again after a pause that grows, up to a bound.
3. `total_s` is of all requests together; the other timeouts are of each.
4. Where a client leaves, or time runs out, nothing more is asked. What the provider then does is its own affair.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from urllib.parse import urlsplit

import msgspec

from tollbridge.calls.deployment import Deployment
from tollbridge.errors import APIConnectionError, APITimeoutError, BadGatewayError
from tollbridge.transport.base import DEFAULT_PORTS, Incoming, Origin, Outgoing, Timeouts, Transport
from tollbridge.wires.steps import Step, Stepwise

FIRST_PAUSE_S = 0.25
LONGEST_PAUSE_S = 4.0
ANSWER_BYTES_MAX = 64 * 1024 * 1024


class Read:
    """`transport.base.Incoming` of an answer that was read already."""

    def __init__(self, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
        self.status = status
        self.headers = headers
        self._body = body
        self._given = False

    def header(self, name: bytes) -> bytes | None:
        return next((value for key, value in self.headers if key == name), None)

    async def read(self, limit: int) -> bytes:
        if len(self._body) > limit:
            raise BadGatewayError(f"The answer has more than {limit} bytes.", code="upstream_too_large")
        return self._body

    async def chunk(self) -> bytes:
        body, self._given = b"" if self._given else self._body, True
        return body

    def abort(self) -> None:
        """Holds nothing."""


async def followed(
    incoming: Incoming,
    sent: Outgoing,
    deployment: Deployment,
    transport: Transport,
    timeouts: Timeouts,
    *,
    stream: bool,
    clock: Callable[[], float] = time.monotonic,
) -> Incoming:
    """The answer itself, or an error of a request on the way to it. Raises APIError."""
    wire = deployment.wire
    assert isinstance(wire, Stepwise)
    began, pause_s = clock(), FIRST_PAUSE_S
    while incoming.status < 300:
        body = await incoming.read(ANSWER_BYTES_MAX)
        step = wire.next_step(_decoded(body), stream)
        if step is None:
            return Read(incoming.status, incoming.headers, body)
        if step.waits:
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * 1.5, LONGEST_PAUSE_S)
        incoming = await transport.send(_request(step, sent, deployment), _left(timeouts, clock() - began))
        if step.stream:
            break
    return incoming


def _decoded(body: bytes) -> object:
    """None where it is no JSON: what is wrong with it is said by who reads it as the answer."""
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _left(timeouts: Timeouts, gone_s: float) -> Timeouts:
    if timeouts.total_s is None:
        return timeouts
    left_s = timeouts.total_s - gone_s
    if left_s <= 0:
        raise APITimeoutError(
            f"The provider had not ended its answer after {timeouts.total_s:g} s. Allow more by `timeout`.",
            code="total_timeout",
        )
    return msgspec.structs.replace(timeouts, total_s=left_s)


def _request(step: Step, sent: Outgoing, deployment: Deployment) -> Outgoing:
    origin, target = _place(step.url, sent.origin, deployment.links_to)
    kept = ("content-type", "prefer", "accept")
    accepts = ("accept", "text/event-stream" if step.stream else "application/json")
    headers = (*((name, value) for name, value in sent.headers if name.lower() not in kept), accepts)
    return Outgoing(origin=origin, method="GET", target=target, headers=headers)


def _place(url: str, own: Origin, domain: str) -> tuple[Origin, str]:
    """Where a link leads (rule 1)."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise _elsewhere() from error
    host, scheme = (parts.hostname or "").lower(), parts.scheme
    if not url.isascii() or not url.isprintable() or " " in url or parts.username is not None:
        raise _elsewhere()
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    if scheme == own.scheme and host == own.host and (port or DEFAULT_PORTS[scheme]) == own.port:
        return own, target
    if domain and scheme == "https" and port in (None, 443) and host.endswith(f".{domain}"):
        return Origin("https", host, 443), target
    raise _elsewhere()


def _elsewhere() -> APIConnectionError:
    return APIConnectionError(
        "The provider's answer leads to a place that is not its own; it was not asked.", code="egress_refused"
    )
