"""What is measured, as data. The script of a scenario is what the mock does for its model (`bench.mock.script`)."""

from __future__ import annotations

from typing import Literal

import msgspec

from bench.mock.dialects import DialectName

Kind = Literal["saturate", "paced_streams", "latency", "cold_start", "memory", "import", "workers", "stocked"]

ONE_KB, FOUR_KB = 1024, 4096
JSON_1K = "events=8,size=70"  # an answer of 1 kB with its envelope
JSON_4K = "events=8,size=440"
PACED = "events={events},size=24,pace_ms=50"


class Scenario(msgspec.Struct, frozen=True, kw_only=True):
    """`client` is the dialect that is asked in, `upstream` the one that the mock speaks. `connections` are concurrent
    requests or streams; `rate` is requests a second (open loop); `workers` are processes of the target. `stocked` is
    saturation of a gateway of its own, that has so many `keys`, `rows` of its ledger and `models`. `core`: asked as the
    admin, of a model without a price: nothing is limited, and no key has a budget."""

    name: str
    title: str
    kind: Kind
    client: DialectName = "openai"
    upstream: DialectName = "openai"
    stream: bool = False
    body_bytes: int = ONE_KB
    script: str = JSON_1K
    connections: int = 64
    rate: float = 0.0
    workers: int = 1
    keys: int = 1
    rows: int = 0
    models: int = 1
    core: bool = False

    @property
    def translates(self) -> bool:
        return self.client != self.upstream

    @property
    def figure(self) -> str:
        """The main figure of this kind; `bench.figures.UNITS` gives its unit."""
        match self.kind:
            case "saturate" | "workers" | "stocked":
                return "cpu_ms"
            case "paced_streams":
                return "cpu_us_event"
            case "latency":
                return "p50_ms"
            case "cold_start":
                return "start_s"
            case "memory":
                return "rss_mb"
            case "import":
                return "import_ms"


SCENARIOS: tuple[Scenario, ...] = (
    Scenario(name="json-1k", title="relay, 1 kB JSON, saturated", kind="saturate"),
    Scenario(name="json-4k", title="relay, 4 kB JSON", kind="saturate", body_bytes=FOUR_KB, script=JSON_4K),
    Scenario(
        name="json-60ms",
        title="relay, 60 ms upstream, 128 connections",
        kind="saturate",
        script=JSON_1K + ",delay_ms=60",
        connections=128,
    ),
    Scenario(
        name="streams-fast",
        title="relay, streams of 100 events at once",
        kind="saturate",
        stream=True,
        script="events=100,size=24",
    ),
    Scenario(
        name="streams-paced",
        title="relay, 500 streams, an event each 50 ms",
        kind="paced_streams",
        stream=True,
        script=PACED,
        connections=500,
    ),
    Scenario(
        name="messages-4k",
        title="relay, Anthropic Messages, 4 kB JSON",
        kind="saturate",
        client="anthropic",
        upstream="anthropic",
        body_bytes=FOUR_KB,
        script=JSON_4K,
    ),
    Scenario(
        name="openai-to-anthropic",
        title="translate, OpenAI client, Anthropic upstream, 4 kB",
        kind="saturate",
        upstream="anthropic",
        body_bytes=FOUR_KB,
        script=JSON_4K,
    ),
    Scenario(
        name="anthropic-to-openai",
        title="translate, Anthropic client, OpenAI upstream, 4 kB",
        kind="saturate",
        client="anthropic",
        body_bytes=FOUR_KB,
        script=JSON_4K,
    ),
    Scenario(
        name="streams-openai-to-anthropic",
        title="translate, 500 paced streams, OpenAI client",
        kind="paced_streams",
        upstream="anthropic",
        stream=True,
        script=PACED,
        connections=500,
    ),
    Scenario(
        name="streams-anthropic-to-openai",
        title="translate, 500 paced streams, Anthropic client",
        kind="paced_streams",
        client="anthropic",
        stream=True,
        script=PACED,
        connections=500,
    ),
    Scenario(
        name="json-1k-core", title="json-1k as the admin, without price, budget and limits", kind="saturate", core=True
    ),
    Scenario(name="few", title="json-1k with 10 keys in turn, no rows, one model", kind="stocked", keys=10),
    Scenario(name="many-keys", title="100,000 keys, of which 1,000 ask in turn", kind="stocked", keys=100_000),
    Scenario(name="many-rows", title="1,000,000 rows in the ledger", kind="stocked", keys=10, rows=1_000_000),
    Scenario(name="many-models", title="1,000 deployments", kind="stocked", keys=10, models=1_000),
    Scenario(name="latency", title="latency at 50/s, open loop", kind="latency", rate=50.0),
    Scenario(name="cold-start", title="start to the first 200", kind="cold_start"),
    Scenario(name="memory", title="memory after load", kind="memory"),
    Scenario(name="import", title="import tollbridge, above a bare interpreter", kind="import"),
    Scenario(name="two-workers", title="relay, 1 kB JSON, two workers", kind="workers", workers=2),
)


def script_of(scenario: Scenario, seconds: float) -> str:
    """Paced streams last as long as the measurement and one second more, to begin in."""
    return scenario.script.replace("{events}", str(int((seconds + 1.0) * 20)))
