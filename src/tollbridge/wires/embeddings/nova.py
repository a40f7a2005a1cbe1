"""Amazon Nova's multimodal embeddings on Bedrock: one input a request.

    {"taskType": "SINGLE_EMBEDDING", "singleEmbeddingParams": {"embeddingPurpose", "embeddingDimension",
     "text": {"truncationMode", "value"} | "image": {"format", "source": {"bytes"}}}}
    {"embeddings": [{"embeddingType": "TEXT", "embedding": [...]}]}

https://docs.aws.amazon.com/nova/latest/userguide/embeddings-schema.html (seen 2026-11-26), and a recorded exchange.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from tollbridge.model.json import JsonObject
from tollbridge.model.tasks.embedding import EmbeddingRequest, EmbeddingResponse, ImageInput
from tollbridge.wires.base import Target, Written
from tollbridge.wires.embeddings.task import EMBEDDINGS, checked, text, used
from tollbridge.wires.embeddings.titan import counted, image_type, inline
from tollbridge.wires.one_way import OneWay, extras
from tollbridge.wires.task import Content, Heads, json_of, read_as

NAME = "nova_embeddings"
PURPOSES: Mapping[str, str] = {
    "query": "GENERIC_RETRIEVAL",
    "document": "GENERIC_INDEX",
    "classification": "CLASSIFICATION",
    "clustering": "CLUSTERING",
    "similarity": "GENERIC_RETRIEVAL",
}


class _Item(msgspec.Struct):
    embedding: list[float]


class _Answer(msgspec.Struct):
    embeddings: list[_Item]


class NovaEmbeddings(OneWay):
    name = NAME
    task = EMBEDDINGS
    in_path = True

    def most(self, model: str) -> int | None:
        return 1

    def write_request(self, request: EmbeddingRequest, to: Target) -> Written[Content]:
        _, caveats = extras(request, NAME)
        purpose = PURPOSES.get(request.purpose or "") or request.raw_purpose or "GENERIC_INDEX"
        params: JsonObject = {"embeddingPurpose": purpose}
        if request.dimensions is not None:
            params["embeddingDimension"] = request.dimensions
        [item] = request.inputs
        if isinstance(item, ImageInput):
            params["image"] = {"format": image_type(item).partition("/")[2], "source": {"bytes": inline(item)}}
        else:
            params["text"] = {"truncationMode": "END" if request.truncate else "NONE", "value": text(item, 0)}
        return Written({"taskType": "SINGLE_EMBEDDING", "singleEmbeddingParams": params}, caveats)

    def read_response(self, body: bytes, heads: Heads, asked: EmbeddingRequest) -> EmbeddingResponse:
        answer = read_as(_Answer, json_of(body))
        return EmbeddingResponse(
            vectors=checked([item.embedding for item in answer.embeddings], asked),
            usage=used(counted(heads), NAME),
            origin=NAME,
        )


NOVA_EMBEDDINGS = NovaEmbeddings()
