from __future__ import annotations

import errno
import socket
import ssl
from typing import get_args

import pytest

from tollbridge.errors import APIError
from tollbridge.transport import base
from tollbridge.transport.base import Origin, Outgoing
from tollbridge.transport.failures import Code, connecting, failure

HERE = Origin("https", "api.example.com", 443)
CODES = get_args(Code)


@pytest.mark.parametrize("code", CODES)
def test_every_failure_names_host_and_port_and_says_what_to_do(code: Code) -> None:
    error = failure(code, HERE, detail="detail", seconds=1.5)
    assert error.code == code
    assert "api.example.com:443" in str(error)
    assert str(error).endswith(".")
    assert error.public.endswith(".")
    assert "example" not in error.public
    assert error.status_code in (502, 504)
    assert (error.status_code == 504) == code.endswith("_timeout")


def test_the_table_in_the_seam_lists_every_code() -> None:
    assert all(code in str(base.__doc__) for code in CODES)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ConnectionRefusedError(errno.ECONNREFUSED, "x"), "connect_refused"),
        (ConnectionResetError(errno.ECONNRESET, "x"), "connection_reset"),
        (ConnectionResetError("no number"), "connection_reset"),
        (ConnectionAbortedError("SSL handshake"), "host_unreachable"),
        (socket.gaierror(socket.EAI_NONAME, "x"), "dns_failure"),
        (ssl.SSLCertVerificationError("x"), "tls_failure"),
        (ssl.SSLError(1, "x"), "tls_failure"),
        (OSError(errno.ENETUNREACH, "x"), "host_unreachable"),
        (OSError(errno.EMFILE, "x"), "too_many_open_files"),
        (OSError(errno.EADDRNOTAVAIL, "x"), "no_local_port"),
        (OSError(errno.EIO, "secret"), "host_unreachable"),
    ],
)
def test_what_connecting_raises_is_told_apart(error: OSError, code: str) -> None:
    translated = connecting(HERE, error)
    assert isinstance(translated, APIError)
    assert translated.code == code
    assert "secret" not in str(translated)


def test_lack_of_our_own_means_is_not_the_providers_fault() -> None:
    for code in ("too_many_open_files", "no_local_port", "pool_timeout", "aborted", "transport_closed"):
        assert failure(code, HERE).fault == "gateway"


def test_a_request_does_not_show_its_secrets() -> None:
    request = Outgoing(
        origin=HERE, method="POST", target="/?key=secret", headers=(("a", "secret"),), body=b"secret", head=b"secret"
    )
    assert "secret" not in f"{request!r} {request}"
