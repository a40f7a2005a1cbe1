"""From an origin to a connected protocol: names, the egress rule, several addresses, TLS.

Addresses are tried in the order of the resolver with the families alternating, each STAGGER_S after the one before it
or as soon as that one failed (RFC 8305, "happy eyeballs"); the first that is connected, TLS included, wins. Names are
kept for DNS_S and forgotten when nothing could be reached.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable, Coroutine, Iterable, Sequence
from itertools import zip_longest
from typing import Any, TypeVar

from tollbridge.transport.base import Origin
from tollbridge.transport.egress import TRUSTED, Egress
from tollbridge.transport.failures import connecting, failure
from tollbridge.transport.tls import TlsSettings, tls_context

STAGGER_S = 0.25
DNS_S = 30.0


class Endpoint(asyncio.Protocol):
    """A protocol that can be told to close: the one that lost the race."""

    __slots__ = ()

    def close(self) -> None:
        raise NotImplementedError


P = TypeVar("P", bound=Endpoint)


class Dialer:
    """Connects. Belongs to one event loop."""

    def __init__(self, tls: TlsSettings, egress: Egress = TRUSTED) -> None:
        self._tls_settings = tls
        self._tls: ssl.SSLContext | None = None
        self._egress = egress
        self._names: dict[str, tuple[float, Sequence[str]]] = {}
        self._lookups: dict[str, asyncio.Task[Sequence[str]]] = {}

    async def connect(self, protocol: Callable[[], P], origin: Origin) -> P:
        """Raises APIConnectionError. Time is the caller's business."""
        if why := self._egress.refuses(origin):
            raise failure("egress_refused", origin, detail=why)
        try:
            addresses = await self._resolve(origin.host)
            for address in addresses:
                if why := self._egress.refuses_address(address):
                    raise failure("egress_refused", origin, detail=why)
            return await self._first(addresses, protocol, origin)
        except OSError as error:
            self._names.pop(origin.host, None)
            raise connecting(origin, error) from error

    async def _first(self, addresses: Sequence[str], protocol: Callable[[], P], origin: Origin) -> P:
        async def attempt(address: str) -> P:
            secure = origin.scheme == "https"
            _, connected = await asyncio.get_running_loop().create_connection(
                protocol,
                address,
                origin.port,
                ssl=self._context() if secure else None,
                server_hostname=origin.host if secure else None,
            )
            return connected

        if len(addresses) == 1:
            return await attempt(addresses[0])
        return await _race([attempt(address) for address in addresses])

    def _context(self) -> ssl.SSLContext:
        if self._tls is None:
            self._tls = tls_context(self._tls_settings)
        return self._tls

    async def _resolve(self, host: str) -> Sequence[str]:
        """Addresses of a name, from memory where fresh; one lookup at a time per name."""
        loop = asyncio.get_running_loop()
        known = self._names.get(host)
        if known is not None and loop.time() < known[0]:
            return known[1]
        lookup = self._lookups.get(host)
        if lookup is None:
            lookup = self._lookups[host] = loop.create_task(_look_up(host))
            lookup.add_done_callback(lambda done: self._looked_up(host, done))
        return await asyncio.shield(lookup)

    def _looked_up(self, host: str, lookup: asyncio.Task[Sequence[str]]) -> None:
        del self._lookups[host]
        if not lookup.cancelled() and lookup.exception() is None:
            self._names[host] = (lookup.get_loop().time() + DNS_S, lookup.result())

    def close(self) -> None:
        for lookup in self._lookups.values():
            lookup.cancel()


async def _look_up(host: str) -> Sequence[str]:
    found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return alternating(str(entry[4][0]) for entry in found)


def alternating(addresses: Iterable[str]) -> list[str]:
    """Each address once, the families in turn, beginning with the family that the resolver put first."""
    once = list(dict.fromkeys(addresses))
    first = [address for address in once if (":" in address) == (":" in once[0])]
    second = [address for address in once if address not in first]
    return [address for pair in zip_longest(first, second) for address in pair if address is not None]


async def _race(attempts: list[Coroutine[Any, Any, P]]) -> P:
    """The first to succeed; the others are cancelled, and what they connected is closed. Raises the first OSError."""
    waiting = attempts[::-1]
    running: set[asyncio.Task[P]] = set()
    failed: list[BaseException] = []
    winner: asyncio.Task[P] | None = None
    try:
        while winner is None and (waiting or running):
            if waiting:
                running.add(asyncio.ensure_future(waiting.pop()))
            done, running = await asyncio.wait(
                running, timeout=STAGGER_S if waiting else None, return_when=asyncio.FIRST_COMPLETED
            )
            for task in done:
                error = task.exception()
                if error is not None:
                    failed.append(error)
                elif winner is None:
                    winner = task
                else:
                    _discard(task)
    finally:
        for attempt in waiting:
            attempt.close()
        for task in running:
            task.add_done_callback(_discard)
            task.cancel()
    if winner is None:
        raise failed[0]
    return winner.result()


def _discard(task: asyncio.Task[P]) -> None:
    if not task.cancelled() and task.exception() is None:
        task.result().close()
