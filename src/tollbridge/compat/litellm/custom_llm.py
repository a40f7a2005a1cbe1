"""Providers that a program writes itself: a `CustomLLM` in `litellm.custom_provider_map`.

    litellm.custom_provider_map = [{"provider": "mine", "custom_handler": Mine()}]
    litellm.completion(model="mine/any", messages=[...])

The handler's methods are called with LiteLLM's arguments (seen 2026-11-26). What a sync call finds async only, and the
other way around, is an error of the handler's, as LiteLLM has it: `CustomLLMError`.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator, Mapping
from itertools import islice
from typing import Any, Self, TypedDict
from uuid import uuid4

from tollbridge.errors import BadRequestError
from tollbridge.sdk.objects import EmbeddingResponse, ModelResponse, ModelResponseStream
from tollbridge.sdk.parameters import OURS
from tollbridge.sdk.task_objects import ImageResponse

_NOT_OPTIONAL = frozenset({*OURS, "messages", "input", "prompt", "image", "metadata", "stream"})


class GenericStreamingChunk(TypedDict, total=False):
    """What `streaming` yields. `tool_use`: a delta of a tool call, as OpenAI has it."""

    text: str
    tool_use: Any
    is_finished: bool
    finish_reason: str
    usage: Any
    index: int
    provider_specific_fields: Any


class CustomLLMError(Exception):
    def __init__(self, status_code: int, message: str) -> None:
        super().__init__(message)
        self.status_code = status_code
        self.message = message


class CustomLLM:
    """What handlers derive from."""

    def completion(self, *args: Any, **kwargs: Any) -> ModelResponse:
        raise CustomLLMError(500, f"{type(self).__name__} has no `completion`.")

    def streaming(self, *args: Any, **kwargs: Any) -> Iterator[GenericStreamingChunk]:
        raise CustomLLMError(500, f"{type(self).__name__} has no `streaming`.")

    async def acompletion(self, *args: Any, **kwargs: Any) -> ModelResponse:
        raise CustomLLMError(500, f"{type(self).__name__} has no `acompletion`.")

    def astreaming(self, *args: Any, **kwargs: Any) -> AsyncIterator[GenericStreamingChunk]:
        raise CustomLLMError(500, f"{type(self).__name__} has no `astreaming`.")

    def embedding(self, *args: Any, **kwargs: Any) -> EmbeddingResponse:
        raise CustomLLMError(500, f"{type(self).__name__} has no `embedding`.")

    async def aembedding(self, *args: Any, **kwargs: Any) -> EmbeddingResponse:
        raise CustomLLMError(500, f"{type(self).__name__} has no `aembedding`.")

    def image_generation(self, *args: Any, **kwargs: Any) -> ImageResponse:
        raise CustomLLMError(500, f"{type(self).__name__} has no `image_generation`.")

    async def aimage_generation(self, *args: Any, **kwargs: Any) -> ImageResponse:
        raise CustomLLMError(500, f"{type(self).__name__} has no `aimage_generation`.")

    def image_edit(self, *args: Any, **kwargs: Any) -> ImageResponse:
        raise CustomLLMError(500, f"{type(self).__name__} has no `image_edit`.")

    async def aimage_edit(self, *args: Any, **kwargs: Any) -> ImageResponse:
        raise CustomLLMError(500, f"{type(self).__name__} has no `aimage_edit`.")


def found(providers: Any, model: Any, said: Mapping[str, Any]) -> tuple[Any, str] | None:
    """(the handler of the model's provider, the model's name without it); None where no program's is meant."""
    if not providers or not isinstance(model, str):
        return None
    head, slash, rest = model.partition("/")
    named = said.get("custom_llm_provider")
    for one in providers:
        if one["provider"] == (named or head) and (slash or named):
            return one["custom_handler"], rest if slash and head == one["provider"] else model
    return None


def completion(handler: Any, model: str, said: Mapping[str, Any]) -> Any:
    if said.get("stream"):
        return Chunks(model, iter(handler.streaming(**_arguments(model, said))))
    return handler.completion(**_arguments(model, said))


async def acompletion(handler: Any, model: str, said: Mapping[str, Any]) -> Any:
    arguments = {**_arguments(model, said), "acompletion": True}
    if said.get("stream"):
        return AsyncChunks(model, aiter(handler.astreaming(**arguments)))
    return await handler.acompletion(**arguments)


def embedding(handler: Any, model: str, said: Mapping[str, Any]) -> Any:
    return handler.embedding(**_of_embedding(model, said))


async def aembedding(handler: Any, model: str, said: Mapping[str, Any]) -> Any:
    return await handler.aembedding(**_of_embedding(model, said))


def image_generation(handler: Any, model: str, said: Mapping[str, Any]) -> Any:
    return handler.image_generation(**_of_image(model, said, "prompt"))


