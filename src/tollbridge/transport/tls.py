"""TLS towards providers: one context for all connections of a transport, so that sessions and CAs are shared."""

from __future__ import annotations

import ssl

import msgspec

from tollbridge.errors import ConfigError


class TlsSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What the operator's file may say. `ca_file`: PEM, added to the system's CAs. `client_cert`, `client_key`: PEM
    files (the key may stand in the certificate's file). `verify`: False accepts any certificate; whoever reads the
    configuration allows it there alone, with a warning at the start (S75)."""

    ca_file: str = ""
    client_cert: str = ""
    client_key: str = ""
    client_key_password: str = ""
    verify: bool = True

    def __repr__(self) -> str:
        return f"<TlsSettings verify={self.verify}>"


def tls_context(settings: TlsSettings) -> ssl.SSLContext:
    """TLS 1.2 or newer, certificate and host name checked, HTTP/1.1 only.

    The system's CAs are OpenSSL's, moved by SSL_CERT_FILE and SSL_CERT_DIR. Takes about 10 ms: make one, keep it.
    Raises ConfigError where a file cannot be used.
    """
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    if settings.ca_file:
        try:
            context.load_verify_locations(cafile=settings.ca_file)
        except OSError as error:  # ssl.SSLError is one
            raise ConfigError(f"ca_file {settings.ca_file!r} is not a PEM file of certificates: {error}") from error
    if settings.client_cert:
        _load_client(context, settings)
    if not settings.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _load_client(context: ssl.SSLContext, settings: TlsSettings) -> None:
    try:  # a password is always given: without one OpenSSL would ask on the terminal
        context.load_cert_chain(settings.client_cert, settings.client_key or None, settings.client_key_password)
    except OSError as error:
        raise ConfigError(
            f"the client certificate {settings.client_cert!r} and its key cannot be used: {error}. Both are PEM files,"
            " and an encrypted key needs its password."
        ) from error
