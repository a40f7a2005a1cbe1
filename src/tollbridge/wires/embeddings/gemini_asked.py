"""Embeddings as Gemini's clients ask for them: `embedContent` has one content, `batchEmbedContents` one in each of its
requests.

    {"content": {"parts": [{"text"}]}, "taskType", "title", "outputDimensionality"}
    {"embedding": {"values": [...]}, "usageMetadata": {"promptTokenCount"}}
    {"requests": [{"model", "content", ...}, ...]}        {"embeddings": [{"values": [...]}, ...], "usageMetadata"}

https://ai.google.dev/api/embeddings (seen 2026-11-26). The settings may stand in `embedContentConfig`, and names in
snake_case, as Google reads both. They are one for all of a request here: other formats have no other way to say them.
A content is one part, a text or an image.
"""

from __future__ import annotations

import msgspec

from tollbridge.errors import APIError, BadRequestError
from tollbridge.model.json import Json, JsonObject
from tollbridge.model.tasks.embedding import EmbeddingRequest, EmbeddingResponse, ImageInput, Input
from tollbridge.wires.base import Target, Written
from tollbridge.wires.embeddings.gemini import NAME
from tollbridge.wires.embeddings.openai import PURPOSES
from tollbridge.wires.embeddings.task import EMBEDDINGS
from tollbridge.wires.gemini import errors
from tollbridge.wires.one_way import OneWay
from tollbridge.wires.task import Content, Heads

SETTINGS = {
    "taskType": "taskType",
    "task_type": "taskType",
    "title": "title",
    "outputDimensionality": "outputDimensionality",
    "output_dimensionality": "outputDimensionality",
    "autoTruncate": "autoTruncate",
    "auto_truncate": "autoTruncate",
}
_encode = msgspec.json.Encoder().encode


class Asked(OneWay):
    """The client's side: what a provider is asked is always written anew, since its model stands in each request."""

    task = EMBEDDINGS
    alive = b": \n\n"
    asks_for_usage = False

    def write_request(self, request: EmbeddingRequest, to: Target) -> Written[Content]:
        raise TypeError(f"{self.name} is spoken by clients alone")

    def read_response(self, body: bytes, heads: Heads, asked: EmbeddingRequest) -> EmbeddingResponse:
        raise TypeError(f"{self.name} is spoken by clients alone")

    def write_error(self, error: APIError) -> tuple[int, JsonObject]:
        return errors.write_error(error)

    def write_stream_error(self, error: APIError) -> bytes:
        return b"data: %b\n\n" % _encode(self.write_error(error)[1])


class GeminiEmbedOne(Asked):
    name = "gemini_embed_one"

    def read_request(self, content: Content) -> Written[EmbeddingRequest]:
        return Written(_request([(_object(content, "$"), "$")]))

    def write_response(self, answer: EmbeddingResponse, asked: EmbeddingRequest) -> Written[JsonObject]:
        return Written({"embedding": {"values": list(answer.vectors[0])}, **_usage(answer)})


class GeminiEmbedBatch(Asked):
    name = "gemini_embed_batch"

    def read_request(self, content: Content) -> Written[EmbeddingRequest]:
        requests = _object(content, "$").get("requests")
        if not isinstance(requests, list) or not requests:
            raise BadRequestError("`requests` must be a list of requests - at `$.requests`.", param="requests")
        places = [f"$.requests[{at}]" for at in range(len(requests))]
        return Written(_request([(_object(one, at), at) for one, at in zip(requests, places, strict=True)]))

    def write_response(self, answer: EmbeddingResponse, asked: EmbeddingRequest) -> Written[JsonObject]:
        return Written({"embeddings": [{"values": list(floats)} for floats in answer.vectors], **_usage(answer)})


def _usage(answer: EmbeddingResponse) -> JsonObject:
    return {} if answer.usage is None else {"usageMetadata": {"promptTokenCount": answer.usage.input}}


def _request(items: list[tuple[JsonObject, str]]) -> EmbeddingRequest:
    inputs = tuple(_input(item.get("content"), f"{where}.content") for item, where in items)
    settings = _settings(*items[0])
    for item, where in items[1:]:
        other = _settings(item, where)
        name = next((name for name in {**settings, **other} if settings.get(name) != other.get(name)), None)
        if name is not None:
            raise BadRequestError(
                f"`{name}` must be the same in all requests: ask for those of another one apart - at `{where}.{name}`.",
                param=name,
            )
    purpose, dimensions = settings.pop("taskType", None), settings.pop("outputDimensionality", None)
    truncate = settings.pop("autoTruncate", None)
    if purpose is not None and not isinstance(purpose, str):
        raise _wrong("taskType", "a text")
    if dimensions is not None and not (dimensions.__class__ is int and dimensions > 0):
        raise _wrong("outputDimensionality", "a number above 0")
    if truncate is not None and not isinstance(truncate, bool):
        raise _wrong("autoTruncate", "true or false")
    return EmbeddingRequest(
        inputs=inputs,
        dimensions=dimensions,
        purpose=None if purpose is None else PURPOSES.get(purpose.lower()),
        raw_purpose=purpose,
        truncate=truncate,
        origin=NAME,
        extra=settings,
    )


def _settings(item: JsonObject, where: str) -> JsonObject:
    inner = item.get("embedContentConfig", item.get("embed_content_config"))
    said = {**(_object(inner, f"{where}.embedContentConfig") if inner is not None else {}), **item}
    taken = {SETTINGS.get(name, name): value for name, value in said.items() if value is not None}
    return {name: value for name, value in taken.items() if name not in _NO_SETTINGS}


_NO_SETTINGS = frozenset({"model", "content", "embedContentConfig", "embed_content_config"})


def _input(content: Json, where: str) -> Input:
    parts = _object(content, where).get("parts")
    match parts:
        case [{"text": str(text)}]:
            return text
        case [{"inlineData": {"data": str(data), **told}}] | [{"inline_data": {"data": str(data), **told}}]:
            kind = told.get("mimeType", told.get("mime_type"))
            if isinstance(kind, str) and kind.startswith("image/"):
                return ImageInput(f"data:{kind};base64,{data}")
    raise BadRequestError(
        f"Expected one part, a `text` or an image as `inlineData` - at `{where}.parts`.", param="content"
    )


def _object(value: Json | Content, where: str) -> JsonObject:
    if isinstance(value, dict):
        return value
    raise BadRequestError(f"Expected an object - at `{where}`.")


def _wrong(name: str, what: str) -> BadRequestError:
    return BadRequestError(f"`{name}` must be {what} - at `$.{name}`.", param=name)


GEMINI_EMBED_ONE = GeminiEmbedOne()
GEMINI_EMBED_BATCH = GeminiEmbedBatch()
