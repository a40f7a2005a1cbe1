"""A stream that goes on as it came (`streams.Stream`): dialect and wire agree."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import partial

import msgspec

from tollbridge.calls.heard import Heard, words
from tollbridge.calls.redact import redact
from tollbridge.calls.streams import encode, error_in, nothing
from tollbridge.errors import APIError, Truncated
from tollbridge.model.json import JsonObject
from tollbridge.model.response import Caveat
from tollbridge.transport.base import Incoming, Take
from tollbridge.wires.base import Head, Wire
from tollbridge.wires.tap import Along, Boundary, Tap, decode_object, first_object, last_object, pieces

KEPT_BYTES_MAX = 256 * 1024
"""Kept for the case that its usage never comes."""

_NAMED_ERROR = re.compile(rb"(?:^|[\r\n])event: ?error(?=[\r\n])")


class RelayedStream:
    """Dialect and wire agree: the bytes go on as they come, and a tap reads along: the format's own, or one that mends
    what a vendor leaves out."""

    caveats: tuple[Caveat, ...] = ()

    def __init__(
        self,
        incoming: Incoming,
        wire: Wire,
        head: Head,
        *,
        hides_usage: bool,
        secrets: Sequence[str] = (),
        tap: Tap | None = None,
    ) -> None:
        self._incoming = incoming
        self._secrets = secrets
        self._wire = wire
        self._head = head
        self._tap = tap or wire.stream_tap(hides_usage)
        self._boundary = Boundary()
        self._pending = b""
        self._over = False
        self._kept: list[bytes] = []
        self._kept_bytes = self._all_bytes = 0
        self._last = b""
        self.closing = False
        self.broken: APIError | None = None

    @property
    def said(self) -> Along:
        return self._tap.said

    @property
    def exact(self) -> bool:
        return self._tap.final and self._tap.said.usage is not None

    @property
    def ended(self) -> bool:
        return not self._pending and self._tap.ended

    def heard(self) -> Heard:
        texts: list[str] = []
        parse, reader = self._wire.stream_parser(), self._wire.stream_reader()
        try:
            for framed in parse.feed(b"".join(self._kept)):
                texts += map(words, reader.feed(framed))
        except APIError:
            pass  # what broke the stream is told elsewhere; here counts what came before it
        return Heard("".join(texts), max(1.0, self._all_bytes / max(1, self._kept_bytes)))

    async def begin(self, first: bytes) -> None:
        data = first
        while not self._tap.spoke:
            if not data:
                self._pending += self._end()
                break
            block = self._boundary.feed(data)
            if block:
                self._pending += self._read(block)
            if not self._tap.spoke:
                data = await self._incoming.chunk()

    async def next(self) -> bytes:
        return await self.pour(nothing)

    async def pour(self, take: Take) -> bytes:
        if not self._pending and not self._over:
            try:
                await self._incoming.pour(partial(self._pass_on, take))
            except APIError:
                if not self._tap.marked:
                    raise
            if not self._pending:
                return self._end()
        block, self._pending = self._pending, b""
        return block

    def _pass_on(self, take: Take, data: bytes) -> bool:
        block = self._boundary.feed(data)
        if block:
            block = self._read(block)
        if not block or not (self.closing or self._over or not take(block)):
            return True
        self._pending = block
        return False

    def fail(self, error: APIError) -> bytes:
        first = b"" if not self._kept else self._kept[0]
        head = msgspec.structs.replace(self._head, first=first_object(first), last=last_object(self._last))
        return self._wire.stream_writer(head).fail(error)

    def abort(self) -> None:
        self._incoming.abort()

    def _end(self) -> bytes:
        """The provider closed. What came after the last border counts where it completes the stream."""
        self._over = self.closing = True
        rest = self._boundary.rest().rstrip()
        block = self._read(rest + b"\n\n") if rest else b""
        if self.broken is None and not self._tap.ended:
            raise Truncated("The provider's stream ended before its end marker; what arrived is incomplete.")
        return block

    def _read(self, block: bytes) -> bytes:
        # One search finds `"error"`, `event: error` and `Error`; other words with it only cost a closer look.
        if block.find(b"rror") >= 0:  # `in` takes twice as long
            block = self._up_to_error(block)
        self._all_bytes += len(block)
        if self._kept_bytes < KEPT_BYTES_MAX:
            self._kept.append(block)
            self._kept_bytes += len(block)
        self._last = block
        tap = self._tap
        told = tap.feed(block)
        if tap.ending and tap.marked:
            self.closing = True
        return told

    def _speaks(self, block: bytes) -> bool:
        tap = self._wire.stream_tap(False)
        tap.feed(block)
        return tap.spoke

    def _up_to_error(self, block: bytes) -> bytes:
        """An error event goes on without secrets, and nothing after it. Raises it where it is the first event. What is
        no JSON and speaks of an error goes on without secrets too: whether it is one, the client judges."""
        told = b""
        for event, data in pieces(block):
            if b"rror" in event and data:
                said = decode_object(data)
                blamed = None if said is None else _error_of(said)
                if blamed is not None or _NAMED_ERROR.search(event):
                    payload = data.decode(errors="replace") if blamed is None else encode(blamed).decode()
                    self.broken = error_in(payload, self._wire, self._secrets)
                    if not self._tap.spoke and not self._speaks(told):
                        raise self.broken
                    self._over = True
                    return told + redact(event, self._secrets)
                if said is None:
                    event = redact(event, self._secrets)
            told += event
        return told


def _error_of(chunk: JsonObject) -> JsonObject | None:
    """The error that a chunk tells: at its top, as an event or a response that failed, or in one of its choices, as
    OpenRouter tells that the provider behind it failed."""
    if chunk.get("error") or chunk.get("type") in ("error", "response.failed"):
        return chunk
    choices = chunk.get("choices")
    for choice in choices if isinstance(choices, list) else ():
        if isinstance(choice, dict) and choice.get("error"):
            return {"error": choice["error"]}
    return None
