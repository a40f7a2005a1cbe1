"""With which headers a caller's request goes to an MCP server (decision 20).

1. The operator's fixed headers, which nobody replaces: what a client brings under one of their names does not go along
   (LiteLLM's `static_headers` win likewise, litellm/proxy/_experimental/mcp_server/utils.py, seen 2026-11-28), and
   the log tells it once. And the operator's credential, unless the caller brought one of their own for this server.
2. A credential of the caller's is spelled as the server's `auth_type` says, unless it names a scheme itself. It is
   never replaced by the operator's where it turns out to be wrong.
3. Of the client's other headers those that the operator named go along. The gateway's key never does.
4. Whoever brings a header of their own says nothing that leads, frames or reads a request otherwise: it may go beside
   the operator's credential, which is for that server's address alone.
"""

from __future__ import annotations

import base64

from tollbridge.mcp.call import Credentials
from tollbridge.mcp.definition import Definition
from tollbridge.mcp.http import Pairs
from tollbridge.transport.head import FRAMING

SCHEMES = ("bearer ", "basic ", "token ", "digest ", "negotiate ", "aws4-hmac-sha256 ")
NEVER = FRAMING | {"x-litellm-api-key", "x-mcp-auth", "host", "cookie", "origin"}
_OURS: tuple[tuple[str, tuple[str, ...], tuple[str, ...]], ...] = (
    ("it says where a request is for, which the configuration does", ("host", "x-host", "origin"), ()),
    (
        "it says where a request came from or is for, which only who forwards it may say",
        (
            *("forwarded", "via", "x-real-ip", "x-client-ip", "x-cluster-client-ip", "true-client-ip"),
            *("cf-connecting-ip", "fastly-client-ip", "x-rewrite-url"),
            *("x-http-method-override", "x-http-method", "x-method-override"),
        ),
        ("x-forwarded-", "x-original-", "x-envoy-"),
    ),
    ("cookies are no part of MCP", ("cookie", "cookie2"), ()),
    ("it belongs to the connection", (*FRAMING, "http2-settings"), ("proxy-",)),
    ("the gateway writes what is sent, and says what it is", ("accept", "accept-encoding"), ("content-",)),
    ("it belongs to the protocol", ("last-event-id",), ("mcp-", ":")),
)
"""Why a client may not set a header: names, and what others begin with."""


def headers_for(definition: Definition, credentials: Credentials) -> Pairs:
    if definition.address is None:
        return ()
    headers = {name.lower(): value for name, value in definition.address.headers}
    brought = _brought(definition, credentials)
    headers.update((name, value) for name, value in brought.items() if name not in definition.fixed)
    return tuple(headers.items())


def overruled(definition: Definition, credentials: Credentials) -> tuple[str, ...]:
    """Headers of the client's in whose place the operator's go, where those say something else."""
    if definition.address is None or not definition.fixed:
        return ()
    fixed = {name.lower(): value for name, value in definition.address.headers}
    brought = _brought(definition, credentials)
    return tuple(name for name, value in brought.items() if name in definition.fixed and fixed[name] != value)


def _brought(definition: Definition, credentials: Credentials) -> dict[str, str]:
    own = credentials.own.get(definition.name) or credentials.common
    brought: dict[str, str] = {}
    for name, value in own:
        if name == "authorization":
            brought.update(credential(definition.auth_type, value))
        else:
            brought[name] = value
    for name in definition.brings:
        told = credentials.brought(name)
        if told is not None and name not in NEVER:
            brought[name] = told
    return brought


def why_not(name: str) -> str | None:
    """Why a client may not bring this header (in lower case) for a server; None where it may."""
    return next((why for why, names, starts in _OURS if name in names or name.startswith(starts)), None)


def credential(auth_type: str, value: str) -> Pairs:
    """As a header."""
    if auth_type == "api_key":
        return (("x-api-key", value),)
    if value.lower().startswith(SCHEMES) or auth_type == "authorization":
        return (("authorization", value),)
    if auth_type == "basic":
        return (("authorization", "Basic " + base64.b64encode(value.encode()).decode()),)
    if auth_type == "token":
        return (("authorization", "token " + value),)
    return (("authorization", "Bearer " + value),)
