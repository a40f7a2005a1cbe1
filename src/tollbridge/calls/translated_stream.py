"""Streams that are written anew in the client's dialect (`streams.Stream`): read by a provider's wire, or made of an
answer that is whole."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial

from tollbridge.calls.estimate import ESTIMATED, Estimate, Shown, is_told
from tollbridge.calls.heard import Heard, said_by, words
from tollbridge.calls.redact import without_secrets
from tollbridge.calls.streams import ByNext, nothing
from tollbridge.errors import APIError
from tollbridge.model.events import Began, Event, Extra, Finished, Grew, Noted, Opened
from tollbridge.model.fold import unfold
from tollbridge.model.response import Caveat, Response, Usage
from tollbridge.transport.base import Incoming, Take
from tollbridge.wires.base import Head, ProviderWire, SseEvent, StreamWriter, Wire
from tollbridge.wires.tap import Along, text_of


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
            self._pending = await self._end()

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
                self._pending = await self._end()
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

    async def _end(self) -> bytes:
        self._over = True
        written = self._written(self._parse.close(), last=True)
        if self._broke is not None:
            return written
        if self._estimate is not None and not is_told(self._usage):
            self._over = False  # there is more to say
            counted = await self._estimate(self._usage, self.heard())
            self._over = True
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
