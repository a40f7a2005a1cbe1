"""Headers and error bodies of answers: what a client is told besides the model's words."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Sequence
from copy import copy
from functools import cache, lru_cache

import msgspec

from tollbridge.calls.deployment import Deployment
from tollbridge.calls.headers import Pair, lines
from tollbridge.calls.provider_headers import provider_headers
from tollbridge.errors import APIError, AuthenticationError, StoreUnavailable
from tollbridge.model.money import spell_dollars
from tollbridge.model.response import Caveat
from tollbridge.observe import Record
from tollbridge.policy.principal import Principal
from tollbridge.secret import without_keys_in_bytes
from tollbridge.server.allowance import Held
from tollbridge.wires.base import Wire
from tollbridge.wires.gemini.vocabulary import NAME as GEMINI

JSON = (b"content-type", b"application/json")
EVENT_STREAM = (b"content-type", b"text/event-stream; charset=utf-8")
NO_CACHE = (b"cache-control", b"no-cache")
NO_STORE = (b"cache-control", b"no-store")
NO_BUFFERING = (b"x-accel-buffering", b"no")
NEVER_AGAIN = (b"x-should-retry", b"false")
"""Of a status that the SDKs of OpenAI and Anthropic ask again by themselves (openai 3.57.0 and anthropic 2.14.0,
`_base_client.py`, seen 2026-11-28): this time nothing comes of it."""
JSON_LINES = lines((JSON,))
STREAM_LINES = lines((EVENT_STREAM, NO_CACHE, NO_BUFFERING))
LISTED_LINES = lines((JSON, NO_CACHE, NO_BUFFERING))

CAVEATS_BYTES_MAX = 2_000

_encode = msgspec.json.Encoder().encode


REQUEST_ID = {
    "openai_chat": b"x-request-id",
    "anthropic_messages": b"request-id",
    "openai_responses": b"x-request-id",
    GEMINI: b"x-request-id",
}
"""Where each dialect's clients look for the request's id."""
_OWN = {
    dialect: b"%b: %%b\r\nx-tollbridge-request-id: %%b\r\nx-litellm-call-id: %%b\r\n" % name
    for dialect, name in REQUEST_ID.items()
}
_OWN_OF_TASK = _OWN["openai_chat"]


def own_headers(record: Record, dialect: Wire) -> bytes:
    """The request's id, where the dialect's clients look for it, and under our own name; as lines."""
    return _OWN.get(dialect.name, _OWN_OF_TASK) % ((record.request_id.encode(),) * 3)


def route_headers(record: Record, deployment: Deployment, caveats: Sequence[Caveat]) -> bytes:
    """Who answered, after how many attempts, and what could not be said; as lines."""
    route = _route(
        record.model_requested, deployment.provider, deployment.id, record.group, record.attempts, record.fallbacks
    )
    return route + caveat_headers(caveats) if caveats else route


def caveat_headers(caveats: Sequence[Caveat]) -> bytes:
    return plain_caveat_headers(plainly(caveats)) if caveats else b""


def plain_caveat_headers(caveats: Collection[str]) -> bytes:
    """`caveats`: as a record has them."""
    return b"x-tollbridge-caveats: %b\r\n" % told_plainly(caveats) if caveats else b""


def cost_headers(nanousd: int | None, held: Held | None) -> bytes:
    """What the answer cost, under our name and LiteLLM's, and what the key may still use; as lines."""
    headers = b"" if held is None else held.headers()
    if nanousd is None:
        return headers
    cost = spell_dollars(nanousd).encode()
    return b"x-tollbridge-cost-usd: %b\r\nx-litellm-response-cost: %b\r\n%b" % (cost, cost, headers)


def time_headers(record: Record, elsewhere_s: float = 0.0) -> bytes:
    """How long it took, and what of that the gateway did, for LiteLLM's clients; of a stream, to its first words; as
    lines. `elsewhere_s`: as `accounting.Elsewhere` has it."""
    took = record.ttft_ms or record.duration_ms
    own = max(0.0, took - record.upstream_ms - elsewhere_s * 1000)
    return b"x-litellm-response-duration-ms: %.3f\r\nx-litellm-overhead-duration-ms: %.3f\r\n" % (took, own)


