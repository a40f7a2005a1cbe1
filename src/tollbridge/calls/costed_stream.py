"""A stream that tells what it cost: `cost`, in dollars, in its last usage, where its format has that (`PLACES`).

What it cost is known when all of it is, which the usage is not yet: there may come more attempts' worth of words,
another usage, or a cut instead of an end. So that event is held until the end is at hand, with what is no part of the
answer and comes between; nothing that a client shows to people waits for it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from tollbridge.calls.streams import Stream
from tollbridge.calls.wrapped_stream import WrappedStream
from tollbridge.errors import APIError
from tollbridge.wires import dialects
from tollbridge.wires.anthropic_messages.usage_event import USAGE as IN_MESSAGES
from tollbridge.wires.openai_chat.usage_chunk import USAGE as IN_CHAT
from tollbridge.wires.openai_responses.usage_event import USAGE as IN_RESPONSES
from tollbridge.wires.tap import data_of, pieces
from tollbridge.wires.usage_place import UsagePlace

PLACES: Mapping[str, UsagePlace] = {
    dialects.CHAT: IN_CHAT,
    dialects.MESSAGES: IN_MESSAGES,
    dialects.RESPONSES: IN_RESPONSES,
}
"""By dialect."""

HELD_BYTES_MAX = 64 * 1024
"""Of events after the usage; beyond it, all go on as they came."""


class CostedStream(WrappedStream):
    """`cost`: asked once, when the end is at hand: dollars as a decimal number, or None where nothing is to be told."""

    def __init__(self, stream: Stream, place: UsagePlace, cost: Callable[[], Awaitable[str | None]]) -> None:
        super().__init__(stream)
        self._place = place
        self._cost = cost
        self._usage = b""  # the event that is held
        self._after = b""  # and what came after it

    @property
    def ended(self) -> bool:
        return self._stream.ended and not self._usage

    async def next(self) -> bytes:
        while block := await self._stream.next():
            ready = self._hold(block)
            if self._stream.closing:
                return ready + await self._told()
            if ready:
                return ready
        return await self._told()

    def fail(self, error: APIError) -> bytes:
        return self._taken() + self._stream.fail(error)

    def _hold(self, block: bytes) -> bytes:
        """What of it may go on now."""
        place = self._place
        if not self._usage and not place.may_tell(block):
            return block
        ready = b""
        for event, data in pieces(block):
            if place.may_tell(event) and place.tells(data):
                ready += self._taken()
                self._usage = event
            elif not self._usage:
                ready += event
            else:
                self._after += event
                if place.goes_on(data) or len(self._after) > HELD_BYTES_MAX:
                    ready += self._taken()
        return ready

    async def _told(self) -> bytes:
        """What is held, with what it cost."""
        if not self._usage:
            return b""
        cost = await self._cost()
        if cost is not None:
            data = data_of(self._usage)
            told = self._place.with_cost(data, cost)
            whole = self._usage.replace(data, told)
            self._usage = whole if told in whole else b"data: %b\n\n" % told  # its data stood in several lines
        return self._taken()

    def _taken(self) -> bytes:
        held, self._usage, self._after = self._usage + self._after, b"", b""
        return held
