"""The same seam over aiohttp: for origins behind an HTTP(S) proxy (CONNECT for https).

Slower than our own pool, and used only where that cannot go. The rules of `base` hold; a stale kept connection is
retried here too, over a session that keeps none.
"""

from __future__ import annotations

import asyncio
from base64 import b64encode
from collections.abc import AsyncIterator
from math import inf
from types import SimpleNamespace
from urllib.parse import unquote, urlsplit, urlunsplit

import aiohttp
from yarl import URL

from tollbridge.errors import APIError
from tollbridge.transport.base import ByChunks, Flow, Origin, Outgoing, Timeouts
from tollbridge.transport.connection import HEAD_LIMIT, STALE_WITHIN_S
from tollbridge.transport.decode import Decoder, decoded_chunk, encoding_of, offered
from tollbridge.transport.egress import TRUSTED, Egress
from tollbridge.transport.failures import Code, connecting, failure
from tollbridge.transport.head import encode_head
from tollbridge.transport.pool import Limits
from tollbridge.transport.tls import TlsSettings, tls_context

_FOREIGN = (aiohttp.ClientError, OSError, ValueError)
_NOT_OURS = ("user-agent", "accept", "accept-encoding", "content-type")  # aiohttp would add its own


class AiohttpTransport:
    """`Transport` through one proxy. Belongs to the event loop of its first `send`."""

    def __init__(self, proxy: str, *, tls: TlsSettings, limits: Limits, egress: Egress = TRUSTED) -> None:
        parts = urlsplit(proxy)
        self._proxy = urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], "", "", ""))
        self._credentials: dict[str, str] = {}
        if parts.username is not None:
            pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}".encode()
            self._credentials = {"proxy-authorization": f"Basic {b64encode(pair).decode()}"}
        self._tls = tls_context(tls)
        self._limits = limits
        self._egress = egress
        self._kept: aiohttp.ClientSession | None = None
        self._fresh: aiohttp.ClientSession | None = None
        self._closed = False

    async def send(self, request: Outgoing, timeouts: Timeouts) -> ProxiedAnswer:
        """Raises the errors of `base`, and ValueError for a request that must not be sent (`head.encode_head`)."""
        encode_head(request.origin, request.method, request.target, request.headers)
        if why := self._egress.refuses(request.origin):
            raise failure("egress_refused", request.origin, detail=why)
        if self._closed:
            raise failure("transport_closed", request.origin)
        loop = asyncio.get_running_loop()
        total_at = inf if timeouts.total_s is None else loop.time() + timeouts.total_s
        begun_at = loop.time()
        seen = SimpleNamespace(reused=False)
        try:
            response = await self._ask(self._keeping(), request, timeouts, total_at, seen)
        except APIError as error:
            late = loop.time() - begun_at > STALE_WITHIN_S
            if error.code != "connection_reset" or not seen.reused or late or request.flow is not None:
                raise
            response = await self._ask(self._forgetting(), request, timeouts, total_at, seen)
        return ProxiedAnswer(response, request.origin, timeouts, total_at)

    async def _ask(
        self,
        session: aiohttp.ClientSession,
        request: Outgoing,
        timeouts: Timeouts,
        total_at: float,
        seen: SimpleNamespace,
    ) -> aiohttp.ClientResponse:
        origin = request.origin
        headers = {"accept-encoding": offered()} | dict(request.headers)
        if request.flow is not None and request.length is not None:
            headers["content-length"] = str(request.length)
        if origin.scheme == "http":  # the proxy reads the request itself; with https it sees the CONNECT alone
            headers |= self._credentials
        head_at = inf
        if timeouts.first_byte_s is not None:
            head_at = asyncio.get_running_loop().time() + timeouts.connect_s + timeouts.first_byte_s
        try:
            async with asyncio.timeout_at(_moment(min(head_at, total_at))):
                response = await session.request(
                    request.method,
                    URL(f"{origin.scheme}://{origin.authority}{request.target}", encoded=True),
                    headers=headers,
                    skip_auto_headers=_NOT_OURS,
                    data=(request.body or None) if request.flow is None else _pieces(request.flow),
                    allow_redirects=False,
                    proxy=self._proxy,
                    proxy_headers=dict(self._credentials),
                    ssl=self._tls,
                    timeout=aiohttp.ClientTimeout(total=None, connect=timeouts.connect_s),
                    trace_request_ctx=seen,
                )
        except aiohttp.ConnectionTimeoutError as error:
            raise failure("connect_timeout", origin, seconds=timeouts.connect_s) from error
        except TimeoutError as error:
            code: Code = "total_timeout" if total_at < head_at else "first_byte_timeout"
            seconds = timeouts.total_s if total_at < head_at else timeouts.first_byte_s
            raise failure(code, origin, seconds=seconds or 0.0) from error
        except _FOREIGN as error:
            raise _translated(error, origin) from error
        if 300 <= response.status < 400 and response.status != 304:
            response.close()
            raise failure("upstream_redirect", origin, detail=str(response.status))
        return response

    def _keeping(self) -> aiohttp.ClientSession:
        if self._kept is None:
            self._kept = self._session(False)
        return self._kept

    def _forgetting(self) -> aiohttp.ClientSession:
        if self._fresh is None:
            self._fresh = self._session(True)
        return self._fresh

    def _session(self, force_close: bool) -> aiohttp.ClientSession:
        connector = aiohttp.TCPConnector(
            limit=self._limits.total,
            limit_per_host=self._limits.per_origin,
            force_close=force_close,
            keepalive_timeout=None if force_close else self._limits.idle_s,
        )
        tracing = aiohttp.TraceConfig()
        tracing.on_connection_reuseconn.append(_note_reuse)
        return aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            trust_env=False,
            max_line_size=HEAD_LIMIT,
            max_field_size=HEAD_LIMIT,
            trace_configs=[tracing],
        )

    async def close(self) -> None:
        self._closed = True
        for session in (self._kept, self._fresh):
            if session is not None:
                await session.close()


