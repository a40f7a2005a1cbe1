"""What the wires have in common that no client speaks: their answers are never relayed, so that nothing reads along."""

from __future__ import annotations

from tollbridge.wires.base import StreamParser
from tollbridge.wires.sse import SseParser
from tollbridge.wires.tap import Along, Tap


class OnlyProviders:
    """The rest of `wires.base.ProviderWire` for such a wire."""

    asks_for_usage = False
    in_path = False
    stream_parser: type[StreamParser] = SseParser
    streams_bare_json = False

    def stream_tap(self, hides_usage: bool) -> Tap:
        raise TypeError("a format that no client speaks is not relayed")

    def read_along(self, body: bytes) -> Along:
        raise TypeError("a format that no client speaks is not relayed")
