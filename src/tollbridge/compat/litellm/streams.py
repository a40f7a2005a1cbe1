"""What `stream=True` gives: chunks, to `for` or to `async for`, and at the end whoever is to be told of the call."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from types import TracebackType
from typing import Any, NamedTuple, Self

from tollbridge.compat.litellm.callbacks import Event
from tollbridge.sdk import chunks as folded
from tollbridge.sdk.objects import ModelResponse


def stream_chunk_builder(
    chunks: Iterable[Any], messages: Sequence[object] | None = None, **_times: object
) -> ModelResponse | None:
    """`tollbridge.stream_chunk_builder`; None of no chunks at all. Usage is always there: without `messages` that of
    what was written alone, as there."""
    seen = list(chunks)
    return folded.stream_chunk_builder(seen, messages or ()) if seen else None


class Asked(NamedTuple):
    """Whom, for what. `messages`: of a chat alone."""

    provider: str | None
    model: str
    messages: Sequence[object] | None


class CustomStreamWrapper:
    """LiteLLM's name. All else (`usage`, `_hidden_params`, `close`, ...) is that of the stream of ours within."""

    def __init__(self, chunks: Any, event: Event, spent: Callable[[Any], None], asked: Asked) -> None:
        """`chunks`: an AsyncStream, a Stream, or an iterator of chunks. `spent`: gets the answer of a stream that came
        to its end."""
        self._chunks = chunks
        self._event = event
        self._spent = spent
        self._seen: list[Any] = []
        self._over = False
        hidden = getattr(chunks, "_hidden_params", {})
        self.custom_llm_provider: str | None = hidden.get("custom_llm_provider") or asked.provider
        self.model: str = hidden.get("model") or asked.model
        self._messages = asked.messages

    def __getattr__(self, name: str) -> Any:
        return getattr(self._chunks, name)

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        try:
            chunk = next(self._chunks)
        except StopIteration:
            if not self._over:
                self._over = True
                self._event.succeed(self._whole())
            raise
        except Exception as error:
            self._over = True
            self._event.fail(error)
            raise
        self._keep(chunk)
        if self._event.hears_chunks:
            self._event.grow(chunk)
        return chunk

    def __aiter__(self) -> AsyncIterator[Any]:
        return self

    async def __anext__(self) -> Any:
        try:
            chunk = await anext(self._chunks)
        except StopAsyncIteration:
            if not self._over:
                self._over = True
                await self._event.asucceed(self._whole())
            raise
        except Exception as error:
            self._over = True
            await self._event.afail(error)
            raise
        self._keep(chunk)
        if self._event.hears_chunks:
            await self._event.agrow(chunk)
        return chunk

    def _keep(self, chunk: Any) -> None:
        if not self._event.silent:
            self._seen.append(chunk)

    def _whole(self) -> Any:
        """The answer; of a call that nobody is told of, the stream, which knows its cost."""
        self._spent(self._chunks)
        if self._event.silent:
            return None
        return folded.stream_chunk_builder(self._seen, self._messages)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._chunks.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._chunks.aclose()
