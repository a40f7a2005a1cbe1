"""A provider's stream on its way to the client, in blocks of whole events in the client's dialect.

`begin` reads up to the first event and raises what went wrong before it; `next` gives a block, b"" at the honest
end, and raises APIError where the stream breaks: a cut, silence, an end without the end marker. `pour` is `next` for
who takes blocks as they come: it gives each to `take`, and what `take` will not have now, or what is special (the end,
an error), to who waits. `fail` gives the words that the dialect has for what broke. Blocks end at event borders, so
that a heartbeat may stand between any two.

A connection that breaks after the end marker broke nothing: the client had everything.
"""

from __future__ import annotations

import abc
import re
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Protocol

import msgspec

from tollbridge.calls.estimate import ESTIMATED, Estimate, Shown, is_told
from tollbridge.calls.heard import Heard, said_by, words
from tollbridge.calls.redact import redact, without_secrets
from tollbridge.errors import APIError, BadGatewayError, Truncated
from tollbridge.model.events import Began, Event, Extra, Finished, Grew, Noted, Opened
from tollbridge.model.fold import unfold
from tollbridge.model.json import JsonObject
from tollbridge.model.response import Caveat, Response, Usage
from tollbridge.transport.base import Incoming, Take
from tollbridge.wires.base import Head, ProviderWire, SseEvent, StreamWriter, Wire
from tollbridge.wires.tap import Along, Boundary, Tap, decode_object, first_object, last_object, pieces, text_of

KEPT_BYTES_MAX = 256 * 1024
"""Of a relayed stream: kept for the case that its usage never comes."""

_encode = msgspec.json.Encoder().encode
_NAMED_ERROR = re.compile(rb"(?:^|[\r\n])event: ?error(?=[\r\n])")


class Stream(Protocol):
    """`said`: what the provider told of itself so far; `exact`: its usage counts the whole answer. `ended`: its end was
    seen, and given out; `closing`: the block that `next` just gave is the last that says something. `broken`: the
    provider sent an error inside the stream."""

    @property
    def broken(self) -> APIError | None: ...
    @property
    def closing(self) -> bool: ...
    @property
    def ended(self) -> bool: ...
    @property
    def said(self) -> Along: ...
    @property
    def exact(self) -> bool: ...
    def heard(self) -> Heard: ...
    @property
    def caveats(self) -> tuple[Caveat, ...]: ...
    async def begin(self, first: bytes) -> None: ...
    async def next(self) -> bytes: ...
    async def pour(self, take: Take) -> bytes: ...
    def fail(self, error: APIError) -> bytes: ...
    def abort(self) -> None: ...


class ByNext(abc.ABC):
    """A `Stream` of which each block is waited for."""

    @abc.abstractmethod
    async def next(self) -> bytes: ...

    async def pour(self, take: Take) -> bytes:
        return await self.next()


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
                    payload = data.decode(errors="replace") if blamed is None else _encode(blamed).decode()
                    self.broken = error_in(payload, self._wire, self._secrets)
                    if not self._tap.spoke and not self._speaks(told):
                        raise self.broken
                    self._over = True
                    return told + redact(event, self._secrets)
                if said is None:
                    event = redact(event, self._secrets)
            told += event
        return told


