"""Which wire reads which recorded exchange of a task, and the reading of it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from tollbridge.calls.task_wires import provider_task_wire
from tollbridge.errors import APIError
from tollbridge.model.tasks.embedding import EmbeddingRequest
from tollbridge.model.tasks.image import ImageRequest
from tollbridge.model.tasks.moderation import ModerationRequest
from tollbridge.model.tasks.rerank import RerankRequest
from tollbridge.model.tasks.speech import SpeechRequest
from tollbridge.wires.task import Heads

EMBEDS = re.compile(r"/model/[^/]*(?:titan-embed|cohere\.embed|nova-2-multimodal)")
RERANKS = re.compile(r"/model/[^/]*rerank")
WIRE_OF: dict[tuple[str, str], str] = {
    ("cohere", "v2.embed"): "cohere_embeddings",
    ("cohere", "v1.embed"): "cohere_embeddings",
    ("cohere", "v2.rerank"): "cohere_rerank",
    ("cohere", "v1.rerank"): "cohere_rerank",
    ("openrouter", "rerank"): "cohere_rerank",
    ("voyage", "rerank"): "voyage_rerank",
    ("voyage", "embeddings"): "voyage_embeddings",
    ("gemini", "batchEmbedContents"): "gemini_embeddings",
    ("ollama", "api.embeddings"): "ollama_embeddings",
    ("perplexity", "embeddings"): "perplexity_embeddings",
    ("openai", "moderations"): "openai_moderations",
    ("openai", "images.generations"): "openai_images",
    ("openai", "images.edits"): "openai_image_edits",
    ("xai", "images.generations"): "openai_images",
    ("mistral", "audio.speech"): "mistral_speech",
    ("vertex", "predict"): "vertex_embeddings",
    ("vertex", "embedContent"): "gemini_embed_content",
    **{(name, "embeddings"): "openai_embeddings" for name in ("openai", "azure", "mistral", "openrouter")},
}
INPUTS: dict[str, Callable[[dict[str, Any]], list[Any]]] = {
    "texts": lambda body: body["texts"],
    "inputs": lambda body: body["inputs"],
    "requests": lambda body: body["requests"],
    "instances": lambda body: body["instances"],
    "input": lambda body: [body["input"]] if isinstance(body["input"], str) else body["input"],
}


def wire_of(exchange: dict[str, Any]) -> str | None:
    if exchange["provider"] == "bedrock" and exchange["endpoint"] == "invoke":
        url = exchange["url"]
        if RERANKS.search(url):
            return "bedrock_rerank"
        if EMBEDS.search(url):
            return next(
                name
                for part, name in (
                    ("titan", "titan_embeddings"),
                    ("cohere", "bedrock_cohere_embeddings"),
                    ("nova", "nova_embeddings"),
                )
                if part in url
            )
    return WIRE_OF.get((exchange["provider"], exchange["endpoint"]))


def answer_of(exchange: dict[str, Any]) -> tuple[bytes, Heads]:
    headers = {name.lower(): value for name, value in exchange["response_headers"].items()}
    return json.dumps(exchange["response_body"]).encode(), Heads(headers.get("content-type", ""), headers)


def read(exchange: dict[str, Any], wire: Any, asked: Any) -> Any:
    """The answer; None where it is a refusal, which must read as one."""
    body, heads = answer_of(exchange)
    if exchange["status"] >= 400:
        error = wire.read_error(exchange["status"], dict(heads.headers), body)
        assert isinstance(error, APIError)
        assert error.status_code == exchange["status"]
        assert error.message
        assert not error.message.startswith("The provider answered")
        return None
    return wire.read_response(body, heads, asked)


def request_of(exchange: dict[str, Any], task: str) -> Any:
    """As much of what was asked as reading its answer needs."""
    body = exchange.get("request_body") or {}
    match task:
        case "embeddings":
            count = next((len(take(body)) for name, take in INPUTS.items() if name in body), 1)
            return EmbeddingRequest(inputs=("x",) * count)
        case "rerank":
            return RerankRequest(query=body["query"], documents=tuple(body["documents"]))
        case "moderations":
            return ModerationRequest(inputs=("x",))
        case "speech":
            return SpeechRequest(text="x")
    return ImageRequest(prompt="x")


def read_exchange(exchange: dict[str, Any]) -> None:
    """Raises where it cannot be read."""
    wire = provider_task_wire(wire_of(exchange) or "")
    read(exchange, wire, request_of(exchange, wire.task.name))