async def aimage_generation(handler: Any, model: str, said: Mapping[str, Any]) -> Any:
    return await handler.aimage_generation(**_of_image(model, said, "prompt"))


def image_edit(handler: Any, model: str, said: Mapping[str, Any]) -> Any:
    return handler.image_edit(**_of_image(model, said, "prompt", "image"))


async def aimage_edit(handler: Any, model: str, said: Mapping[str, Any]) -> Any:
    return await handler.aimage_edit(**_of_image(model, said, "prompt", "image"))


def _arguments(model: str, said: Mapping[str, Any]) -> dict[str, Any]:
    return {
        **_common(model, said),
        "messages": said.get("messages"),
        "custom_prompt_dict": {},
        "encoding": None,
        "acompletion": None,
        "logger_fn": None,
        "headers": {**(said.get("headers") or {}), **(said.get("extra_headers") or {})},
        "client": None,
        "model_response": empty(model),
    }


def _of_embedding(model: str, said: Mapping[str, Any]) -> dict[str, Any]:
    made = EmbeddingResponse({"object": "list", "model": model, "data": []})
    return {**_common(model, said), "input": said.get("input"), "model_response": made}


def _of_image(model: str, said: Mapping[str, Any], *named: str) -> dict[str, Any]:
    common = _common(model, said)
    made = ImageResponse({"created": int(time.time()), "data": []})
    taken = ("model", "api_base", "api_key", "logging_obj", "optional_params", "timeout")
    given = {name: said.get(name) for name in named}
    return {**{name: common[name] for name in taken}, **given, "model_response": made, "client": None}


def _common(model: str, said: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "model": model,
        "api_base": said.get("api_base") or said.get("base_url"),
        "api_key": said.get("api_key"),
        "print_verbose": _nothing,
        "logging_obj": None,
        "optional_params": {name: value for name, value in said.items() if name not in _NOT_OPTIONAL},
        "litellm_params": {"metadata": said.get("metadata") or {}, "api_base": said.get("api_base")},
        "timeout": said.get("timeout"),
    }


def _nothing(*_: object) -> None:
    """LiteLLM's `print_verbose`, when it is quiet."""


def empty(model: str) -> ModelResponse:
    """One for the handler to fill in."""
    return ModelResponse(
        {
            "id": f"chatcmpl-{uuid4().hex}",
            "object": "chat.completion",
            "created": int(time.time()),
            "model": model,
            "choices": [
                {"index": 0, "message": {"role": "assistant", "content": None}, "finish_reason": "stop"},
            ],
            "usage": {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0},
        }
    )


class _Writer:
    """A handler's chunks as those of a chat."""

    def __init__(self, model: str) -> None:
        self._head = {
            "id": f"chatcmpl-{uuid4().hex}",
            "object": "chat.completion.chunk",
            "created": int(time.time()),
            "model": model,
        }
        self.usage: Any = None
        self._hidden_params: dict[str, Any] = {"response_cost": None}

    def write(self, chunk: Any) -> ModelResponseStream:
        if isinstance(chunk, ModelResponseStream):
            return chunk
        if not isinstance(chunk, Mapping):
            raise BadRequestError("A chunk of a `CustomLLM` is a `GenericStreamingChunk`.")
        delta: dict[str, Any] = {"content": chunk.get("text") or ""}
        if chunk.get("tool_use"):
            delta["tool_calls"] = [chunk["tool_use"]]
        if chunk.get("usage"):
            self.usage = self._hidden_params["usage"] = chunk["usage"]
        finish = (chunk.get("finish_reason") or "stop") if chunk.get("is_finished") else None
        choice = {"index": chunk.get("index") or 0, "delta": delta, "finish_reason": finish}
        made = ModelResponseStream({**self._head, "choices": [choice]})
        made._hidden_params = self._hidden_params
        return made


class Chunks(_Writer):
    def __init__(self, model: str, given: Iterator[Any]) -> None:
        super().__init__(model)
        self._given = given
        self._read: list[Any] = []

    def begin(self) -> None:
        """Reads the first chunk, or raises what it is instead."""
        self._read.extend(islice(self._given, 1))

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> ModelResponseStream:
        return self.write(self._read.pop() if self._read else next(self._given))

    def close(self) -> None:
        close = getattr(self._given, "close", None)
        if close is not None:
            close()


class AsyncChunks(_Writer):
    def __init__(self, model: str, given: AsyncIterator[Any]) -> None:
        super().__init__(model)
        self._given = given
        self._read: list[Any] = []

    async def begin(self) -> None:
        """Reads the first chunk, or raises what it is instead."""
        async for chunk in self._given:
            self._read.append(chunk)
            break

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> ModelResponseStream:
        return self.write(self._read.pop() if self._read else await anext(self._given))

    async def aclose(self) -> None:
        close = getattr(self._given, "aclose", None)
        if close is not None:
            await close()
