"""`responses`, `anthropic_messages`, `generate_content` and `text_completion`, with their async twins: any model, asked
in another dialect than chat's and answering in it.

They are faces of the same engine: a request is relayed to who speaks the dialect and translated for all others.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec

from tollbridge.calls.exchange import Answer
from tollbridge.errors import BadRequestError
from tollbridge.model.json import JsonObject
from tollbridge.sdk.answers import told
from tollbridge.sdk.body import plain
from tollbridge.sdk.call import Call, read_spoken
from tollbridge.sdk.engine import dialogue
from tollbridge.sdk.events import AsyncEvents, Events
from tollbridge.sdk.loop import BACKGROUND
from tollbridge.sdk.objects import Answer as AnyAnswer
from tollbridge.sdk.response_ids import read_id
from tollbridge.sdk.schemas import text_format
from tollbridge.sdk.task_objects import Event, TextCompletionResponse
from tollbridge.wires.dialects import COMPLETIONS

R = TypeVar("R", bound=AnyAnswer)


def whole_event(answer: Answer, known: JsonObject) -> Event:
    return told(Event(msgspec.json.decode(answer.body)), answer, known)


async def _asked(call: Call, made: type[R]) -> R | AsyncEvents[R]:
    def whole(answer: Answer, known: JsonObject) -> R:
        return told(made(msgspec.json.decode(answer.body)), answer, known)

    return await dialogue(call, made, whole)


def _waited(call: Call, made: type[R]) -> R | Events[R]:
    answered = BACKGROUND.run(_asked(call, made))
    return Events(answered, BACKGROUND) if isinstance(answered, AsyncEvents) else answered


def read_responses(model: str, input: object, stream: bool | None, parameters: Mapping[str, object]) -> Call:
    said = dict(parameters)
    wanted = said.pop("text_format", None)
    if wanted is not None:
        said["text"] = _text(said.get("text"), wanted)
    return read_spoken(model, "openai_responses", {"input": input}, stream, said)


def _after(parameters: Mapping[str, object]) -> Mapping[str, object]:
    """With the provider's own id of the response before, whoever else's it says."""
    previous = parameters.get("previous_response_id")
    return {**parameters, "previous_response_id": read_id(previous).id} if isinstance(previous, str) else parameters


def _text(said: object, wanted: object) -> JsonObject:
    """`text` with the format of a `text_format`, as OpenAI's SDK takes it."""
    beside = {} if said is None else plain(said)
    if not isinstance(beside, dict) or beside.get("format") is not None:
        raise BadRequestError("Pass `text_format` or a `text` with its own `format`, not both.", param="text_format")
    made = text_format(wanted)
    if not isinstance(made, Mapping):
        raise BadRequestError("`text_format` must be a pydantic class, or a format.", param="text_format")
    return {**beside, "format": dict(made)}


def _messages(
    model: str, messages: object, max_tokens: int, stream: bool | None, parameters: Mapping[str, object]
) -> Call:
    said = {"messages": messages, "max_tokens": max_tokens}
    return read_spoken(model, "anthropic_messages", said, stream, parameters)


def _contents(
    model: str, contents: object, config: object, stream: bool | None, parameters: Mapping[str, object]
) -> Call:
    said = [{"role": "user", "parts": [{"text": contents}]}] if isinstance(contents, str) else contents
    return read_spoken(model, "gemini", {"contents": said, **_configured(config)}, stream, parameters)


_BESIDE = frozenset(
    ["systemInstruction", "safetySettings", "tools", "toolConfig", "cachedContent", "labels", "serviceTier"]
)
_OF_THEIR_CLIENT = frozenset(["httpOptions", "automaticFunctionCalling", "abortSignal", "shouldReturnHttpResponse"])


def _configured(config: object) -> JsonObject:
    """Fields of the body, from the one object in which Google's SDK has them: a dictionary, or one of its own."""
    dump = getattr(config, "model_dump", None)
    told = dump(by_alias=True, exclude_none=True, mode="json") if callable(dump) else config
    if told is None:
        return {}
    if not isinstance(told, Mapping):
        raise BadRequestError(f"`config` is an object, not {type(told).__name__}.", param="config")
    body: JsonObject = {}
    for key, value in told.items():
        head, *rest = str(key).split("_")
        name = head + "".join(word.capitalize() for word in rest)
        if value is None:
            continue
        if name in _OF_THEIR_CLIENT:
            raise BadRequestError(f"`config.{key}` is for Google's own client. Leave it out.", param=f"config.{key}")
        if name == "systemInstruction" and isinstance(value, str):
            value = {"parts": [{"text": value}]}
        (body if name in _BESIDE else body.setdefault("generationConfig", {}))[name] = value
    return body


def _prompt(model: str, prompt: object, stream: bool | None, parameters: Mapping[str, object]) -> Call:
    return read_spoken(model, COMPLETIONS, {"prompt": prompt}, stream, parameters)


async def aresponses(
    model: str, input: object, *, stream: bool | None = None, **parameters: Any
) -> Event | AsyncEvents[Event]:
    """In the words of OpenAI's Responses. `parameters`: fields of the body, and what `completion` takes to say who
    answers and how long it may take; `text_format` may be a pydantic class. With `stream`, its events. Raises APIError
    (`tollbridge.exceptions`)."""
    return await _asked(read_responses(model, input, stream, _after(parameters)), Event)


def responses(model: str, input: object, *, stream: bool | None = None, **parameters: Any) -> Event | Events[Event]:
    """`aresponses` for a program without async, also inside a running loop (a notebook)."""
    return _waited(read_responses(model, input, stream, _after(parameters)), Event)


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
    model: str, contents: object, config: object = None, *, stream: bool | None = None, **parameters: Any
) -> Event | AsyncEvents[Event]:
    """In the words of Gemini's `generateContent`, as `aresponses` is in those of OpenAI's Responses. A text for
    `contents` is the user's. `config`: what Google's SDK calls so; its fields may be parameters too, as the API has
    them (`generationConfig`, `systemInstruction` ...)."""
    return await _asked(_contents(model, contents, config, stream, parameters), Event)


def generate_content(
    model: str, contents: object, config: object = None, *, stream: bool | None = None, **parameters: Any
) -> Event | Events[Event]:
    """`agenerate_content` for a program without async, also inside a running loop (a notebook)."""
    return _waited(_contents(model, contents, config, stream, parameters), Event)


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
