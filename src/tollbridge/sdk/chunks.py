"""`stream_chunk_builder`: the whole answer that a list of chunks told.

The chunks go through the same reader and the same fold as a provider's stream, so that interleaved choices and tool
calls stay apart and nothing a stream may carry is lost: logprobs, thinking with its signatures, annotations, usage.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

import msgspec

from tollbridge.errors import APIError
from tollbridge.model.events import Finished
from tollbridge.model.fold import Folder
from tollbridge.model.json import JsonObject
from tollbridge.model.response import Finish
from tollbridge.sdk.body import write_json
from tollbridge.sdk.objects import ModelResponse, Usage
from tollbridge.wires.base import SseEvent
from tollbridge.wires.openai_chat import OPENAI_CHAT


class Dumps(Protocol):
    """A pydantic object, such as the OpenAI SDK's chunk."""

    def model_dump(self, *, exclude_unset: bool) -> JsonObject: ...


BYTES_A_TOKEN = 4
Chunk = Mapping[str, object] | Dumps


def stream_chunk_builder(chunks: Iterable[Chunk], messages: Sequence[object] | None = None) -> ModelResponse:
    """The answer as it would have come without `stream`. Chunks of ours, plain dictionaries or the OpenAI SDK's.

    Of a stream that was cut, what arrived; its choices have no `finish_reason` then. Usage is the last that was told,
    to the chunks' reader or to the stream that they are of. Where none was, it is counted if `messages` say what was
    asked, and a caveat tells so. Raises APIError for a chunk that is a provider's error. `_hidden_params` are those of
    the stream, its cost among them.
    """
    reader, folder = OPENAI_CHAT.stream_reader(), Folder(origin=OPENAI_CHAT.name)
    hidden: JsonObject = {}
    for chunk in chunks:
        hidden = hidden or getattr(chunk, "_hidden_params", None) or {}
        plain = chunk if isinstance(chunk, Mapping) else chunk.model_dump(exclude_unset=True)
        for event in reader.feed(SseEvent(data=msgspec.json.encode(plain).decode())):
            folder.add(event)
    for event in reader.feed(SseEvent(data="[DONE]")):
        match event:
            case Finished(finish=Finish(raw=None)):
                pass  # the reader's guess, for a choice whose reason never came
            case _:
                folder.add(event)
    response = ModelResponse(OPENAI_CHAT.write_response(folder.response()).value)
    response._hidden_params = dict(hidden)
    if response.usage is None and hidden.get("usage") is not None:
        response.usage = hidden["usage"]
    if response.usage is None and messages is not None:
        _count_usage(response, messages)
    return response


def _count_usage(response: ModelResponse, messages: Sequence[object]) -> None:
    """Puts in what was used, by our own count."""
    from tollbridge.sdk.token_counts import token_counter  # loaded by the first stream that told no usage

    model = response.model or ""
    said = [choice.message for choice in response.choices or ()]
    try:
        read = token_counter(model, messages=messages) if messages else 0
    except APIError:  # the provider made sense of what we cannot read
        read = max(1, len(write_json(messages)) // BYTES_A_TOKEN)
    written = token_counter(model, messages=said, count_response_tokens=True) if said else 0
    response.usage = Usage(prompt_tokens=read, completion_tokens=written, total_tokens=read + written)
    known = response._hidden_params
    response._hidden_params = {**known, "caveats": [*known.get("caveats", ()), _COUNTED]}


_COUNTED: JsonObject = {
    "code": "estimated",
    "where": "$.usage",
    "detail": "The stream did not tell what was used: it is Tollbridge's own count.",
}
