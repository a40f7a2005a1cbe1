"""`completion` and `acompletion`: one chat request to any provider, in OpenAI's words.

The request takes the same path as one to the server: it is read as an OpenAI chat request, relayed or translated, and
answered as one. The synchronous call is the other one, run on the background loop.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal, Unpack, overload

from tollbridge.sdk.call import read_call
from tollbridge.sdk.engine import answer
from tollbridge.sdk.loop import BACKGROUND
from tollbridge.sdk.objects import ModelResponse
from tollbridge.sdk.parameters import Object, Parameters
from tollbridge.sdk.streams import AsyncStream, Stream


@overload
async def acompletion(
    model: str, messages: Iterable[Object], *, stream: Literal[True], **parameters: Unpack[Parameters]
) -> AsyncStream: ...
@overload
async def acompletion(
    model: str, messages: Iterable[Object], *, stream: Literal[False] | None = None, **parameters: Unpack[Parameters]
) -> ModelResponse: ...
@overload
async def acompletion(
    model: str, messages: Iterable[Object], *, stream: bool | None, **parameters: Unpack[Parameters]
) -> ModelResponse | AsyncStream: ...
async def acompletion(
    model: str, messages: Iterable[Object], *, stream: bool | None = None, **parameters: Any
) -> ModelResponse | AsyncStream:
    """Ask `model` (`provider/name`, or a well-known bare name). `parameters`: see `sdk.parameters.Parameters`; others
    are forwarded in the body. With `stream`, an AsyncStream once the first piece is here.

    `timeout` is seconds for one attempt, 600 by default; of a stream it bounds the silences, not the length.
    `num_retries` (2) are more attempts after an error that may pass; `fallbacks` come after them.
    Raises APIError (`tollbridge.exceptions`); what could not be said to the provider is in
    `response._hidden_params["caveats"]`.
    """
    return await answer(read_call(model, messages, stream, parameters))


@overload
def completion(
    model: str, messages: Iterable[Object], *, stream: Literal[True], **parameters: Unpack[Parameters]
) -> Stream: ...
@overload
def completion(
    model: str, messages: Iterable[Object], *, stream: Literal[False] | None = None, **parameters: Unpack[Parameters]
) -> ModelResponse: ...
@overload
def completion(
    model: str, messages: Iterable[Object], *, stream: bool | None, **parameters: Unpack[Parameters]
) -> ModelResponse | Stream: ...
def completion(
    model: str, messages: Iterable[Object], *, stream: bool | None = None, **parameters: Any
) -> ModelResponse | Stream:
    """`acompletion` for a program without async, also inside a running loop (a notebook). With `stream`, a Stream."""
    answered = BACKGROUND.run(answer(read_call(model, messages, stream, parameters)))
    return Stream(answered, BACKGROUND) if isinstance(answered, AsyncStream) else answered
