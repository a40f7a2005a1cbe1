"""`responses`, `anthropic_messages`, `generate_content` and `text_completion`, with their async twins: any model, asked
in another dialect than chat's and answering in it.

They are faces of the same engine: a request is relayed to who speaks the dialect and translated for all others.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec

from tollbridge.calls.exchange import Answer
from tollbridge.model.json import JsonObject
from tollbridge.sdk.answers import told
from tollbridge.sdk.call import Call, read_spoken
from tollbridge.sdk.engine import dialogue
from tollbridge.sdk.events import AsyncEvents, Events
from tollbridge.sdk.loop import BACKGROUND
from tollbridge.sdk.objects import Answer as AnyAnswer
from tollbridge.sdk.task_objects import Event, TextCompletionResponse

R = TypeVar("R", bound=AnyAnswer)


async def _asked(call: Call, made: type[R]) -> R | AsyncEvents[R]:
    def whole(answer: Answer, known: JsonObject) -> R:
        return told(made(msgspec.json.decode(answer.body)), answer, known)

    return await dialogue(call, made, whole)


def _waited(call: Call, made: type[R]) -> R | Events[R]:
    answered = BACKGROUND.run(_asked(call, made))
    return Events(answered, BACKGROUND) if isinstance(answered, AsyncEvents) else answered


def _responses(model: str, input: object, stream: bool | None, parameters: Mapping[str, object]) -> Call:
    return read_spoken(model, "openai_responses", {"input": input}, stream, parameters)


def _messages(
    model: str, messages: object, max_tokens: int, stream: bool | None, parameters: Mapping[str, object]
) -> Call:
    said = {"messages": messages, "max_tokens": max_tokens}
    return read_spoken(model, "anthropic_messages", said, stream, parameters)


def _contents(model: str, contents: object, stream: bool | None, parameters: Mapping[str, object]) -> Call:
    said = [{"role": "user", "parts": [{"text": contents}]}] if isinstance(contents, str) else contents
    return read_spoken(model, "gemini", {"contents": said}, stream, parameters)


def _prompt(model: str, prompt: object, stream: bool | None, parameters: Mapping[str, object]) -> Call:
    return read_spoken(model, "openai_completions", {"prompt": prompt}, stream, parameters)


async def aresponses(
    model: str, input: object, *, stream: bool | None = None, **parameters: Any
) -> Event | AsyncEvents[Event]:
    """In the words of OpenAI's Responses. `parameters`: fields of the body, and what `completion` takes to say who
    answers and how long it may take. With `stream`, its events. Raises APIError (`tollbridge.exceptions`)."""
    return await _asked(_responses(model, input, stream, parameters), Event)


def responses(model: str, input: object, *, stream: bool | None = None, **parameters: Any) -> Event | Events[Event]:
    """`aresponses` for a program without async, also inside a running loop (a notebook)."""
    return _waited(_responses(model, input, stream, parameters), Event)


async def aanthropic_messages(
    model: str, messages: object, max_tokens: int = 4096, *, stream: bool | None = None, **parameters: Any
) -> Event | AsyncEvents[Event]:
    """In the words of Anthropic's Messages, as `aresponses` is in those of OpenAI's Responses."""
    return await _asked(_messages(model, messages, max_tokens, stream, parameters), Event)


def anthropic_messages(
    model: str, messages: object, max_tokens: int = 4096, *, stream: bool | None = None, **parameters: Any
) -> Event | Events[Event]:
    """`aanthropic_messages` for a program without async, also inside a running loop (a notebook)."""
    return _waited(_messages(model, messages, max_tokens, stream, parameters), Event)


async def agenerate_content(
    model: str, contents: object, *, stream: bool | None = None, **parameters: Any
) -> Event | AsyncEvents[Event]:
    """In the words of Gemini's `generateContent`, as `aresponses` is in those of OpenAI's Responses. A text for
    `contents` is the user's."""
    return await _asked(_contents(model, contents, stream, parameters), Event)


def generate_content(
    model: str, contents: object, *, stream: bool | None = None, **parameters: Any
) -> Event | Events[Event]:
    """`agenerate_content` for a program without async, also inside a running loop (a notebook)."""
    return _waited(_contents(model, contents, stream, parameters), Event)


async def atext_completion(
    model: str, prompt: object, *, stream: bool | None = None, **parameters: Any
) -> TextCompletionResponse | AsyncEvents[TextCompletionResponse]:
    """A text, continued: relayed to who has the legacy endpoint, made of a chat elsewhere. As `aresponses` in all
    else."""
    return await _asked(_prompt(model, prompt, stream, parameters), TextCompletionResponse)


def text_completion(
    model: str, prompt: object, *, stream: bool | None = None, **parameters: Any
) -> TextCompletionResponse | Events[TextCompletionResponse]:
    """`atext_completion` for a program without async, also inside a running loop (a notebook)."""
    return _waited(_prompt(model, prompt, stream, parameters), TextCompletionResponse)
