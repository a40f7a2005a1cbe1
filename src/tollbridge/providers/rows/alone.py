"""Those who have no chat: they embed, rank, speak or write down alone (`providers/tasks.py`)."""

from __future__ import annotations

from tollbridge.providers.auth import Bearer, HeaderKey
from tollbridge.providers.row import NO_CHAT, Provider

SEEN = "2026-11-26"

ALONE: tuple[Provider, ...] = (
    Provider(
        name="voyage",
        wire=NO_CHAT,
        base_url="https://api.voyageai.com/v1",
        base_env=("VOYAGE_API_BASE",),
        key_env=("VOYAGE_API_KEY",),
        source="https://docs.voyageai.com/reference/embeddings-api",
        checked=SEEN,
    ),
    Provider(
        name="jina_ai",
        wire=NO_CHAT,
        base_url="https://api.jina.ai/v1",
        base_env=("JINA_AI_API_BASE",),
        key_env=("JINA_AI_API_KEY",),
        source="https://api.jina.ai/redoc",
        checked=SEEN,
    ),
    Provider(
        name="deepgram",
        wire=NO_CHAT,
        base_url="https://api.deepgram.com/v1",
        base_env=("DEEPGRAM_API_BASE",),
        key_env=("DEEPGRAM_API_KEY",),
        auth=Bearer(scheme="Token"),
        source="https://developers.deepgram.com/reference/speech-to-text/listen-pre-recorded",
        checked=SEEN,
    ),
    Provider(
        name="elevenlabs",
        wire=NO_CHAT,
        base_url="https://api.elevenlabs.io/v1",
        base_env=("ELEVENLABS_API_BASE",),
        key_env=("ELEVENLABS_API_KEY",),
        auth=HeaderKey("xi-api-key"),
        source="https://elevenlabs.io/docs/api-reference",
        checked=SEEN,
    ),
    Provider(
        name="infinity",
        wire=NO_CHAT,
        base_env=("INFINITY_API_BASE",),
        key_env=("INFINITY_API_KEY",),
        needs_key=False,
        local=True,
        source="https://github.com/michaelfeil/infinity",
        checked=SEEN,
    ),
)
