"""One request from its first byte to its last, as the pipeline fills it in."""

from __future__ import annotations

from typing import Literal, Protocol

import msgspec

from tollbridge.model.json import Json
from tollbridge.model.response import Caveat, Usage

Outcome = Literal["ok", "client_error", "upstream_error", "gateway_error", "cancelled", "timeout"]


class Record(msgspec.Struct):
    """Times in seconds; `received` on the monotonic clock, `at` is epoch time.

    `group` is the configured name that the model resolved to, or "": the only model name that may become a metric
    label (`model_asked` is whatever the client wrote). `first_s`: until the first bytes of the answer; `upstream_s`:
    time spent waiting for the provider before them."""

    id: str
    endpoint: str
    at: float
    received: float
    method: str = "POST"
    key: str = ""
    model_asked: str = ""
    group: str = ""
    deployment: str = ""
    provider: str = ""
    model: str = ""
    stream: bool = False
    relayed: bool = False
    attempts: int = 0
    fallbacks: int = 0
    status: int = 0
    outcome: Outcome = "ok"
    error: str = ""
    usage: Usage | None = None
    caveats: tuple[Caveat, ...] = ()
    first_s: float = 0.0
    upstream_s: float = 0.0
    duration_s: float = 0.0
    user: str | None = None
    tags: tuple[str, ...] = ()
    metadata: Json = None
    client: str = ""
    peer: str = ""
    trace: str = ""


class Observer(Protocol):
    """Told of each request once, after its last byte. Must be quick and must not raise."""

    def done(self, record: Record) -> None: ...
