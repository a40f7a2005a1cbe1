"""Of `general_settings`: who may reach us, and what toward providers holds for all: tables in the table."""

from __future__ import annotations

import re
from pathlib import Path

from tollbridge.config.document import Node, Table
from tollbridge.config.kinds import At, count, file, flag, list_of, seconds, secret, text, texts
from tollbridge.config.schema import fills, section, values_of
from tollbridge.config.settings import CorsSettings, LimitSettings, ProxySettings, TimeoutSettings, TlsSettings

CORS = section(
    "general_settings.cors",
    fills(
        "origins",
        texts,
        "origins",
        about="whose scripts may read answers: `https://app.example.com`, `https://*.example.com`, or `*`",
    ),
    fills("credentials", flag, "credentials", about="cookies and HTTP authentication may be sent"),
    fills("methods", texts, "methods", about="that a page may use"),
    fills("headers", texts, "headers", about="that a page may send"),
    fills("expose", texts, "expose", about="headers of an answer that a script may read"),
    fills("max_age_s", count, "max_age_s", about="seconds for which a browser may keep the answer to a preflight"),
)
TLS = section(
    "general_settings.tls",
    fills("cert", file, "cert", about="the certificate and those that signed it (PEM); needed"),
    fills("key", file, "key", about="its key (PEM); needed"),
    fills("client_ca", file, "client_ca", about="clients must show a certificate that one of these signed"),
)
TIMEOUTS = section(
    "general_settings.timeouts",
    *(
        fills(name, seconds, name, about=about)
        for name, about in {
            "connect_s": "for a connection: a free place, DNS, TCP and TLS together",
            "first_byte_s": "from the request's last byte to the head of the answer",
            "gap_s": "of silence between two pieces of an answer",
            "total_s": "for the whole, in the place of the router's `timeout`",
        }.items()
    ),
)
LIMITS = section(
    "general_settings.limits",
    *(
        fills(name, kind, name, about=about)
        for name, kind, about in (
            ("target_bytes", count, "path and query; beyond it 414"),
            ("head_bytes", count, "request line and headers; beyond it 431"),
            ("header_count", count, "headers; beyond it 431"),
            ("inflation", count, "how many times a compressed body may grow, beyond its first MiB; beyond it 413"),
            ("body_rate", count, "bytes of a body per second, on average, after 10 s; below it 408"),
            ("requests", count, "requests on one connection, which is closed then; 0 is any number"),
            ("connections", count, "open at once; beyond it 503"),
            ("upload_bytes", count, "a body that is handed on as it arrives (files, pass-through); beyond it 413"),
            ("header_s", seconds, "from the first byte of a head to its end; beyond it 408"),
            ("body_s", seconds, "from the end of the head to that of the body; beyond it 408"),
            ("idle_s", seconds, "between two requests of a connection, which is closed then"),
            ("write_s", seconds, "in which the client takes nothing; it is gone then"),
        )
    ),
)
PROXIES = section(
    "general_settings.proxies",
    fills("http", secret, "http", about="for `http://` addresses, in the place of `HTTP_PROXY`"),
    fills("https", secret, "https", about="for `https://` addresses, in the place of `HTTPS_PROXY`"),
    fills("no_proxy", texts, "no_proxy", about="hosts that are reached without one, in the place of `NO_PROXY`"),
)


def cors(node: Node, at: At) -> CorsSettings:
    settings = CorsSettings(**values_of(node, CORS, at))
    if settings.credentials and "*" in settings.origins:
        at.error(node.place, "origins '*' with credentials would give every page the user's rights; name the origins")
    for origin in settings.origins:
        if origin != "*" and ("://" not in origin or origin.endswith("/")):
            at.error(node.place, f"{origin!r} is no origin; write https://app.example.com, without a path")
    return settings


def tls(node: Node, at: At) -> TlsSettings | None:
    values = values_of(node, TLS, at)
    for needed in ("cert", "key"):
        if needed not in values:
            at.error(node.place, f"lacks `{needed}`")
    if not {"cert", "key"} <= values.keys():
        return None
    for name, needed in (("cert", "CERTIFICATE"), ("key", "PRIVATE KEY"), ("client_ca", "CERTIFICATE")):
        if name in values and isinstance(node, Table):
            _check_pem(Path(values[name]), needed, node.entries[name].node, at.key(name))
    return TlsSettings(**{name: Path(value) for name, value in values.items()})


def _check_pem(path: Path, needed: str, node: Node, at: At) -> None:
    """`file` told of one that is not there."""
    if not path.is_file():
        return
    try:
        held = re.findall(r"-----BEGIN ([A-Z0-9 ]+)-----", path.read_text("latin-1"))
    except OSError as error:
        at.error(node.place, f"{path} cannot be read: {error.strerror or error}")
        return
    if not any(one.endswith(needed) for one in held):
        found = f"; what is: {', '.join(dict.fromkeys(held)).lower()}" if held else ""
        at.error(node.place, f"there is no {needed.lower()} in {path} (PEM: `-----BEGIN {needed}-----`){found}")


def timeouts(node: Node, at: At) -> TimeoutSettings:
    return TimeoutSettings(**values_of(node, TIMEOUTS, at))


def limits(node: Node, at: At) -> LimitSettings:
    return LimitSettings(**values_of(node, LIMITS, at))


def proxies(node: Node, at: At) -> ProxySettings:
    return ProxySettings(**values_of(node, PROXIES, at))


def public_url(node: Node, at: At) -> str:
    value = text(node, at).rstrip("/")
    if not value.startswith(("http://", "https://")):
        at.expected("a URL that begins with https:// or http://", node)
    return value


def networks(node: Node, at: At) -> tuple[str, ...]:
    from ipaddress import ip_network  # 9 ms that most starts need not spend

    def network(item: Node, at: At) -> str:
        value = text(item, at)
        try:
            ip_network(value, strict=False)
        except ValueError:
            at.expected("an address or a network such as 10.0.0.0/8", item)
        return value

    return list_of(network, "a list of networks")(node, at)
