"""One request from its first byte to its last, as the pipeline fills it in.

Encoded as JSON it is the request's log line and, where a provider was asked, its entry in the ledger's journal: one
value, three places, so that they cannot tell different stories.
"""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter
from typing import Literal, Protocol

import msgspec

from tollbridge.model.json import Json
from tollbridge.model.response import Usage

Outcome = Literal["ok", "client_error", "upstream_error", "gateway_error", "cancelled", "timeout"]


NOT_LOGGED = 0.0
"""The default itself: msgspec leaves out a field that holds this very object."""


class Tried(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One attempt. `status`: HTTP, 0 where nobody answered; `error_class`: "" where it answered. `tokens`,
    `cost_nanousd`, `estimated` as in `Record`: what this attempt was, or may have been, billed. `why`: what the network
    did, at which address, where that is why it failed; of the log alone."""

    deployment: str
    provider: str
    model: str
    status: int = 0
    error_class: str = ""
    ms: float = 0.0
    tokens: dict[str, int] | None = None
    cost_nanousd: int | None = None
    estimated: bool = False
    why: str = ""


class Record(msgspec.Struct, omit_defaults=True, tag_field="event", tag="request"):
    """`at`: epoch seconds, `began`: the same moment on the monotonic clock (neither is logged: `ts` is). Times in
    milliseconds: `ttft_ms` until the first bytes of a stream, `upstream_ms` waiting for
    the provider before them, `overhead_ms` what the gateway added to that.

    `group` is the configured name that the model resolved to, or "": the only model name that may become a metric's
    label (`model_requested` is whatever the client wrote). `tokens` is `usage` in the log's words, with
    what was counted by other measures (`model.response.UNITS`); `caveats`: code and place of each.

    Of the ledger: `id` is the entry's, a ULID, "" where no provider was asked. `answer_id`: the id in the answer, as
    the client saw it. `cost_nanousd`: of all attempts together; None is unknown, 0 is free. `estimated`: usage is our
    own count, not the provider's word. `priced`: where the prices are from; `bill`: what besides tokens they depend on
    (`catalog.kept`). `parent`: the entry whose tool loop this is a round of. `tried`: the attempts, in order, where
    there were others than the one that answered. `why`: as of an attempt, where there is none that tells it.
    """

    id: str = ""
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
    answer_id: str = ""
    tokens: dict[str, int] | None = None
    cost_nanousd: int | None = None
    estimated: bool = False
    priced: str = ""
    bill: dict[str, str | int] | None = None
    cache_hit: bool = False
    parent: str = ""
    tried: tuple[Tried, ...] = ()
    why: str = ""
    user: str | None = None
    tags: tuple[str, ...] = ()
    metadata: Json = None
    client: str = ""
    peer: str = ""
    caveats: tuple[str, ...] = ()
    at: float = NOT_LOGGED
    began: float = NOT_LOGGED


PARTS = (
    "cache_read",
    "cache_write",
    "cache_write_1h",
    "reasoning",
    "audio_input",
    "audio_output",
    "image_input",
    "image_output",
    "accepted_prediction",
    "rejected_prediction",
    "web_searches",
)
_parts: Callable[[Usage], tuple[int | None, ...]] = attrgetter(*PARTS)
"""Of `Usage`: what the log and the ledger tell besides the two totals. All are tokens, but for the searches."""


def tokens(usage: Usage) -> dict[str, int]:
    """Usage in the log's words, without what is zero or unknown."""
    counts = {"input": usage.input, "output": usage.output}
    parts = _parts(usage)
    if any(parts):
        counts.update((kind, count) for kind, count in zip(PARTS, parts, strict=True) if count)
    if usage.units is not None:
        counts.update(usage.units)
    return counts


class Observer(Protocol):
    """Told of each request once, when its last bytes go out. Must be quick and must not raise."""

    def done(self, record: Record, line: bytes | None = None) -> None:
        """`line`: the record as JSON, where it was written already."""
