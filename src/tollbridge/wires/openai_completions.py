"""OpenAI's legacy completions: a dialect of conversations, where the prompt is a user's message.

    {"model", "prompt": text, texts or tokens, "max_tokens", "suffix", "echo", "best_of", "logprobs": 5, ...}
    {"object": "text_completion", "choices": [{"text", "index", "logprobs", "finish_reason"}], "usage"}

https://platform.openai.com/docs/api-reference/completions (seen 2026-11-26), and recorded exchanges. To whoever speaks
it, it is relayed. For all others it is read as the chat that it comes to, by `openai_chat`, and the answer is told in
its words: one prompt, as text; several, or tokens, are refused, and so are `suffix`, `best_of` and `echo`. Thoughts and
tool calls have no place in it.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping

import msgspec

from tollbridge.errors import APIError, BadRequestError
from tollbridge.model.events import Event
from tollbridge.model.json import Json, JsonObject
from tollbridge.model.request import Request
from tollbridge.model.response import Caveat, Response
from tollbridge.model.tasks.task import TaskRequest, TaskResponse
from tollbridge.model.unsent import unsent_field
from tollbridge.wires.base import Head, HttpRequest, SseEvent, Target, Written
from tollbridge.wires.dialects import COMPLETIONS
from tollbridge.wires.openai_chat import OpenAIChat
from tollbridge.wires.openai_chat.stream_reader import ChatStreamReader
from tollbridge.wires.openai_chat.stream_writer import ChatStreamWriter
from tollbridge.wires.seal import UNKEYED, Seals
from tollbridge.wires.sse import SseParser
from tollbridge.wires.task import Task

OBJECT = "text_completion"
_LOGPROBS_MAX = 20

_NOTHING: JsonObject = {}

_encode = msgspec.json.Encoder().encode


class CompletionsReader(ChatStreamReader):
    """Chunks with a `text` in each choice, read as chat's."""

    def feed(self, event: SseEvent) -> list[Event]:
        if not event.data.lstrip().startswith("{"):
            return super().feed(event)
        try:
            chunk = msgspec.json.decode(event.data)
        except (msgspec.DecodeError, RecursionError):
            return super().feed(event)
        told = as_chat(chunk, "delta") if isinstance(chunk, dict) else chunk
        return super().feed(SseEvent(_encode(told).decode(), event.event, event.id))


class CompletionsWriter:
    """Chat's chunks, with their texts alone."""

    def __init__(self, head: Head) -> None:
        self._chat = ChatStreamWriter(head)
        self._parse = SseParser()

    @property
    def caveats(self) -> list[Caveat]:
        return self._chat.caveats

    @caveats.setter
    def caveats(self, value: list[Caveat]) -> None:
        self._chat.caveats = value

    def write(self, event: Event) -> bytes:
        return self._told(self._chat.write(event))

    def close(self) -> bytes:
        return self._told(self._chat.close())

    def fail(self, error: APIError) -> bytes:
        return self._told(self._chat.fail(error))

    def _told(self, written: bytes) -> bytes:
        return b"".join(self._events(self._parse.feed(written))) if written else b""

    def _events(self, events: Iterable[SseEvent]) -> Iterable[bytes]:
        for event in events:
            chunk = None if event.data == "[DONE]" else msgspec.json.decode(event.data)
            if not isinstance(chunk, dict) or "choices" not in chunk:
                named = f"event: {event.event}\n" if event.event else ""
                yield f"{named}data: {event.data}\n\n".encode()
                continue
            told = as_completion(chunk, "delta")
            told["choices"] = [one for one in told["choices"] if one["text"] or one["finish_reason"]]
            if told["choices"] or chunk.get("usage") is not None:
                yield b"data: " + _encode(told) + b"\n\n"


class OpenAICompletions(OpenAIChat):
    """`wires.base.Wire`. `task`: what a provider's row calls it."""

    name = COMPLETIONS
    task: Task[TaskRequest, TaskResponse] = Task("completions")

    def read_request(self, body: Json, seals: Seals = UNKEYED) -> Written[Request]:
        read = super().read_request(_chat_request(body), seals)
        if isinstance(body, dict) and body.get("messages"):
            lost = unsent_field("messages", "a completion continues its `prompt`")
            return Written(read.value, (*read.caveats, lost))
        return read

    def write_request(self, request: Request, to: Target) -> Written[HttpRequest]:
        raise BadRequestError(
            f"The model {to.model} continues texts alone.", param="model", code="unsupported_endpoint"
        )

    def read_response(self, body: Json) -> Response:
        return super().read_response(as_chat(body, "message") if isinstance(body, dict) else body)

    def write_response(
        self, answer: Response, seals: Seals = UNKEYED, *, asked: JsonObject = _NOTHING
    ) -> Written[JsonObject]:
        written = super().write_response(answer, seals)
        return Written(as_completion(written.value, "message"), (*written.caveats, *_lost(written.value)))

    def stream_reader(self) -> CompletionsReader:
        return CompletionsReader()

    def stream_writer(self, head: Head) -> CompletionsWriter:  # type: ignore[override]
        return CompletionsWriter(head)


