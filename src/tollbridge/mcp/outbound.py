"""With which headers a caller's request goes to an MCP server (decision 20).

1. The operator's credential and fixed headers, unless the caller brought a credential of their own for this server.
2. A credential of the caller's is spelled as the server's `auth_type` says, unless it names a scheme itself. It is
   never replaced by the operator's where it turns out to be wrong.
3. Of the client's other headers those that the operator named go along. The gateway's key never does.
"""

from __future__ import annotations

import base64

from tollbridge.mcp.call import Credentials
from tollbridge.mcp.definition import Definition
from tollbridge.mcp.http import Pairs

SCHEMES = ("bearer ", "basic ", "token ", "digest ", "negotiate ", "aws4-hmac-sha256 ")
NEVER = frozenset({"x-litellm-api-key", "x-mcp-auth", "host", "content-length", "connection", "cookie", "origin"})


def headers_for(definition: Definition, credentials: Credentials) -> Pairs:
    if definition.address is None:
        return ()
    own = credentials.own.get(definition.name) or credentials.common
    headers = {name.lower(): value for name, value in definition.address.headers}
    if not own and not definition.brings:
        return tuple(headers.items())
    for name, value in own:
        if name == "authorization":
            headers.update(credential(definition.auth_type, value))
        else:
            headers[name] = value
    for name in definition.brings:
        brought = credentials.brought(name)
        if brought is not None and name not in NEVER:
            headers[name] = brought
    return tuple(headers.items())


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
