"""Cross-origin requests from browsers: pure decisions, from a policy and a request's headers.

Rules
- No policy, no headers: the browser refuses. Nothing here replaces a key.
- `*` never goes with credentials; the pair is refused when the policy is made. Bearer keys need no credentials mode.
- Where the answer depends on the origin, `Vary: Origin` is always there, also for an origin that is not allowed.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from tollbridge.errors import ConfigError

Pairs = tuple[tuple[bytes, bytes], ...]

_VARY: Pairs = ((b"vary", b"Origin"),)


class Cors(msgspec.Struct, frozen=True, kw_only=True):
    """`origins`: exact (`https://app.example.com`), `https://*.example.com` for any subdomain, or `*`.
    `headers`: that a browser may send, `*` for any. `expose`: that a script may read. `max_age_s`: of a preflight."""

    origins: tuple[str, ...] = ()
    credentials: bool = False
    methods: tuple[str, ...] = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
    headers: tuple[str, ...] = ("*",)
    expose: tuple[str, ...] = ()
    max_age_s: int = 600

    def __post_init__(self) -> None:
        if self.credentials and "*" in self.origins:
            raise ConfigError("cors: origins '*' with credentials would give every page the user's rights; name them.")
        for origin in self.origins:
            if origin != "*" and ("://" not in origin or origin.endswith("/")):
                raise ConfigError(f"cors: {origin!r} is no origin; write https://app.example.com, without a path.")

    def allows(self, origin: str) -> bool:
        return any(_matches(pattern, origin) for pattern in self.origins)

    def answer_headers(self, headers: Mapping[bytes, bytes]) -> Pairs:
        """To be added to every answer. Empty where the request has no Origin and the policy is the same for all."""
        if not self.origins:
            return ()
        allowed = self._allowed(headers)
        if allowed and self.expose:
            allowed += ((b"access-control-expose-headers", ", ".join(self.expose).encode("ascii")),)
        return allowed if "*" in self.origins else _VARY + allowed

    def preflight(self, method: str, headers: Mapping[bytes, bytes]) -> Pairs | None:
        """None where this is no preflight; else the headers of an empty 204. The browser reads a refusal from what is
        missing."""
        wanted = headers.get(b"access-control-request-method")
        if method != "OPTIONS" or wanted is None or b"origin" not in headers:
            return None
        vary: Pairs = ((b"vary", b"Origin, Access-Control-Request-Method, Access-Control-Request-Headers"),)
        allowed = self._allowed(headers)
        if not allowed or wanted.decode("latin-1") not in self.methods:
            return vary
        answer = (*vary, *allowed, (b"access-control-allow-methods", ", ".join(self.methods).encode("ascii")))
        names = self._allowed_names(headers.get(b"access-control-request-headers", b""))
        if names:
            answer += ((b"access-control-allow-headers", names),)
        return (*answer, (b"access-control-max-age", b"%d" % self.max_age_s))

    def _allowed(self, headers: Mapping[bytes, bytes]) -> Pairs:
        origin = headers.get(b"origin")
        if origin is None or not self.allows(origin.decode("latin-1")):
            return ()
        if "*" in self.origins:
            return ((b"access-control-allow-origin", b"*"),)
        answer: Pairs = ((b"access-control-allow-origin", origin),)
        return (*answer, (b"access-control-allow-credentials", b"true")) if self.credentials else answer

    def _allowed_names(self, requested: bytes) -> bytes:
        """`*` repeats what was asked for: the literal `*` does not cover Authorization (Fetch standard)."""
        if "*" in self.headers:
            return requested
        return ", ".join(self.headers).encode("ascii")


def _matches(pattern: str, origin: str) -> bool:
    if pattern in ("*", origin):
        return True
    before, star, after = pattern.partition("*")
    if not star or not origin.startswith(before) or not origin.endswith(after):
        return False
    label = origin[len(before) : len(origin) - len(after)]
    return bool(label) and all(character.isalnum() or character in "-." for character in label)
