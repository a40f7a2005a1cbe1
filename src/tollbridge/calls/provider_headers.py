"""Which of a provider's headers a client may see: waiting times, limits, and the provider's own name for the request.
All others (cookies, server, organisations) stay here."""

from __future__ import annotations

from collections.abc import Iterable

Headers = list[tuple[bytes, bytes]]

PASSED_ON = frozenset({b"retry-after", b"retry-after-ms", b"openai-processing-ms", b"openai-version"})
PASSED_PREFIXES = (b"x-ratelimit-", b"anthropic-ratelimit-")
RENAMED = {b"x-request-id": b"llm_provider-x-request-id", b"request-id": b"llm_provider-request-id"}


def provider_headers(received: Iterable[tuple[bytes, bytes]]) -> Headers:
    """Those that may be passed on. The request's id is renamed: the name is that of the client's own."""
    passed: Headers = []
    for name, value in received:
        if name in PASSED_ON or name.startswith(PASSED_PREFIXES):
            passed.append((name, value))
        elif name in RENAMED:
            passed.append((RENAMED[name], value))
    return passed
