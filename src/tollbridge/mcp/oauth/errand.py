"""What OAuth has to ask of others, as a generator of requests: it yields `Ask`, is sent `Told`, and returns what it
was for. Pure; `driver.py` carries it out.

    found = await driver.run(discover(...))
"""

from __future__ import annotations

from collections.abc import Generator
from typing import TypeVar
from urllib.parse import quote, urlencode

import msgspec

from tollbridge.mcp.http import Refused
from tollbridge.mcp.jsonrpc import UPSTREAM_FAILED, RpcError
from tollbridge.model.json import Json, JsonObject

T = TypeVar("T")
FORM = ("content-type", "application/x-www-form-urlencoded")
JSON = ("content-type", "application/json")
ACCEPT = ("accept", "application/json")


class Ask(msgspec.Struct, frozen=True):
    """`url`: absolute. Where it may lead is the driver's to judge."""

    method: str
    url: str
    headers: tuple[tuple[str, str], ...] = (ACCEPT,)
    body: bytes = b""

    def __repr__(self) -> str:
        """Shows neither headers nor body: secrets stand in them."""
        return f"<Ask {self.method}>"


class Told(msgspec.Struct, frozen=True):
    """`status` 0: it could not be reached, `why` tells, and `at` where that was. `body`: None where it is no JSON."""

    status: int
    body: Json = None
    why: str = ""
    at: str = ""

    @property
    def object(self) -> JsonObject | None:
        return self.body if isinstance(self.body, dict) else None


Errand = Generator[Ask, Told, T]


class OAuthError(Refused):
    """Signing in, or fetching a token, came to nothing: to others it is as if the server had refused the credential.
    `error`: the authorization server's own word, where it said one. `at`: which address it was, for the operator."""

    def __init__(self, message: str, error: str = "", at: str = "") -> None:
        super().__init__("", 401, RpcError(UPSTREAM_FAILED, message, {"code": error or "oauth_failed"}))
        self.where = f"{message} It was {at}." if at else ""
        self.error = error


def form(fields: dict[str, str | None]) -> bytes:
    return urlencode({name: value for name, value in fields.items() if value is not None}, quote_via=quote).encode()


def text_of(value: Json) -> str | None:
    """A text that is not empty and holds nothing that does not belong into a header or a URL."""
    return value if isinstance(value, str) and value and value.isascii() and value.isprintable() else None


def texts_of(value: Json) -> tuple[str, ...]:
    return tuple(item for item in value if isinstance(item, str)) if isinstance(value, list) else ()
