"""Cursors of merged lists: where the next page begins, signed. One is good for who was given it, the same list and the
same servers."""

from __future__ import annotations

import hashlib
import hmac

from tollbridge.mcp.jsonrpc import INVALID_PARAMS, RpcError
from tollbridge.model.json import Json

DIGITS_MAX = 9


class Cursors:
    """`whose`: the principal and the servers that it sees."""

    def __init__(self, key: bytes, whose: str) -> None:
        self._key = key
        self._whose = whose

    def sealed(self, method: str, begin: int) -> str:
        return f"{begin}.{self._mac(method, str(begin))}"

    def opened(self, method: str, cursor: Json) -> int:
        """Raises RpcError."""
        said, _, mac = cursor.partition(".") if isinstance(cursor, str) else ("", "", "")
        good = said.isascii() and said.isdigit() and len(said) <= DIGITS_MAX
        if not good or not hmac.compare_digest(mac.encode(), self._mac(method, said).encode()):
            raise RpcError(INVALID_PARAMS, "This `cursor` was not given here.", status=400)
        return int(said)

    def _mac(self, method: str, said: str) -> str:
        return hmac.new(self._key, f"{self._whose} {method} {said}".encode(), hashlib.sha256).hexdigest()[:32]
