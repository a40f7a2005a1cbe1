"""What a client is told of its key's limits. Names as LiteLLM gives them (litellm 1.10x, seen 2026-11-25):

    x-ratelimit-{limit,remaining}-{requests,tokens}             OpenAI's names: those of the key, where it has limits
                                                                (docs/proxy/response_headers.md)
    x-ratelimit-api_key-{limit,remaining}-{requests,tokens,max_parallel_requests}
                                                                its third limiter's own (hooks/_rate_limit_headers.py)
    x-litellm-key-{rpm,tpm}-limit                               (common_request_processing.py, `get_custom_headers`)

A 429 has the same and `retry-after`. A reset time is not told: the window slides.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from tollbridge.policy.window import Window
from tollbridge.store.key import Key

Headers = tuple[tuple[bytes, bytes], ...]


def limit_headers(key: Key, window: Window) -> Headers:
    headers = _limits(key.rpm, key.tpm, key.parallel)
    if key.rpm is not None:
        left = _number(key.rpm - window.requests)
        headers += (
            (b"x-ratelimit-remaining-requests", left),
            (b"x-ratelimit-api_key-remaining-requests", left),
        )
    if key.tpm is not None:
        left = _number(key.tpm - window.tokens)
        headers += ((b"x-ratelimit-remaining-tokens", left), (b"x-ratelimit-api_key-remaining-tokens", left))
    if key.parallel is not None:
        headers += ((b"x-ratelimit-api_key-remaining-max_parallel_requests", _number(key.parallel - window.flying)),)
    return headers


@lru_cache(maxsize=1024)
def _limits(rpm: int | None, tpm: int | None, parallel: int | None) -> Headers:
    """What does not change from request to request, encoded once."""
    headers: Headers = ()
    for limit, noun, name in ((rpm, b"requests", b"rpm"), (tpm, b"tokens", b"tpm")):
        if limit is not None:
            value = b"%d" % limit
            headers += (
                (b"x-ratelimit-limit-" + noun, value),
                (b"x-ratelimit-api_key-limit-" + noun, value),
                (b"x-litellm-key-" + name + b"-limit", value),
            )
    if parallel is not None:
        headers += ((b"x-ratelimit-api_key-limit-max_parallel_requests", b"%d" % parallel),)
    return headers


def _number(left: int) -> bytes:
    return b"%d" % left if left > 0 else b"0"


def text_headers(headers: Iterable[tuple[bytes, bytes]]) -> tuple[tuple[str, str], ...]:
    """As an error carries them."""
    return tuple((name.decode(), value.decode()) for name, value in headers)


def without_limits(headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """A provider's headers, for a client that is told its key's own limits instead."""
    return [header for header in headers if not header[0].startswith(b"x-ratelimit-")]
