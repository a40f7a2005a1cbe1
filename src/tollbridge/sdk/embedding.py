"""`embedding` and `aembedding`: vectors of texts, in OpenAI's words, from whoever gives them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from tollbridge.calls.exchange import Answer
from tollbridge.errors import BadRequestError
from tollbridge.model.json import JsonObject
from tollbridge.sdk.answers import told
from tollbridge.sdk.call import Call, read_task
from tollbridge.sdk.engine import task
from tollbridge.sdk.loop import BACKGROUND
from tollbridge.sdk.objects import EmbeddingResponse
from tollbridge.wires.embeddings.openai import NAME, vector

Input = str | Iterable[str] | Iterable[int] | Iterable[Iterable[int]]


async def aembedding(model: str, input: Input, **parameters: Any) -> EmbeddingResponse:
    """One vector for each text of `input` (tokens, or lists of tokens, will do where the model takes them).
    `parameters`: `dimensions`, `encoding_format`, `input_type`, `user`, and what `completion` takes to say who answers
    and how long it may take; others are forwarded in the body. `encoding_format="base64"` is unpacked here. Raises
    APIError (`tollbridge.exceptions`)."""
    return await task(read_embedding(model, input, parameters), embedded)


def read_embedding(model: str, input: Input, parameters: Mapping[str, Any]) -> Call:
    """Raises BadRequestError that names the parameter."""
    if not input or isinstance(input, bytes | Mapping) or not isinstance(input, Iterable):
        raise BadRequestError("`input` must be a text, or a list of texts or tokens.", param="input")
    said = input if isinstance(input, str) else list(input)
    return read_task(model, NAME, {"input": said}, parameters)


def embedded(answer: Answer, known: JsonObject) -> EmbeddingResponse:
    value = msgspec.json.decode(answer.body)
    for item in value["data"]:
        if isinstance(item, dict) and isinstance(item.get("embedding"), str):
            item["embedding"] = vector(item["embedding"])
    return told(EmbeddingResponse(value), answer, known)


def embedding(model: str, input: Input, **parameters: Any) -> EmbeddingResponse:
    """`aembedding` for a program without async, also inside a running loop (a notebook)."""
    return BACKGROUND.run(aembedding(model, input, **parameters))
