"""Those who pass a request on to others, and tell for whom it is by the model's name."""

from __future__ import annotations

from tollbridge.providers import patches
from tollbridge.providers.auth import HeaderKey
from tollbridge.providers.huggingface import ROUTER, huggingface_place
from tollbridge.providers.row import From, Provider
from tollbridge.providers.rows.alike import CHAT, CHECKED, RECORDED, SPEAKS_RESPONSES, hosted

GATEWAYS: tuple[Provider, ...] = (
    Provider(
        name="openrouter",
        wire=CHAT,
        base_url="https://openrouter.ai/api/v1",
        also=SPEAKS_RESPONSES,
        base_env=("OPENROUTER_API_BASE",),
        key_env=("OPENROUTER_API_KEY", "OR_API_KEY"),
        header_values={
            "http-referer": From("site_url", ("OR_SITE_URL",)),
            "x-title": From("app_name", ("OR_APP_NAME",)),
        },
        prefers={"reasoning_field": "reasoning_details", "reasoning": "reasoning", "cache_control": "yes"},
        tells_cost=True,
        source="https://openrouter.ai/docs/api-reference/overview",
        checked=CHECKED,
    ),
    Provider(
        name="portkey",
        wire=CHAT,
        base_url="https://api.portkey.ai/v1",
        base_env=("PORTKEY_API_BASE",),
        key_env=("PORTKEY_API_KEY",),
        auth=HeaderKey("x-portkey-api-key"),
        source=RECORDED,
        checked=CHECKED,
    ),
    hosted("vercel_ai_gateway", "https://ai-gateway.vercel.sh/v1", "VERCEL_AI_GATEWAY_API_KEY", "VERCEL_OIDC_TOKEN"),
    Provider(
        name="huggingface",
        wire=CHAT,
        base_url=f"https://{ROUTER}/v1",
        bare_path="/v1",
        base_env=("HF_API_BASE", "HUGGINGFACE_API_BASE"),
        key_env=("HF_TOKEN", "HUGGINGFACE_API_KEY"),
        place=huggingface_place,
        prefers={"system_role": "system"},
        patches=(patches.developer_is_system,),
        source="https://huggingface.co/docs/inference-providers/index",
        checked="2026-11-26",
    ),
    hosted("github", "https://models.github.ai/inference"),
    hosted("aiml", "https://api.aimlapi.com/v1", "AIML_API_KEY", "AIMLAPI_KEY"),
    hosted("cometapi", "https://api.cometapi.com/v1", "COMETAPI_API_KEY", "COMETAPI_KEY"),
)
