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
from collections.abc import Sequence
from typing import Protocol

import msgspec

from tollbridge.calls.heard import Heard
from tollbridge.calls.redact import without_secrets
from tollbridge.errors import APIError, BadGatewayError
from tollbridge.model.response import Caveat
from tollbridge.transport.base import Take
from tollbridge.wires.base import ProviderWire, SseEvent
from tollbridge.wires.tap import Along, decode_object

encode = msgspec.json.Encoder().encode


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


def nothing(block: bytes) -> bool:
    """A `Take` of who waits for each block."""
    return False


def stream_error(wire: ProviderWire, payload: object, secrets: Sequence[str] = ()) -> APIError:
    """The error that a wire reads in a JSON value that came in place of an answer, without `secrets`."""
    return error_in(encode(payload).decode(), wire, secrets)


def error_in(data: str, wire: ProviderWire, secrets: Sequence[str] = ()) -> APIError:
    """The error that a wire reads in the data of an error event, whatever it is, without `secrets`."""
    try:
        for _ in wire.stream_reader().feed(SseEvent(data, "error")):
            break
    except APIError as error:
        return without_secrets(error, secrets)
    body = decode_object(data.encode())
    return without_secrets(BadGatewayError("The provider sent an error inside the stream.", body=body), secrets)
