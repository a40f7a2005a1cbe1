"""The seam between HTTP and the application: what a request is, how it is answered, what an application must offer.

Everything below (sockets, framing, limits, TLS) gives an `Inbound` and a `Responder`; everything above never sees a
socket. Two things stand below it: our own protocol (`server/http/connection.py`) and any ASGI server
(`server/as_asgi.py`).

The order of calls for one request:

    head complete      -> application.admit(inbound)       sets `inbound.route`, or refuses before the body is read;
                                                           where that takes a look into a database, it is awaited
    body complete      -> application.handle(inbound, responder)      in a task of its own
    refused below      -> application.refuse(inbound or None, error)  malformed, too large, too slow
    handle() raised    -> application.internal_error(inbound)         nothing sent yet; else the stream is aborted

Where `admit` asks for it (`inbound.flows`), `handle` is called before the body is here and takes it as it arrives.

A handler's task is not cancelled when its client leaves: the application decides, told by `on_gone`. Only a forced
shutdown cancels it, and our own server says so (`STOPPING`).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

import msgspec

from tollbridge.calls.headers import Header
from tollbridge.errors import APIError
from tollbridge.policy.principal import Principal
from tollbridge.transport.channel import Channel

STOPPING = "Stopping"
"""What a task is cancelled with where this process stops, and does not wait for it any longer."""
Headers = Sequence[Header]
"""Pairs or lines, with names in lower case. Framing (`content-length`, `transfer-encoding`, `connection`, `date`)
belongs to the responder: such names are left out of what is sent."""


class ClientGone(Exception):
    """The client left, or did not take a byte within the write timeout. Nothing can be answered any more."""


class Flow(Protocol):
    """A body on its way. `length`: its bytes, where the client says."""

    @property
    def length(self) -> int | None: ...
    async def next(self) -> bytes:
        """The next piece, b"" at the end. Raises APIError where the body is malformed, too large or too slow, and
        ClientGone. Who does not take what is there stops the client."""


class Inbound(msgspec.Struct):
    """One request.

    `path`: percent-decoded once, without the root path; the one path that routing, policy and handlers see. It holds no
    dot segments, no control characters, no backslash, no escapes; an id in it may hold slashes (`openai%2Fgpt-4o` and
    `openai/gpt-4o` are the same). `query`: as sent, without `?`. `headers`: names in lower case, repeated ones joined
    by ", "; credentials, `host` and `content-length` occur once (a repetition was answered with 400).
    `body`: whole and decoded (`content-encoding` is removed from the headers); empty in `admit`.
    `peer`, `scheme`, `host`: the client's address without port, `http` or `https`, and the authority it asked for, as
    trusted proxies tell them; `host` is "" for an HTTP/1.0 request without one. `received`: `loop.time()` at the end
    of the head. `route`: what `admit` found, `principal`: who asks, where the route wants to know; `known`: who asked
    before with this very head, on this connection, and then `route` is what was found. `body_limit`: bytes; `admit` may
    change it for a route. `id`: what the application calls the request, to the client and in its logs; "" until it
    does. `flows`: set by `admit` for a route that takes a body as it arrives; `flow` is then that body, and `body` is
    empty. A body that is compressed, or was there with its head, is in `body` all the same. `websocket`: the client
    wants to go on in that protocol; `switches`: set by `admit` for a route that does (another answers 426), whose
    responder is a `Switching`.
    """

    method: str
    path: str
    query: str
    headers: dict[bytes, bytes]
    peer: str
    scheme: str
    host: str
    received: float
    body_limit: int
    body: bytes = b""
    route: object = None
    principal: Principal | None = None
    known: Principal | None = None
    id: str = ""
    flows: bool = False
    flow: Flow | None = None
    websocket: bool = False
    switches: bool = False

    def __repr__(self) -> str:
        """Shows no headers, no query, no body, and no path: keys and prompts stand in them."""
        return f"<Inbound {self.method} {self.id or 'not yet named'}, {len(self.body)} bytes>"


class Refusal(msgspec.Struct, frozen=True):
    """A whole answer that is given instead of handling the request."""

    status: int
    body: bytes
    headers: Headers = ((b"content-type", b"application/json"),)


class Responder(Protocol):
    """Answers one request, once: either `reply`, or `start`, any number of `write` and `drain`, then `finish` or
    `abort`. Calls after the end, or after the client left, do nothing."""

    @property
    def started(self) -> bool:
        """The status line is on its way: it is too late for an error answer."""

    @property
    def gone(self) -> bool:
        """The client left before the end of the answer."""

    def reply(self, status: int, headers: Headers, body: bytes) -> None:
        """The whole answer, in one write."""

    def start(self, status: int, headers: Headers) -> None:
        """Begins a stream (chunked on HTTP/1.1, delimited by the end of the connection on 1.0)."""

    def write(self, data: bytes) -> None:
        """A piece of the stream, sent at once. Never blocks: call `drain` between pieces."""

    async def drain(self) -> None:
        """Returns without suspending unless the client is slow. Raises ClientGone."""

    def finish(self) -> None:
        """The honest end of a stream."""

    def abort(self) -> None:
        """Ends the connection without a normal end, so that the client sees a broken stream."""

    def on_gone(self, callback: Callable[[], None] | None) -> None:
        """`callback` is called once when the client leaves; at once if it already left. None takes it back."""


class Switching(Protocol):
    """A responder whose connection can go on in another protocol."""

    def switch(self, headers: Headers, limit: int) -> Channel:
        """Answers 101 with these headers; the connection is a WebSocket then, of messages of `limit` bytes. Raises
        ClientGone."""


class Application(Protocol):
    def admit(self, inbound: Inbound) -> Refusal | Awaitable[Refusal | None] | None:
        """Called when the head is complete, before the body is read. Sets `inbound.route`, or refuses (401, 404)."""

    async def handle(self, inbound: Inbound, responder: Responder) -> None:
        """Answers the request."""

    def refuse(self, inbound: Inbound | None, error: APIError) -> Refusal:
        """The shape of an error that was found below, in the dialect of the route where one is known. `inbound` is
        None where the head could not be read; `plain_refusal` will do then."""

    def internal_error(self, inbound: Inbound) -> Refusal:
        """The answer where `handle` raised. The traceback is logged below."""


def plain_refusal(error: APIError) -> Refusal:
    """An error where no dialect is known, in a shape that OpenAI's and Anthropic's clients both read."""
    detail = {"message": str(error), "type": error.type, "param": error.param, "code": error.code}
    headers: tuple[tuple[bytes, bytes], ...] = ((b"content-type", b"application/json"),)
    if error.retry_after_s is not None:
        headers += ((b"retry-after", b"%d" % max(1, round(error.retry_after_s))),)
    return Refusal(error.status_code, msgspec.json.encode({"type": "error", "error": detail}), headers)
