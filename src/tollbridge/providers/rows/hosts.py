"""Those who serve the open models of others."""

from __future__ import annotations

from tollbridge.providers import patches
from tollbridge.providers.row import Provider
from tollbridge.providers.rows.alike import CHAT, CHECKED, OLD_FIELD, OLD_NAME, PENALTIES, RECORDED, TOP_K, hosted

HOSTS: tuple[Provider, ...] = (
    Provider(
        name="groq",
        wire=CHAT,
        base_url="https://api.groq.com/openai/v1",
        base_env=("GROQ_API_BASE",),
        key_env=("GROQ_API_KEY",),
        drops=frozenset({"logprobs", "top_logprobs", "logit_bias"}),
        lacks=TOP_K | {"logprobs", "top_logprobs", "choices", "reasoning_history"},
        prefers={"system_role": "system"},
        patches=(patches.developer_is_system, patches.standard_messages),
        source="https://console.groq.com/docs/openai",
        checked=CHECKED,
    ),
    Provider(
        name="cerebras",
        wire=CHAT,
        base_url="https://api.cerebras.ai/v1",
        base_env=("CEREBRAS_API_BASE",),
        key_env=("CEREBRAS_API_KEY",),
        drops=PENALTIES | {"logit_bias", "parallel_tool_calls", "service_tier"},
        lacks=PENALTIES | {"parallel_tools", "reasoning_history"},
        prefers={"system_role": "system"},
        patches=(patches.developer_is_system, patches.standard_messages),
        source="https://inference-docs.cerebras.ai/resources/openai",
        checked=CHECKED,
    ),
    Provider(
        name="fireworks_ai",
        wire=CHAT,
        base_url="https://api.fireworks.ai/inference/v1",
        base_env=("FIREWORKS_API_BASE",),
        key_env=("FIREWORKS_AI_API_KEY", "FIREWORKS_API_KEY", "FIREWORKSAI_API_KEY", "FIREWORKS_AI_TOKEN"),
        prefers=OLD_NAME,
        renames=OLD_FIELD,
        patches=(patches.developer_is_system,),
        qualifies="accounts/fireworks/models/",
        source="https://docs.fireworks.ai/api-reference/post-chatcompletions",
        checked=CHECKED,
    ),
    hosted(
        "together_ai",
        "https://api.together.ai/v1",
        "TOGETHER_API_KEY",
        "TOGETHER_AI_API_KEY",
        "TOGETHERAI_API_KEY",
        "TOGETHER_AI_TOKEN",
        source=RECORDED,
    ),
    hosted("baseten", "https://inference.baseten.co/v1", "BASETEN_API_KEY", "BASETEN_KEY"),
    hosted("crusoe", "https://api.inference.crusoecloud.com/v1", source=RECORDED),
    hosted("deepinfra", "https://api.deepinfra.com/v1/openai"),
    hosted("featherless_ai", "https://api.featherless.ai/v1", "FEATHERLESS_AI_API_KEY", "FEATHERLESS_API_KEY"),
    hosted(
        "friendliai",
        "https://api.friendli.ai/serverless/v1",
        "FRIENDLIAI_API_KEY",
        "FRIENDLI_TOKEN",
        base_env="FRIENDLI_API_BASE",
    ),
    hosted("hyperbolic", "https://api.hyperbolic.xyz/v1"),
    hosted("lambda_ai", "https://api.lambda.ai/v1", "LAMBDA_API_KEY", base_env="LAMBDA_API_BASE"),
    hosted("nebius", "https://api.studio.nebius.ai/v1"),
    hosted("novita", "https://api.novita.ai/v3/openai"),
    hosted("nscale", "https://inference.api.nscale.com/v1"),
    hosted("sambanova", "https://api.sambanova.ai/v1"),
    hosted("wandb", "https://api.inference.wandb.ai/v1"),
)
