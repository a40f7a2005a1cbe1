"""Hugging Face's embeddings: Text Embeddings Inference (`/embed`), and the feature extraction of its hosted models.

    {"inputs": [...], "truncate", "normalize", "dimensions"}  ->  [[...], ...]

Neither tells of tokens in the body; TEI does in a header (`x-compute-tokens`).
https://huggingface.github.io/text-embeddings-inference/ (seen 2026-11-26).
"""

from __future__ import annotations

from tollbridge.errors import BadGatewayError
from tollbridge.model.json import Json
from tollbridge.model.tasks.embedding import EmbeddingRequest, EmbeddingResponse
from tollbridge.wires.base import Target, Written
from tollbridge.wires.embeddings.task import EMBEDDINGS, checked, texts, used
from tollbridge.wires.one_way import OneWay, dropped, extras, set_fields
from tollbridge.wires.task import Content, Heads, json_of, read_as

NAME = "tei_embeddings"
INPUTS_MAX = 32
"""`--max-client-batch-size` where nobody sets it."""
KNOWN = {name: name for name in ("normalize", "prompt_name", "truncation_direction")}


class TeiEmbeddings(OneWay):
    name = NAME
    task = EMBEDDINGS
    in_path = True

    def most(self, model: str) -> int | None:
        return INPUTS_MAX

    def write_request(self, request: EmbeddingRequest, to: Target) -> Written[Content]:
        fields, caveats = extras(request, NAME, KNOWN)
        if request.raw_purpose is not None:
            caveats = (*caveats, dropped("input_type"))
        settings = set_fields(truncate=request.truncate, dimensions=request.dimensions)
        return Written({"inputs": texts(request), **settings, **fields}, caveats)

    def read_response(self, body: bytes, heads: Heads, asked: EmbeddingRequest) -> EmbeddingResponse:
        counted = heads.headers.get("x-compute-tokens", "")
        return EmbeddingResponse(
            vectors=checked(_vectors(json_of(body)), asked),
            usage=used(int(counted) if counted.isdecimal() else None, NAME),
            origin=NAME,
        )


def _vectors(value: Json) -> list[list[float]]:
    """Raises BadGatewayError where a vector is there for each token: that model's server does not pool."""
    match value:
        case [[[*_], *_], *_]:
            raise BadGatewayError("The provider answered with a vector for each token, not for each text.")
    return read_as(list[list[float]], value)


TEI_EMBEDDINGS = TeiEmbeddings()
