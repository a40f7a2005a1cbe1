"""Tools for a model that has none: offered in the prompt, and its calls read out of its text.

Beside the neutral model, and of no wire: `offer` turns a request with tools into one without, `InWords` is the wire
that reads the answers, and `finding` finds the calls in a text, also as it grows.
"""

from __future__ import annotations

from tollbridge.model.request import Request
from tollbridge.model.response import Caveat
from tollbridge.wires.base import ProviderWire
from tollbridge.wires.tools_in_words.offer import Offer, offer, wants_tools
from tollbridge.wires.tools_in_words.wire import InWords

__all__ = ["InWords", "Offer", "in_words", "offer"]


def in_words(
    request: Request, wire: ProviderWire, lacks: frozenset[str] = frozenset()
) -> tuple[Request, ProviderWire, tuple[Caveat, ...]]:
    """The request with its tools in words, and the wire that reads calls out of the answer's; both as they are where
    there is nothing to put into words. `lacks`: the target's."""
    if not wants_tools(request):
        return request, wire, ()
    offered = offer(request, stops="stop" not in lacks)
    return offered.request, InWords(wire, offered.names), offered.caveats
