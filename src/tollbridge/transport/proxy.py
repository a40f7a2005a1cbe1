"""Which proxy an environment names for an origin. Pure.

The variables have no standard; this is what curl and Go agree on, and the safer of the two where they do not:

1. `http_proxy` for http, `https_proxy` for https, `all_proxy` for what these leave open; lower case wins over upper.
   HTTP_PROXY in upper case is ignored where REQUEST_METHOD is set: a CGI's client could have sent it ("httpoxy").
2. `no_proxy`, separated by commas or spaces: `*`; a name, which stands for its subdomains too (`example.com`,
   `.example.com`, `*.example.com` are the same); an address; a network (`10.0.0.0/8`); any but `*` with `:port`.
3. This machine (`localhost`, 127.0.0.0/8, ::1) is never reached through a proxy.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from ipaddress import ip_address, ip_network
from urllib.parse import urlsplit

from tollbridge.errors import ConfigError
from tollbridge.transport.base import Origin
from tollbridge.transport.egress import judge


def proxy_for(origin: Origin, environ: Mapping[str, str]) -> str:
    """The proxy's URL, with its credentials; "" for a direct connection. Raises ConfigError for an unusable one."""
    name, value = _named(origin.scheme, environ)
    if not value or _is_local(origin.host) or any(_matches(rule, origin) for rule in _rules(environ)):
        return ""
    url = value if "://" in value else f"http://{value}"
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        usable = False
    if not usable:  # the value may hold a password: only its name is shown
        raise ConfigError(f"the proxy in {name} cannot be used. Write http://host:port or https://host:port.")
    return url


def unusable_proxies(environ: Mapping[str, str]) -> Iterator[str]:
    """Why nothing that is far away is reached."""
    told = set[str]()
    for scheme in ("http", "https"):
        try:
            proxy_for(Origin(scheme, "far.example", 443), environ)
        except ConfigError as error:
            if str(error) not in told:
                told.add(str(error))
                yield str(error)


def names_a_proxy(environ: Mapping[str, str]) -> bool:
    return any(_named(scheme, environ)[1] for scheme in ("http", "https"))


def _named(scheme: str, environ: Mapping[str, str]) -> tuple[str, str]:
    for name in (f"{scheme}_proxy", f"{scheme}_proxy".upper(), "all_proxy", "ALL_PROXY"):
        if name == "HTTP_PROXY" and "REQUEST_METHOD" in environ:
            continue
        if value := environ.get(name, "").strip():
            return name, value
    return "", ""


def _rules(environ: Mapping[str, str]) -> list[str]:
    value = environ.get("no_proxy") or environ.get("NO_PROXY") or ""
    return value.lower().replace(",", " ").split()


def _is_local(host: str) -> bool:
    try:
        return judge(host) == "loopback"
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _matches(rule: str, origin: Origin) -> bool:
    if rule == "*":
        return True
    return any(port in (None, origin.port) and _covers(host, origin.host) for host, port in _readings(rule))


def _readings(rule: str) -> Iterator[tuple[str, int | None]]:
    """A rule as host and port. `::1` has colons and no port; `[::1]:80` has both."""
    if rule.startswith("["):
        host, _, port = rule[1:].partition("]")
        if not port:
            yield host, None
        elif port[1:].isdigit():
            yield host, int(port[1:])
        return
    host, colon, port = rule.rpartition(":")
    if colon and ":" not in host:
        if port.isdigit():
            yield host, int(port)
    else:
        yield rule, None


def _covers(rule: str, host: str) -> bool:
    try:
        address = ip_address(host)
    except ValueError:
        name = rule.removeprefix("*").removeprefix(".").removesuffix(".")
        return bool(name) and (host == name or host.endswith(f".{name}"))
    try:
        return address in ip_network(rule, strict=False)
    except ValueError:
        return False
