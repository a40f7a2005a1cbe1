"""An operator's base URL, taken apart, and a provider's path put to it. Pure; no name is looked up."""

from __future__ import annotations

import re
from typing import Literal
from urllib.parse import urlsplit

import msgspec

from tollbridge.errors import BadRequestError

PORTS = {"http": 80, "https": 443}
_FORBIDDEN = re.compile(r"[\x00-\x20\x7f\\<>\"]")


class Base(msgspec.Struct, frozen=True):
    """`path` has no slash at its end; `query` no question mark. `host` is lower case, an IPv6 address without
    brackets."""

    scheme: Literal["http", "https"]
    host: str
    port: int
    path: str
    query: str = ""

    @property
    def origin(self) -> str:
        """As a URL, without a slash at its end."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}" + ("" if self.port == PORTS[self.scheme] else f":{self.port}")


def read_base(url: str, provider: str) -> Base:
    """Raises BadRequestError (the operator's fault) with what is wrong, and never shows the URL's path or query."""
    url = url.strip()
    if _FORBIDDEN.search(url):
        raise _wrong(provider, "it holds a space or a control character")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise _wrong(provider, str(error)) from error
    if parts.scheme not in PORTS:
        raise _wrong(provider, "it must start with http:// or https://")
    if not parts.hostname:
        raise _wrong(provider, "it names no host")
    if parts.username is not None or parts.password is not None:
        raise _wrong(provider, "it holds a user name; pass the key as `api_key`")
    if parts.fragment:
        raise _wrong(provider, "it holds a #fragment")
    try:
        host = parts.hostname.lower() if parts.hostname.isascii() else parts.hostname.encode("idna").decode()
    except UnicodeError as error:
        raise _wrong(provider, f"its host is not valid: {error}") from error
    scheme: Literal["http", "https"] = "https" if parts.scheme == "https" else "http"
    return Base(scheme, host, port or PORTS[scheme], parts.path.rstrip("/"), parts.query)


def join(base: str, path: str) -> str:
    """The path put to the base's own, without what the base already ends with.

    `/v1` and `/chat/completions` -> `/v1/chat/completions`; `/v1` and `/v1/messages` -> `/v1/messages`;
    `/v1/chat/completions` and `/chat/completions` -> `/v1/chat/completions`."""
    before, after = base.rstrip("/").split("/"), path.strip("/").split("/")
    for shared in range(min(len(before), len(after)), 0, -1):
        if before[-shared:] == after[:shared]:
            return "/".join([*before, *after[shared:]])
    return "/".join([*before, *after])


def _wrong(provider: str, why: str) -> BadRequestError:
    return BadRequestError(
        f"The base URL of {provider} cannot be used: {why}.", param="api_base", provider=provider, fault="operator"
    )
