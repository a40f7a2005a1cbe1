"""`embedding` and `aembedding`: vectors of texts, in OpenAI's words, from whoever speaks its format for them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tollbridge.sdk.call import read_embeddings
from tollbridge.sdk.engine import embeddings
from tollbridge.sdk.loop import BACKGROUND
from tollbridge.sdk.objects import EmbeddingResponse

Input = str | Iterable[str] | Iterable[int] | Iterable[Iterable[int]]


async def aembedding(model: str, input: Input, **parameters: Any) -> EmbeddingResponse:
    """One vector for each text of `input` (tokens, or lists of tokens, will do). `parameters`: `dimensions`,
    `encoding_format`, `user`, and what `completion` takes to say who answers and how long it may take; others are
    forwarded in the body. `encoding_format="base64"` is unpacked here. Raises APIError (`tollbridge.exceptions`).
    """
    return await embeddings(read_embeddings(model, input, parameters))


def embedding(model: str, input: Input, **parameters: Any) -> EmbeddingResponse:
    """`aembedding` for a program without async, also inside a running loop (a notebook)."""
    return BACKGROUND.run(aembedding(model, input, **parameters))
