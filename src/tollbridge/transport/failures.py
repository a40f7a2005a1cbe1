"""Every way in which the network fails, as one table: code -> class, whose fault, worth another try, what to say.

A message names host:port (its `public` form does not) and what to do; never path, query, headers or body (secrets
stand in them), never the text of a foreign exception, which may quote them.
"""

from __future__ import annotations

import errno
import socket
import ssl
from typing import Literal

import msgspec

from tollbridge.errors import APIConnectionError, APIError, APITimeoutError, BadGatewayError, Fault, Truncated
from tollbridge.transport.base import Origin

Code = Literal[
    "connect_refused",
    "dns_failure",
    "tls_failure",
    "host_unreachable",
    "connection_reset",
    "too_many_open_files",
    "no_local_port",
    "egress_refused",
    "proxy_failure",
    "transport_closed",
    "aborted",
    "connect_timeout",
    "pool_timeout",
    "first_byte_timeout",
    "gap_timeout",
    "total_timeout",
    "upstream_truncated",
    "upstream_invalid_http",
    "upstream_head_too_large",
    "upstream_too_large",
    "upstream_bad_encoding",
    "upstream_bomb",
    "upstream_redirect",
]


class _Kind(msgspec.Struct, frozen=True):
    error: type[APIError]
    fault: Fault
    retryable: bool
    says: str


_KINDS: dict[Code, _Kind] = {
    "connect_refused": _Kind(
        APIConnectionError,
        "provider",
        True,
        "{origin} refused the connection. Check that the server runs, and host and port of the base URL.",
    ),
    "dns_failure": _Kind(
        APIConnectionError,
        "operator",
        True,
        "the name of {origin} does not resolve. Check the host in the base URL, and this machine's DNS.",
    ),
    "tls_failure": _Kind(
        APIConnectionError,
        "provider",
        True,
        "no trusted TLS connection to {origin}: {detail}. Check the host in the base URL; for a private CA name its"
        " file (`ca_file`, or SSL_CERT_FILE).",
    ),
    "host_unreachable": _Kind(
        APIConnectionError, "provider", True, "{origin} cannot be reached ({detail}). Check the network and the host."
    ),
    "connection_reset": _Kind(
        APIConnectionError,
        "provider",
        True,
        "{origin} closed the connection before it answered. Try again; if it persists, ask who runs it.",
    ),
    "too_many_open_files": _Kind(
        APIConnectionError,
        "gateway",
        True,
        "no connection to {origin}: this process has too many open files. Raise its limit (ulimit -n).",
    ),
    "no_local_port": _Kind(
        APIConnectionError,
        "gateway",
        True,
        "no connection to {origin}: this machine has no free local port. Lower the number of connections.",
    ),
    "egress_refused": _Kind(
        APIConnectionError,
        "operator",
        False,
        "no connection to {origin}: {detail}. Such an address is refused whoever names it; use the address of a model"
        " server.",
    ),
    "proxy_failure": _Kind(
        APIConnectionError,
        "operator",
        True,
        "the proxy on the way to {origin} {detail}. Check HTTP_PROXY, HTTPS_PROXY and NO_PROXY.",
    ),
    "transport_closed": _Kind(
        APIConnectionError, "gateway", False, "the request to {origin} came while the gateway was closing. Try again."
    ),
    "aborted": _Kind(APIConnectionError, "gateway", False, "the exchange with {origin} was aborted on our side."),
    "connect_timeout": _Kind(
        APITimeoutError,
        "provider",
        True,
        "no connection to {origin} within {seconds:g} s. Check the network, or raise `timeouts.connect_s`.",
    ),
    "pool_timeout": _Kind(
        APITimeoutError,
        "gateway",
        True,
        "all connections to {origin} were busy for {seconds:g} s. Raise the limit of connections, or send less.",
    ),
    "first_byte_timeout": _Kind(
        APITimeoutError,
        "provider",
        True,
        "{origin} did not begin to answer within {seconds:g} s. Try again, or raise `timeout`, `stream_timeout`.",
    ),
    "gap_timeout": _Kind(
        APITimeoutError,
        "provider",
        True,
        "{origin} fell silent in the middle of its answer for {seconds:g} s. Try again, or raise `stream_timeout`.",
    ),
    "total_timeout": _Kind(
        APITimeoutError,
        "provider",
        True,
        "{origin} did not finish its answer within {seconds:g} s. Try again, or raise `timeout`.",
    ),
    "upstream_truncated": _Kind(
        Truncated, "provider", True, "{origin} ended its answer early, {detail}. What came is incomplete: try again."
    ),
    "upstream_invalid_http": _Kind(
        BadGatewayError,
        "provider",
        True,
        "{origin} did not answer in HTTP/1.1 ({detail}). Check scheme and port of the base URL.",
    ),
    "upstream_head_too_large": _Kind(
        BadGatewayError, "provider", False, "{origin} sent more headers than we take ({detail}). Ask who runs it."
    ),
    "upstream_too_large": _Kind(
        BadGatewayError,
        "provider",
        False,
        "{origin} sent an answer over the limit of {detail} bytes. Ask for less, or raise the limit.",
    ),
    "upstream_bad_encoding": _Kind(
        BadGatewayError, "provider", True, "{origin} sent a body that cannot be decoded ({detail}). Try again."
    ),
    "upstream_bomb": _Kind(
        BadGatewayError,
        "provider",
        False,
        "{origin} sent a compressed body that grows without measure ({detail}). It was refused.",
    ),
    "upstream_redirect": _Kind(
        BadGatewayError,
        "operator",
        False,
        "{origin} answered {detail} with a redirect, and redirects are not followed. Put the final address (scheme,"
        " host, path) into the base URL.",
    ),
}


