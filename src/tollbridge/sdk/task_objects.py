"""The objects of tasks' answers, under the names that users of the OpenAI SDK, of Cohere's and of LiteLLM know."""

from collections.abc import Iterator
from os import PathLike
from pathlib import Path

from tollbridge.model.json import JsonObject
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


class Event(Answer):
    """One event of a stream, or a whole answer, in a dialect of its own: what it holds, its vendor says."""

    type: str


class SpeechResponse(Answer):
    """A recording. `content`: its bytes; `media_type`: what they are."""

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
