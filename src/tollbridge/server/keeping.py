"""One answer in the Responses format that is to be kept, and what a client is told of it afterwards."""

from __future__ import annotations

import logging
from typing import Protocol

import msgspec

from tollbridge.calls.deployment import Deployment
from tollbridge.calls.exchange import Answer, Streaming
from tollbridge.calls.kept_stream import KeptStream
from tollbridge.calls.streams import Stream
from tollbridge.errors import StoreUnavailable
from tollbridge.store.responses import KeptResponse, ResponseStore

KEPT_BYTES_MAX = 16 * 1024 * 1024

_log = logging.getLogger("tollbridge.responses")


class Keeper(Protocol):
    """Is given an answer before its client has the last bytes of it."""

    async def whole(self, answer: Answer) -> None: ...
    async def streamed(self, streaming: Streaming, stream: Stream) -> Stream:
        """The stream to go on with."""


class Kept(msgspec.Struct, frozen=True):
    """`id`: what the client knows the answer by. `input`: JSON of the list of its own input items. `previous`: the id
    of the one before, where that is kept here; `said`: the one that the client named. `background`: the client does not
    wait for the answer."""

    owner: str
    id: str
    input: bytes
    previous: str | None
    said: str | None = None
    background: bool = False


class Keeping:
    """Of a client that waits for the answer."""

    def __init__(self, store: ResponseStore, kept: Kept) -> None:
        self._store = store
        self.kept = kept

    async def whole(self, answer: Answer) -> None:
        if answer.relayed:
            await self._own(answer.said.id, answer.deployment)
        else:
            await self._keep_here(answer.body)

    async def streamed(self, streaming: Streaming, stream: Stream) -> Stream:
        """The one that there is, or one that is kept when its last event comes."""
        if streaming.relayed:
            await self._own(stream.said.id, streaming.deployment)
            return stream
        return KeptStream(stream, self._keep_here)

    async def _keep_here(self, response: bytes) -> None:
        """`response`: as the client sees it."""
        kept = self.kept
        if len(response) + len(kept.input) > KEPT_BYTES_MAX:
            _log.warning("The response %s is too large to be kept.", kept.id)
            return
        await self._keep(kept.id, KeptResponse(response, kept.input, kept.previous))

    async def _own(self, id: str, deployment: Deployment) -> None:
        """`id`: the provider's, who keeps the response itself."""
        if id:
            await self._keep(id, KeptResponse(b"", b"[]", None, deployment.id, account=deployment.account))

    async def _keep(self, id: str, kept: KeptResponse) -> None:
        try:
            await self._store.keep(self.kept.owner, id, kept)
        except StoreUnavailable as error:
            _log.warning("The response %s could not be kept: %s", id, error)
