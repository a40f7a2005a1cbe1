"""Relayed answers, mended where OpenAI's own SDK breaks over them.

Some vendors leave out of the format what its SDK counts on (openai 3.52.0, tried over the recordings): a tool call
without `type` is none of the two kinds to who asks for it; an item of a list in a stream without `index` (a tool call,
an annotation, a piece of reasoning) makes `chat.completions.stream()` raise. A relayed answer goes on byte for byte,
and looking into each would cost every provider's streams: so this is done for those alone whose row prefers it
(`prefers={"mend_answers": "yes"}`), and of their streams for the events alone that hold such a list. What is there is
never changed.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from tollbridge.model.json import Json, JsonObject
from tollbridge.wires.openai_chat.tap import ChatTap
from tollbridge.wires.tap import BORDER, data_of, decode_object

PREFERENCE = "mend_answers"

_LISTS = ("tool_calls", "annotations", "reasoning_details", "images")
_MARKS = tuple(f'"{name}":'.encode() for name in _LISTS)
_encode = msgspec.json.Encoder().encode


def mend(body: bytes) -> bytes:
    """A whole answer; as it came where nothing is to be mended."""
    if body.find(b'"tool_calls"') < 0:
        return body
    answer = decode_object(body)
    mended = sum(_typed(call) for choice in _choices(answer) for call in _items(choice, "message", "tool_calls"))
    return _encode(answer) if mended else body


class MendingTap(ChatTap):
    """A tap that numbers what the events of a stream list."""

    __slots__ = ("_numbers",)

    def __init__(self, hides_usage: bool) -> None:
        super().__init__(hides_usage)
        self._numbers: dict[tuple[Json, str], _Numbers] = {}

    def feed(self, block: bytes) -> bytes:
        if block.count(b"[{") > 1 and any(mark in block for mark in _MARKS):  # more lists of objects than `choices`
            block = b"".join(self._mended(block))
        return super().feed(block)

    def _mended(self, block: bytes) -> Iterator[bytes]:
        start = 0
        for border in BORDER.finditer(block):
            event = block[start : border.end()]
            start = border.end()
            chunk = decode_object(data_of(event)) if any(mark in event for mark in _MARKS) else None
            changed = [self._numbered(choice, name) for choice in _choices(chunk) for name in _LISTS]
            yield b"data: %b\n\n" % _encode(chunk) if any(changed) else event
        yield block[start:]

    def _numbered(self, choice: JsonObject, name: str) -> bool:
        numbers = self._numbers.setdefault((str(choice.get("index")), name), _Numbers(name == "reasoning_details"))
        items = _items(choice, "delta", name)
        typed = sum(_typed(item) for item in items if item.get("id")) if name == "tool_calls" else 0
        return typed + sum(numbers.number(item) for item in items) > 0


class _Numbers:
    """Of one list. `grows`: items of one type that follow each other are pieces of one."""

    def __init__(self, grows: bool) -> None:
        self._grows = grows
        self._next = 0
        self._last: Json = None

    def number(self, item: JsonObject) -> bool:
        """Whether it had none."""
        said = item.get("index")
        if said.__class__ is int:
            self._next = max(self._next, said + 1)
            return False
        kind = item.get("type")
        if not self._grows or kind != self._last or self._next == 0:
            self._next += 1
        self._last = kind
        item["index"] = self._next - 1
        return True


def _typed(call: JsonObject) -> bool:
    if call.get("type") is not None or "function" not in call:
        return False
    call["type"] = "function"
    return True


def _choices(answer: JsonObject | None) -> list[JsonObject]:
    choices = (answer or {}).get("choices")
    return [one for one in choices if isinstance(one, dict)] if isinstance(choices, list) else []


def _items(choice: JsonObject, held: str, name: str) -> list[JsonObject]:
    message = choice.get(held)
    items = message.get(name) if isinstance(message, dict) else None
    return [one for one in items if isinstance(one, dict)] if isinstance(items, list) else []
