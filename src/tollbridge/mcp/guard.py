"""Whom an MCP endpoint answers at all: a page in somebody's browser is kept away by `Origin`, and one that made its own
name lead here (DNS rebinding) by `Host`. (MCP 2026-07-28, transports: security.)

1. A connection from this machine itself names this machine, or a name that the operator serves under.
2. An `Origin` is the one that was asked, or one that the operator allows.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from tollbridge.errors import PermissionDeniedError
from tollbridge.server.inbound import Inbound

_LOOPBACK_PEER = ("127.", "::1", "::ffff:127.")
_LOCAL = re.compile(
    r"(?:(?:[a-z0-9-]+\.)*localhost|127(?:\.[0-9]{1,3}){3}|\[(?:::1|::ffff:127(?:\.[0-9]{1,3}){3})\])(?::[0-9]{1,5})?",
    re.IGNORECASE,
)


class Guard:
    """`names`: hosts (`gateway.example`, with a port where it matters) that are served under. `origins`: allowed
    ones."""

    def __init__(self, names: Collection[str] = (), origins: Collection[str] = ()) -> None:
        self._names = frozenset(name.lower() for name in names)
        self._origins = frozenset(origin.lower() for origin in origins)

    def check(self, inbound: Inbound) -> None:
        """Raises PermissionDeniedError."""
        host = inbound.host.lower()
        if inbound.peer.startswith(_LOOPBACK_PEER) and not self._own(host):
            raise PermissionDeniedError(
                "The Host header names another machine. To serve under that name set `general_settings.public_url`.",
                code="foreign_host",
            )
        origin = inbound.headers.get(b"origin", b"").decode("latin-1").lower()
        if not origin or origin in self._origins or "*" in self._origins:
            return
        if origin.partition("://")[2] != host or (self._names and not self._own(host)):
            raise PermissionDeniedError("A page of this Origin may not speak to this endpoint.", code="foreign_origin")

    def _own(self, host: str) -> bool:
        return _LOCAL.fullmatch(host) is not None or host in self._names or host.rpartition(":")[0] in self._names
