"""Where a connection may lead (security.md, 3.5).

Two rules, for two kinds of URL:

    TRUSTED     the operator's file, SDK arguments, environment, provider rows: anything but metadata addresses
    UNTRUSTED   requests, API, database: public addresses and ports 80 and 443 only

A name is judged by every address that it resolves to, and the connection is made to the address that was judged: a
name that changes its mind between the two (rebinding) gains nothing. The rules are pure; `dial` asks them.
"""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Literal
from urllib.parse import urlsplit

import msgspec

from tollbridge.transport.base import DEFAULT_PORTS, Origin, Scheme

Verdict = Literal["public", "metadata", "loopback", "private", "link_local", "shared", "reserved", "multicast"]
Address = IPv4Address | IPv6Address

METADATA = frozenset(
    ip_address(text)
    for text in (
        "169.254.169.254",  # AWS, Google, Azure, DigitalOcean, Oracle, Hetzner ...
        "169.254.170.2",  # AWS ECS task credentials
        "169.254.170.23",  # AWS EKS Pod Identity
        "fd00:ec2::254",  # AWS, IPv6
        "fd00:ec2::23",  # AWS EKS Pod Identity, IPv6
        "fd20:ce::254",  # Google, IPv6
        "100.100.100.200",  # Alibaba
        "168.63.129.16",  # Azure's host agent
        "192.0.0.192",  # Oracle Classic
    )
)
"""Addresses that hand out a machine's credentials. Source: the vendors' instance metadata pages, seen 2026-11-21."""

METADATA_NAMES = frozenset({"metadata", "metadata.google.internal", "metadata.goog", "instance-data"})

_SPECIAL: tuple[tuple[str, Verdict], ...] = (  # IANA's special-purpose address registries, seen 2026-11-21
    ("0.0.0.0/8", "reserved"),
    ("10.0.0.0/8", "private"),
    ("100.64.0.0/10", "shared"),
    ("127.0.0.0/8", "loopback"),
    ("169.254.0.0/16", "link_local"),
    ("172.16.0.0/12", "private"),
    ("192.0.0.0/24", "reserved"),
    ("192.0.2.0/24", "reserved"),
    ("192.88.99.0/24", "reserved"),
    ("192.168.0.0/16", "private"),
    ("198.18.0.0/15", "private"),
    ("198.51.100.0/24", "reserved"),
    ("203.0.113.0/24", "reserved"),
    ("224.0.0.0/4", "multicast"),
    ("240.0.0.0/4", "reserved"),
    ("::/127", "loopback"),
    ("fc00::/7", "private"),
    ("fe80::/10", "link_local"),
    ("fec0::/10", "private"),
    ("ff00::/8", "multicast"),
    ("100::/64", "reserved"),
    ("2001::/23", "reserved"),
    ("2001:db8::/32", "reserved"),
    ("3fff::/20", "reserved"),
    ("5f00::/16", "reserved"),
)
_RANGES = tuple((ip_network(text), verdict) for text, verdict in _SPECIAL)
_GLOBAL_UNICAST = IPv6Network("2000::/3")
_NAT64 = (IPv6Network("64:ff9b::/96"), IPv6Network("64:ff9b:1::/48"))


def judge(address: str | Address) -> Verdict:
    """What kind of address this is; one that carries an IPv4 address inside (mapped, compatible, 6to4, Teredo, NAT64)
    is what that one is. Raises ValueError for text that is no address."""
    if isinstance(address, str):
        address = ip_address(address.partition("%")[0])
    if address in METADATA:
        return "metadata"
    inner = _inner(address)
    if inner is not None:
        verdict = judge(inner)
        if verdict != "public":
            return verdict
    for network, verdict in _RANGES:
        if address.version == network.version and address in network:
            return verdict if inner is None else "public"
    if isinstance(address, IPv6Address) and inner is None and address not in _GLOBAL_UNICAST:
        return "reserved"
    return "public"


def _inner(address: Address) -> IPv4Address | None:
    if isinstance(address, IPv4Address):
        return None
    if address.ipv4_mapped or address.sixtofour:
        return address.ipv4_mapped or address.sixtofour
    if address.teredo:
        return address.teredo[1]
    value = int(address)
    if any(address in network for network in _NAT64) or (value >> 32 == 0 and value > 1):
        return IPv4Address(value & 0xFFFF_FFFF)
    return None


class Egress(msgspec.Struct, frozen=True, kw_only=True):
    """A rule. `ports`: None for any."""

    private: bool
    ports: frozenset[int] | None = None

    def refuses(self, origin: Origin) -> str:
        """Why nothing may be sent to this origin whatever it resolves to; "" where the addresses decide."""
        name = origin.host.rstrip(".")
        if name in METADATA_NAMES:
            return "it is a cloud's metadata service"
        if self.ports is not None and origin.port not in self.ports:
            return f"port {origin.port} is not open to such a URL"
        if not self.private and (name == "localhost" or name.endswith((".localhost", ".local", ".internal"))):
            return "it names a private host"
        try:
            return self.refuses_address(name)
        except ValueError:
            return ""

    def refuses_address(self, address: str) -> str:
        """Why no connection may be made to this address; "" where it may."""
        verdict = judge(address)
        if verdict == "public" or (self.private and verdict != "metadata"):
            return ""
        return "it is a cloud's metadata service" if verdict == "metadata" else f"its address is {_WORDS[verdict]}"


_WORDS: dict[Verdict, str] = {
    "loopback": "this machine's own",
    "private": "in a private network",
    "link_local": "link-local",
    "shared": "in a carrier's shared network",
    "reserved": "reserved",
    "multicast": "multicast",
}

TRUSTED = Egress(private=True)
UNTRUSTED = Egress(private=False, ports=frozenset({80, 443}))

_NAME = re.compile(r"(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")


def split_url(url: str) -> tuple[Origin, str]:
    """Origin, and path with query, of an absolute http(s) URL.

    Strict where parsers differ, so that what is judged is what is connected to: ASCII only (other names in punycode),
    no userinfo, no fragment, no escapes in the host, an IPv4 address in four decimal parts only. Raises ValueError,
    which never quotes the URL: its path and query may hold keys.
    """
    if not url.isascii() or not url.isprintable() or " " in url or "\\" in url or "#" in url:
        raise ValueError("a URL is printable ASCII, without spaces, backslashes or fragment; other names in punycode")
    parts = urlsplit(url)
    scheme: Scheme
    match parts.scheme:
        case "http":
            scheme = "http"
        case "https":
            scheme = "https"
        case _:
            raise ValueError("a URL begins with http:// or https://")
    if "@" in parts.netloc:
        raise ValueError("credentials do not belong into a URL")
    try:
        port = DEFAULT_PORTS[scheme] if parts.port is None else parts.port
        host = _host(parts.hostname or "", bracketed=parts.netloc.startswith("["))
    except ValueError as error:
        raise ValueError("the host or the port of the URL is not valid") from error
    if port == 0:
        raise ValueError("the port of the URL is not valid")
    path = parts.path or "/"
    return Origin(scheme, host, port), f"{path}?{parts.query}" if parts.query else path


def _host(host: str, bracketed: bool) -> str:
    if bracketed:
        return str(IPv6Address(host))
    host = host.removesuffix(".")
    if not _NAME.fullmatch(host):
        raise ValueError(host)
    if _NUMBER.fullmatch(host.rpartition(".")[2]):
        return str(IPv4Address(host))
    return host
