"""What a load generator is told (as JSON on stdin) and what it answers (as JSON on stdout)."""

from __future__ import annotations

import msgspec

from bench.mock.dialects import DialectName


class Aim(msgspec.Struct, frozen=True, kw_only=True):
    """Where to, with what, and what should come back. `script` is what the mock was told: it fixes the text. `keys`
    ask in turn, where there are any."""

    port: int
    headers: dict[str, str]
    dialect: DialectName
    path: str
    body: bytes
    stream: bool
    script: str
    keys: tuple[str, ...] = ()


class Saturate(msgspec.Struct, frozen=True, kw_only=True, tag="saturate"):
    """Each connection sends the next request when it has the last answer."""

    aim: Aim
    connections: int
    seconds: float


class PacedStreams(msgspec.Struct, frozen=True, kw_only=True, tag="paced_streams"):
    """All at once. CPU of `pids` is taken between the moment when every stream has begun to flow and the moment when
    the first one ends (or after `seconds`), so that opening and closing do not count."""

    aim: Aim
    connections: int
    seconds: float
    pids: list[int]


class OpenLoop(msgspec.Struct, frozen=True, kw_only=True, tag="open_loop"):
    """A request each 1/`rate` s, whatever became of the others; latency counts from the intended start."""

    aim: Aim
    rate: float
    seconds: float


Job = Saturate | PacedStreams | OpenLoop


class Outcome(msgspec.Struct, kw_only=True):
    """`cpu_s` over `events` for streams; elsewhere the caller takes CPU himself."""

    requests: int = 0
    seconds: float = 0.0
    events: int = 0
    cpu_s: float = 0.0
    latencies_ms: list[float] = []
    errors: dict[str, int] = {}
