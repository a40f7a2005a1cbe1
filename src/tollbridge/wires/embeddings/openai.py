"""OpenAI's embeddings, which most servers speak word for word.

    {"model", "input": text, texts, tokens or lists of tokens, "encoding_format", "dimensions", "user"}
    {"object": "list", "data": [{"embedding": [...] or base64, "index"}], "model", "usage": {"prompt_tokens", ...}}

https://platform.openai.com/docs/api-reference/embeddings (seen 2026-11-26). Read besides, as other vendors and LiteLLM
have it: `input_type` (Cohere, Voyage, NVIDIA), `task` (Jina), images as `{"type": "image_url", ...}` or `data:` URLs,
`truncate`.
"""

from __future__ import annotations

from typing import Any

import msgspec

from tollbridge.errors import BadGatewayError, BadRequestError
from tollbridge.model.json import Json, JsonObject
from tollbridge.model.tasks.embedding import EmbeddingRequest, EmbeddingResponse, ImageInput, Input, Purpose
from tollbridge.wires.base import Target, Written
from tollbridge.wires.embeddings.task import EMBEDDINGS, checked, pack, uncut, unpack
from tollbridge.wires.one_way import dropped, extras
from tollbridge.wires.openai_task import OpenAITask, read_told, read_usage
from tollbridge.wires.tap import Along, text_of
from tollbridge.wires.task import HEADLESS, Content, Heads, json_of, read_as

NAME = "openai_embeddings"
INPUTS_MAX = 2048

PURPOSES: dict[str, Purpose] = {
    **dict.fromkeys(("query", "search_query", "retrieval_query", "retrieval.query", "passage_query"), "query"),
    **dict.fromkeys(("document", "search_document", "retrieval_document", "passage"), "document"),
    **{"retrieval.passage": "document", "classification": "classification", "clustering": "clustering"},
    **{"separation": "clustering", "text-matching": "similarity", "semantic_similarity": "similarity"},
}
"""What vendors call what a vector is for."""


class _Item(msgspec.Struct):
    embedding: list[float] | str
    index: int | None = None


class _Answer(msgspec.Struct):
    data: list[_Item]
    model: Any = None
    id: Any = None
    usage: Any = None


class OpenAIEmbeddings(OpenAITask):
    name = NAME
    task = EMBEDDINGS

    def most(self, model: str) -> int | None:
        return INPUTS_MAX

    def read_request(self, content: Content) -> Written[EmbeddingRequest]:
        if not isinstance(content, dict):
            raise BadRequestError("Embeddings are asked for in JSON.", code="invalid_json")
        known = dict(content)
        known.pop("model", None)
        raw = known.pop("input", None)
        purpose = _text(known, "input_type") or _text(known, "task")
        encoding = _text(known, "encoding_format")
        if encoding not in (None, "float", "base64"):
            raise BadRequestError(
                f"`encoding_format` is `float` or `base64`, not {encoding[:50]!r} - at `$.encoding_format`.",
                param="encoding_format",
            )
        return Written(
            EmbeddingRequest(
                inputs=_inputs(raw),
                dimensions=_count(known, "dimensions"),
                packed=encoding == "base64",
                purpose=None if purpose is None else PURPOSES.get(purpose.lower()),
                raw_purpose=purpose,
                truncate=_truncate(known),
                user=_text(known, "user"),
                origin=NAME,
                extra=known,
            )
        )

    def write_request(self, request: EmbeddingRequest, to: Target) -> Written[Content]:
        body, caveats = extras(request, NAME, takes_user=True)
        body["model"] = to.model
        body["input"] = [_item(item) for item in request.inputs]
        body["encoding_format"] = "float"
        if request.dimensions is not None:
            body["dimensions"] = request.dimensions
        if request.user is not None:
            body["user"] = request.user
        caveats = (*caveats, *uncut(request))
        if request.raw_purpose is not None:
            caveats = (*caveats, dropped("input_type"))
        return Written(body, caveats)

    def read_response(self, body: bytes, heads: Heads, asked: EmbeddingRequest) -> EmbeddingResponse:
        read_told(body)
        answer = read_as(_Answer, json_of(body))
        items = sorted(enumerate(answer.data), key=lambda pair: pair[0] if pair[1].index is None else pair[1].index)
        return EmbeddingResponse(
            vectors=checked([vector(item.embedding) for _, item in items], asked),
            id=text_of(answer.id),
            model=text_of(answer.model),
            usage=read_usage(answer.usage, NAME),
            origin=NAME,
        )

    def write_response(self, answer: EmbeddingResponse, asked: EmbeddingRequest) -> Written[JsonObject]:
        used = 0 if answer.usage is None else answer.usage.input
        return Written(
            {
                "object": "list",
                "data": [
                    {"object": "embedding", "index": at, "embedding": pack(floats) if asked.packed else list(floats)}
                    for at, floats in enumerate(answer.vectors)
                ],
                "model": answer.model,
                "usage": {"prompt_tokens": used, "total_tokens": used},
            }
        )

    def read_along(self, body: bytes, heads: Heads = HEADLESS) -> Along:
        said, fields = read_told(body)
        if not isinstance(fields.get("data"), list):
            raise BadGatewayError("The provider's answer is JSON, but holds no embeddings.")
        return said


def vector(value: list[float] | str) -> list[float]:
    return unpack(value) if isinstance(value, str) else value


def _inputs(raw: Json) -> tuple[Input, ...]:
    """Raises BadRequestError that names the place."""
    match raw:
        case str() | dict():
            return (_input(raw, "$.input"),)
        case [int(), *_]:
            return (_input(raw, "$.input"),)
        case [_, *_]:
            return tuple(_input(item, f"$.input[{at}]") for at, item in enumerate(raw))
    raise BadRequestError("`input` must be a text, or a list of texts or tokens - at `$.input`.", param="input")


def _input(item: Json, where: str) -> Input:
    match item:
        case str() if item.startswith("data:image/"):
            return ImageInput(item)
        case str():
            return item
        case [int(), *_] if all(token.__class__ is int and token >= 0 for token in item):
            return tuple(item)
        case {"type": "text", "text": str(text)} if text:
            return text
        case {"image_url": {"url": str(url)}} | {"image_url": str(url)} | {"image": str(url)}:
            return ImageInput(url)
    raise BadRequestError(f"Expected a text, or tokens - at `{where}`.", param="input")


def _item(item: Input) -> Json:
    match item:
        case ImageInput(url):
            return url
        case tuple():
            return list(item)
    return item


def _text(known: JsonObject, name: str) -> str | None:
    """Takes it out."""
    value = known.pop(name, None)
    if value is None or isinstance(value, str):
        return value
    raise BadRequestError(f"`{name}` must be a text - at `$.{name}`.", param=name)


def _count(known: JsonObject, name: str) -> int | None:
    value = known.pop(name, None)
    if value is None or (value.__class__ is int and value > 0):
        return value
    raise BadRequestError(f"`{name}` must be a number above 0 - at `$.{name}`.", param=name)


def _truncate(known: JsonObject) -> bool | None:
    """`truncate` as a truth value, or as Cohere's and NVIDIA's word for which end goes."""
    value = known.pop("truncate", None)
    if isinstance(value, str):
        return value.upper() != "NONE"
    if value is None or isinstance(value, bool):
        return value
    raise BadRequestError("`truncate` must be true or false - at `$.truncate`.", param="truncate")


OPENAI_EMBEDDINGS = OpenAIEmbeddings()
