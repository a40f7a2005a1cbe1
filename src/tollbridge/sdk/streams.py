"""What a call with `stream=True` gives: chunks as they arrive, to `async for` or to `for`.

Both are context managers too; leaving early, by whatever door, cancels the provider's stream. A stream that was cut
raises Truncated (or the provider's error) after the chunks that arrived, never a normal end.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import Self

from tollbridge.model.json import JsonObject
from tollbridge.sdk.blocking import BlockingIterator, Source
from tollbridge.sdk.loop import BackgroundLoop
from tollbridge.sdk.objects import ModelResponseStream, Usage


class AsyncStream:
    """Chunks of one answer.

    `source` yields chunks as OpenAI's format has them. A chunk without choices is yielded only where the caller asked
    for usage (`include_usage`). `usage`: the last one told so far, whether its chunk was yielded or not.
    `_hidden_params`, `_response_headers`: as `objects.Answer` has them; the chunks share the former.
    """

    def __init__(
        self,
        source: Source[JsonObject],
        *,
        include_usage: bool = False,
        hidden_params: JsonObject | None = None,
        response_headers: Mapping[str, str] | None = None,
    ) -> None:
        self._source = source
        self._include_usage = include_usage
        self._hidden_params: JsonObject = {} if hidden_params is None else hidden_params
        self._response_headers = response_headers
        self.usage: Usage | None = None

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> ModelResponseStream:
        while True:
            chunk = ModelResponseStream(await self._source.__anext__())
            if chunk.usage is not None:
                self.usage = chunk.usage
            if chunk.choices or self._include_usage:
                chunk._hidden_params = self._hidden_params
                return chunk

    async def aclose(self) -> None:
        """Cancel the provider's stream. Closing twice, or after the end, does nothing."""
        await self._source.aclose()

    async def close(self) -> None:
        """The OpenAI SDK's name for `aclose`."""
        await self.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()


class Stream:
    """An AsyncStream of the background loop, for a program without async."""

    def __init__(self, chunks: AsyncStream, background: BackgroundLoop) -> None:
        self._chunks = chunks
        self._items = BlockingIterator(chunks, background)
        self._hidden_params = chunks._hidden_params
        self._response_headers = chunks._response_headers

    @property
    def usage(self) -> Usage | None:
        return self._chunks.usage

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> ModelResponseStream:
        return next(self._items)

    def close(self) -> None:
        """Cancel the provider's stream, and return when it is closed."""
        self._items.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
