"""How much of everything one client may use. Beyond a limit stands a clear 4xx and, mostly, a closed connection."""

from __future__ import annotations

import msgspec


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """Sizes in bytes, times in seconds. Times are looked at every `tick_s`, so they are that coarse."""

    target_bytes: int = 8 * 1024
    """Path and query. 414."""
    head_bytes: int = 32 * 1024
    """Request line and headers. 431."""
    header_count: int = 128
    """431."""
    body_bytes: int = 64 * 1024 * 1024
    """A body, decoded; a route may have its own limit. 413, at once where Content-Length tells. Images and PDFs travel
    as base64 in JSON: Anthropic takes requests of 32 MB, OpenAI of 50 MB."""
    upload_bytes: int = 1024 * 1024 * 1024
    """A body that is handed on as it arrives (files, pass-through). 413. OpenAI takes files of 512 MB."""
    chunk_overhead_bytes: int = 16 * 1024
    """Chunk extensions and trailers, beyond 8 bytes of framing per byte of body. 400."""
    inflation: int = 100
    """A compressed body may grow that many times (beyond the first MiB). 413."""
    pipelined_bytes: int = 64 * 1024
    """Held for later requests while one is being handled; beyond it reading pauses."""
    discard_bytes: int = 64 * 1024
    """The body of a refused request is read and thrown away up to this length, to keep the connection."""
    header_s: float = 15.0
    """From the first byte of a head to its end, also from accept to the first byte. 408."""
    body_s: float = 300.0
    """From the end of the head to the end of the body. 408."""
    body_rate: int = 500
    """Bytes per second of a body, on average, after the first `body_grace_s`. 408."""
    body_grace_s: float = 10.0
    idle_s: float = 75.0
    """Between two requests of a connection; longer than the 60 s that load balancers commonly keep one."""
    write_s: float = 60.0
    """A client that takes no byte for so long is gone."""
    linger_s: float = 2.0
    """After a refusal: how long the rest of the request is thrown away, so that the client can read the answer."""
    requests: int = 0
    """Requests per connection; 0: any number."""
    connections: int = 10_000
    """Open at once; beyond it 503."""
    tick_s: float = 0.5