class TranslatedStream:
    """Read by the provider's wire, written by the client's dialect. `through`: what the events pass in between.
    `estimate`: the usage, for a client that must be told one and a provider that did not say."""

    def __init__(
        self,
        incoming: Incoming,
        wire: ProviderWire,
        dialect: Wire,
        head: Head,
        *,
        secrets: Sequence[str] = (),
        through: Callable[[Iterable[Event]], Iterable[Event]] | None = None,
        estimate: Estimate | None = None,
    ) -> None:
        self._incoming = incoming
        self._estimate = estimate
        self._secrets = secrets
        self._through = through
        self._parse = wire.stream_parser()
        self._reader = wire.stream_reader()
        self._writer: StreamWriter = dialect.stream_writer(head)
        self._pending = b""
        self._over = False
        self._broke: APIError | None = None  # raised when what came before it has been handed over
        self._id = head.id
        self._service_tier: str | None = None
        self._usage: Usage | None = None
        self._texts: list[str] = []
        self._counted = self._finished = False
        self.broken: APIError | None = None

    @property
    def said(self) -> Along:
        return Along(self._usage, self._id, self._service_tier)

    @property
    def exact(self) -> bool:
        return self._counted and self._finished

    @property
    def ended(self) -> bool:
        return self._over and not self._pending and self._broke is None

    @property
    def closing(self) -> bool:
        return self._over and self._broke is None

    def heard(self) -> Heard:
        return Heard("".join(self._texts))

    @property
    def caveats(self) -> tuple[Caveat, ...]:
        return tuple(self._writer.caveats)

    async def begin(self, first: bytes) -> None:
        data = first
        while data and not self._pending:
            self._pending = self._feed(data)
            if not self._pending:
                data = await self._incoming.chunk()
        if not data:
            self._pending = self._end()

    async def next(self) -> bytes:
        return await self.pour(nothing)

    async def pour(self, take: Take) -> bytes:
        if not self._pending:
            if self._broke is None and not self._over:
                try:
                    await self._incoming.pour(partial(self._pass_on, take))
                except APIError:
                    if not self._reader.ended:
                        raise
            if not self._pending and self._broke is not None:
                raise self._broke
            if not self._pending and not self._over:
                self._pending = self._end()
        block, self._pending = self._pending, b""
        return block

    def _pass_on(self, take: Take, data: bytes) -> bool:
        try:
            block = self._feed(data)
        except APIError as error:
            self._broke = error
            return False
        if not block or (self._broke is None and take(block)):
            return True
        self._pending = block
        return False

    def fail(self, error: APIError) -> bytes:
        return self._writer.fail(error)

    def abort(self) -> None:
        self._incoming.abort()

    def _feed(self, data: bytes) -> bytes:
        return self._written(self._parse.feed(data))

    def _end(self) -> bytes:
        self._over = True
        written = self._written(self._parse.close(), last=True)
        if self._broke is not None:
            return written
        if self._estimate is not None and not is_told(self._usage):
            counted = self._estimate(self._usage, self.heard())
            if counted != self._usage:
                written += self._writer.write(Noted(note=counted))
                self._writer.caveats.append(ESTIMATED)
        return written + self._writer.close()

    def _written(self, framed: Iterable[SseEvent], *, last: bool = False) -> bytes:
        """What these events become. `last`: with what the reader has at the end. An error among them is raised at once
        where nothing came before it in this block, else with the next block: what arrived is handed over first."""
        written: list[bytes] = []
        reader = self._reader
        try:
            for one in framed:
                read = reader.feed(one)
                for event in read if self._through is None else self._through(read):
                    written.append(self._write(event))
            if last:
                read = reader.close()
                for event in read if self._through is None else self._through(read):
                    written.append(self._write(event))
        except APIError as error:
            without_secrets(error, self._secrets)
            if not any(written):
                raise
            self._broke = error
        return b"".join(written)

    def _write(self, event: Event) -> bytes:
        match event:
            case Grew(text=text):
                self._counted = False  # usage that was told before this does not count it
                self._texts.append(text)
            case Noted(note=Usage() as usage):
                # The same again is a word that was left out or made no sense.
                self._counted = self._counted or usage != self._usage
                self._usage = usage
            case Finished():
                self._finished = True
            case Opened():
                self._counted = False
                self._texts.append(words(event))
            case Began(id=id, extra=extra):
                self._id = text_of(id) or self._id
                self._service_tier = text_of(extra.get("service_tier")) or None
            case Noted(note=Extra(of="response", value=told)) if "service_tier" in told:
                self._service_tier = text_of(told["service_tier"]) or None
            case _:
                pass
        return self._writer.write(event)


class WholeStream(ByNext):
    """The provider answered a request for a stream with one whole answer: it is told as a stream."""

    def __init__(self, response: Response, dialect: Wire, head: Head, shown: Shown | None = None) -> None:
        """`shown`: what the client is told, where that is more than the provider said."""
        self._response = response
        self._shown = shown or Shown(response)
        self._writer = dialect.stream_writer(head)
        self._pending = b""
        self.closing = self.exact = True
        self.broken: APIError | None = None

    @property
    def said(self) -> Along:
        return said_by(self._response)

    @property
    def ended(self) -> bool:
        return not self._pending

    def heard(self) -> Heard:
        return Heard("".join(map(words, unfold(self._response))))

    @property
    def caveats(self) -> tuple[Caveat, ...]:
        return (*self._writer.caveats, *self._shown.caveats)

    async def begin(self, first: bytes) -> None:
        written = [self._writer.write(event) for event in unfold(self._shown.response)]
        self._pending = b"".join((*written, self._writer.close()))

    async def next(self) -> bytes:
        block, self._pending = self._pending, b""
        return block

    def fail(self, error: APIError) -> bytes:
        return self._writer.fail(error)

    def abort(self) -> None:
        self._pending = b""


def nothing(block: bytes) -> bool:
    """A `Take` of who waits for each block."""
    return False


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


def stream_error(wire: ProviderWire, payload: object, secrets: Sequence[str] = ()) -> APIError:
    """The error that a wire reads in a JSON value that came in place of an answer, without `secrets`."""
    return error_in(_encode(payload).decode(), wire, secrets)


def error_in(data: str, wire: ProviderWire, secrets: Sequence[str] = ()) -> APIError:
    """The error that a wire reads in the data of an error event, whatever it is, without `secrets`."""
    try:
        for _ in wire.stream_reader().feed(SseEvent(data, "error")):
            break
    except APIError as error:
        return without_secrets(error, secrets)
    body = decode_object(data.encode())
    return without_secrets(BadGatewayError("The provider sent an error inside the stream.", body=body), secrets)
