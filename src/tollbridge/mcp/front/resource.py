"""The gateway as a protected resource (RFC 9728): what each address is called, who gives tokens for it, and what a
request without one is told."""

from __future__ import annotations

from tollbridge.model.json import JsonObject
from tollbridge.server.inbound import Headers

METADATA = "/.well-known/oauth-protected-resource"
SCOPE = "mcp"
ALL = "/mcp"


def path_of(path: str) -> str | None:
    """The resource at a path of the endpoint; None of what is none of it."""
    path = path.rstrip("/")
    if path and not path.startswith("/"):
        return None
    if path in ("", ALL) or path.startswith(ALL + "/") or path.endswith(ALL):
        return path or ALL
    return "/sse" if path == "/sse" or path.startswith("/sse/") else None


def metadata(base: str, path: str, issuers: tuple[str, ...], scopes: tuple[str, ...]) -> JsonObject:
    return {
        "resource": base + path,
        "authorization_servers": list(issuers),
        "scopes_supported": list(scopes),
        "bearer_methods_supported": ["header"],
        "resource_name": "Tollbridge",
    }


def covers(resource: str, base: str, path: str) -> bool:
    """A token for `resource` is good at this path."""
    url = base + path.rstrip("/")
    return resource in (base, base + ALL, url) or url.startswith(resource.rstrip("/") + "/")


def challenge(base: str, path: str, scopes: tuple[str, ...], error: str) -> Headers:
    """`error`: why what was shown will not do; "" where nothing was."""
    said = f'Bearer resource_metadata="{base}{METADATA}{path_of(path) or ALL}", scope="{" ".join(scopes)}"'
    if error:
        said += f', error="{error}"'
    return ((b"www-authenticate", said.encode("latin-1", "replace")),)