_SOMEBODY = "the server"
_DETAIL_TELLS_WHERE: frozenset[Code] = frozenset({"tls_failure", "egress_refused", "proxy_failure"})


def failure(code: Code, origin: Origin, *, detail: str = "", seconds: float = 0.0) -> APIError:
    """The error for one entry of the table."""
    kind = _KINDS[code]
    error = kind.error(
        kind.says.format(origin=origin, detail=detail, seconds=seconds),
        code=code,
        fault=kind.fault,
        retryable=kind.retryable,
    )
    told = "the log tells why" if code in _DETAIL_TELLS_WHERE else detail
    error.public = kind.says.format(origin=_SOMEBODY, detail=told, seconds=seconds)
    return error


_BY_ERRNO: dict[int, Code] = {
    errno.ECONNREFUSED: "connect_refused",
    errno.ECONNRESET: "connection_reset",
    errno.EPIPE: "connection_reset",
    errno.ECONNABORTED: "connection_reset",
    errno.ETIMEDOUT: "host_unreachable",
    errno.EHOSTUNREACH: "host_unreachable",
    errno.ENETUNREACH: "host_unreachable",
    errno.EMFILE: "too_many_open_files",
    errno.ENFILE: "too_many_open_files",
    errno.EADDRNOTAVAIL: "no_local_port",
}


def connecting(origin: Origin, error: OSError) -> APIError:
    """Translates what connecting raised: name resolution, TCP or TLS."""
    match error:
        case ssl.SSLCertVerificationError():  # the attributes are absent where Python itself raised it
            return failure(
                "tls_failure", origin, detail=getattr(error, "verify_message", "the certificate is not valid")
            )
        case ssl.SSLError():
            reason = getattr(error, "reason", None) or "the handshake failed"
            return failure("tls_failure", origin, detail=reason.replace("_", " ").lower())
        case socket.gaierror():
            return failure("dns_failure", origin)
        case ConnectionResetError():
            return failure("connection_reset", origin)
        case _:
            detail = errno.errorcode.get(error.errno or 0, type(error).__name__)
            return failure(_BY_ERRNO.get(error.errno or 0, "host_unreachable"), origin, detail=detail)
