"""The wires that no client speaks. Their answers are never relayed, so that nothing reads along; each loads when a
deployment first wants it."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module

from tollbridge.wires.base import ProviderWire, StreamParser
from tollbridge.wires.sse import SseParser
from tollbridge.wires.tap import Along, Tap

WIRES: Mapping[str, tuple[str, str]] = {
    "bedrock_converse": ("tollbridge.wires.bedrock_converse", "BEDROCK_CONVERSE"),
    "cohere": ("tollbridge.wires.cohere", "COHERE"),
    "no_chat": ("tollbridge.wires.no_chat", "NO_CHAT"),
    "ollama": ("tollbridge.wires.ollama", "OLLAMA"),
    "replicate": ("tollbridge.wires.replicate", "REPLICATE"),
}
"""Module and value of each."""


def load(name: str) -> ProviderWire:
    """Raises KeyError where there is no such wire."""
    module, value = WIRES[name]
    wire: ProviderWire = getattr(import_module(module), value)
    return wire


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
