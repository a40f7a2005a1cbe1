"""Asking for the rest of an answer that takes more than one request (`wires.steps`).

Rules
1. A link leads to the deployment's own origin, or over HTTPS to a host of the domain that its row names: the
   credentials go along. Any other is an error, and nothing is sent there.
2. The same question is asked again after a pause that grows, up to a bound.
3. `total_s` is of all requests together; the other timeouts are of each.
4. Whoever stops waiting, because the client left or time ran out, tells the provider so where the answer said how, and
   waits for nothing: what is still made would be paid for.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from functools import partial
from urllib.parse import urlsplit

import msgspec

from tollbridge.errors import APIConnectionError, APIError, APITimeoutError, BadGatewayError
from tollbridge.transport.base import DEFAULT_PORTS, ByChunks, Incoming, Origin, Outgoing, Timeouts, Transport
from tollbridge.wires.steps import Step, Stepwise

FIRST_PAUSE_S = 0.25
LONGEST_PAUSE_S = 4.0
STOP_S = 10.0
ANSWER_BYTES_MAX = 64 * 1024 * 1024


class Read(ByChunks):
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


class Stoppable(ByChunks):
    """`transport.base.Incoming` of a stream; who gives it up also has it stopped."""

    def __init__(self, incoming: Incoming, stop: Callable[[], None]) -> None:
        self._incoming = incoming
        self._stop: Callable[[], None] | None = stop
        self.status = incoming.status
        self.headers = incoming.headers
        self.header = incoming.header
        self.read = incoming.read

    async def chunk(self) -> bytes:
        data = await self._incoming.chunk()
        if not data:
            self._stop = None
        return data

    def abort(self) -> None:
        self._incoming.abort()
        stop, self._stop = self._stop, None
        if stop is not None:
            stop()


class Steps:
    """The way to the rest of a deployment's answers. `links_to`: the domain of rule 1, "" where there is none."""

    def __init__(self, wire: Stepwise, links_to: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._wire = wire
        self._links_to = links_to
        self._clock = clock
        self._stopping: set[asyncio.Task[None]] = set()

    async def ask(self, sent: Outgoing, transport: Transport, timeouts: Timeouts, *, stream: bool) -> Incoming:
        """The answer itself, or an error of a request on the way to it. Raises APIError."""
        began, pause_s, step = self._clock(), FIRST_PAUSE_S, Step(url="")
        if not stream and self._wire.waits:
            sent = msgspec.structs.replace(sent, headers=(*sent.headers, *self._wire.waits), head=b"")
        incoming = await transport.send(sent, timeouts)
        try:
            while incoming.status < 300:
                body = await incoming.read(ANSWER_BYTES_MAX)
                following = self._wire.next_step(_decoded(body), stream)
                if following is None:
                    return Read(incoming.status, incoming.headers, body)
                step = following
                if step.waits:
                    await asyncio.sleep(pause_s)
                    pause_s = min(pause_s * 1.5, LONGEST_PAUSE_S)
                left = _left(timeouts, self._clock() - began)
                incoming = await transport.send(self._request(step, sent), left)
                if step.stream and incoming.status < 300:
                    return Stoppable(incoming, partial(self._stop, step, sent, transport))
        except BaseException:  # what it is does not matter: nobody waits any more
            self._stop(step, sent, transport)
            raise
        return incoming

    def _request(self, step: Step, sent: Outgoing) -> Outgoing:
        origin, target = _place(step.url, sent.origin, self._links_to)
        accepts = ("accept", "text/event-stream" if step.stream else "application/json")
        return Outgoing(origin=origin, method="GET", target=target, headers=(*_credentials(sent), accepts))

    def _stop(self, step: Step, sent: Outgoing, transport: Transport) -> None:
        """In the background: whoever stops does not wait for it."""
        if not step.stop:
            return
        task = asyncio.get_running_loop().create_task(self._stopped(step, sent, transport))
        self._stopping.add(task)
        task.add_done_callback(self._stopping.discard)

    async def _stopped(self, step: Step, sent: Outgoing, transport: Transport) -> None:
        try:
            origin, target = _place(step.stop, sent.origin, self._links_to)
            request = Outgoing(origin=origin, method="POST", target=target, headers=_credentials(sent))
            incoming = await transport.send(request, Timeouts(total_s=STOP_S))
            await incoming.read(ANSWER_BYTES_MAX)
        except APIError:
            pass  # it goes on, and is paid for: there is nobody left to tell


def _credentials(sent: Outgoing) -> tuple[tuple[str, str], ...]:
    """The headers of the first request, but for what they say of its body and its answer."""
    return tuple(header for header in sent.headers if header[0].lower() not in ("content-type", "prefer", "accept"))


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
