"""An MCP server over HTTP+SSE (2024-11-05): one GET stream brings everything, and its first event says where to
POST."""

from __future__ import annotations

import asyncio
from urllib.parse import urljoin, urlsplit

from tollbridge.errors import APIError
from tollbridge.mcp.call import Call
from tollbridge.mcp.http import Address, Refused, discard, failed, parsed, unsendable
from tollbridge.mcp.jsonrpc import UPSTREAM_FAILED, RpcError, encode
from tollbridge.mcp.link import Link
from tollbridge.mcp.sse import Events, TooLarge
from tollbridge.model.json import JsonObject
from tollbridge.transport.base import Incoming, Outgoing, Timeouts, Transport

ENDPOINT_S = 10.0


class HttpSse:
    """`Channel`."""

    shared = True

    def __init__(self, transport: Transport, address: Address, *, connect_s: float = 10.0) -> None:
        self._transport = transport
        self._address = address
        self._timeouts = Timeouts(connect_s=connect_s)
        self._reading: asyncio.Task[None] | None = None
        self._endpoint: asyncio.Future[str] | None = None
        self._link: Link | None = None

    async def start(self, link: Link) -> None:
        self._link = link
        incoming = await self._http("GET", self._address.target, (("accept", "text/event-stream"),))
        kind = (incoming.header(b"content-type") or b"").split(b";")[0].strip().lower()
        if incoming.status != 200 or kind != b"text/event-stream":
            incoming.abort()
            if incoming.status >= 400:
                raise Refused(link.name, incoming.status, None)
            raise RpcError(
                UPSTREAM_FAILED,
                f"The MCP server {link.name!r} answered with HTTP status {incoming.status}, not a stream.",
            )
        self._endpoint = asyncio.get_running_loop().create_future()
        self._reading = asyncio.ensure_future(self._read(link, incoming, self._endpoint))
        done, _ = await asyncio.wait((self._endpoint,), timeout=ENDPOINT_S)
        if not done:
            await self.close()
            raise RpcError(UPSTREAM_FAILED, f"The MCP server {link.name!r} did not say where to send messages.")
        self._endpoint.result()

    async def send(self, message: JsonObject, call: Call | None = None) -> None:
        link, endpoint = self._link, self._endpoint
        if link is None or endpoint is None or not endpoint.done():
            raise RpcError(UPSTREAM_FAILED, "The MCP server's stream has ended.")
        incoming = await self._http("POST", endpoint.result(), (("content-type", "application/json"),), encode(message))
        await discard(incoming)
        if incoming.status >= 400:
            raise RpcError(
                UPSTREAM_FAILED, f"The MCP server {link.name!r} answered with HTTP status {incoming.status}."
            )

    async def _http(
        self, method: str, target: str, headers: tuple[tuple[str, str], ...], body: bytes = b""
    ) -> Incoming:
        address, link = self._address, self._link
        assert link is not None
        outgoing = Outgoing(
            origin=address.origin, method=method, target=target, headers=(*headers, *address.headers), body=body
        )
        try:
            return await self._transport.send(outgoing, self._timeouts)
        except APIError as error:
            raise failed(link.name, error) from error
        except ValueError as error:
            raise unsendable(link.name, error) from error

    async def _read(self, link: Link, incoming: Incoming, endpoint: asyncio.Future[str]) -> None:
        events = Events()
        why = RpcError(UPSTREAM_FAILED, f"The MCP server {link.name!r} ended its stream.")
        try:
            while data := await incoming.chunk():
                for event in events.feed(data):
                    if event.event == "endpoint":
                        if not endpoint.done():
                            self._found(link, endpoint, event.data)
                        continue
                    message = parsed(event.data.encode())
                    for one in message if isinstance(message, list) else (message,):
                        if one is not None:
                            link.received(one)
        except (APIError, TooLarge) as error:
            why = failed(link.name, error)
        finally:
            incoming.abort()
        if not endpoint.done():
            endpoint.set_exception(why)
        link.lost(why)

    def _found(self, link: Link, endpoint: asyncio.Future[str], told: str) -> None:
        """Only on the origin that the stream came from: another would be given our credentials."""
        address = self._address
        origin = f"{address.origin.scheme}://{address.origin.authority}"
        try:
            parts = urlsplit(urljoin(f"{origin}{address.target}", told))
            why = "" if f"{parts.scheme}://{parts.netloc}" == origin else "on another host"
        except ValueError:  # of brackets that hold no IPv6 address, say
            why = "that is no address"
        if why:
            endpoint.set_exception(RpcError(UPSTREAM_FAILED, f"The MCP server {link.name!r} named an endpoint {why}."))
            return
        endpoint.set_result(f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/")

    async def close(self) -> None:
        reading, self._reading = self._reading, None
        if reading is not None:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)
