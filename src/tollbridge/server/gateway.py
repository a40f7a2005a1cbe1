"""All that the routes share, assembled once. A reload makes a new one; a request keeps the one that it met."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

import msgspec

from tollbridge.calls.ask import Ask
from tollbridge.observe import Metrics, Observer, Record
from tollbridge.observe.ulid import Ulids
from tollbridge.policy.principal import Principal
from tollbridge.routing.engine import Engine
from tollbridge.server.allowance import Allowance
from tollbridge.server.idempotency import Idempotency
from tollbridge.server.identify import Authenticator
from tollbridge.server.responses import Responses
from tollbridge.server.toolbox import Toolboxes
from tollbridge.server.ways import Ways
from tollbridge.wires.base import Wire
from tollbridge.wires.seal import Seals

if TYPE_CHECKING:
    from collections.abc import Mapping


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """How requests are treated. Times in seconds; `body_limit` in bytes.

    `heartbeat_s`: the longest silence in a stream before a comment is sent. `cancel_on_disconnect`: False drains a
    stream whose client left, at most `drains_max` at once and `drain_s` long. `block_unpriced`: refuse a model of which
    no price is known. `streams_max`, `requests_max`: at once; above them 503 with Retry-After. `metrics_token`: None
    lets only loopback read `/metrics`. `expose_usage`: send the usage chunk also to clients that did not ask.
    `stream_cost`: and tell in it what the stream cost. `forward_client_headers`: the client's own `x-` headers go
    along, but never `key_header`, where the operator wants the gateway's key (in lower case). `user_header`: where
    clients say on whose behalf they ask. `access_groups`: names that may stand for models in a key's list."""

    body_limit: int = 64 * 1024 * 1024
    heartbeat_s: float = 15.0
    cancel_on_disconnect: bool = True
    drains_max: int = 64
    drain_s: float = 60.0
    block_unpriced: bool = False
    streams_max: int = 2_000
    requests_max: int = 10_000
    metrics_token: str | None = None
    expose_usage: bool = False
    stream_cost: bool = False
    strict: bool = False
    forward_client_headers: bool = False
    key_header: bytes | None = None
    user_header: bytes | None = None
    access_groups: tuple[str, ...] = ()


class Load(msgspec.Struct):
    """What is under way now."""

    requests: int = 0
    streams: int = 0
    drains: int = 0
    shed: int = 0
    ready: bool = True


class Entries(Protocol):
    """Where requests are written down (`ledger.journal.Journal`). `failing`: why they cannot be now."""

    failing: str

    def check(self) -> None:
        """Raises ServiceUnavailableError where a new request could not be."""

    def append(self, record: Record) -> bytes | None:
        """Writes it, and gives its line of JSON."""


class References(Protocol):
    """Who knows the ids under which a client was given what a provider keeps (`files`)."""

    def open(self, ask: Ask, principal: Principal | None) -> None:
        """Puts the provider's own ids into a request. Raises NotFoundError where one is not this tenant's."""


class Gateway(msgspec.Struct, kw_only=True, eq=False):
    """`dialects`: the two-way wires by name. `started`: epoch seconds, for model listings. `idempotency`,
    `responses`: None where nothing is kept. `tools`: that are run here, where there are some. `references`: where
    files are kept for clients. `ways`: from the names that clients say to groups."""

    engine: Engine
    authenticator: Authenticator
    metrics: Metrics
    observers: Sequence[Observer]
    dialects: Mapping[str, Wire]
    seals: Seals
    rules: Rules
    load: Load
    started: int
    journal: Entries
    allowance: Allowance
    ulids: Ulids
    idempotency: Idempotency | None = None
    tools: Toolboxes | None = None
    responses: Responses | None = None
    references: References | None = None
    ways: Ways = msgspec.field(default_factory=Ways)

    def observe(self, record: Record, line: bytes | None) -> None:
        """`line`: the record as JSON, where it was written already."""
        for observer in self.observers:
            observer.done(record, line)