def _chat_request(body: Json) -> JsonObject:
    """What `check_sayable` has to judge stays in it. Raises BadRequestError where the prompt is not one text."""
    if not isinstance(body, dict):
        raise BadRequestError("The body must be a JSON object.")
    chat = dict(body)
    prompt = chat.pop("prompt", None)
    if isinstance(prompt, list) and len(prompt) == 1 and isinstance(prompt[0], str):
        prompt = prompt[0]
    if not isinstance(prompt, str):
        raise BadRequestError(
            "This model continues one text at a time: `prompt` must be a text - at `$.prompt`.",
            param="prompt",
            code="unsupported_parameter",
        )
    for name in _BESIDE:
        if not _asks_for(chat, name):
            chat.pop(name, None)
    logprobs = chat.pop("logprobs", None)
    if logprobs is not None and logprobs is not False:
        if logprobs.__class__ is not int or not 0 <= logprobs <= _LOGPROBS_MAX:
            raise BadRequestError("`logprobs` must be a number from 0 to 20 - at `$.logprobs`.", param="logprobs")
        chat.update(logprobs=True, top_logprobs=logprobs)
    chat["messages"] = [{"role": "user", "content": prompt}]
    return chat


_BESIDE = ("suffix", "best_of", "echo")


def _asks_for(body: JsonObject, name: str) -> bool:
    """Of one of `_BESIDE`, whose usual values ask for nothing."""
    harmless: Mapping[str, tuple[Json, ...]] = {
        "suffix": (None, ""),
        "best_of": (None, 1, body.get("n")),
        "echo": (None, False),
    }
    return body.get(name) not in harmless[name]


def check_sayable(body: JsonObject, way: str = "by way of a chat", knows: Container[str] = ()) -> None:
    """Raises BadRequestError where it says of a completion what the `way` in which it is asked for does not know."""
    for name in _BESIDE:
        if name not in knows and _asks_for(body, name):
            raise BadRequestError(
                f"This model is asked {way}, which knows no `{name}` - at `$.{name}`.",
                param=name,
                code="unsupported_parameter",
            )


def as_chat(body: JsonObject, held: str) -> JsonObject:
    """An answer in this format, or a chunk, as chat has it. `held`: `message` or `delta`."""
    choices = body.get("choices")
    if not isinstance(choices, list):
        return body
    told: list[Json] = []
    for choice in choices:
        if isinstance(choice, dict) and isinstance(choice.get("text"), str) and held not in choice:
            rest = {name: value for name, value in choice.items() if name not in ("text", "logprobs")}
            said = {"content": choice["text"]} if held == "delta" else {"role": "assistant", "content": choice["text"]}
            told.append({**rest, held: said, "logprobs": _chat_logprobs(choice.get("logprobs"))})
        else:
            told.append(choice)
    return {**body, "choices": told}


def as_completion(body: JsonObject, held: str) -> JsonObject:
    choices = []
    for choice in body.get("choices") or ():
        said = choice.get(held) or {}
        choices.append(
            {
                "text": said.get("content") or "",
                "index": choice.get("index", 0),
                "logprobs": _legacy_logprobs(choice.get("logprobs")),
                "finish_reason": choice.get("finish_reason"),
            }
        )
    return {**body, "object": OBJECT, "choices": choices}


def _lost(chat: JsonObject) -> tuple[Caveat, ...]:
    """What the chat's answer has besides its text."""
    caveats = []
    for at, choice in enumerate(chat.get("choices") or ()):
        message = choice.get("message") or {}
        for name in ("reasoning_content", "tool_calls", "refusal"):
            if message.get(name):
                caveats.append(
                    Caveat(
                        code="dropped_part",
                        where=f"$.choices[{at}].{name}",
                        detail=f"a completion has no place for `{name}`",
                    )
                )
    return tuple(caveats)


def _chat_logprobs(legacy: Json) -> Json:
    if not isinstance(legacy, dict) or not isinstance(legacy.get("tokens"), list):
        return None
    tops = legacy.get("top_logprobs") or []
    logprobs = legacy.get("token_logprobs") or []
    content = []
    for at, token in enumerate(legacy["tokens"]):
        top = tops[at] if at < len(tops) and isinstance(tops[at], dict) else {}
        content.append(
            {
                "token": token,
                "logprob": logprobs[at] if at < len(logprobs) else None,
                "bytes": None,
                "top_logprobs": [{"token": t, "logprob": value, "bytes": None} for t, value in top.items()],
            }
        )
    return {"content": content, "refusal": None}


def _legacy_logprobs(chat: Json) -> Json:
    """Offsets are those in the answer's text: a chat is not told where its prompt ends."""
    content = chat.get("content") if isinstance(chat, dict) else None
    if not isinstance(content, list) or not content:
        return None
    tokens = [str(item.get("token", "")) for item in content]
    offsets = [sum(map(len, tokens[:at])) for at in range(len(tokens))]
    return {
        "tokens": tokens,
        "token_logprobs": [item.get("logprob") for item in content],
        "top_logprobs": [{top["token"]: top["logprob"] for top in item.get("top_logprobs") or ()} for item in content],
        "text_offset": offsets,
    }


OPENAI_COMPLETIONS = OpenAICompletions()
