"""Which URL of an MCP server is one of this gateway's own."""

from __future__ import annotations

from collections.abc import Collection
from urllib.parse import urlsplit

from tollbridge.model.json import JsonObject

OURS = ("litellm_proxy", "tollbridge")
"""What a client calls this gateway: LiteLLM's word for itself, which stands in what was written for it, and ours."""
NOT_OURS = object()


def servers_of(url: str, host: str, hosts: Collection[str]) -> tuple[str, ...] | object | None:
    """Which servers it names; None: it names none, and means all. `host`: by which the request came; `hosts`: others by
    which this gateway is reached."""
    own, _, rest = url.partition("/")
    if own in OURS:
        return _path("/" + rest)
    try:
        parts = urlsplit(url)
    except ValueError:  # brackets that are no address
        return NOT_OURS
    if not parts.netloc and url.startswith("/"):
        return _path(parts.path)
    if parts.scheme in ("http", "https") and parts.netloc.lower() in {host.lower(), *hosts}:
        return _path(parts.path)
    return NOT_OURS


def is_ours(definition: JsonObject, host: str, hosts: Collection[str]) -> bool:
    """Of one of a request's tools."""
    url = definition.get("server_url")
    return isinstance(url, str) and servers_of(url, host, hosts) is not NOT_OURS


def _path(path: str) -> tuple[str, ...] | object | None:
    """The servers that a path of the endpoint names."""
    parts = [part for part in path.split("/") if part]
    if parts in ([], ["mcp"]):
        return None
    if len(parts) == 2 and "mcp" in parts:
        name = parts[1] if parts[0] == "mcp" else parts[0]
        return tuple(item.strip() for item in name.split(",") if item.strip())
    return NOT_OURS
