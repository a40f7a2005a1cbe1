"""What a client is told of its key's limits. Names as LiteLLM gives them (litellm 1.10x, seen 2026-11-25):

    x-ratelimit-{limit,remaining}-{requests,tokens}             OpenAI's names: those of the key, where it has limits
                                                                (docs/proxy/response_headers.md)
    x-ratelimit-api_key-{limit,remaining}-{requests,tokens,max_parallel_requests}
                                                                its third limiter's own (hooks/_rate_limit_headers.py)
    x-litellm-key-{rpm,tpm}-limit                               (common_request_processing.py, `get_custom_headers`)

A 429 has the same and `retry-after`. A reset time is not told: the window slides.
"""

from __future__ import annotations

from functools import lru_cache

from tollbridge.calls.headers import pairs
from tollbridge.policy.window import Window
from tollbridge.store.key import Key


def limit_headers(key: Key, window: Window) -> bytes:
    """As lines."""
    left: tuple[int, ...] = ()
    if key.rpm is not None:
        requests = max(0, key.rpm - window.requests)
        left = (requests, requests)
    if key.tpm is not None:
        tokens = max(0, key.tpm - window.tokens)
        left += (tokens, tokens)
    if key.parallel is not None:
        left += (max(0, key.parallel - window.flying),)
    return _limits(key.rpm, key.tpm, key.parallel) % left


@lru_cache(maxsize=1024)
def _limits(rpm: int | None, tpm: int | None, parallel: int | None) -> bytes:
    """What does not change from request to request, with places for what is left."""
    told = b""
    for limit, noun, name in ((rpm, b"requests", b"rpm"), (tpm, b"tokens", b"tpm")):
        if limit is not None:
            told += b"x-ratelimit-limit-%b: %d\r\n" % (noun, limit)
            told += b"x-ratelimit-api_key-limit-%b: %d\r\n" % (noun, limit)
            told += b"x-litellm-key-%b-limit: %d\r\n" % (name, limit)
            told += b"x-ratelimit-remaining-%b: %%d\r\nx-ratelimit-api_key-remaining-%b: %%d\r\n" % (noun, noun)
    if parallel is not None:
        told += b"x-ratelimit-api_key-limit-max_parallel_requests: %d\r\n" % parallel
        told += b"x-ratelimit-api_key-remaining-max_parallel_requests: %d\r\n"
    return told


def text_headers(headers: bytes) -> tuple[tuple[str, str], ...]:
    """As an error carries them."""
    return tuple((name.decode(), value.decode()) for name, value in pairs((headers,)))
