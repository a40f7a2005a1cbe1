"""One transport per origin: our own pool, or aiohttp where the environment names a proxy."""

from __future__ import annotations

from collections.abc import Coroutine, Mapping
from typing import Any

from tollbridge.errors import ConfigError
from tollbridge.transport.base import Incoming, Origin, Outgoing, Timeouts, Transport
from tollbridge.transport.failures import failure
from tollbridge.transport.http1 import HttpTransport
from tollbridge.transport.pool import Limits
from tollbridge.transport.proxy import names_a_proxy, proxy_for
from tollbridge.transport.tls import TlsSettings


def transport_for(
    environ: Mapping[str, str], *, tls: TlsSettings | None = None, limits: Limits | None = None
) -> Transport:
    """The transport for the operator's own URLs under this environment. URLs that are not the operator's go through
    `HttpTransport(egress=UNTRUSTED)` and never through a proxy, which would resolve the name anew."""
    direct = HttpTransport(tls=tls, limits=limits)
    return Selecting(direct, environ, tls or TlsSettings(), limits or Limits()) if names_a_proxy(environ) else direct


class Selecting:
    """`Transport` that asks another one per origin. The answer of `proxy_for` is kept."""

    def __init__(self, direct: Transport, environ: Mapping[str, str], tls: TlsSettings, limits: Limits) -> None:
        self._direct = direct
        self._environ = dict(environ)
        self._tls = tls
        self._limits = limits
        self._proxied: dict[str, Transport] = {}
        self._chosen: dict[Origin, Transport] = {}

    def send(self, request: Outgoing, timeouts: Timeouts) -> Coroutine[Any, Any, Incoming]:
        transport = self._chosen.get(request.origin)
        if transport is None:
            try:
                transport = self._choose(request.origin)
            except ConfigError as error:
                raise failure("proxy_failure", request.origin, detail=f"is none: {error}") from error
        return transport.send(request, timeouts)

    def _choose(self, origin: Origin) -> Transport:
        proxy = proxy_for(origin, self._environ)
        transport = self._through(proxy) if proxy else self._direct
        self._chosen[origin] = transport
        return transport

    def _through(self, proxy: str) -> Transport:
        if proxy not in self._proxied:
            # imported here: aiohttp takes 0.2 s, and most installations have no proxy
            from tollbridge.transport.aiohttp_transport import AiohttpTransport

            self._proxied[proxy] = AiohttpTransport(proxy, tls=self._tls, limits=self._limits)
        return self._proxied[proxy]

    async def close(self) -> None:
        for transport in (self._direct, *self._proxied.values()):
            await transport.close()
