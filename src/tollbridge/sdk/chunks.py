"""`stream_chunk_builder`: the whole answer that a list of chunks told.

The chunks go through the same reader and the same fold as a provider's stream, so that interleaved choices and tool
calls stay apart and nothing a stream may carry is lost: logprobs, thinking with its signatures, annotations, usage.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

import msgspec

from tollbridge.model.events import Finished
from tollbridge.model.fold import Folder
from tollbridge.model.json import JsonObject
from tollbridge.model.response import Finish
from tollbridge.sdk.objects import ModelResponse
from tollbridge.wires.base import SseEvent
from tollbridge.wires.openai_chat import OPENAI_CHAT


class Dumps(Protocol):
    """A pydantic object, such as the OpenAI SDK's chunk."""

    def model_dump(self, *, exclude_unset: bool) -> JsonObject: ...


Chunk = Mapping[str, object] | Dumps


def stream_chunk_builder(chunks: Iterable[Chunk], messages: Sequence[object] | None = None) -> ModelResponse:
    """The answer as it would have come without `stream`. Chunks of ours, plain dictionaries or the OpenAI SDK's.

    Of a stream that was cut, what arrived; its choices have no `finish_reason` then. Usage is the last that was told,
    never counted here: `messages`, which LiteLLM's callers pass for that, changes nothing. Raises APIError for a chunk
    that is a provider's error. `_hidden_params` are those of the stream, its cost among them.
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
    return response
