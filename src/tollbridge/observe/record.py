"""One request from its first byte to its last, as the pipeline fills it in. Encoded as JSON it is the log line."""

from __future__ import annotations

from typing import Literal, Protocol

import msgspec

from tollbridge.model.json import Json
from tollbridge.model.response import Usage

Outcome = Literal["ok", "client_error", "upstream_error", "gateway_error", "cancelled", "timeout"]


NOT_LOGGED = 0.0
"""The default itself: msgspec leaves out a field that holds this very object."""


class Record(msgspec.Struct, omit_defaults=True, tag_field="event", tag="request"):
    """`at`: epoch seconds, `began`: the same moment on the monotonic clock (neither is logged: `ts` is). Times in
    milliseconds: `ttft_ms` until the first bytes of a stream, `upstream_ms` waiting for
    the provider before them, `overhead_ms` what the gateway added to that.

    `group` is the configured name that the model resolved to, or "": the only model name that may become a metric's
    label (`model_requested` is whatever the client wrote). `tokens` is `usage` in the log's words; `caveats`: code and
    place of each.
    """

    ts: str = ""
    level: str = ""
    request_id: str = ""
    trace_id: str = ""
    key_id: str = ""
    endpoint: str = ""
    method: str = "POST"
    model_requested: str = ""
    group: str = ""
    deployment: str = ""
    provider: str = ""
    model: str = ""
    status: int = 0
    outcome: Outcome = "ok"
    error_class: str = ""
    attempts: int = 0
    fallbacks: int = 0
    relayed: bool = False
    stream: bool = False
    ttft_ms: float = 0.0
    upstream_ms: float = 0.0
    overhead_ms: float = 0.0
    duration_ms: float = 0.0
    tokens: dict[str, int] | None = None
    user: str | None = None
    tags: tuple[str, ...] = ()
    metadata: Json = None
    client: str = ""
    peer: str = ""
    caveats: tuple[str, ...] = ()
    at: float = NOT_LOGGED
    began: float = NOT_LOGGED


def tokens(usage: Usage) -> dict[str, int]:
    """Usage in the log's words, without what is zero or unknown."""
    counts = {"input": usage.input, "output": usage.output}
    if usage.cache_read:
        counts["cache_read"] = usage.cache_read
    if usage.cache_write:
        counts["cache_write"] = usage.cache_write
    if usage.reasoning:
        counts["reasoning"] = usage.reasoning
    return counts


class Observer(Protocol):
    """Told of each request once, after its last byte. Must be quick and must not raise."""

    def done(self, record: Record) -> None: ...
