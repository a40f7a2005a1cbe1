"""Who asks, and under which address, when proxies stand in front.

Rules
- Forwarding headers are read only when the TCP peer is a trusted proxy, and then only one family of them: the operator
  says whether the proxies write `X-Forwarded-*` (the default) or the standard `Forwarded` (RFC 7239). The other family
  passes through most proxies untouched, so it is the client's word.
- Addresses are read from the right, each written by the proxy before it. The first one that is not itself a trusted
  proxy is the client. What does not parse ends the walk.
- Scheme and host are taken from the entry that the outermost trusted proxy wrote.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

import msgspec

from tollbridge.errors import BadRequestError, ConfigError
from tollbridge.server.http.head import read_host

_PAIR = re.compile(r"\s*([A-Za-z]+)\s*=\s*(\"[^\"\\]*\"|[^\s;,\"]+)\s*")


class Origin(msgspec.Struct, frozen=True):
    """`peer`: an address without port. `scheme`: http or https. `host`: validated, as a Host header."""

    peer: str
    scheme: str
    host: str


class Forwarding:
    """`proxies`: addresses and networks (`10.0.0.0/8`, `::1`). Raises ConfigError. `standard`: read `Forwarded`."""

    __slots__ = ("_networks", "standard")

    def __init__(self, proxies: Iterable[str] = (), *, standard: bool = False) -> None:
        self._networks = tuple(_network(text) for text in proxies)
        self.standard = standard

    def trusts(self, peer: str) -> bool:
        if not self._networks:
            return False
        try:
            address = ip_address(peer.partition("%")[0])
        except ValueError:
            return False
        return any(address in network for network in self._networks)

    def origin(self, direct: Origin, headers: Mapping[bytes, bytes]) -> Origin:
        """What a trusted peer says about the client. `direct` is what the connection itself tells."""
        hops = _standard_hops(headers) if self.standard else _customary_hops(headers)
        peer, depth = direct.peer, 0
        for address in reversed(hops.addresses):
            if not self.trusts(peer):
                break
            named = _address(address)
            if named is None:
                break
            peer = named
            depth += 1
        written = max(depth, 1)
        scheme = _nth_from_right(hops.schemes, written).lower()
        return Origin(
            peer,
            scheme if scheme in ("http", "https") else direct.scheme,
            _host(_nth_from_right(hops.hosts, written)) or direct.host,
        )


class _Hops(msgspec.Struct, frozen=True):
    addresses: Sequence[str]
    schemes: Sequence[str]
    hosts: Sequence[str]


def _customary_hops(headers: Mapping[bytes, bytes]) -> _Hops:
    return _Hops(
        _listed(headers.get(b"x-forwarded-for")),
        _listed(headers.get(b"x-forwarded-proto")),
        _listed(headers.get(b"x-forwarded-host")),
    )


def _standard_hops(headers: Mapping[bytes, bytes]) -> _Hops:
    """RFC 7239: one element per proxy. A quoted comma or semicolon does not occur in what we look for."""
    elements = [dict(_pairs(element)) for element in _listed(headers.get(b"forwarded"))]
    return _Hops(
        [element.get("for", "") for element in elements],
        [element.get("proto", "") for element in elements],
        [element.get("host", "") for element in elements],
    )


def _pairs(element: str) -> Iterable[tuple[str, str]]:
    for part in element.split(";"):
        match = _PAIR.fullmatch(part)
        if match:
            yield match[1].lower(), match[2].strip('"')


def _listed(value: bytes | None) -> list[str]:
    return [] if value is None else [item.strip() for item in value.decode("latin-1").split(",")]


def _nth_from_right(items: Sequence[str], nth: int) -> str:
    """Proxies that replace instead of append leave a shorter list: then its first."""
    return "" if not items else items[max(0, len(items) - nth)]


def _address(text: str) -> str | None:
    """An address from `1.2.3.4`, `1.2.3.4:80`, `::1` or `[::1]:80`; None for a name or `unknown`."""
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        return str(ip_address(text))
    except ValueError:
        return None


def _host(text: str) -> str:
    try:
        return read_host(text.encode("latin-1"), required=True) if text else ""
    except BadRequestError:
        return ""


def _network(text: str) -> IPv4Network | IPv6Network:
    try:
        return ip_network(text, strict=False)
    except ValueError as error:
        raise ConfigError(
            f"trusted proxies: {text!r} is neither an address nor a network; write 10.0.0.0/8."
        ) from error


def read_root_path(text: str) -> str:
    """A path prefix as configured (`/gateway`, `gateway/`), as one slash and no slash at the end; "" for none."""
    trimmed = text.strip("/")
    return f"/{trimmed}" if trimmed else ""


def strip_root_path(path: str, root: str) -> str:
    """The path below `root`. Proxies differ in whether they strip the prefix themselves: both are served."""
    if not root or not path.startswith(root):
        return path
    rest = path[len(root) :]
    if not rest:
        return "/"
    return rest if rest.startswith("/") else path


def public_base(public_url: str, scheme: str, host: str, root: str) -> str:
    """The address under which clients know this server, without a slash at the end: as the operator says, else as the
    request came."""
    return public_url.rstrip("/") if public_url else f"{scheme}://{host}{root}"
