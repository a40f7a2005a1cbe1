"""Those who have no chat: they embed, rank, speak, write down or draw alone (`providers/tasks.py`)."""

from __future__ import annotations

from tollbridge.providers.auth import Bearer, HeaderKey
from tollbridge.providers.row import NO_CHAT, Provider

SEEN = "2026-11-26"

ALONE: tuple[Provider, ...] = (
    Provider(
        name="voyage",
        wire=NO_CHAT,
        base_url="https://api.voyageai.com/v1",
        bare_path="/v1",
        base_env=("VOYAGE_API_BASE",),
        key_env=("VOYAGE_API_KEY",),
        source="https://docs.voyageai.com/reference/embeddings-api",
        checked=SEEN,
    ),
    Provider(
        name="jina_ai",
        wire=NO_CHAT,
        base_url="https://api.jina.ai/v1",
        bare_path="/v1",
        base_env=("JINA_AI_API_BASE",),
        key_env=("JINA_AI_API_KEY",),
        source="https://api.jina.ai/redoc",
        checked=SEEN,
    ),
    Provider(
        name="deepgram",
        wire=NO_CHAT,
        base_url="https://api.deepgram.com/v1",
        bare_path="/v1",
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
        bare_path="/v1",
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
    Provider(
        name="recraft",
        wire=NO_CHAT,
        base_url="https://external.api.recraft.ai/v1",
        bare_path="/v1",
        base_env=("RECRAFT_API_BASE",),
        key_env=("RECRAFT_API_KEY",),
        source="https://www.recraft.ai/docs/api-reference/usage",
        checked="2026-11-27",
    ),
    Provider(
        name="stability",
        wire=NO_CHAT,
        base_url="https://api.stability.ai/v2beta",
        bare_path="/v2beta",
        base_env=("STABILITY_API_BASE",),
        key_env=("STABILITY_API_KEY",),
        headers=(("accept", "application/json"),),
        source="https://apis.io/examples/stability-ai/stability-ai-generate-image-core-example/",
        checked="2026-11-27",
    ),
    Provider(
        name="fal_ai",
        wire=NO_CHAT,
        base_url="https://fal.run",
        base_env=("FAL_AI_API_BASE",),
        key_env=("FAL_AI_API_KEY", "FAL_KEY"),
        auth=Bearer(scheme="Key"),
        source="https://apis.io/examples/fal-ai/fal-flux-schnell-example/",
        checked="2026-11-27",
    ),
)
