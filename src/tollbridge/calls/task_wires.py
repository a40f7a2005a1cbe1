"""The wires of tasks by their names, each read when it is first asked for."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import cast

from tollbridge.wires.task import AnyProviderTaskWire, AnyTaskWire

_ROOM = "tollbridge.wires."
HOMES: Mapping[str, str] = {
    "openai_embeddings": "embeddings.openai",
    "cohere_embeddings": "embeddings.cohere",
    "gemini_embeddings": "embeddings.gemini",
    "gemini_embed_content": "embeddings.gemini",
    "vertex_embeddings": "embeddings.vertex",
    "ollama_embeddings": "embeddings.ollama",
    "voyage_embeddings": "embeddings.voyage",
    "jina_embeddings": "embeddings.jina",
    "tei_embeddings": "embeddings.tei",
    "perplexity_embeddings": "embeddings.perplexity",
    "titan_embeddings": "embeddings.titan",
    "nova_embeddings": "embeddings.nova",
    "bedrock_cohere_embeddings": "embeddings.bedrock_cohere",
    "openai_completions": "openai_completions",
    "mistral_fim": "mistral_fim",
    "cohere_rerank": "rerank.cohere",
    "voyage_rerank": "rerank.voyage",
    "tei_rerank": "rerank.tei",
    "bedrock_rerank": "rerank.bedrock",
    "openai_moderations": "moderations.openai",
    "mistral_moderations": "moderations.mistral",
    "openai_speech": "audio.openai_speech",
    "mistral_speech": "audio.mistral_speech",
    "deepgram_listen": "audio.deepgram_listen",
    "elevenlabs_speech": "audio.elevenlabs",
    "elevenlabs_transcriptions": "audio.elevenlabs",
    "polly_speech": "audio.polly",
    "openai_transcriptions": "audio.openai_transcriptions",
    "openai_translations": "audio.openai_transcriptions",
    "openai_images": "images.openai",
    "openai_image_edits": "images.openai",
    "gemini_images": "images.gemini",
    "imagen_images": "images.imagen",
    "fal_images": "images.fal",
    "stability_images": "images.stability",
}
"""Where each is: the value of that name, in capitals."""
CLIENTS: Mapping[str, str] = {
    "gemini_embed_one": "embeddings.gemini_asked",
    "gemini_embed_batch": "embeddings.gemini_asked",
}
"""Likewise those that clients alone speak."""


def provider_task_wire(name: str) -> AnyProviderTaskWire:
    return cast(AnyProviderTaskWire, _load(HOMES, name))


def task_wire(name: str) -> AnyTaskWire:
    """Of one that clients speak."""
    return cast(AnyTaskWire, _load({**HOMES, **CLIENTS}, name))


def _load(homes: Mapping[str, str], name: str) -> object:
    module = import_module(_ROOM + homes[name])  # a task's code is loaded by the first request for it
    return getattr(module, name.upper())
