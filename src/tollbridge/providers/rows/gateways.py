"""Those who pass a request on to others, and tell for whom it is by the model's name."""

from __future__ import annotations

from tollbridge.providers import patches
from tollbridge.providers.auth import HeaderKey
from tollbridge.providers.huggingface import ROUTER, huggingface_place
from tollbridge.providers.row import From, Provider
from tollbridge.providers.rows.alike import CHAT, CHECKED, RECORDED, SPEAKS_BOTH, SPEAKS_RESPONSES, hosted, register

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
        prefers={"reasoning_field": "reasoning_details", "reasoning": "reasoning", "cache_control": "yes"}
        | {"mend_answers": "yes"},  # annotations in streams without `index`
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
    hosted(
        "vercel_ai_gateway",
        "https://ai-gateway.vercel.sh/v1",
        "VERCEL_AI_GATEWAY_API_KEY",
        "VERCEL_OIDC_TOKEN",
        reasoning="reasoning",
        source=register("vercel", "https://vercel.com/docs/ai-gateway/sdks-and-apis/openai-chat-completions/advanced"),
    ),
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
    hosted(
        "github",
        "https://models.github.ai/inference",
        source=register("github-models", "https://docs.github.com/en/github-models"),
    ),
    hosted(
        "aihubmix",
        "https://aihubmix.com/v1",
        also=SPEAKS_BOTH,
        reasoning="reasoning_effort",
        source=register("aihubmix", "https://docs.aihubmix.com/cn/api/unified-inference"),
    ),
    hosted(
        "nano-gpt",
        "https://nano-gpt.com/api/v1",
        "NANOGPT_API_KEY",
        base_env="NANOGPT_API_BASE",
        reasoning="reasoning_effort",
        old_names=True,
        source=register("nano-gpt", "https://docs.nano-gpt.com/api-reference/miscellaneous/extended-thinking"),
    ),
    hosted(
        "cortecs",
        "https://api.cortecs.ai/v1",
        reasoning="reasoning_effort",
        source=register("cortecs", "https://docs.cortecs.ai"),
    ),
    hosted(
        "helicone",
        "https://ai-gateway.helicone.ai/v1",
        reasoning="reasoning_effort",
        source=register("helicone", "https://docs.helicone.ai/gateway/concepts/reasoning"),
    ),
    hosted(
        "poe",
        "https://api.poe.com/v1",
        old_names=True,
        source=register("poe", "https://creator.poe.com/docs/external-applications/openai-compatible-api"),
    ),
    hosted(
        "neosantara",
        "https://api.neosantara.xyz/v1",
        reasoning="reasoning_effort",
        old_names=True,
        source=register("neosantara", "https://docs.neosantara.xyz"),
    ),
    hosted(
        "empiriolabs",
        "https://api.empiriolabs.ai/v1",
        old_names=True,
        source=register("empiriolabs", "https://docs.empiriolabs.ai"),
    ),
    hosted(
        "opencode_go",
        "https://opencode.ai/zen/go/v1",
        "OPENCODE_GO_API_KEY",
        "OPENCODE_API_KEY",
        source=register("opencode-go", "https://opencode.ai/docs/go"),
    ),
    hosted(
        "assemblyai",
        "https://llm-gateway.assemblyai.com/v1",
        auth=HeaderKey("authorization"),  # the bare key: "NOT Bearer", say its pages
        source="https://www.assemblyai.com/docs/llm-gateway/chat-completions",
    ),
    hosted(
        "apertis",
        "https://api.apertis.ai/v1",
        "STIMA_API_KEY",
        "APERTIS_API_KEY",
        base_env="STIMA_API_BASE",
        old_names=True,
        source=register("apertis", "https://apertis.ai/docs"),
    ),
    hosted("clf_ai_gateway", "https://api.clfaigateway.dev/v1"),
    hosted(
        "edenai",
        "https://api.edenai.run/v3",
        reasoning="reasoning_effort_max",
        source=register("edenai", "https://docs.edenai.co"),
    ),
    hosted("hostinger_router", "https://router.hostinger.com/v1", also=SPEAKS_RESPONSES),
    hosted("kyma", "https://kymaapi.com/v1"),
    hosted("nadir", "https://api.getnadir.com/v1", old_names=True),
    hosted(
        "aiml",
        "https://api.aimlapi.com/v1",
        "AIML_API_KEY",
        "AIMLAPI_KEY",
        source=register("aimlapi", "https://docs.aimlapi.com"),
    ),
    hosted("cometapi", "https://api.cometapi.com/v1", "COMETAPI_API_KEY", "COMETAPI_KEY"),
)
