"""What an answer said, for those who have to count it where the provider did not."""

from __future__ import annotations

import msgspec

from tollbridge.errors import APIError
from tollbridge.model.events import Event, Grew, Opened
from tollbridge.model.fold import unfold
from tollbridge.model.parts import Text, Thinking, ToolCall
from tollbridge.model.response import Response
from tollbridge.wires.base import Wire
from tollbridge.wires.tap import Along, text_of


class Heard(msgspec.Struct, frozen=True):
    """What a stream said so far: its text and the arguments of its calls. Of a long one only the beginning is kept, and
    it is `times` as long."""

    text: str
    times: float = 1.0


def words(event: Event) -> str:
    """What an event adds to what was said: text, thoughts, and the arguments of calls."""
    match event:
        case Grew(text=text, aspect="text" | "arguments") | Opened(part=Text(text=text) | Thinking(text=text)):
            return text
        case Opened(part=ToolCall(name=name, arguments=arguments)):
            return name + arguments
        case _:
            return ""


def heard_in(wire: Wire, body: bytes) -> Heard:
    """What a whole answer in this format says; nothing, where it was relayed and cannot be read."""
    if hasattr(wire, "most"):  # that of a task (`wires.task`): there are no words to count
        return Heard("")
    try:
        return Heard("".join(map(words, unfold(wire.read_response(msgspec.json.decode(body))))))
    except (APIError, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return Heard("")


def said_by(response: Response) -> Along:
    """What an answer in neutral form says of itself."""
    tier = response.extra.get("service_tier")
    if tier is None and response.usage is not None:
        tier = response.usage.extra.get("serviceTier")
    return Along(response.usage, text_of(response.id), text_of(tier).lower() or None)