def passed_on(received: Sequence[Pair], held: Held | None) -> list[Pair]:
    """What a client may see of the provider's headers; of limits only the key's own, where it has some."""
    return provider_headers(received, limits=held is None or not held.limited)


@lru_cache(maxsize=1024)
def _route(model: str, provider: str, deployment: str, group: str, attempts: int, fallbacks: int) -> bytes:
    return lines(
        (
            (b"x-tollbridge-model", printable(model)),
            (b"x-tollbridge-provider", printable(provider)),
            (b"x-tollbridge-attempts", b"%d" % attempts),
            (b"x-litellm-model-id", printable(deployment)),
            (b"x-litellm-model-group", printable(group)),
            (b"x-litellm-version", _version()),
            (b"x-litellm-attempted-retries", b"%d" % max(0, attempts - 1 - fallbacks)),
            (b"x-litellm-attempted-fallbacks", b"%d" % fallbacks),
        )
    )


@cache
def _version() -> bytes:
    """Ours. By this header clients tell a gateway of LiteLLM's kind from a vendor."""
    from importlib.metadata import version  # 20 ms that a start need not spend

    return b"tollbridge/%b" % version("tollbridge").encode()


def printable(text: str) -> bytes:
    """A header value: what is no visible ASCII becomes `?`."""
    return text.encode("ascii", "replace") if text.isascii() and text.isprintable() else _shown(text)


def _shown(text: str) -> bytes:
    return "".join(c if " " <= c <= "~" else "?" for c in text).encode("ascii")


def plainly(caveats: Sequence[Caveat]) -> tuple[str, ...]:
    """`code where` of each."""
    return tuple(f"{caveat.code} {caveat.where}" for caveat in caveats)


def told(caveats: Sequence[Caveat]) -> bytes:
    return told_plainly(plainly(caveats))


def told_plainly(caveats: Iterable[str]) -> bytes:
    """`code where; code where`, cut at a whole item."""
    value = b"; ".join(map(printable, caveats))
    if len(value) <= CAVEATS_BYTES_MAX:
        return value
    return value[:CAVEATS_BYTES_MAX].rpartition(b"; ")[0] + b"; ..."


def shown_to(principal: Principal | None, error: APIError) -> APIError:
    """As who asked may know it: at which addresses the operator's models are is told to the admin alone."""
    if not error.public or (principal is not None and principal.admin):
        return error
    shown = copy(error)
    shown.message = error.public
    return shown


def error_answer(dialect: Wire, error: APIError, held: Held | None = None) -> tuple[int, list[Pair], bytes]:
    """(status, headers, body). Where the provider spoke this dialect its own body goes on, without secrets. A key that
    a client put where a name belongs is not said again, and no path or address of the database is told. `held`: by the
    key, whose limits are told in place of the provider's."""
    if isinstance(error, StoreUnavailable) and error.code is None:
        error = StoreUnavailable("The database does not answer now. Try again.", retry_after_s=error.retry_after_s)
    status, body = dialect.write_error(error)
    if error.wire == dialect.name and isinstance(error.body, dict) and "error" in error.body:
        body = error.body
    headers = [JSON]
    received = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in error.headers]
    headers.extend(header for header in passed_on(received, held) if not header[0].startswith(b"retry-after"))
    if error.retry_after_s is not None:
        headers.append((b"retry-after", b"%d" % max(0, math.ceil(error.retry_after_s))))
    if not error.retryable and (status == 429 or type(error).retryable):
        headers.append(NEVER_AGAIN)
    if isinstance(error, AuthenticationError) and not error.provider:
        headers.append((b"www-authenticate", b"Bearer"))
    return status, headers, without_keys_in_bytes(_encode(body))
