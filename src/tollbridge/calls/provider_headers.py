"""Which of a provider's headers a client may see: waiting times, limits, and the provider's own name for the request.
All others (cookies, server, organisations) stay here."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

Headers = list[tuple[bytes, bytes]]

PASSED_ON = frozenset({b"retry-after", b"retry-after-ms", b"openai-processing-ms", b"openai-version"})
LIMITS = b"x-ratelimit-"
PASSED_PREFIXES = (LIMITS, b"anthropic-ratelimit-")
RENAMED = {b"x-request-id": b"llm_provider-x-request-id", b"request-id": b"llm_provider-request-id"}


def provider_headers(received: Iterable[tuple[bytes, bytes]], *, limits: bool = True) -> Headers:
    """Those that may be passed on. The request's id is renamed: the name is that of the client's own. `limits`: those
    under OpenAI's names too, by which a client may be told its key's own limits instead."""
    passed: Headers = []
    for name, value in received:
        told = _told_as(name, limits)
        if told:
            passed.append((told, value))
    return passed


@lru_cache(maxsize=1024)
def _told_as(name: bytes, limits: bool) -> bytes:
    """b"": not at all."""
    if name.startswith(LIMITS) and not limits:
        return b""
    return name if name in PASSED_ON or name.startswith(PASSED_PREFIXES) else RENAMED.get(name, b"")
