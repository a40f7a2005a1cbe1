"""The objects of tasks' answers, under the names that users of the OpenAI SDK, of Cohere's and of LiteLLM know."""

from collections.abc import Iterable, Iterator, Mapping
from os import PathLike
from pathlib import Path
from typing import Any

from tollbridge.model.json import Json, JsonObject
from tollbridge.sdk.objects import Answer
from tollbridge.sdk.value import Value


class RerankResult(Value):
    index: int
    relevance_score: float
    document: JsonObject | str | None


class RerankResponse(Answer):
    results: list[RerankResult]
    meta: JsonObject | None


class Moderation(Value):
    flagged: bool
    categories: JsonObject
    category_scores: JsonObject
    category_applied_input_types: JsonObject | None


class ModerationResponse(Answer):
    results: list[Moderation]


class TextChoices(Value):
    text: str
    index: int
    finish_reason: str | None
    logprobs: JsonObject | None


class TextCompletionResponse(Answer):
    """Whole, or a piece of one."""

    choices: list[TextChoices]


class TranscriptionResponse(Answer):
    """`text` alone, or what `verbose_json` has besides. Of a plain format, the whole of it is `text`."""

    text: str
    language: str | None
    duration: float | None
    segments: list[JsonObject] | None
    words: list[JsonObject] | None


class ImageObject(Value):
    b64_json: str | None
    url: str | None
    revised_prompt: str | None


class ImageResponse(Answer):
    data: list[ImageObject]


class Part(Value):
    """Something of an answer in a dialect: whatever fields it has are attributes too, through and through."""

    def __init__(self, fields: Mapping[str, Json] | Iterable[tuple[str, Json]] = (), /, **more: Json) -> None:
        super().__init__(fields, **more)
        for name, value in self.items():
            super().__setitem__(name, opened(value))


def opened(value: Json) -> Json:
    """With attributes, through and through."""
    if type(value) is dict:
        return Part(value)
    return [opened(one) for one in value] if isinstance(value, list) else value


class Event(Part, Answer):
    """One event of a stream, or a whole answer, in a dialect of its own: what it holds, its vendor says. Of an answer
    of Responses `output_text` is all that it says."""

    type: str

    def __getattr__(self, name: str) -> Any:
        if name == "output_text" and "output" in self:
            return _output_text(self["output"])
        return super().__getattr__(name)


def _output_text(output: Iterable[Json]) -> str:
    parts = (part for item in output if isinstance(item, dict) for part in item.get("content") or ())
    return "".join(
        part.get("text") or "" for part in parts if isinstance(part, dict) and part.get("type") == "output_text"
    )


class Binary(Answer):
    """`content`: bytes; `media_type`: what they are."""

    _content: bytes
    _media_type: str

    @property
    def content(self) -> bytes:
        return self._content

    @property
    def media_type(self) -> str:
        return self._media_type

    def read(self) -> bytes:
        return self._content

    def iter_bytes(self, chunk_size: int = 64 * 1024) -> Iterator[bytes]:
        for start in range(0, len(self._content), chunk_size):
            yield self._content[start : start + chunk_size]

    def stream_to_file(self, file: str | PathLike[str]) -> None:
        Path(file).write_bytes(self._content)

    write_to_file = stream_to_file


class SpeechResponse(Binary):
    """A recording."""