class ProxiedAnswer(ByChunks):
    """`Incoming` over an aiohttp response."""

    def __init__(self, response: aiohttp.ClientResponse, origin: Origin, timeouts: Timeouts, total_at: float) -> None:
        """Raises BadGatewayError for an encoding that was never offered; the response is closed then."""
        self.status = response.status
        headers = [(name.lower(), value) for name, value in response.raw_headers]
        self.headers = [(name, value) for name, value in headers if name != b"content-encoding"]
        self._response = response
        self._origin = origin
        self._timeouts = timeouts
        self._total_at = total_at
        self._aborted = False
        encoding = encoding_of(b", ".join(value for name, value in headers if name == b"content-encoding"))
        self._decoder: Decoder | None = None
        if encoding:
            try:
                self._decoder = Decoder(encoding, origin)
            except APIError:
                response.close()
                raise

    def header(self, name: bytes) -> bytes | None:
        return next((value for key, value in self.headers if key == name), None)

    async def read(self, limit: int) -> bytes:
        pieces: list[bytes] = []
        size = 0
        while piece := await self.chunk():
            pieces.append(piece)
            size += len(piece)
            if size > limit:
                self.abort()
                raise failure("upstream_too_large", self._origin, detail=str(limit))
        return b"".join(pieces)

    async def chunk(self) -> bytes:
        if self._decoder is None:
            return await self._next()
        try:
            return await decoded_chunk(self._decoder, self._next)
        except APIError:
            self.abort()
            raise

    async def _next(self) -> bytes:
        gap_s = self._timeouts.gap_s
        gap_at = inf if gap_s is None else asyncio.get_running_loop().time() + gap_s
        try:
            async with asyncio.timeout_at(_moment(min(gap_at, self._total_at))):
                data = await self._response.content.readany()
        except TimeoutError as error:
            self.abort()
            if self._total_at < gap_at:
                raise failure("total_timeout", self._origin, seconds=self._timeouts.total_s or 0.0) from error
            raise failure("gap_timeout", self._origin, seconds=gap_s or 0.0) from error
        except asyncio.CancelledError:
            self.abort()
            raise
        except _FOREIGN as error:
            if self._aborted:
                raise failure("aborted", self._origin) from error
            self.abort()
            raise failure("upstream_truncated", self._origin, detail="in the middle of its body") from error
        if self._aborted:
            raise failure("aborted", self._origin)
        return data

    def abort(self) -> None:
        if not self._response.closed:
            self._aborted = True
            self._response.close()


async def _pieces(flow: Flow) -> AsyncIterator[bytes]:
    while piece := await flow():
        yield piece


async def _note_reuse(_: aiohttp.ClientSession, context: SimpleNamespace, __: object) -> None:
    context.trace_request_ctx.reused = True


def _moment(at: float) -> float | None:
    return None if at == inf else at


def _translated(error: Exception, origin: Origin) -> APIError:
    """aiohttp's failure before the head was here."""
    match error:
        case aiohttp.ClientProxyConnectionError():
            return failure("proxy_failure", origin, detail="cannot be reached")
        case aiohttp.ClientHttpProxyError():
            return failure("proxy_failure", origin, detail=f"answered {error.status}")
        case aiohttp.ClientConnectorCertificateError():
            return failure("tls_failure", origin, detail="the certificate is not valid")
        case aiohttp.ClientConnectorError():
            return connecting(origin, error.os_error)
        case aiohttp.ServerDisconnectedError() | aiohttp.ClientOSError():
            return failure("connection_reset", origin)
        case OSError():
            return connecting(origin, error)
        case _:
            return failure("upstream_invalid_http", origin, detail="its head cannot be read")
