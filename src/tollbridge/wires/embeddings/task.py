"""The task, and what its wires share: vectors packed and unpacked, requests cut and answers joined."""

from __future__ import annotations

import base64
import binascii
import sys
from array import array
from collections.abc import Sequence

import msgspec

from tollbridge.errors import BadGatewayError, BadRequestError
from tollbridge.model.response import Caveat, Usage
from tollbridge.model.tasks.embedding import EmbeddingRequest, EmbeddingResponse, ImageInput, Input
from tollbridge.wires.one_way import dropped
from tollbridge.wires.task import Task


def parts(asked: EmbeddingRequest, most: int) -> Sequence[EmbeddingRequest]:
    inputs = asked.inputs
    return [
        msgspec.structs.replace(asked, inputs=inputs[start : start + most]) for start in range(0, len(inputs), most)
    ]


def joined(answers: Sequence[EmbeddingResponse]) -> EmbeddingResponse:
    """One answer of several. What one of them used and does not tell makes the sum unknown."""
    usages = [answer.usage for answer in answers]
    known = [usage for usage in usages if usage is not None]
    usage = None
    if len(known) == len(usages):
        usage = msgspec.structs.replace(
            known[0],
            input=sum(one.input for one in known),
            image_input=sum(one.image_input or 0 for one in known) or None,
            extra={},
        )
    vectors = tuple(vector for answer in answers for vector in answer.vectors)
    return msgspec.structs.replace(answers[0], vectors=vectors, usage=usage)


EMBEDDINGS: Task[EmbeddingRequest, EmbeddingResponse] = Task("embeddings", parts, joined)


def pack(vector: Sequence[float]) -> str:
    """Base64 of little-endian 32-bit floats."""
    floats = array("f", vector)
    if sys.byteorder == "big":
        floats.byteswap()
    return base64.b64encode(floats.tobytes()).decode()


def unpack(text: str) -> list[float]:
    """Raises BadGatewayError."""
    floats = array("f")
    try:
        floats.frombytes(base64.b64decode(text, validate=True))
    except (binascii.Error, ValueError) as error:
        raise BadGatewayError("The provider packed a vector in a way that nobody reads.") from error
    if sys.byteorder == "big":
        floats.byteswap()
    return floats.tolist()


def texts(asked: EmbeddingRequest) -> list[str]:
    """The inputs, where all of them are texts. Raises BadRequestError."""
    return [text(item, at) for at, item in enumerate(asked.inputs)]


def text(item: Input, at: int) -> str:
    if isinstance(item, str):
        return item
    what = "an image" if isinstance(item, ImageInput) else "tokens"
    raise BadRequestError(
        f"This model takes texts, not {what} - at `$.input[{at}]`.", param="input", code="unsupported_input"
    )


def uncut(asked: EmbeddingRequest) -> tuple[Caveat, ...]:
    """Of a model that always refuses what is too long."""
    return (dropped("truncate", "this model refuses what is too long"),) if asked.truncate else ()


def checked(vectors: Sequence[Sequence[float]], asked: EmbeddingRequest) -> tuple[Sequence[float], ...]:
    """Raises BadGatewayError where there is not one for each input."""
    if len(vectors) != len(asked.inputs):
        raise BadGatewayError(
            f"The provider answered with {len(vectors)} vectors where {len(asked.inputs)} were asked for."
        )
    return tuple(vectors)


def used(tokens: int | None, origin: str, image_tokens: int | None = None) -> Usage | None:
    if tokens is None:
        return None
    return Usage(input=tokens + (image_tokens or 0), image_input=image_tokens or None, origin=origin)
